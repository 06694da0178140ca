"""Panels that come and go while the gate works."""

from pathlib import Path

from drivers.signal.simulated import last_lamps
from firmware.messages import Advised, Heartbeat, Hinted, Reading, encode
from tests.firmware.test_gate import running_gate


def test_a_panel_that_goes_as_a_pass_is_read_harms_nobody(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        now_ns = running.clock.monotonic_ns()
        for message in (Heartbeat(1), Reading((running.site.good(),), now_ns, now_ns)):
            running.reader.send(encode(message))
        running.gate.turn(0)
        running.panel.close()  # its end and the pass wait in one turn: telling the answer drops it
        running.turn()
        assert last_lamps(running.site.config.lamp_history).green
        assert [row.verdict for row in running.rows()] == ["accepted"]


def test_a_reader_s_hint_reaches_the_panels_and_leaves_no_trace(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        now_ns = running.clock.monotonic_ns()
        for message in (Heartbeat(1), Hinted("too-far", now_ns)):
            running.reader.send(encode(message))
        running.turn()
        hints = [event.hint for event in running.told() if isinstance(event, Advised)]
        assert hints == ["too-far"]
        assert running.rows() == []
        assert not last_lamps(running.site.config.lamp_history).green

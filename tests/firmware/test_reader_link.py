"""The reader's way to the gate: it waits for none, and drops what nobody takes."""

from pathlib import Path

from firmware.messages import (
    MAX_MESSAGE_BYTES,
    MAX_TEXT_CHARS,
    MAX_TEXTS,
    Heartbeat,
    Reading,
    decode_reader_message,
)
from firmware.reader import RECONNECT_NS, Link
from firmware.sockets import listen


class TestLink:
    def test_it_waits_for_a_gate_and_finds_the_next_one(self, tmp_path: Path) -> None:
        path = tmp_path / "readings.sock"
        now_ns = [0]
        link = Link(path, lambda: now_ns[0])
        assert not link.send(Heartbeat(1))
        for frames in (2, 3):
            with listen(path) as gate:
                now_ns[0] += RECONNECT_NS
                assert link.send(Heartbeat(frames))
                client, _ = gate.accept()
                with client:
                    assert decode_reader_message(client.recv(MAX_MESSAGE_BYTES)) == Heartbeat(frames)
            assert not link.send(Heartbeat(9))
        assert not link.send(Heartbeat(9))
        link.close()
        link.close()

    def test_a_gate_that_is_busy_is_not_waited_for(self, tmp_path: Path) -> None:
        path = tmp_path / "readings.sock"
        with listen(path):
            link = Link(path, lambda: RECONNECT_NS)
            sent = 0
            while link.send(Reading(("x" * 1000,), 0, 0)):
                sent += 1
            assert sent > 0
            assert link.send(Reading(("\0" * MAX_TEXT_CHARS,) * MAX_TEXTS, 0, 0)) is False
            link.close()

    def test_text_that_is_no_unicode_is_not_sent(self, tmp_path: Path) -> None:
        with listen(tmp_path / "s") as gate:
            link = Link(tmp_path / "s", lambda: RECONNECT_NS)
            assert link.send(Reading(("\ud800",), 0, 0)) is False
            assert link.send(Heartbeat(1))
            client, _ = gate.accept()
            with client:
                assert decode_reader_message(client.recv(MAX_MESSAGE_BYTES)) == Heartbeat(1)
            link.close()

    def test_what_is_too_large_loses_its_last_texts(self, tmp_path: Path) -> None:
        with listen(tmp_path / "s") as gate:
            link = Link(tmp_path / "s", lambda: RECONNECT_NS)
            assert link.send(Reading(("HC1:A", *("\0" * MAX_TEXT_CHARS,) * (MAX_TEXTS - 1)), 0, 0))
            client, _ = gate.accept()
            with client:
                reading = decode_reader_message(client.recv(MAX_MESSAGE_BYTES))
            assert isinstance(reading, Reading)
            assert reading.texts == ("HC1:A", "\0" * MAX_TEXT_CHARS)
            link.close()

"""The file of the simulated lamps: what is in it, and that it outlives its program."""

from __future__ import annotations

import signal as posix_signals
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from drivers.errors import DeviceError, DeviceMissingError
from drivers.signal import darken, open_signal
from drivers.signal.history import HISTORY_MAX_BYTES
from drivers.signal.lease import LeasedSignal
from drivers.signal.simulated import Lamps, SimulatedLamps, last_lamps, read_history

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return tmp_path / "lamps.jsonl"


def levels(history: Path) -> list[tuple[str, bool, bool]]:
    return [(lamps.by, lamps.red, lamps.green) for lamps in read_history(history)]


def test_each_change_and_each_lease_is_one_line(history: Path) -> None:
    before_ns = time.monotonic_ns()
    with open_signal("simulated", history=history) as signal:
        for _ in range(2):
            signal.show(red=True, green=False)
        for _ in range(2):
            signal.show(red=False, green=True, lease_s=30)
    assert levels(history) == [
        ("open", False, False),
        ("show", True, False),
        ("show", False, True),
        ("show", False, True),
        ("close", False, False),
    ]
    shown = read_history(history)
    assert [lamps.lease_s for lamps in shown] == [0, 0, 30, 30, 0]
    assert before_ns < shown[0].t_ns < shown[1].t_ns < shown[-1].t_ns < time.monotonic_ns()


def test_the_end_of_a_lease_is_a_line_of_its_own(history: Path) -> None:
    with open_signal("simulated", history=history) as signal:
        signal.show(red=False, green=True, lease_s=0.02)
        end_s = time.monotonic() + 1
        while last_lamps(history).green and time.monotonic() < end_s:
            time.sleep(0.002)
    lit, out = read_history(history)[1:3]
    assert (lit.by, out.by) == ("show", "lease")
    assert 0.02 <= (out.t_ns - lit.t_ns + 2e6) / 1e9 < 0.5  # the lease counts from just before the line


KILLED_WHILE_GREEN = """
import os, signal, sys
from pathlib import Path
from drivers.signal import open_signal
open_signal("simulated", history=Path(sys.argv[1])).show(red=False, green=True, lease_s=60)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_program_leaves_green_until_it_is_darkened(history: Path) -> None:
    died = subprocess.run([sys.executable, "-c", KILLED_WHILE_GREEN, str(history)], check=False, timeout=10)
    assert died.returncode == -posix_signals.SIGKILL
    assert last_lamps(history).green
    darken("simulated", history=history)
    assert last_lamps(history).by == "darken"
    assert not last_lamps(history).green


def test_opening_again_darkens_too(history: Path) -> None:
    lamps = SimulatedLamps(history)
    lamps.put(red=False, green=True, amber=False, lease_s=60, by="show")
    lamps.close()
    with open_signal("simulated", history=history):
        assert levels(history)[-1] == ("open", False, False)


@pytest.mark.parametrize("torn", [b"", b"{", b'{"t_ns": 12', b'{"t_ns": 12}', b"7", b"\xff\xfe"])
def test_a_torn_last_line_hides_neither_what_was_nor_what_follows(history: Path, torn: bytes) -> None:
    darken("simulated", history=history)
    with history.open("ab") as file:
        file.write(torn)
    assert levels(history) == [("darken", False, False)]
    assert last_lamps(history).by == "darken"
    with open_signal("simulated", history=history):
        assert levels(history) == [("darken", False, False), ("open", False, False)]


def test_amber_is_written_only_where_it_is_fitted(history: Path) -> None:
    darken("simulated", history=history)
    assert b"amber" not in history.read_bytes()
    with open_signal("simulated", amber_pin=24, history=history) as signal:
        for _ in range(2):
            signal.show(red=False, green=False, amber=True)
        signal.show(red=False, green=False)
    shown = [(lamps.by, lamps.amber) for lamps in read_history(history)]
    assert shown == [("darken", False), ("open", False), ("show", True), ("show", False), ("close", False)]


def test_the_last_lamps_are_found_behind_a_long_past(history: Path) -> None:
    line = b'{"t_ns": 1, "red": true, "green": false, "lease_s": 0.0, "by": "show"}\n'
    history.write_bytes(line * 10_000 + line.replace(b'"t_ns": 1', b'"t_ns": 2'))
    assert last_lamps(history) == Lamps(t_ns=2, red=True, green=False, lease_s=0.0, by="show")


def test_a_long_history_is_begun_anew_and_the_one_before_it_kept(history: Path) -> None:
    with LeasedSignal(SimulatedLamps(history)) as signal:
        shown = 0
        while not history.with_name("lamps.jsonl.1").exists():
            assert history.stat().st_size < HISTORY_MAX_BYTES + 200
            signal.show(red=shown % 2 == 0, green=False)
            shown += 1
        assert history.stat().st_size < 400
        assert last_lamps(history).red == (shown % 2 == 1)
        assert len(read_history(history)) == shown + 1  # and the opening
        signal.show(red=False, green=True, lease_s=30)
    assert levels(history)[-2:] == [("show", False, True), ("close", False, False)]


def test_each_long_history_takes_the_place_of_the_one_before(history: Path) -> None:
    line = b'{"t_ns": 1, "red": true, "green": false, "lease_s": 0.0, "by": "show"}\n'
    for _ in range(2):
        history.write_bytes(line * (HISTORY_MAX_BYTES // len(line) + 1))
        darken("simulated", history=history)
    assert sorted(file.name for file in history.parent.iterdir()) == ["lamps.jsonl", "lamps.jsonl.1"]
    assert levels(history)[-1] == ("darken", False, False)
    assert history.stat().st_size < 400


def test_a_history_that_cannot_be_begun_anew_goes_on(history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.signal.history.HISTORY_MAX_BYTES", 10)
    history.with_name("lamps.jsonl.new").mkdir()
    for _ in range(3):
        darken("simulated", history=history)
    assert levels(history) == [("darken", False, False)] * 3


def test_lamps_that_never_were_are_dark(history: Path) -> None:
    assert not last_lamps(history).green
    history.write_bytes(b"")
    assert not last_lamps(history).red


def test_a_history_is_needed() -> None:
    with pytest.raises(ValueError, match="history"):
        open_signal("simulated")


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeviceMissingError, match="nowhere") as missing:
        open_signal("simulated", history=tmp_path / "nowhere" / "lamps.jsonl")
    assert missing.value.cure


def test_a_full_disk_is_an_error_and_never_green(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with pytest.raises(DeviceError, match="No space left"):
        open_signal("simulated", history=full)


def test_a_line_written_in_part_is_closed_by_the_next(history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os  # noqa: PLC0415 - only to tear a write

    whole = os.write
    with LeasedSignal(SimulatedLamps(history)) as signal:
        with monkeypatch.context() as disk:
            disk.setattr(os, "write", lambda fd, line: whole(fd, line[:20]))
            with pytest.raises(DeviceError, match="in part"):
                signal.show(red=True, green=False)
        signal.show(red=True, green=False)
        assert levels(history)[-1] == ("show", True, False)

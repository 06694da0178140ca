"""The reader's loop with a camera that stalls, is lost and comes back, or is never found."""

import json
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from drivers.errors import CameraLostError, DeviceMissingError, SoftwareMissingError
from firmware.events import CameraBack, CameraFault
from firmware.messages import Heartbeat, ReaderFault
from firmware.reader import IDLE_S, PATIENCE_S, Reader, main
from tests.firmware.reader_desk import Desk, Step, frame, lost, stalled
from tests.firmware.site import make_site


@pytest.mark.parametrize(("fails", "fault"), [(stalled, "camera-stalled"), (lost, "no-camera")])
def test_a_camera_that_fails_is_closed_told_opened_again_and_told(fails: Step, fault: ReaderFault) -> None:
    desk = Desk([frame, fails, frame])
    reader = desk.reader()
    reader.turn()
    reader.turn()
    assert desk.closed == 1
    assert desk.sent[-1] == Heartbeat(1, fault)
    assert reader.turn() == IDLE_S
    assert desk.opened == 1
    desk.now_ns += 500_000_000
    reader.turn()
    assert desk.opened == 2
    assert desk.sent[-1] == Heartbeat(2)
    assert [type(event) for event in desk.logged] == [CameraFault, CameraBack]
    assert desk.forgotten == 1  # who stands there now, nobody knows


def test_a_camera_that_stays_away_is_tried_ever_more_rarely() -> None:
    desk = Desk([lost])
    reader = desk.reader()
    reader.turn()
    desk.unplugged = DeviceMissingError("no /dev/video0")
    tried = []
    for _ in range(250):
        desk.now_ns += 100_000_000
        before = reader._reopen_ns
        reader.turn()
        if reader._reopen_ns != before:
            tried.append(desk.now_ns / 1e9)
    assert tried == [0.5, 1.5, 3.5, 7.5, 12.5, 17.5, 22.5]
    assert len(desk.logged) == 1
    beats = [message for message in desk.sent if isinstance(message, Heartbeat)]
    assert len(beats) == 51


def test_a_camera_that_is_found_late_is_waited_for_and_the_gate_told_meanwhile() -> None:
    desk = Desk([frame], unplugged=DeviceMissingError("no /dev/video0"))
    reader = desk.reader()
    for _ in range(99):
        reader.turn()
        desk.now_ns += 100_000_000
    assert not reader.found  # nor ready
    assert desk.sent[0] == Heartbeat(0, "no-camera")
    desk.unplugged = None
    for _ in range(5):
        reader.turn()
        desk.now_ns += 100_000_000
        if reader.found:
            break
    assert reader.found
    assert desk.sent[-1] == Heartbeat(1)
    assert [type(event) for event in desk.logged] == [CameraFault, CameraBack]


def test_a_camera_that_is_never_found_is_refused_after_a_while() -> None:
    desk = Desk(unplugged=DeviceMissingError("no /dev/video0"))
    reader = desk.reader()
    with pytest.raises(DeviceMissingError):  # noqa: PT012 - which turn it is, is what is tested
        while True:
            reader.turn()
            desk.now_ns += 100_000_000
            assert desk.now_ns <= PATIENCE_S * 1e9
    assert desk.now_ns == PATIENCE_S * 1e9


def test_software_that_is_not_installed_is_not_waited_for() -> None:
    with pytest.raises(SoftwareMissingError):
        Desk(unplugged=SoftwareMissingError("Picamera2 is not installed")).reader().turn()


def test_a_camera_that_fails_at_the_start_is_waited_for_as_later() -> None:
    desk = Desk(unplugged=CameraLostError("gone"))
    reader = desk.reader()
    reader.turn()
    assert desk.sent == [Heartbeat(0, "no-camera")]
    desk.unplugged = DeviceMissingError("no /dev/video0")
    desk.now_ns += round(2 * PATIENCE_S * 1e9)
    reader.turn()
    assert reader.found
    reader.close()


def test_a_reader_without_a_camera_is_one_line_and_78(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    site = make_site(tmp_path)
    site.pictures.rmdir()
    monkeypatch.setattr("firmware.reader.Reader", partial(Reader, patience_s=0.0))
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    monkeypatch.setattr("sys.argv", ["reader", "--config", str(site.config_path)])
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert main() == 78
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    (refused,) = (json.loads(line) for line in capfd.readouterr().err.splitlines())
    assert refused["event"] == "start-refused"
    assert "there is no folder of pictures" in refused["why"]

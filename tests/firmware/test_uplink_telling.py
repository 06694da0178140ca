"""What the device tells of itself: retained, and as its last will."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.checkin import milliseconds
from firmware.config_sections import UplinkConfig
from firmware.events import LogEvent
from firmware.health import UplinkFile, UplinkStatus
from firmware.journal_space import FILLING_PERMILLE, KeptClock
from firmware.uplink_events import UplinkStatusFailed
from firmware.uplink_telling import BACKLOG, LOOK_S, TELL_S, StatusFile
from firmware.wire_device import Status, decode_status, status_topic
from tests.firmware.checkins import START_MS, checkin
from tests.firmware.rig import DEVICE, Rig, appended


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path, UplinkConfig(batch_age_s=3600)) as rig:
        yield rig


def test_a_device_tells_how_it_is_when_it_connects_and_every_five_minutes(rig: Rig) -> None:
    rig.settle()
    fill = rig.journal.fill_permille()
    now_ms = milliseconds(rig.clock.now())
    assert rig.statuses() == [Status(DEVICE, now_ms, online=True, fill_permille=fill, version="1.0")]
    appended(rig, 1, 2)
    for _ in range(29):
        rig.advance(TELL_S / 30)
    assert rig.statuses() == []
    rig.advance(TELL_S / 30)
    (status,) = rig.statuses()
    assert (status.unsent, status.oldest_ms) == (2, checkin(1).at_ms)


def test_a_device_tells_when_the_trust_data_that_it_judges_by_were_issued(rig: Rig) -> None:
    rig.journal.keep_clock(KeptClock(issued_ms=START_MS))
    rig.settle()
    assert [status.trust_ms for status in rig.statuses()] == [START_MS]


def test_who_comes_later_learns_it_too(rig: Rig) -> None:
    rig.settle()
    later = rig.bus.broker("later")
    later.subscribe("greengate/v1/+/status")
    message = later.receive(0)
    assert message is not None
    assert message.topic == status_topic(DEVICE)
    assert decode_status(message.payload, rig.pki.authority, None).online


def test_a_lost_device_is_told_of_by_its_will_made_at_each_connection(rig: Rig) -> None:
    rig.settle()
    rig.wait(60)
    rig.bus.lose(DEVICE)
    assert [status.online for status in rig.statuses()] == [True, False]
    rig.bus.restore()
    rig.settle()  # it was back before the uplink had noticed that it was lost
    rig.bus.lose(DEVICE)
    online, lost = rig.statuses()
    assert (online.online, lost.online) == (True, False)
    assert lost.at_ms == milliseconds(rig.clock.now())


def test_a_device_without_keys_leaves_no_will(rig: Rig) -> None:
    rig.source.keys = None
    rig.restart_uplink()
    rig.statuses()
    rig.bus.lose(DEVICE)
    assert rig.statuses() == []


def test_a_device_that_goes_in_order_says_so(rig: Rig) -> None:
    rig.settle()
    rig.uplink.leave()
    assert [status.online for status in rig.statuses()] == [True, False]
    rig.bus.cut()
    rig.uplink.leave()


def test_a_journal_that_fills_is_told_of_soon(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.settle()
    rig.statuses()
    for fill, told in ((FILLING_PERMILLE - 1, 0), (FILLING_PERMILLE, 1), (FILLING_PERMILLE + 50, 0), (10, 1)):
        monkeypatch.setattr(rig.reader, "fill_permille", lambda fill=fill: fill)
        rig.advance(LOOK_S)
        assert len(rig.statuses()) == told


def test_the_end_of_a_backlog_is_told_of_soon(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig.reader, "unsent", lambda: BACKLOG)
    rig.settle()
    assert [status.unsent for status in rig.statuses()] == [BACKLOG]
    for unsent, told in ((1, []), (0, [0]), (BACKLOG - 1, []), (0, [])):
        monkeypatch.setattr(rig.reader, "unsent", lambda unsent=unsent: unsent)
        rig.advance(LOOK_S)
        assert [status.unsent for status in rig.statuses()] == told


def test_what_could_not_be_told_is_told_later(rig: Rig) -> None:
    db = rig.journal._db
    assert db is not None
    rig.reader._path.rename(rig.path.with_name("away"))
    rig.broker._closed = True
    rig.uplink.turn(rig.now_s)
    rig.broker._closed = False
    rig.uplink.turn(rig.now_s)
    assert len(rig.statuses()) == 1


def test_a_status_that_cannot_be_written_is_logged_once_until_it_can(tmp_path: Path) -> None:
    path, logged = tmp_path / "run" / "uplink" / "uplink.json", list[LogEvent]()
    status = StatusFile(path, logged.append)
    well = UplinkStatus(connected=True, unsent=0)
    for _ in range(2):
        status.write(well)
    assert [type(event) for event in logged] == [UplinkStatusFailed]
    (tmp_path / "run").mkdir()
    status.write(well)
    assert UplinkFile(path).status(0) == well
    status.remove()
    shutil.rmtree(tmp_path / "run")
    status.write(well)
    status.remove()
    assert [type(event) for event in logged] == [UplinkStatusFailed] * 2

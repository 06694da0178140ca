"""The centre's commands: obeyed once, from the centre alone, and seldom."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from firmware.config_sections import UplinkConfig
from firmware.health import IDENTIFY_S
from firmware.journal_space import Diagnostic, KeptClock
from firmware.uplink_events import OrderIgnored, OrderObeyed
from firmware.uplink_orders import FRESH_MS, REMEMBERED
from firmware.wire_device import (
    MAX_REPORT_JSON_BYTES,
    Order,
    command_topic,
    decode_report,
    encode_order,
    report_topic,
)
from tests.firmware.checkins import START_MS, checkin
from tests.firmware.rig import CENTRE, DEVICE, Rig, appended
from tests.pki import Pki


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as rig:
        rig.settle()
        yield rig


def identified(rig: Rig) -> bool:
    return rig.uplink.status(rig.now_s).identify_s > 0


def ignored(rig: Rig) -> str:
    event = rig.log[-1]
    assert isinstance(event, OrderIgnored)
    return event.why


def test_identify_lasts_some_seconds(rig: Rig) -> None:
    rig.order("identify")
    assert rig.uplink.status(rig.now_s).identify_s == IDENTIFY_S
    assert rig.log[-1] == OrderObeyed("identify")
    rig.wait(4)
    assert rig.uplink.status(rig.now_s).identify_s == IDENTIFY_S - 4
    rig.wait(IDENTIFY_S)
    assert not identified(rig)


def test_sync_now_sends_what_there_is_and_forgets_the_waiting(tmp_path: Path) -> None:
    with Rig(tmp_path, UplinkConfig(batch_age_s=3600)) as rig:
        rig.settle()
        appended(rig, 1, 1)
        rig.advance(1)
        rig.bus.drop_next(1)  # the command is lost on its way
        rig.order("sync-now", number=1)
        rig.settle()
        assert rig.stored() == []
        rig.order("sync-now", number=2)
        rig.settle()
        assert rig.stored() == [checkin(1)]
        appended(rig, 2, 2)
        rig.advance(1)
        rig.order("sync-now", number=3)
        assert rig.centre_broker.receive(0) is not None  # and nobody answers
        rig.advance(1)
        assert len(rig.stored()) == 1
        rig.order("sync-now", number=4)
        rig.settle()
        assert len(rig.stored()) == 2


def test_a_report_tells_of_the_device_and_only_to_the_centre(rig: Rig) -> None:
    rig.bus.lose("centre")
    appended(rig, 1, 3)
    rig.journal.write_diagnostics([Diagnostic(START_MS, "service-lost", "no-camera")])
    rig.journal.keep_clock(KeptClock(issued_ms=START_MS - 1))
    rig.watching.subscribe(report_topic(DEVICE))
    rig.order("report")
    rig.bus.restore()
    payloads = {}
    while message := rig.watching.receive(0):
        payloads[message.topic] = message.payload
    payload = payloads[report_topic(DEVICE)]
    report = decode_report(payload, rig.pki.authority, rig.pki.unsealer(), rig.clock.now())
    assert b"no-camera" not in payload
    assert msgspec.json.decode(report.json) == {
        "version": "1.0",
        "unsent": 3,
        "oldest_ms": checkin(1).at_ms,
        "fill_permille": rig.journal.fill_permille(),
        "trust_ms": START_MS - 1,
        "diagnostics": [{"at_ms": START_MS, "code": "service-lost", "text": "no-camera"}],
    }


def test_a_report_holds_the_newest_diagnostics_that_it_has_room_for(rig: Rig) -> None:
    rig.journal.write_diagnostics([Diagnostic(number, "code", "\x01" * 200) for number in range(300)])
    rig.watching.subscribe(report_topic(DEVICE))
    rig.order("report")
    *_, last = iter(lambda: rig.watching.receive(0), None)
    report = decode_report(last.payload, rig.pki.authority, rig.pki.unsealer(), None)
    diagnostics = msgspec.json.decode(report.json)["diagnostics"]
    assert len(report.json) <= MAX_REPORT_JSON_BYTES
    assert len(diagnostics) >= 20
    assert diagnostics[-1]["at_ms"] == 299


@pytest.mark.parametrize(
    ("by", "device", "why"),
    [
        ("gate-2", DEVICE, "not signed by the centre"),
        (DEVICE, DEVICE, "not signed by the centre"),
        (CENTRE, "gate-2", "to another device"),
    ],
)
def test_who_is_not_the_centre_or_means_another_is_not_obeyed(rig: Rig, by: str, device: str, why: str) -> None:
    rig.order("identify", by=by, device=device)
    assert not identified(rig)
    assert ignored(rig) == why


def test_another_centre_is_not_obeyed_and_nonsense_neither(rig: Rig) -> None:
    order = Order(DEVICE, bytes(16), START_MS, "identify")
    for payload in (encode_order(order, Pki().signer(CENTRE)), b"", b"identify"):
        rig.publish(command_topic(DEVICE), payload)
        rig.advance(2)
        assert not identified(rig)
        assert ignored(rig)


def test_a_repeated_command_is_obeyed_once(rig: Rig) -> None:
    message = rig.order("identify")
    rig.wait(IDENTIFY_S + 1)
    rig.publish(command_topic(DEVICE), message)
    rig.turn_uplink()
    assert not identified(rig)
    assert ignored(rig) == "repeated"


def test_identifiers_are_remembered_within_bounds(rig: Rig) -> None:
    first = rig.order("identify", number=1)
    for number in range(2, REMEMBERED + 2):
        rig.wait(1)
        rig.order("sync-now", number=number)
    rig.wait(IDENTIFY_S)
    rig.publish(command_topic(DEVICE), first)
    rig.turn_uplink()
    assert identified(rig)  # within its ten minutes: harm there is none


@pytest.mark.parametrize("age_s", [FRESH_MS / 1000 + 1, -FRESH_MS / 1000 - 1])
def test_a_stale_command_is_not_obeyed_where_the_clock_can_tell(rig: Rig, age_s: float) -> None:
    rig.order("identify", number=1, age_s=age_s)
    assert not identified(rig)
    assert "stale" in ignored(rig)
    rig.clock.lose_sync()
    rig.order("identify", number=2, age_s=age_s)
    assert identified(rig)


def test_commands_are_obeyed_at_most_once_a_second(rig: Rig) -> None:
    rig.order("sync-now", number=1)
    rig.order("identify", number=2)
    assert not identified(rig)
    assert ignored(rig) == "more than one a second"
    rig.wait(1)
    rig.order("identify", number=2)
    assert identified(rig)


def test_a_flood_of_forged_commands_does_not_fill_the_log(rig: Rig) -> None:
    for _ in range(50):
        rig.publish(command_topic(DEVICE), b"nonsense")
    rig.turn_uplink()
    assert sum(isinstance(event, OrderIgnored) for event in rig.log) == 1
    rig.advance(1)
    assert rig.log[-1] == OrderIgnored("message is no tagged COSE_Sign1", 49)


def test_a_report_that_cannot_go_out_harms_nothing(rig: Rig) -> None:
    rig.publish(
        command_topic(DEVICE), encode_order(Order(DEVICE, bytes(16), START_MS, "report"), rig.pki.signer(CENTRE))
    )
    message = rig.broker.receive(0)
    assert message is not None
    rig.bus.cut()
    rig.uplink.take(message, rig.now_s)
    assert rig.log[-1] == OrderObeyed("report")

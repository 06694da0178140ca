"""How a device is: online, offline or silent, and what somebody should look at; what a fleet comes to."""

from datetime import timedelta

import pytest

from centre.showing.fleet import DeviceView, State, Trouble, fleet, today, totals
from firmware.checkin import milliseconds
from tests.centre.fleets import AT, AT_MS, account, known

LATER = AT + timedelta(days=3)


def view(**changed: object) -> DeviceView:
    (found,) = fleet([account("gate-1")], [known("gate-1", **changed)])  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("ago", "online", "state"),
    [
        (timedelta(0), True, "online"),
        (timedelta(minutes=15), True, "online"),
        (timedelta(minutes=16), True, "offline"),
        (timedelta(0), False, "offline"),
    ],
)
def test_a_device_is_online_as_long_as_it_says_so(ago: timedelta, online: bool, state: State) -> None:  # noqa: FBT001 - a table
    assert view(ago=ago, online=online).state(AT_MS) == state


def test_a_device_is_silent_after_a_day_whatever_it_said_last() -> None:
    assert view().state(AT_MS + 86_400_000) == "offline"
    assert view().state(AT_MS + 86_400_001) == "silent"
    assert DeviceView("gate-1").state(AT_MS) == "silent"


def test_a_device_that_sends_but_says_nothing_of_itself_is_not_online() -> None:
    (found,) = fleet([account("gate-1")], [])
    assert (found.state(AT_MS), found.unsent, found.heard_ms) == ("offline", 0, AT_MS)


@pytest.mark.parametrize(
    ("troubles", "found"),
    [
        ((), view()),
        (("full",), view(fill_permille=800)),
        (("waiting",), view(unsent=1, oldest_ms=AT_MS - 86_400_001)),
        (("offline",), view(online=False)),
        (("gap", "offline"), fleet([account("gate-1", missing=((2, 2),))], [])[0]),
        (("gap", "offline"), fleet([account("gate-1", breaks=1)], [])[0]),
        (("fork", "offline"), fleet([account("gate-1", conflicts=1)], [])[0]),
    ],
)
def test_what_to_look_at_comes_worst_first(troubles: tuple[Trouble, ...], found: DeviceView) -> None:
    assert found.troubles(AT_MS) == troubles


def test_a_fleet_comes_to_the_sum_of_its_devices() -> None:
    journals = [
        account("gate-1"),
        account("gate-2", missing=((4, 5), (9, 9)), breaks=2),
        account("gate-2", epoch=b"\xff" * 8, conflicts=2, last_received_ms=AT_MS + 5),
    ]
    devices = fleet(journals, [known("gate-1", unsent=7, oldest_ms=AT_MS - 9), known("gate-9", online=False)])
    found = totals(devices, AT_MS)
    assert [one.name for one in devices] == ["gate-1", "gate-2", "gate-9"]
    assert found.states == {"online": 1, "offline": 2, "silent": 0}
    assert (found.stored, found.missing, found.gapped, found.forked, found.unsent) == (9, 3, 1, 1, 7)
    assert (found.oldest_unsent_ms, found.last_received_ms, found.sound) == (AT_MS - 9, AT_MS + 5, False)


def test_a_fleet_of_none_is_sound() -> None:
    found = totals([], AT_MS)
    assert (found.devices, found.sound, found.last_received_ms) == (0, True, None)


def test_a_day_begins_at_midnight_in_viet_nam() -> None:
    assert milliseconds(today(AT)) == milliseconds(AT.replace(hour=0) - timedelta(hours=7)) + (
        86_400_000 if AT.hour >= 17 else 0
    )
    assert today(AT.replace(hour=18)).day == AT.day + 1

"""What a device says, what its broker says when it is gone, and what somebody says again who heard it once."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from centre.collecting.statuses import Said, heard, news
from firmware.wire_device import Status
from tests.firmware.checkins import START_MS

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def status(minute: int, *, unsent: int = 7) -> Status:
    return Status("gate-1", START_MS + minute * 60_000, online=True, unsent=unsent, fill_permille=3, version="1")


def will(minute: float) -> Status:
    return Status("gate-1", int(START_MS + minute * 60_000), online=False, version="1")


def after(statuses: Iterable[Status]) -> Said:
    """Return what is known after some, each received a minute after the one before."""
    said = None
    for minute, one in enumerate(statuses):
        said = heard(said, one, START_MS + minute * 60_000)
    assert said is not None
    return said


def test_a_newer_status_counts_and_an_older_or_the_same_does_not() -> None:
    assert after([status(1), status(5)]).status == status(5)
    assert after([status(5), status(1)]).status == status(5)
    assert after([status(5, unsent=1), status(5, unsent=2)]) == after([status(5, unsent=1)])


def test_a_will_of_the_present_connection_tells_that_the_device_is_away_and_nothing_else() -> None:
    said = after([status(1), status(5), status(10), will(0.5)])
    assert said.status == replace(status(10), online=False)
    assert said.received_ms == START_MS + 3 * 60_000


@pytest.mark.parametrize("again", [status(1), status(10), replace(status(10), online=False), will(0.5)])
def test_of_a_device_that_is_away_nothing_old_counts(again: Status) -> None:
    said = after([status(1), status(10), will(0.5)])
    assert heard(said, again, START_MS + HOUR_MS) is said


def test_a_device_that_goes_and_tells_how_old_its_trust_is_is_no_will() -> None:
    goodbye = replace(will(12), trust_ms=START_MS)
    assert after([status(1), goodbye]).status == goodbye


def test_a_will_of_an_earlier_connection_does_not_count() -> None:
    said = after([status(1), will(0.5), status(20), status(25)])
    assert heard(said, will(0.5), START_MS + HOUR_MS) is said
    assert not heard(said, will(19.5), START_MS + HOUR_MS).status.online


def test_a_device_that_says_good_bye_says_how_its_journal_is() -> None:
    goodbye = replace(status(12, unsent=2), online=False)
    said = after([status(1), goodbye])
    assert said.status == goodbye
    assert heard(said, status(1), START_MS + HOUR_MS) is said
    assert heard(said, status(13), START_MS + HOUR_MS).since_ms == status(13).at_ms


def test_a_clock_that_was_far_ahead_keeps_nothing_out() -> None:
    ahead = replace(status(0), at_ms=START_MS + 4000 * DAY_MS)
    said = after([status(0), ahead])
    assert said.status == ahead
    assert heard(said, ahead, START_MS + HOUR_MS) is said
    right = heard(said, status(60), START_MS + HOUR_MS)
    assert right.status == status(60)
    assert heard(right, status(1), START_MS + HOUR_MS) is right


def test_a_device_that_only_left_a_will_is_away() -> None:
    assert after([will(0)]).status == will(0)
    assert after([will(0), status(1)]).status == status(1)


def test_of_several_at_once_each_counts_in_its_turn() -> None:
    other = replace(status(3), device="gate-0")
    found = news({}, [status(1), other, status(5), will(0.5), status(1)], START_MS)
    assert [said.status for said in found] == [other, replace(status(5), online=False)]
    known = {said.status.device: said for said in found}
    assert news(known, [status(5), other, will(0.5)], START_MS + DAY_MS) == []

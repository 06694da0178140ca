"""What is over goes, once a day, as the collector's configuration says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from centre.collecting import running as module
from centre.collecting.config import load_config
from centre.collecting.events import Event, Expired, RetentionWaits
from centre.collecting.running import RETENTION_AGAIN, Retention
from centre.collecting.statuses import contradicted
from centre.collecting.store import Known, Store, StoreError
from tests.centre.batches import AT, batch_of
from tests.centre.collecting_site import CollectorProcess
from tests.centre.test_collector import STATUS, Site
from tests.firmware.checkins import START_MS, checkin

DAY = timedelta(days=1)
DAY_MS = 86_400_000


def test_retention_is_kept_once_a_day(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.take(batch_of(1, checkin(1)))
    site.events.clear()
    retention = Retention(site.store, 30, site.events.append)
    retention.turn(AT)
    assert site.events == []
    retention.turn(AT.replace(year=2027))
    retention.turn(AT.replace(year=2027))
    assert [event.__struct_config__.tag for event in site.events] == ["expired"]
    assert site.store.entries() == []
    Retention(site.store, None, site.events.append).turn(AT)
    site.store.close()


def test_retention_is_as_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int | None] = []

    def made(store: Store, days: int | None, report: Callable[[Event], None]) -> Retention:
        asked.append(days)
        return Retention(store, days, report)

    monkeypatch.setattr(module, "Retention", made)
    for name, more in (("for-good", ""), ("a-week", "\nretention_days = 7")):
        config = load_config(CollectorProcess(tmp_path / name, 1, f'path = "centre.db"{more}').config)
        stops = iter([False])
        module.run(config, lambda _: None, lambda stops=stops: next(stops, True))  # type: ignore[misc]
    assert asked == [None, 7]


def test_retention_that_failed_is_tried_again_the_same_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(tmp_path)
    site.take(batch_of(1, checkin(1)))
    site.events.clear()
    retention, later = Retention(site.store, 30, site.events.append), AT.replace(year=2027, hour=1)

    def failing(_: object) -> int:
        raise StoreError("the store is away")

    with monkeypatch.context() as away:
        away.setattr(site.store, "expire", failing)
        retention.turn(later)
        retention.turn(later + RETENTION_AGAIN / 2)
    assert [event.__struct_config__.tag for event in site.events] == ["store-failed"]
    retention.turn(later + RETENTION_AGAIN / 2)
    assert len(site.store.entries()) == 1
    retention.turn(later + RETENTION_AGAIN)
    assert site.store.entries() == []
    site.store.close()


def test_a_clock_gone_mad_drops_nothing_and_is_told_once(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.take(batch_of(1, checkin(1)))
    mad = AT + 3650 * DAY
    site.store.seen([STATUS], mad)  # what came counts by the device's clock, not by the mad one
    site.events.clear()
    retention = Retention(site.store, 30, site.events.append)
    for again in range(3):
        retention.turn(mad + again * DAY)
    assert site.events == [RetentionWaits()]
    assert len(site.store.entries()) == 1
    retention.turn(AT)  # the clock was set right: nothing is over yet
    late = AT + 31 * DAY
    site.store.seen([replace(STATUS, at_ms=START_MS + 31 * DAY_MS)], late)
    retention.turn(late)
    assert site.events == [RetentionWaits(), Expired(1)]
    retention.turn(mad)
    assert site.events[2:] == [RetentionWaits()]
    site.store.close()


def test_what_is_over_goes_after_weeks_in_which_every_device_was_off(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.take(batch_of(1, checkin(1)))
    site.events.clear()
    site.store.seen([STATUS, replace(STATUS, online=False, unsent=0)], AT)
    Retention(site.store, 30, site.events.append).turn(AT + 31 * DAY)
    assert site.events == [Expired(1)]
    site.store.close()


def test_one_device_that_is_on_and_right_is_enough() -> None:
    behind, right = (Known(name, replace(STATUS, device=name, at_ms=at_ms), 0) for name, at_ms in (("a", 5), ("b", 9)))
    off, never = Known("c", replace(STATUS, online=False), 0), Known("d", None, None)
    limit_ms = 9 + 2 * DAY_MS
    assert not contradicted([behind, right, off, never], limit_ms)
    assert contradicted([behind, right, off, never], limit_ms + 1)
    assert not contradicted([off, never], limit_ms + 1)

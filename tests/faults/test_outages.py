"""Databases away, clocks that are wrong, and hours of it."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from firmware.checkin import MAX_AT_MS
from tests.faults.postgres import SMALL, needs_postgres, socket_url, start
from tests.faults.programs import until
from tests.faults.site import Centre, Kiosk, Site, Way
from tests.firmware.checkins import checkin
from tests.firmware.rig import Rig, appended
from tests.fixtures_mqtt import Mosquitto
from tests.pki import Pki
from tests.postgres_server import Postgres, running

HOURS = 3  # simulated
WRONG_MS = {
    "1970": 0,
    "2000": int(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1000),
    "2038": int(datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC).timestamp() * 1000),
    "10889": MAX_AT_MS,
}
DAYS_MAX = 4  # today, yesterday and tomorrow, and one to spare: not one for each year that a clock says


@pytest.fixture
def server() -> Iterator[Postgres]:
    with running(options=SMALL) as server:
        yield server


@pytest.fixture
def site(tmp_path: Path, mosquitto: Mosquitto, server: Postgres) -> Iterator[Site]:
    pki, way = Pki.shared(), Way(mosquitto.port)
    kiosks = [Kiosk(tmp_path / name, name, way, pki, number) for number, name in enumerate(("gate-1", "gate-2"))]
    with Site(kiosks, Centre(tmp_path, socket_url(server), way, pki, ("main", "two"))) as site:
        site.start()
        yield site


@needs_postgres
def test_a_database_stopped_killed_and_frozen(site: Site, server: Postgres) -> None:
    site.append(10)
    site.await_drained()
    for away in (server.stop, server.kill):
        away()
        site.append(50, 1.5)
        assert not site.drained()
        start(server)
        site.await_drained()
    server.freeze()
    site.append(50, 1.5)
    server.thaw()
    site.await_drained()
    site.check()


@needs_postgres
def test_a_database_away_is_told_once_and_again_when_it_is_back(site: Site, server: Postgres) -> None:
    site.append(1)
    site.await_drained()
    server.stop()
    collector = site.centre.collectors[0]
    site.append(30, 3.0)
    until(lambda: any("store-failed" in one.said() for one in site.centre.collectors), site.said)
    time.sleep(2.0)
    assert collector.said().count('"store-failed"') <= 2
    start(server)
    site.await_drained()
    site.check()


@needs_postgres
def test_a_collector_that_hangs_stops_nobody(tmp_path: Path, mosquitto: Mosquitto, server: Postgres) -> None:
    """The broker goes on to give it its share of the batches; they come again, to the other one."""
    pki, way = Pki.shared(), Way(mosquitto.port)
    kiosks = [Kiosk(tmp_path / name, name, way, pki, number) for number, name in enumerate(("gate-1", "gate-2"))]
    centre = Centre(tmp_path, socket_url(server), way, pki, ("main", "two"), shared=True)
    with Site(kiosks, centre) as site:
        site.start()
        site.append(10)
        site.await_drained()
        centre.collectors[0].freeze()
        site.append(40, 2.0)
        site.await_drained()
        centre.collectors[0].thaw()
        site.append(10)
        site.await_drained()
        site.check()


@needs_postgres
def test_clocks_that_are_wrong_make_no_days(site: Site) -> None:
    kiosk = site.kiosks[0]
    for number, at_ms in enumerate(WRONG_MS.values()):
        for clock in ("synchronised", "rtc", "assumed", "untrusted"):
            one = replace(checkin(900_000 + number * 10 + len(clock), at_ms=at_ms), clock=clock)
            kiosk.journal.append(one)
            kiosk.appended.append(one)
    site.append(5)
    site.await_drained()
    site.check()
    with psycopg.connect(site.centre.where) as database:
        found = database.execute("SELECT inhrelid::regclass::text FROM pg_inherits").fetchall()
    tables = {name for (name,) in found if "key" not in name and "idx" not in name}
    assert 1 <= len(tables) <= DAYS_MAX + 2, sorted(tables)


def test_hours_without_a_centre_cost_few_messages_and_lose_nothing(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        sent = 0
        for minute in range(HOURS * 60):
            appended(rig, minute * 5 + 1, minute * 5 + 5)
            for _ in range(6):
                rig.wait(10)
                rig.turn_uplink()
                while rig.centre_broker.receive(0) is not None:  # and its database is away
                    sent += 1
        assert HOURS * 60 / 2 <= sent <= HOURS * 60 * 2  # about one a minute, not one a check-in
        assert rig.journal.unsent() == HOURS * 60 * 5
        while rig.journal.unsent():
            rig.advance(10)
        assert rig.stored() == [checkin(number) for number in range(1, HOURS * 60 * 5 + 1)]

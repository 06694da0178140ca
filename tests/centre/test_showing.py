"""What the centre's commands say of a store: status, gaps, devices, retention; from SQLite and PostgreSQL alike."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from centre.collecting.store import Store, open_store
from centre.main import app
from centre.showing.gaps import first_conflict
from centre.showing.words import ago, iso_ms, plain
from firmware.checkin import milliseconds
from firmware.wire_device import Report, Status
from tests.centre.batches import EPOCH
from tests.centre.fleets import AT, batch, fill, forked, holed, numbers, sound

NOW = datetime.now(UTC)
NOW_MS = milliseconds(NOW)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "centre.db" if request.param == "sqlite" else request.getfixturevalue("database"))


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with open_store(place) as store:
        yield store


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200", "TERM": "dumb"})


def objects(*words: str) -> tuple[int, list[dict[str, Any]]]:
    done = run(*words, "--json")
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]


# --- status


def test_status_tells_the_fleet_in_one_object(store: Store, place: str) -> None:
    today = numbers(1, 2, at_ms=NOW_MS)
    said = [
        Status("gate-1", NOW_MS, online=True, unsent=7, oldest_ms=NOW_MS - 1000),
        Status("gate-9", NOW_MS, online=False),
    ]
    fill(store, [batch("gate-1", 1, today)], said, NOW)
    fill(store, sound("gate-2"), at=AT)
    code, (found,) = objects("status", "--store", place)
    assert code == 0
    assert found["devices"] == found["online"] + found["offline"] + found["silent"] == 3
    assert (found["online"], found["silent"]) == (1, 1)
    assert (found["stored"], found["today"], found["unsent"], found["missing"]) == (5, 2, 7, 0)
    assert found["last_received"] == iso_ms(NOW_MS)
    assert found["oldest_unsent"] == iso_ms(NOW_MS - 1000)
    assert found["sound"] is True


def test_status_of_a_sound_fleet_says_that_nothing_is_missing(store: Store, place: str) -> None:
    fill(store, sound())
    done = run("status", "--store", place)
    assert done.exit_code == 0
    assert "nothing is missing" in done.stdout


@pytest.mark.parametrize("batches", [holed(), forked()])
def test_status_leaves_with_1_where_something_is_wrong(store: Store, place: str, batches: Any) -> None:  # noqa: ANN401
    fill(store, batches)
    done = run("status", "--store", place)
    assert done.exit_code == 1
    assert "greengate-centre gaps says which" in done.stdout


# --- gaps


def test_gaps_says_plainly_that_nothing_is_missing(store: Store, place: str) -> None:
    fill(store, sound())
    done = run("gaps", "--store", place)
    assert (done.exit_code, done.stdout) == (
        0,
        "nothing is missing: 3 check-ins in 1 journal, without a hole, a break or a conflict\n",
    )


def test_gaps_names_what_never_came_and_what_follows_it(store: Store, place: str) -> None:
    fill(store, [*sound(), *holed()])
    done = run("gaps", "--store", place)
    assert done.exit_code == 1
    assert "gate-1" not in done.stdout
    assert f"gate-2, journal {EPOCH.hex()}" in done.stdout
    assert "missing: 3 check-ins: 4-5, 9\n" in done.stdout
    assert "chain broken: 2 batches follow none that came" in done.stdout


def test_gaps_says_what_may_be_on_its_way(store: Store, place: str) -> None:
    fill(store, holed(), at=NOW)
    assert "they may be on their way" in run("gaps", "--store", place).stdout
    assert objects("gaps", "--store", place)[1][0]["on_its_way"] is True


def test_gaps_names_a_copied_card_from_its_first_number_on(store: Store, place: str) -> None:
    fill(store, forked())
    done = run("gaps", "--store", place)
    assert done.exit_code == 1
    assert (
        "fork: from number 2, 2 check-ins of another content: the card was copied, or an old one was put back"
        in done.stdout
    )


def test_gaps_gives_scripts_every_journal(store: Store, place: str) -> None:
    fill(store, [*sound(), *holed(), *forked()])
    code, (first, second, third) = objects("gaps", "--store", place)
    assert code == 1
    assert (first["device"], first["sound"], first["stored"], first["missing"]) == ("gate-1", True, 3, [])
    assert (second["missing"], second["breaks"], second["up_to"], second["last_seq"]) == ([[4, 5], [9, 9]], 2, 3, 10)
    assert (third["conflicts"], third["forked_from"]) == (2, 2)
    assert objects("gaps", "--store", place, "--device", "gate-1") == (0, [first])


def test_a_long_list_of_holes_is_cut_for_people_only(store: Store, place: str) -> None:
    fill(store, [batch("gate-1", number, numbers(number, number), b"\1" * 32) for number in range(1, 80, 2)])
    assert " and 19 ranges more" in run("gaps", "--store", place).stdout
    assert len(objects("gaps", "--store", place)[1][0]["missing"]) == 39


def test_the_first_number_of_a_fork_is_found_far_behind(store: Store) -> None:
    fill(store, [batch("gate-1", 1 + 300 * part, numbers(1 + 300 * part, 300 + 300 * part)) for part in range(5)])
    fill(store, [batch("gate-1", 1400, numbers(5000, 5001))])
    (journal,) = store.accounts()
    assert first_conflict(store, journal) == 1400


def test_a_fork_whose_time_is_over_has_no_first_number(store: Store, place: str) -> None:
    fill(store, forked())
    store.expire((AT + timedelta(days=2)).date())
    assert "from a number whose time is over" in run("gaps", "--store", place).stdout


# --- devices


def test_devices_tells_each_device(store: Store, place: str) -> None:
    trust_ms = NOW_MS - 3 * 3_600_000
    status = Status("gate-1", NOW_MS, True, 7, NOW_MS - 5000, 123, "1.2.3", trust_ms)  # noqa: FBT003 - in their order
    fill(store, [*sound(), *holed()], [status], NOW)
    code, (first, second) = objects("devices", "--store", place)
    assert code == 0
    assert first == {
        "device": "gate-1",
        "state": "online",
        "last_heard": iso_ms(NOW_MS),
        "unsent": 7,
        "oldest_unsent": iso_ms(NOW_MS - 5000),
        "journal_fill": 0.123,
        "version": "1.2.3",
        "trust_issued": iso_ms(trust_ms),
        "stored": 3,
        "missing": 0,
        "troubles": [],
    }
    assert (second["state"], second["unsent"], second["troubles"]) == ("offline", None, ["gap", "offline"])
    lines = run("devices", "--store", place).stdout.splitlines()
    said = r"7 unsent, .+, journal 12 % full, version 1.2.3, trust issued 3 hours ago"
    assert re.match(rf"gate-1: online, heard .+, 3 check-ins stored, {said}", lines[0])
    assert re.match(r"gate-2: offline, heard .+, 7 check-ins stored, never said how it is; look at: gap", lines[1])


@pytest.mark.parametrize(
    ("option", "names"),
    [
        (("--silent", "1"), ["gate-2"]),
        (("--silent", "0.0"), ["gate-1", "gate-2"]),
        (("--state", "online"), ["gate-1"]),
        (("--state", "silent"), ["gate-2"]),
        (("--troubled",), ["gate-2"]),
        ((), ["gate-1", "gate-2"]),
    ],
)
def test_devices_are_chosen(store: Store, place: str, option: tuple[str, ...], names: list[str]) -> None:
    fill(store, sound("gate-2"), at=AT)
    fill(store, sound("gate-1"), [Status("gate-1", NOW_MS, online=True)], NOW - timedelta(seconds=1))
    assert [one["device"] for one in objects("devices", "--store", place, *option)[1]] == names


def test_gaps_of_a_device_that_never_sent_are_not_told_as_sound(store: Store, place: str) -> None:
    fill(store, sound())
    done = run("gaps", "--store", place, "--device", "gate-l")
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (69, "", 1)


def test_devices_as_csv_have_a_header_and_no_formula(store: Store, place: str) -> None:
    fill(store, sound("-1-2-cmd"), [Status("-1-2-cmd", NOW_MS, online=True, version='=1+1;"x"')], NOW)
    done = run("devices", "--store", place, "--csv")
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (row["device"], row["version"], row["troubles"]) == ("'-1-2-cmd", '\'=1+1;"x"', "")


def test_devices_give_either_csv_or_json(place: str, store: Store) -> None:
    fill(store, sound())
    assert run("devices", "--store", place, "--csv", "--json").exit_code == 2


def test_what_a_device_reported_last_is_shown(store: Store, place: str) -> None:
    store.reported(Report("gate-1", NOW_MS, b'{"unsent": 3, "lane": "\\u001b[2J"}'), NOW)
    store.reported(Report("gate-2", NOW_MS, b"[]"), NOW)
    code, (found,) = objects("devices", "--store", place, "--report", "gate-1")
    assert (code, found["report"]["unsent"], found["at"]) == (0, 3, iso_ms(NOW_MS))
    done = run("devices", "--store", place, "--report", "gate-1")
    assert ('"unsent": 3' in done.stdout, "\x1b" in done.stdout) == (True, False)
    for name in ("gate-2", "gate-9"):
        done = run("devices", "--store", place, "--report", name)
        assert (done.exit_code, len(done.stderr.splitlines())) == (69, 1)


# --- retention


def test_retention_drops_what_is_older_and_misses_nothing(store: Store, place: str) -> None:
    fill(store, sound())
    assert run("retention", "--store", place).exit_code == 2
    code, (found,) = objects("retention", "--store", place, "--days", "1")
    assert (code, found["dropped_days"]) == (0, 1)
    assert store.entries() == []
    assert objects("gaps", "--store", place)[0] == 0


# --- words


@pytest.mark.parametrize(
    ("ago_ms", "text"),
    [
        (None, "never"),
        (0, "just now"),
        (-9000, "just now"),
        (2000, "2 seconds ago"),
        (119_000, "119 seconds ago"),
        (120_000, "2 minutes ago"),
        (7_200_000, "2 hours ago"),
        (172_800_000, "2 days ago"),
    ],
)
def test_how_long_ago(ago_ms: int | None, text: str) -> None:
    assert ago(None if ago_ms is None else NOW_MS - ago_ms, NOW_MS) == text


def test_a_clock_gone_mad_is_told_as_its_number() -> None:
    assert iso_ms(2**48 - 1) == f"{2**48 - 1} ms"
    assert iso_ms(None) is None


def test_no_terminal_obeys_what_a_device_sent() -> None:
    assert plain("1.0\x1b[2J\r\n\u202eCổng") == "1.0\\x1b[2J\\r\\n\\u202eCổng"

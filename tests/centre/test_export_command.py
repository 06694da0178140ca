"""`greengate-centre export`: every check-in, the details only with their key, files whole or not at all."""

import csv
import io
import json
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from centre.collecting.sqlite_store import SqliteStore
from centre.collecting.store import StoreError, open_store
from centre.main import app
from centre.showing.cells import safe
from centre.showing.export import COLUMNS, PAGE
from firmware.details import seal_details
from tests.centre.batches import EPOCH
from tests.centre.fleets import AT, batch, forked, numbers, sound, store_file
from tests.firmware.checkins import after, checkin, longest
from tests.pki import Pki

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)"]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["export", *map(str, words)], env={"COLUMNS": "200", "TERM": "dumb"})


def objects(*words: str | Path) -> list[dict[str, Any]]:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_each_checkin_is_a_line_of_json(tmp_path: Path) -> None:
    store = store_file(tmp_path, sound())
    found = objects("--store", store)
    assert found[0] == {
        "device": "gate-1",
        "epoch": EPOCH.hex(),
        "seq": 1,
        "conflict": False,
        "type": "check-in",
        "id": str(checkin(1).id),
        "at": "2026-07-01T08:00:01.000+00:00",
        "clock": "synchronised",
        "received": "2026-07-01T09:00:00.000+00:00",
        "lane": "Cổng số 1",
        "direction": "in",
        "profile": "default",
        "verdict": "accepted",
        "reason": "valid",
        "kinds": ["vaccination"],
        "pseudonym": "00" * 15 + "01",
        "about": None,
    }
    assert [one["seq"] for one in found] == [1, 2, 3]


def test_each_checkin_is_a_row_of_csv(tmp_path: Path) -> None:
    store = store_file(tmp_path, [batch("gate-1", 1, [checkin(1), after(2, "passage", checkin(1)), longest()])])
    text = run("--store", store).stdout
    first, second, third = rows(text)
    assert text.splitlines()[0] == ",".join(COLUMNS)
    assert (first["conflict"], first["kinds"], first["lane"]) == ("no", "vaccination", "Cổng số 1")
    assert (second["type"], second["about"], second["pseudonym"]) == ("passage", str(checkin(1).id), "")
    assert third["at"] == f"{2**48 - 1} ms"


def test_a_copied_card_s_checkins_are_flagged(tmp_path: Path) -> None:
    found = objects("--store", store_file(tmp_path, forked()))
    assert [(one["seq"], one["conflict"]) for one in found] == [
        *((1, False), (2, False), (2, True), (3, False), (3, True), (4, False)),
    ]


def test_more_than_a_page_comes_once_each(tmp_path: Path) -> None:
    parts = range(0, 3 * PAGE, 300)
    store = store_file(tmp_path, [batch("gate-1", part + 1, numbers(part + 1, part + 300)) for part in parts])
    assert [one["seq"] for one in objects("--store", store)] == list(range(1, 3 * PAGE + 1))


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--since", "2026-07-01T08:00:02"], [2, 3, 1]),
        (["--until", "2026-07-01T15:00:02+07:00"], [1, 1]),
        (["--since", "2026-07-02"], []),
        (["--device", "gate-2"], [1]),
        (["--direction", "out"], [1]),
        (["--device", "gate-9"], []),
    ],
)
def test_checkins_are_chosen(tmp_path: Path, options: list[str], found: list[int]) -> None:
    late = replace(checkin(1), direction="out", at_ms=checkin(1).at_ms + (1500 if "--since" in options else 0))
    store = store_file(tmp_path, [*sound(), batch("gate-2", 1, [late])])
    assert [one["seq"] for one in objects("--store", store, *options)] == found


def test_a_time_that_is_none_is_told(tmp_path: Path) -> None:
    done = run("--store", store_file(tmp_path, sound()), "--since", "yesterday")
    assert done.exit_code == 2
    assert "2026-07-01" in done.stderr


# --- what devices may have sent


@pytest.mark.parametrize("lane", FORMULAS)
def test_no_spreadsheet_calculates_what_a_device_sent(tmp_path: Path, lane: str) -> None:
    store = store_file(tmp_path, [batch("-1-1", 1, numbers(1, 1, lane=lane))])
    (row,) = rows(run("--store", store).stdout)
    assert (row["device"], row["lane"]) == ("'-1-1", f"'{lane}")
    (found,) = objects("--store", store)
    assert (found["device"], found["lane"]) == ("-1-1", lane)


def test_no_cell_begins_in_the_middle_of_a_text(tmp_path: Path) -> None:
    """A spreadsheet under Viet Nam's settings splits at semicolons."""
    store = store_file(tmp_path, [batch("gate-1", 1, numbers(1, 1, lane="A;=1+1;\uff0b1;-"))])
    (row,) = rows(run("--store", store).stdout)
    assert row["lane"] == "A;'=1+1;'\uff0b1;'-"


def test_no_terminal_obeys_a_cell() -> None:
    assert safe("A\x1b[2J\x9b2J\r\n\u202eB") == "A\\x1b[2J\\x9b2J\\r\\n\\u202eB"


def test_quotes_and_commas_stay_in_their_cell(tmp_path: Path) -> None:
    lane = 'a,"b";<script>'
    (row,) = rows(run("--store", store_file(tmp_path, [batch("gate-1", 1, numbers(1, 1, lane=lane))])).stdout)
    assert row["lane"] == lane


# --- into a file


def test_a_file_is_its_owner_s_only_and_whole(tmp_path: Path) -> None:
    store, to = store_file(tmp_path, sound()), tmp_path / "out" / "checkins.csv"
    to.parent.mkdir()
    done = run("--store", store, "--to", to)
    assert done.exit_code == 0
    assert "written 3" in done.stdout
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    assert len(rows(to.read_text("utf-8"))) == 3
    assert list(to.parent.iterdir()) == [to]


def test_a_file_that_is_there_stays_without_force(tmp_path: Path) -> None:
    store, to = store_file(tmp_path, sound()), tmp_path / "checkins.csv"
    to.write_text("mine")
    done = run("--store", store, "--to", to)
    assert (done.exit_code, to.read_text()) == (73, "mine")
    assert run("--store", store, "--to", to, "--force").exit_code == 0
    assert len(rows(to.read_text("utf-8"))) == 3


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = run("--store", store_file(tmp_path, sound()), "--to", tmp_path / "none" / "checkins.csv")
    assert (done.exit_code, len(done.stderr.splitlines())) == (73, 1)


def test_a_store_that_fails_midway_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, to = store_file(tmp_path, sound()), tmp_path / "out" / "checkins.csv"
    to.parent.mkdir()
    entries, asked = SqliteStore.entries, []

    def failing(self: SqliteStore, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the port's
        asked.append(args)
        if len(asked) > 1:
            raise StoreError("the disk is gone")
        return entries(self, *args, **kwargs)

    monkeypatch.setattr(SqliteStore, "entries", failing)
    done = run("--store", store, "--to", to)
    assert (done.exit_code, done.stderr) == (78, "the disk is gone\n")
    assert list(to.parent.iterdir()) == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_export_that_is_stopped_leaves_no_file(tmp_path: Path, sign: signal.Signals) -> None:
    store, out = tmp_path / "centre.db", tmp_path / "out"
    out.mkdir()
    with open_store(store) as opened:
        for first in range(1, 40_000, 400):
            opened.store([batch("gate-1", first, numbers(first, first + 399))], AT)
    line = [sys.executable, "-m", "centre.main", "export", "--store", str(store), "--to", str(out / "x.csv"), "--json"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not list(out.iterdir()):
            assert process.poll() is None
        process.send_signal(sign)
        assert process.wait(30) == 130
        assert process.stdout is not None
        assert json.loads(process.stdout.read()) == {"error": "stopped"}
    assert list(out.iterdir()) == []


# --- identity details


def detailed(tmp_path: Path) -> tuple[Path, Path]:
    """Return a store with three check-ins: with details, without, with another device's; and the key's file."""
    pki = Pki.shared()
    ours, none, foreign = (checkin(number) for number in (1, 2, 3))
    seal = pki.recipient("details")
    ours = replace(ours, details=seal_details({"name": "=Nguyễn Văn A"}, "gate-1", ours.id, seal))
    foreign = replace(foreign, details=seal_details({"name": "B"}, "gate-9", foreign.id, seal))
    store = store_file(tmp_path, [batch("gate-1", 1, [ours, none, foreign])])
    return store, pki.files(tmp_path / "keys", "centre.main") / "details.key"


def test_details_stay_sealed_without_their_key(tmp_path: Path) -> None:
    store, _ = detailed(tmp_path)
    assert all("name" not in one for one in objects("--store", store))
    assert "Nguy" not in run("--store", store).stdout


def test_details_are_unsealed_with_their_key_only_where_they_belong(tmp_path: Path) -> None:
    store, key = detailed(tmp_path)
    ours, none, foreign = objects("--store", store, "--details-key", key)
    assert ours["name"] == "=Nguyễn Văn A"
    assert "name" not in none
    assert "altered, or moved" in foreign["details_fault"]
    first, *_ = rows(run("--store", store, "--details-key", key).stdout)
    assert (first["name"], first["birth-date"]) == ("'=Nguyễn Văn A", "")


def test_another_key_says_so_in_the_row(tmp_path: Path) -> None:
    store, _ = detailed(tmp_path)
    key = Pki().files(tmp_path / "other", "centre.main") / "details.key"
    ours, *_ = objects("--store", store, "--details-key", key)
    assert "older keys" in ours["details_fault"]


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o601])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    store, key = detailed(tmp_path)
    key.chmod(mode)
    done = run("--store", store, "--details-key", key)
    assert done.exit_code == 78
    assert f"chmod 600 {key}" in done.stderr
    assert done.stdout == ""


def test_a_key_that_is_none_is_told(tmp_path: Path) -> None:
    store, key = detailed(tmp_path)
    key.write_text("nonsense")
    assert run("--store", store, "--details-key", key).exit_code == 78
    assert run("--store", store, "--details-key", tmp_path / "none").exit_code == 78


def test_a_damaged_row_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, entries = store_file(tmp_path, sound()), SqliteStore.entries

    def damaged(self: SqliteStore, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the port's
        return [entry._replace(row=("nonsense", *entry.row[1:])) for entry in entries(self, *args, **kwargs)]

    monkeypatch.setattr(SqliteStore, "entries", damaged)
    done = run("--store", store)
    assert done.exit_code == 78
    assert "gate-1" in done.stderr
    assert "number 1" in done.stderr

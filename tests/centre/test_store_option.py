"""The options that name a store, the same in every command: what is refused, and that no password is repeated."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from centre.collecting.store import is_postgres
from centre.main import app
from tests.pki import Pki

COMMANDS = ("status", "gaps", "devices", "export", "retention")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Give a folder as `ca issue --collector` fills it."""
    folder = Pki.shared().files(tmp_path / "keys", "centre.main")
    for made, named in (("device.pem", "centre.main.pem"), ("device.key", "centre.main.key")):
        (folder / made).rename(folder / named)
    (folder / "batches").mkdir()
    (folder / "batches.key").rename(folder / "batches" / "batches.key")
    return folder


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200", "TERM": "dumb"})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, command: str) -> None:
    more = ("--days", "1") if command == "retention" else ()
    done = run(command, "--store", str(tmp_path / "centre.db"), *more)
    assert (done.exit_code, len(done.stderr.splitlines())) == (66, 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_either_a_store_or_a_configuration_is_named(command: str) -> None:
    more = ("--days", "1") if command == "retention" else ()
    assert run(command, *more).exit_code == 2
    assert run(command, "--store", "a", "--config", "b", *more).exit_code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_a_configuration_that_cannot_be_used_is_told(command: str) -> None:
    more = ("--days", "1") if command == "retention" else ()
    done = run(command, "--config", "/nowhere/centre.toml", "--json", *more)
    assert done.exit_code == 78
    assert "/nowhere/centre.toml" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize("command", COMMANDS)
def test_another_program_s_file_is_refused_in_one_line(tmp_path: Path, command: str) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"nonsense" * 1000)
    more = ("--days", "1") if command == "retention" else ()
    done = run(command, "--store", str(garbage), *more)
    assert (done.exit_code, len(done.stderr.splitlines())) == (78, 1)


PLACES = [
    "postgresql://me:secret@127.0.0.1:1/centre",
    "postgresql://me:secret@127.0.0.1:99999999/centre",
    "postgresql://127.0.0.1:1/centre?password=secret",
    "postgresql://127.0.0.1:1/centre?p%61ssword=secret",
    "postgresql://127.0.0.1:1/centre?sslpassword=secret",
    "host=127.0.0.1 dbname=centre password = secret",
    "host=127.0.0.1 password=secret",
    "password='secret'",
]


@pytest.mark.parametrize("command", ["status", "serve", "collect"])
@pytest.mark.parametrize("where", PLACES)
def test_a_password_on_the_command_line_is_refused_and_not_repeated(command: str, where: str, keys: Path) -> None:
    desk = ("--broker", "127.0.0.1", "--keys", str(keys)) if command == "collect" else ()
    done = run(command, "--store", where, *desk)
    assert done.exit_code == 2
    assert ".pgpass" in done.stderr
    assert "secret" not in done.output


@pytest.mark.parametrize("command", ["status", "serve"])
@pytest.mark.parametrize("where", ["POSTGRESQL://me:secret@127.0.0.1/centre", "postgresql://me:secret@[127/centre"])
def test_an_address_that_is_none_is_not_repeated(command: str, where: str) -> None:
    done = run(command, "--store", where)
    assert (done.exit_code, len(done.stderr.splitlines())) == (78, 1)
    assert "secret" not in done.output


def test_a_configuration_with_an_address_for_a_file_does_not_repeat_it(tmp_path: Path) -> None:
    config = tmp_path / "centre.toml"
    config.write_text('[broker]\nhost = "h"\n[store]\npath = "postgresql://me:secret@h/d"\n[centre]\nbatches = ["b"]\n')
    done = run("status", "--config", str(config))
    assert done.exit_code == 78
    assert "secret" not in done.output


@pytest.mark.parametrize(
    ("where", "database"),
    [("centre.db", False), ("./a=b.db", False), ("dbname=x", True), (" host = h", True), ("postgres://h/d", True)],
)
def test_what_names_a_database(where: str, database: bool) -> None:  # noqa: FBT001 - a table
    assert is_postgres(where) == database


def test_a_database_that_is_away_is_told_in_one_line() -> None:
    done = run("status", "--store", "postgresql://127.0.0.1:1/centre?connect_timeout=2")
    assert (done.exit_code, len(done.stderr.splitlines())) == (78, 1)

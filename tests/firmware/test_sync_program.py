"""`python -m firmware.sync`: its command line, its one line, its exit statuses."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware import sync
from firmware.config import Config, ConfigError, load_config
from firmware.sync_errors import NoSourceError, RefusedError
from firmware.sync_store import opened
from tests.drivers.web_server import server_context, serving
from tests.firmware.site import make_site
from tests.firmware.sync_rig import CODE, OF_NATION, OF_PROVINCE, Kiosk, nation
from tests.firmware.trust_repo import Nation, rule_file, write
from tests.fixtures_mqtt import Authority

Main = Callable[..., int]


@pytest.fixture
def published() -> Nation:
    return nation()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = make_site(tmp_path).config_path
    text = path.read_text("utf-8").replace('folder = "trust"', f'folder = "store"\nprovince = "{CODE}"')
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def stick(published: Nation, tmp_path: Path) -> Path:
    return write(published.published, tmp_path / "stick")


@pytest.fixture
def root(published: Nation, tmp_path: Path) -> Path:
    path = tmp_path / "root.json"
    path.write_bytes(published.first_root)
    return path


@pytest.fixture
def main(config: Path, monkeypatch: pytest.MonkeyPatch) -> Main:
    def run(*arguments: str | Path) -> int:
        monkeypatch.setattr(sys, "argv", ["sync", "--config", str(config), *map(str, arguments)])
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        return sync.main()

    return run


def with_trust(config: Path, *lines: str) -> Config:
    text = config.read_text("utf-8").replace('folder = "store"', "\n".join(['folder = "store"', *lines]))
    config.write_text(text, "utf-8")
    return load_config(config)


def test_from_a_folder_as_a_process(config: Path, stick: Path, root: Path) -> None:
    line: list[str | Path] = [sys.executable, "-m", "firmware.sync", "--config", config]
    line += ["--from", stick, "--root", root]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("trust of 20")
    assert ", version 1: taken (" in done.stdout
    (event,) = map(json.loads, done.stderr.splitlines())
    assert (event["event"], event["new"], event["version"]) == ("trust-synced", True, 1)


def test_then_nothing_is_new_and_the_root_is_known(
    main: Main, stick: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("--from", stick, "--root", root) == 0
    capsys.readouterr()
    assert main("--from", stick) == 0
    assert "in use already: nothing new" in capsys.readouterr().out
    assert main("--from", stick, "--root", root, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["new"], said["requests"], said["province_kept"]) == (False, 2, None)


def test_from_the_server_of_the_configuration(
    main: Main, config: Path, published: Nation, root: Path, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("kiosk")
    context = server_context(*authority.issue("server", address="127.0.0.1"), clients_of=authority.file)
    with serving(published.published, context=context) as site:
        lines = (
            f'url = "{site.url}"',
            f'ca = "{authority.file}"',
            f'certificate = "{certificate}"',
            f'key = "{key}"',
        )
        with_trust(config, *lines)
        assert main("--root", root) == 0
        asked = len(site.asked)
        assert main() == 0
        assert site.asked[asked:] == ["metadata/2.root.json", "metadata/timestamp.json"]
        published.files[OF_NATION] = rule_file("R1", version=2)
        site.files = published.publish()
        assert main() == 0
    kiosk = Kiosk(config.parent / "store", published)
    kiosk.assert_newest()


def failed(main: Main, status: int, why: str, capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> None:
    """Check a failure's status, and its one line in the log and as JSON."""
    capfd.readouterr()
    assert main(*arguments, "--json") == status
    out, err = capfd.readouterr()
    said, event = json.loads(out), json.loads(err)
    assert said["status"] == event["status"] == status
    assert event["event"] == "trust-not-synced"
    assert said["error"] == event["why"]
    assert why in said["error"]


class TestFailures:
    def test_refused(self, main: Main, stick: Path, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
        assert main("--from", stick, "--root", root) == 0
        path = stick / "metadata/timestamp.json"
        path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2'))
        failed(main, 65, "stays in use", capfd, "--from", stick)

    def test_another_root(self, main: Main, stick: Path, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
        assert main("--from", stick, "--root", root) == 0
        root.write_bytes(Nation().first_root)
        failed(main, 65, "another one than", capfd, "--from", stick, "--root", root)

    def test_a_root_that_is_none(self, main: Main, stick: Path, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
        root.write_bytes(b"{}")
        failed(main, 65, "not to be trusted", capfd, "--from", stick, "--root", root)
        assert not (stick.parent / "store/root.json").exists()

    def test_no_root(self, main: Main, stick: Path, capfd: pytest.CaptureFixture[str]) -> None:
        failed(main, 66, "no first root", capfd, "--from", stick)
        failed(main, 66, "none.json: No such file", capfd, "--from", stick, "--root", "none.json")

    def test_no_stick(self, main: Main, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
        failed(main, 66, "plug the stick in", capfd, "--from", "/dev/none", "--root", root)

    def test_an_empty_stick(self, main: Main, root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "empty").mkdir()
        failed(main, 66, "no such file", capfd, "--from", tmp_path / "empty", "--root", root)

    def test_no_server(self, main: Main, config: Path, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
        with_trust(config, 'url = "http://127.0.0.1:1/"')
        failed(main, 69, "127.0.0.1:1 refuses connections", capfd, "--root", root)

    def test_no_place(self, main: Main, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
        failed(main, 78, "key trust.url is missing", capfd, "--root", root)

    def test_a_certificate_that_is_none(
        self, main: Main, config: Path, root: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with_trust(config, 'url = "https://127.0.0.1:1/"', f'ca = "{root}"')
        failed(main, 78, "holds no certificate", capfd, "--root", root)

    def test_a_store_that_cannot_be_written(
        self, main: Main, config: Path, stick: Path, root: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        (config.parent / "store").write_bytes(b"")
        failed(main, 73, "File exists", capfd, "--from", stick, "--root", root)

    def test_another_sync(
        self, main: Main, config: Path, stick: Path, root: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with opened(config.parent / "store"):
            failed(main, 75, "another sync runs", capfd, "--from", stick, "--root", root)

    def test_no_configuration(self, main: Main, config: Path, capfd: pytest.CaptureFixture[str]) -> None:
        config.unlink()
        failed(main, 78, "no such file", capfd)

    def test_a_province_that_is_kept_is_an_event(
        self, main: Main, published: Nation, tmp_path: Path, root: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        published.provinces[CODE][OF_PROVINCE] = b"no rule file"
        stick = write(published.publish(), tmp_path / "other")
        assert main("--from", stick, "--root", root) == 0
        kept, synced = map(json.loads, capfd.readouterr().err.splitlines())
        assert (kept["event"], kept["province"]) == ("province-kept", CODE)
        assert "P1.json" in kept["why"]
        assert synced["event"] == "trust-synced"


def test_on_a_terminal_it_speaks_in_words(
    main: Main,
    published: Nation,
    tmp_path: Path,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    published.provinces[CODE][OF_PROVINCE] = b"no rule file"
    stick = write(published.publish(), tmp_path / "other")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert main("--from", stick, "--root", root) == 0
    said = capsys.readouterr()
    assert f"province {CODE}: " in said.err
    assert "event" not in said.err
    assert said.out.startswith("trust of ")
    assert main("--from", tmp_path / "none") == 66
    assert f"{tmp_path / 'none'}: No such file" in capsys.readouterr().err


def test_stopped_it_leaves_nothing(
    main: Main, config: Path, stick: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        sync._stop(15, None)

    monkeypatch.setattr(sync, "check_usable", stop)
    assert main("--from", stick, "--root", root) == 130
    assert not list((config.parent / "store/stores").iterdir())


def test_it_waits_for_a_time_of_its_own_before_it_comes(
    main: Main, stick: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    assert main("--from", stick, "--root", root, "--jitter", "600") == 0
    assert main("--from", stick, "--jitter", "600") == 0
    assert all(0 <= wait <= 600 for wait in waits)
    assert waits[0] != waits[1]


@pytest.mark.parametrize("seconds", ["-1", "nan", "86401", "x"])
def test_a_jitter_that_is_none(main: Main, seconds: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main("--jitter", seconds)
    assert caught.value.code == 2


def test_help_has_an_example_and_every_exit_code(main: Main, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main("--help")
    said = capsys.readouterr().out
    assert "example:\n  python -m firmware.sync --config" in said
    for code in (0, 2, 65, 66, 69, 73, 75, 78, 130):
        assert f"\n  {code} " in said


def test_as_others_call_it(config: Path, stick: Path, root: Path) -> None:
    loaded = load_config(config)
    with pytest.raises(NoSourceError):
        sync.synchronise(loaded, str(stick))
    told: list[int] = []
    assert sync.synchronise(loaded, str(stick), root=root, seen=lambda done, _: told.append(done)).new
    assert told
    with pytest.raises(ConfigError):
        sync.synchronise(loaded)
    root.write_bytes(b"{}")
    with pytest.raises(RefusedError):
        sync.synchronise(loaded, str(stick), root=root)

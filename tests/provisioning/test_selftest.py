"""`greengate selftest` with the real programs: passed, refused, cut off, and always dark and tidy afterwards."""

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import typer

from drivers.signal.simulated import last_lamps, last_level, read_levels
from firmware import service_state
from provisioning.selftest import stage as staging
from provisioning.selftest.checks import Result
from provisioning.selftest.command import STOPPED, run_test
from provisioning.talk import Talk
from provisioning.units import UnitsError
from tests.firmware.appliance import alive, children_of, wait_until
from tests.firmware.site import Site, make_site
from tests.provisioning.command import greengate
from tests.provisioning.fake_units import FakeUnits
from tests.provisioning.passes import keys_in

NO_CHIP = not Path("/dev/gpiochip0").exists()


@pytest.fixture
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="gg-") as folder:  # tmp_path is too long for a Unix socket in it
        site = make_site(Path(folder))
        service_state.begin(site.config.service_marker, site.now)
        yield site


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder in place of /run."""
    with tempfile.TemporaryDirectory(prefix="gg-run-") as folder:
        monkeypatch.setattr(staging, "IN_MEMORY", Path(folder))
        monkeypatch.setenv("TMPDIR", folder)  # where a process of its own finds /run read-only
        yield Path(folder)


def records(site: Site) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(site.config.journal.path)) as db:
        return list(db.execute("SELECT direction, verdict FROM checkin ORDER BY seq"))


def with_buzzer(site: Site) -> Site:
    text = site.config_path.read_text("utf-8")
    site.config_path.write_text(text.replace("[clock]", "buzzer_pin = 22\nheartbeat_pin = 23\n[clock]"), "utf-8")
    return site


def test_a_device_that_works_passes_within_twenty_seconds(site: Site, memory: Path) -> None:
    before = keys_in(site.folder)
    begun_s = time.monotonic()
    done = greengate("selftest", "--config", with_buzzer(site).config_path, "--json", "--lang", "vi")
    assert time.monotonic() - begun_s < 20
    assert done.code == 0
    *checks, whole = done.results
    assert whole == {"event": "selftest-passed"}
    assert {check["event"] for check in checks} == {"check-passed"}
    assert len(checks) == 10
    assert records(site) == [("test", "accepted"), ("test", "refused")]
    run = site.config.run.folder
    assert last_lamps(site.config.lamp_history).by == "darken"
    assert sum(level.on for level in read_levels(run / "buzzer.jsonl")) == 3  # one long, then two
    assert len(read_levels(run / "heartbeat.jsonl")) > 20
    assert not last_level(run / "heartbeat.jsonl").on
    assert list(memory.iterdir()) == []
    assert keys_in(site.folder) == before, "the device's own"


def test_it_is_for_service_state_only(site: Site) -> None:
    service_state.end(site.config.service_marker)
    done = greengate("selftest", "--config", site.config_path, "--lang", "en")
    assert done.code == 75
    assert "greengate service start" in done.err
    assert not site.config.journal.path.exists()


def test_a_dry_run_shows_what_would_be_done(site: Site) -> None:
    done = greengate("selftest", "--config", site.config_path, "--dry-run", "--json")
    assert done.code == 0
    assert [result.get("step") for result in done.results] == [
        "stop-programs",
        "show-pictures",
        "start-programs",
        None,
    ]
    assert not site.config.journal.path.exists()


@pytest.mark.parametrize("held", ["gate.lock", "selftest.lock"])
def test_a_gate_or_a_test_that_runs_is_not_disturbed(site: Site, held: str) -> None:
    with (site.config.run.folder / held).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = greengate("selftest", "--config", site.config_path, "--lang", "en")
    assert done.code == 75
    assert str(site.config.run.folder) in done.err


def test_a_configuration_that_is_wrong_is_named(site: Site) -> None:
    site.config_path.write_text("[devise]")
    done = greengate("selftest", "--config", site.config_path)
    assert done.code == 78
    assert "devise" in done.err


def with_gpio(site: Site) -> Site:
    text = site.config_path.read_text("utf-8")
    pins = '[signal]\nkind = "gpio"\nred_pin = 17\ngreen_pin = 27'
    text = text.replace('[signal]\nkind = "simulated"', pins).replace('"assumed"', '"system"')
    site.config_path.write_text(text, "utf-8")
    return site


def test_real_lamps_need_somebody_to_ask_or_no_ask(site: Site) -> None:
    done = greengate("selftest", "--config", with_gpio(site).config_path, "--lang", "en")
    assert done.code == 2
    assert "--no-ask" in done.err


def test_a_journal_that_cannot_be_written_is_named_with_its_cure(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.selftest.watch.START_S", 3.0)
    text = site.config_path.read_text("utf-8")
    site.config_path.write_text(text.replace('"journal.db"', '"nowhere/journal.db"'), "utf-8")
    done = greengate("selftest", "--config", site.config_path, "--json", "--lang", "en")
    assert done.code == 1
    in_service, dark, whole = done.results
    assert (in_service["check"], in_service["event"]) == ("in-service", "check-failed")
    assert "journal-failed" in in_service["cure"]
    assert (dark["check"], dark["event"]) == ("dark-at-end", "check-passed")
    assert whole == {"event": "selftest-failed"}


@pytest.mark.skipif(not NO_CHIP, reason="this machine has pins")
def test_lamps_that_are_not_there_are_named_with_their_cure(site: Site, memory: Path) -> None:
    done = greengate("selftest", "--config", with_gpio(site).config_path, "--no-ask", "--lang", "en")
    assert done.code == 78
    assert "lgpio" in done.err or "Raspberry Pi" in done.err
    assert list(memory.iterdir()) == []


def test_only_root_tests_the_appliances_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert greengate("selftest").code == 77


# Units, and being cut off


def results_on(site: Site, units: FakeUnits) -> list[Result]:
    return run_test(site.config, Talk("selftest", "en"), units, ask=False)


def test_units_are_stopped_meanwhile_and_started_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    units = FakeUnits("greengate-gate", "greengate-reader", "greengate-panel")
    monkeypatch.setattr("provisioning.selftest.watch.START_S", 0.0)  # nothing is in service so soon
    results = results_on(site, units)
    assert not results[0].passed
    assert units.told == [
        ("stop", "greengate-gate", "greengate-reader"),
        ("start", "greengate-gate", "greengate-reader"),
    ]
    assert set(STOPPED) & units.running == {"greengate-gate", "greengate-reader"}


def test_units_that_cannot_be_told_are_said(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    units = FakeUnits("greengate-gate")
    units.failing = {"stop"}
    with pytest.raises(typer.Exit) as left:
        results_on(site, units)
    assert left.value.exit_code == 69
    assert "systemctl stop" in capsys.readouterr().err
    assert isinstance(left.value.__context__, UnitsError)


def test_a_full_disk_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    units = FakeUnits("greengate-gate")
    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(typer.Exit) as left:
        results_on(site, units)
    assert left.value.exit_code == 73
    assert units.running == {"greengate-gate"}


def test_service_state_that_ends_midway_ends_the_test(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    def end() -> None:
        wait_until(lambda: last_lamps(site.config.lamp_history).t_ns, "the gate is there")
        service_state.end(site.config.service_marker)

    thread = threading.Thread(target=end)
    thread.start()
    with pytest.raises(typer.Exit) as left:
        results_on(site, FakeUnits())
    thread.join()
    assert left.value.exit_code == 75
    assert "service state has ended" in capsys.readouterr().err


@contextmanager
def at_work(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command as a process, until its green light."""
    command = [sys.executable, "-c", COMMAND, str(staging.IN_MEMORY), "selftest", "--config", str(site.config_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        with process:
            wait_until(lambda: last_lamps(site.config.lamp_history).green, "the lamp is green", 20)
            yield process
    finally:
        process.kill()


COMMAND = """
import sys
from pathlib import Path
from provisioning.selftest import stage
stage.IN_MEMORY = Path(sys.argv.pop(1))
from provisioning.main import main
main()
"""


def descendants(pid: int) -> set[int]:
    return {found for child in children_of(pid) for found in (child, *descendants(child))}


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_being_stopped_leaves_nothing_lit_and_nothing_behind(
    site: Site, memory: Path, number: signal.Signals, status: int
) -> None:
    with at_work(site) as process:
        family = descendants(process.pid)
        process.send_signal(number)
        assert process.wait(10) == status
    assert not last_lamps(site.config.lamp_history).green
    assert not [pid for pid in family if alive(pid)]
    assert list(memory.iterdir()) == []


def test_killed_outright_its_programs_end_dark(site: Site) -> None:
    with at_work(site) as process:
        family = descendants(process.pid)
        process.kill()
    wait_until(lambda: not [pid for pid in family if alive(pid)], "all have ended")
    assert not last_lamps(site.config.lamp_history).green


def test_a_supervisor_that_is_killed_ends_the_test_dark(site: Site, memory: Path) -> None:
    with at_work(site) as process:
        family = descendants(process.pid)
        (runner,) = [pid for pid in family if "provisioning.selftest.programs" in name_of(pid)]
        os.kill(runner, signal.SIGKILL)
        _, said = process.communicate(timeout=15)
    assert process.returncode == 1
    assert b"midway" in said
    wait_until(lambda: not [pid for pid in family if alive(pid)], "all have ended")
    assert not last_lamps(site.config.lamp_history).green
    assert list(memory.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who gives a program another's rights")
def test_the_programs_run_with_the_gates_rights(site: Site, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = 12345
    if not _may_run(user):
        pytest.skip("this Python is in a folder that only root may enter")
    monkeypatch.setattr("provisioning.selftest.command.gate_account", lambda: staging.Account(user, user, ()))
    for path in (site.folder, site.config.run.folder):
        shutil.chown(path, user)
    memory.chmod(0o755)
    assert all(result.passed for result in results_on(site, FakeUnits()))
    assert site.config.journal.path.stat().st_uid == user
    assert json.loads(site.config.service_marker.read_bytes())


def _may_run(user: int) -> bool:
    command = [sys.executable, "-c", "import provisioning.selftest.programs"]
    try:
        return subprocess.run(command, user=user, group=user, extra_groups=[], cwd="/", check=False).returncode == 0
    except OSError:
        return False

"""What the units promise each other and the programs, read from their files."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from firmware.config import Config, load_config
from firmware.supervisor import PROGRAMS
from provisioning.layout import Layout

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNITS = SYSTEMD / "system"
SPANS_S = {"ms": 0.001, "s": 1.0, "min": 60.0}


def settings(name: str) -> dict[str, list[str]]:
    """Return a unit's settings, each with its values in their order."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text("utf-8").splitlines():
        if match := re.fullmatch(r"([A-Z]\w+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


def seconds(span: str) -> float:
    match = re.fullmatch(r"(\d+)(ms|s|min)", span)
    assert match
    return int(match[1]) * SPANS_S[match[2]]


@pytest.fixture
def simulation() -> Config:
    return load_config(SYSTEMD / "simulation.toml")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_each_program_has_a_unit_with_its_watchdog(program: object) -> None:
    assert isinstance(program, type(PROGRAMS[0]))
    unit = settings(f"greengate-{program.name}.service")
    assert unit["Type"] == ["notify"]
    assert unit["NotifyAccess"] == ["main"]
    assert unit["WatchdogSignal"] == ["SIGKILL"]
    assert seconds(unit["WatchdogSec"][0]) == program.watchdog_s
    assert unit["Restart"] == ["always"]
    assert unit["RestartPreventExitStatus"] == ["78"]
    assert unit["OnFailure"] == ["greengate-failure@%N.service"]
    assert f"-m {program.module} " in unit["ExecStart"][0]


def test_the_gate_darkens_its_lamps_and_waits_for_nobody_when_it_is_told_to_stop() -> None:
    gate = settings("greengate-gate.service")
    assert "firmware.darken" in gate["ExecStopPost"][0]
    for name in ("reader", "uplink", "panel"):
        assert "greengate-gate.service" not in " ".join(settings(f"greengate-{name}.service").get("After", []))
        assert f"greengate-{name}.service" not in " ".join(gate.get("After", []))


def test_who_decides_and_who_sees_pixels_has_no_network() -> None:
    for name in ("gate", "reader", "simulation", "failure@"):
        unit = settings(f"greengate-{name}.service")
        assert unit["PrivateNetwork"] == ["yes"]
        assert unit["RestrictAddressFamilies"] == ["AF_UNIX"]


def test_no_program_leaves_its_memory_on_the_disk() -> None:
    assert settings("greengate-.service.d/10-hardening.conf")["LimitCORE"] == ["0"]


def test_devices_are_those_of_each_program() -> None:
    allowed = {path.name: settings(path.name).get("DeviceAllow", []) for path in UNITS.glob("*.service")}
    assert {name: devices for name, devices in allowed.items() if devices} == {
        "greengate-gate.service": ["char-gpiochip rw"],
        "greengate-failure@.service": ["char-gpiochip rw"],
        "greengate-reader.service": ["char-video4linux rw", "char-media rw", "char-dma_heap rw"],
        "greengate-rtc@.service": ["char-rtc r"],
    }
    assert all(settings(name)["DevicePolicy"] == ["closed"] for name in allowed)


def test_only_the_target_is_enabled_on_a_device_and_wants_every_program() -> None:
    enabled = {
        path.name for path in UNITS.glob("greengate*") if path.is_file() and "[Install]" in path.read_text("utf-8")
    }
    assert enabled == {
        "greengate.target",
        "greengate-broker.service",
        "greengate-collector.service",
        "greengate-enrolment.service",
        "greengate-page.service",
    }
    wanted = " ".join(settings("greengate.target")["Wants"]).split()
    assert {f"greengate-{program.name}.service" for program in PROGRAMS} <= set(wanted)
    assert all((UNITS / name).is_file() for name in wanted)


def test_one_program_writes_the_trust_folder_with_a_network_and_without_a_key() -> None:
    sync, trust = settings("greengate-sync.service"), str(Layout().trust)
    assert sync["User"] == ["greengate-sync"]
    assert sync["ReadWritePaths"] == [trust]
    assert str(Layout().identity) in " ".join(sync["InaccessiblePaths"])
    assert [one.partition(":")[0] for one in sync["LoadCredential"]] == ["ca.pem"]
    writers = [
        path.name
        for path in UNITS.glob("*.service")
        for folders in settings(path.name).get("ReadWritePaths", [])
        if {trust, str(Layout().data)} & set(folders.split())
    ]
    assert sorted(writers) == ["greengate-first-boot.service", "greengate-sync.service"]
    made = (SYSTEMD / "tmpfiles.d" / "greengate.conf").read_text("utf-8")
    assert f"\nd {trust} 2750 greengate-sync greengate -\nZ {trust} - greengate-sync greengate -\n" in made


def test_trust_is_fetched_hourly_each_device_in_its_own_minute_and_when_the_uplink_says_so(simulation: Config) -> None:
    assert settings("greengate-sync.path")["PathChanged"] == [str(simulation.trust_announced)]
    timer = settings("greengate-sync.timer")
    assert (timer["OnCalendar"], timer["FixedRandomDelay"]) == (["hourly"], ["yes"])
    assert seconds(timer["RandomizedDelaySec"][0]) >= 600
    for name in ("timer", "path"):
        assert f"greengate-sync.{name}" in " ".join(settings("greengate.target")["Wants"])
        assert settings(f"greengate-sync.{name}")["PartOf"] == ["greengate.target"]


def test_without_an_address_nothing_is_fetched_and_nothing_fails(tmp_path: Path) -> None:
    (condition,) = settings("greengate-sync.service")["ExecCondition"]
    code = condition.split("'")[1]
    for text, exit_code in {
        "[trust]\nfolder = 'a'\n": 1,
        "[trust]\nfolder = 'a'\nurl = 'https://x'\n": 0,
        "trust = {url = 'https://x'}\n": 0,
        "# url = 'https://x'\n[trust]\nfolder = 'a'": 1,
        "[trust": 1,
    }.items():
        (tmp_path / "config.toml").write_text(text)
        line = [sys.executable, "-I", "-c", code.replace("/etc/greengate/greengate.toml", f"{tmp_path}/config.toml")]
        assert subprocess.run(line, capture_output=True, check=False).returncode == exit_code, text


def test_an_identity_without_the_centres_keys_stops_no_program() -> None:
    for name, optional in (("uplink", {"centre.pem"}), ("gate", {"ca.pem", "centre.pem"})):
        unit = settings(f"greengate-{name}.service")
        loaded = dict(one.split(":", 1) for one in unit["LoadCredential"])
        # systemd.exec(5): then a file that is missing is no failure; what is there instead is no certificate
        assert unit["SetCredential"] == [f"{credential}:none" for credential in sorted(optional)]
        assert optional <= set(loaded)
        assert all(path == str(Layout().identity / "current" / credential) for credential, path in loaded.items())
    assert "device.key" not in " ".join(settings("greengate-gate.service")["LoadCredential"])


def test_of_the_centre_only_who_makes_them_sees_the_private_keys() -> None:
    for name in ("broker", "collector", "page"):
        hidden = " ".join(settings(f"greengate-{name}.service")["InaccessiblePaths"]).split()
        assert {"-/var/lib/greengate-centre/ca", "-/var/lib/greengate-centre/sealing"} <= set(hidden)


def test_every_user_and_folder_is_made(simulation: Config) -> None:
    made = (SYSTEMD / "sysusers.d" / "greengate.conf").read_text("utf-8")
    for unit in UNITS.glob("*.service"):
        for user in settings(unit.name).get("User", []):
            assert f"\nu {user} " in made
        for groups in settings(unit.name).get("SupplementaryGroups", []):
            assert f"\ng {groups} " in made
    folders = (SYSTEMD / "tmpfiles.d" / "greengate.conf").read_text("utf-8")
    config, layout = simulation, Layout()
    of_programs = (config.journal.path.parent, config.run.folder, config.uplink_status.parent)
    for folder in (*of_programs, config.readings_socket.parent, layout.trust, layout.identity, layout.lock.parent):
        assert f"\nd {folder} " in folders
    assert "\nm greengate-reader greengate-readings\n" in made
    assert f"\nd {config.readings_socket.parent} 2750 greengate-gate greengate-readings " in folders
    assert "\ng greengate-plates " in made
    assert "greengate-plates\n" not in made  # none of our programs enters plates
    assert f"\nd {config.plates_socket.parent} 2750 greengate-gate greengate-plates " in folders
    assert f"\na+ {config.run.folder} - - - - g:greengate-plates:--x\n" in folders


def test_the_configuration_of_a_fresh_installation_opens_nothing(simulation: Config) -> None:
    assert simulation.signal.kind == simulation.camera.kind == "simulated"
    assert simulation.trust.folder.parent == Path(simulation.camera.source).parent == Path("/run/greengate-simulation")
    assert simulation.journal.path == Layout().journal
    assert f"ListenStream={simulation.panel.host}:{simulation.panel.port}\n" in (
        UNITS / "greengate-panel.socket"
    ).read_text("utf-8")

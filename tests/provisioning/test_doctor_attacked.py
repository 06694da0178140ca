"""Doctor and diagnosis against what means harm: gates that babble, pipes for files, terminal commands in names."""

import contextlib
import dataclasses
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from drivers.machine import Machine
from drivers.signal.simulated import last_lamps
from firmware.config_sections import BrokerConfig
from firmware.messages import Shown, encode
from firmware.sockets import listen
from firmware.wiring import signal_of
from provisioning import diagnose, doctor, evidence
from provisioning.checks import Check, Finding, Patient, broker, camera, configuration, ok
from provisioning.checks.every import LAMPS
from provisioning.checks.rounds import side_by_side
from provisioning.talk import Talk
from tests.firmware.site import Site, make_site
from tests.provisioning.command import greengate
from tests.provisioning.patients import TableOfUnits, at_site, put, results

HOSTILE = "x\x1b]0;owned\x07\x1b[2J\ny\u202e"  # sets a title, clears the screen, adds a line, turns the rest around
SOON_S = 5.0


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return at_site(tmp_path)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site")


@contextlib.contextmanager
def babbling(path: Path, message: bytes) -> Iterator[None]:
    """Be a gate that tells one thing without end."""
    with listen(path) as server:
        server.settimeout(SOON_S)

        def babble() -> None:
            with contextlib.suppress(OSError):
                client, _ = server.accept()
                client.settimeout(SOON_S)
                with client:
                    while True:
                        client.send(message)

        thread = threading.Thread(target=babble, daemon=True)
        thread.start()
        yield
        thread.join(SOON_S)


def test_a_gate_that_babbles_is_listened_to_for_its_time_only(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera, "HEALTH_S", 0.2)
    found: list[object] = []
    socket = patient.known.events_socket
    with babbling(socket, encode(Shown(aspect="ready", reason="ready", vi="-", en="-"))):
        asked = threading.Thread(target=lambda: found.append(camera.beats(socket)), daemon=True)
        asked.start()
        asked.join(SOON_S)
    assert found == [[]]


@pytest.mark.parametrize("garbage", [b"\xff" * 100, b"{" * 50_000, b'{"type":"health"}', b"null"])
def test_a_gate_that_talks_rubbish_is_silent(patient: Patient, garbage: bytes) -> None:
    with babbling(patient.known.events_socket, garbage):
        assert results(camera.frames, patient) == {"gate-silent": "fault"}


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_what_a_device_is_called_commands_no_terminal(
    patient: Patient, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    loud = Check("camera", "camera", lambda _: [ok("camera-there", camera=HOSTILE)])
    for line in (doctor.Line(loud, finding) for finding in loud.run(patient)):
        doctor._tell(line, Talk("doctor", lang))
    told = capsys.readouterr().out
    assert told.count("\n") == 1, "one line a result"
    assert all(character.isprintable() for character in told.rstrip("\n"))
    assert "owned" in told


def test_pipes_in_the_place_of_files_hold_nobody_up(patient: Patient, tmp_path: Path) -> None:
    config = patient.known
    config.uplink_status.parent.mkdir(parents=True)
    for pipe in (config.uplink_status, config.run.folder / "log.jsonl", tmp_path / "pipe.pem"):
        os.mkfifo(pipe)
    (tmp_path / "etc").mkdir()
    os.mkfifo(tmp_path / "etc/os-release")
    desk = dataclasses.replace(patient, units=TableOfUnits(here=False))
    pem = tmp_path / "pipe.pem"
    piped = msgspec.structs.replace(config, broker=BrokerConfig(host="h", ca=pem, certificate=pem, key=pem))
    found: list[object] = []

    def ask() -> None:
        found.append(evidence.health(desk))
        found.append(list(evidence.log_events(desk)))
        found.append(Machine(tmp_path).text("etc/os-release"))
        found.append(results(broker.certificate, dataclasses.replace(desk, config=piped)))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(SOON_S)
    assert found == [{"gate": None, "uplink": None}, [], "", {"certificate-unreadable": "fault"}]


def test_a_link_in_the_place_of_the_uplinks_status_is_not_followed(patient: Patient, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"planted": 1}')
    patient.known.uplink_status.parent.mkdir(parents=True)
    patient.known.uplink_status.symlink_to(secret)
    assert evidence.health(patient) == {"gate": None, "uplink": None}


def test_a_huge_certificate_is_none(patient: Patient, tmp_path: Path) -> None:
    pem = tmp_path / "huge.pem"
    with pem.open("wb") as file:
        file.truncate(1 << 40)
    config = msgspec.structs.replace(patient.known, broker=BrokerConfig(host="h", ca=pem, certificate=pem, key=pem))
    found = results(broker.certificate, dataclasses.replace(patient, config=config))
    assert found == {"certificate-unreadable": "fault"}


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 400, "-", "0x" + "f" * 5000])
def test_numbers_of_thousands_of_digits_are_none(patient: Patient, number: str) -> None:
    put(patient, "sys/class/thermal/thermal_zone0/temp", number)
    put(patient, "proc/meminfo", f"MemTotal: {number} kB\nMemTotal:\nMemAvailable: 7 kB\n")
    assert patient.machine.temperature_c() is None
    assert patient.machine.memory() == {"MemAvailable": 7}


def test_who_may_not_read_the_configuration_is_told_to_be_root(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    unread = dataclasses.replace(patient, root=False, config=None, config_fault="cannot be read")
    assert results(configuration.configuration, unread) == {"skip-root": "skipped"}
    assert unread.locked_away
    assert not dataclasses.replace(unread, root=True).locked_away


def test_a_machine_without_a_configuration_is_told_what_to_do(tmp_path: Path) -> None:
    done = greengate("doctor", "--root", tmp_path, "--only", "configuration", "--lang", "en")
    assert done.code == 78
    assert "this machine is no gate yet" in done.out
    assert "sudo greengate enrol" in done.out


# Ctrl-C


def test_ctrl_c_waits_until_devices_are_left_in_order(patient: Patient) -> None:
    patient.known.lamp_history.parent.mkdir(parents=True, exist_ok=True)
    lit, asked = threading.Event(), threading.Event()

    def light(_: Patient) -> Iterator[Finding]:
        with signal_of(patient.known) as signal:
            signal.show(red=True, green=False)
            lit.set()
            asked.wait(SOON_S)
            yield ok("lamp-read-red")

    def interrupted() -> None:
        assert lit.wait(SOON_S)
        threading.Timer(0.2, asked.set).start()
        raise KeyboardInterrupt

    quick = Check("camera", "camera", lambda _: [ok("camera-there", camera="x")])
    lamps = Check("lamps", "lamps", light)
    with pytest.raises(KeyboardInterrupt):
        side_by_side([quick, lamps], patient, interrupted, grace_s=SOON_S)
    assert not last_lamps(patient.known.lamp_history).red


def test_ctrl_c_waits_for_what_hangs_no_longer_than_its_grace(patient: Patient) -> None:
    ended = threading.Event()

    def hang(_: Patient) -> Iterator[Finding]:
        ended.wait(60)
        yield ok("camera-there", camera="x")

    def interrupted() -> None:
        raise KeyboardInterrupt

    quick = Check("camera", "camera", lambda _: [ok("camera-there", camera="x")])
    start_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side([quick, Check("camera", "hang", hang)], patient, interrupted, grace_s=0.1)
    assert time.monotonic() - start_s < SOON_S
    ended.set()


def test_a_lock_that_cannot_be_had_is_a_fault_and_not_the_end(patient: Patient) -> None:
    patient.layout.lock.parent.mkdir(parents=True)
    patient.layout.lock.symlink_to("elsewhere")
    lines = list(doctor.examine(dataclasses.replace(patient, service=True), Talk("doctor", "en"), only="lamps"))
    assert {line.finding.code for line in lines if line.check is LAMPS} == {"lock-unusable"}
    assert isinstance(patient.units, TableOfUnits)
    assert patient.units.told == []


# the archive


def collect(site: Site, file: Path, *more: str) -> tuple[int, str]:
    done = greengate("diagnose", "collect", file, "--config", site.config_path, "--lang", "en", *more)
    return done.code, done.err


def test_a_name_too_long_and_a_file_for_a_folder_are_one_line(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for file in (tmp_path / ("x" * 300), tmp_path / "file" / "d.tar.gz"):
        code, told = collect(site, file)
        assert code == 73
        assert told.splitlines()[-1].startswith((f"{file} cannot be written", "there is no folder"))


def test_a_link_is_replaced_and_never_followed(site: Site, tmp_path: Path) -> None:
    victim, file = tmp_path / "victim", tmp_path / "d.tar.gz"
    victim.write_text("mine")
    file.symlink_to(victim)
    assert collect(site, file)[0] == 73
    assert collect(site, file, "--force")[0] == 0
    assert victim.read_text() == "mine"
    assert not file.is_symlink()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_devices_and_folders_are_no_place_for_it(site: Site, tmp_path: Path) -> None:
    assert collect(site, Path("/dev/full"))[0] == 73
    (tmp_path / "folder").mkdir()
    assert collect(site, tmp_path / "folder", "--force")[0] == 73
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "site"], "no draft is left"


def test_ctrl_c_leaves_nothing_half_written(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    assert collect(site, tmp_path / "d.tar.gz")[0] == 130
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def _field(name: str) -> Callable[[str], dict[str, object]]:
    return lambda text: {"t_ns": 1, "event": "decided", "checkin": "x", "verdict": "refused", "reason": "ok"} | {
        "timings_ms": {}, name: text
    }  # fmt: skip


@pytest.mark.parametrize("name", ["verdict", "reason", "holder", "text"])
@pytest.mark.parametrize("text", ["079123456789", "a" * 40, "NGUYEN VAN PLANTED", "0901234567"])
def test_what_looks_like_a_code_and_is_a_number_of_somebody_is_hidden(
    site: Site, tmp_path: Path, name: str, text: str
) -> None:
    (site.config.run.folder / "log.jsonl").write_text(json.dumps(_field(name)(text)) + "\n")
    patient = dataclasses.replace(at_site(tmp_path / "other"), config=site.config, units=TableOfUnits(here=False))
    parts = {part.name: part.data for part in diagnose.gathered(patient, 10, Talk("doctor", "en", as_json=True))}
    assert b'"decided"' in parts["events.jsonl"]
    assert text.encode() not in b"".join(parts.values())

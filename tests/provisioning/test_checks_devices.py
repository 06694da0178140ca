"""Doctor's checks of camera, lamps and network: with simulated devices, a gate of sockets, and a real broker."""

import dataclasses
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from drivers.camera.simulated import SimulatedCamera
from drivers.signal.simulated import read_history
from firmware.config_sections import CameraConfig, SignalConfig
from firmware.messages import Health, Notice, encode
from firmware.sockets import listen
from provisioning.checks import Patient, camera, lamps, look, storage
from provisioning.checks.look import Look, look_through
from tests.provisioning.patients import at_site, results


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return at_site(tmp_path)


def with_camera(patient: Patient, **values: object) -> Patient:
    config = msgspec.structs.replace(patient.known, camera=CameraConfig(**values))  # type: ignore[arg-type]
    return dataclasses.replace(patient, config=config)


# camera


def test_a_camera_is_looked_for_by_its_kind(patient: Patient, tmp_path: Path) -> None:
    assert results(camera.present, patient) == {"camera-there": "ok"}
    for kind, source in (("simulated", str(tmp_path / "none")), ("opencv", str(tmp_path / "none")), ("picamera2", "0")):
        found = results(camera.present, with_camera(patient, kind=kind, source=source))
        assert found == {f"camera-missing-{kind}": "fault"}
    (tmp_path / "sys/class/video4linux/video0").mkdir(parents=True)
    (tmp_path / "sys/class/video4linux/video0/name").write_text("unicam\n")
    assert results(camera.present, with_camera(patient, kind="picamera2", source="0")) == {"camera-there": "ok"}


def beat(frames: int, *, in_service: bool = True, notice: str = "demo", written: int | None = None) -> bytes:
    return encode(
        Health(
            in_service=in_service,
            device="kiosk-1",
            lane="A",
            demo=True,
            clock_trusted=True,
            frames=frames,
            unsent=0,
            uplink_connected=None,
            last_ack_age_s=None,
            bytes_per_record=written,
            notices=(Notice(notice, "a", "b"),),
        )
    )


@contextmanager
def gate(path: Path, *beats: bytes) -> Iterator[None]:
    """Tell everybody who listens these messages, then nothing more."""
    with listen(path) as server:
        server.settimeout(10)

        def tell() -> None:
            with server.accept()[0] as client:
                for message in beats:
                    client.send(message)
                client.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=tell)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize(
    ("beats", "told"),
    [
        ([beat(5), beat(20), beat(35)], {"frames-flow": "ok", "gate-in-service": "ok"}),
        (
            [beat(5, in_service=False), beat(5, in_service=False)],
            {"frames-stand": "fault", "gate-out-of-service": "fault"},
        ),
        (
            [beat(5), beat(6, notice="centre-silent")],
            {"frames-flow": "ok", "gate-in-service": "ok", "gate-says-centre-silent": "warning"},
        ),
        ([beat(5)], {"gate-silent": "fault"}),
        ([b"rubbish"], {"gate-silent": "fault"}),
        ([], {"gate-silent": "fault"}),
    ],
)
def test_frames_flow_by_the_gates_own_count(patient: Patient, beats: list[bytes], told: dict[str, str]) -> None:
    with gate(patient.known.events_socket, *beats):
        assert results(camera.frames, patient) == told


def test_what_each_check_in_writes_is_the_gates_own_count(patient: Patient) -> None:
    with gate(patient.known.events_socket, beat(1, written=8809)):
        (found,) = storage.written(patient)
    assert (found.result, found.code, found.values) == (
        "ok",
        "written-each",
        {"bytes": 8809, "megabytes": "88", "n": 10_000},
    )
    with gate(patient.known.events_socket, beat(1)):
        assert results(storage.written, patient) == {"written-unknown": "skipped"}
    assert results(storage.written, patient) == {"written-unknown": "skipped"}


def test_without_a_gate_frames_do_not_flow_and_in_service_state_nobody_asks(patient: Patient) -> None:
    assert results(camera.frames, patient) == {"gate-silent": "fault"}
    told = results(camera.frames, dataclasses.replace(patient, service=True))
    assert told == {"frames-in-service-state": "skipped"}


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (Look(None, 9, 120, 0.01, 1.0), {"light-good": "ok", "focus-good": "ok"}),
        (Look(None, 9, 30, 0.0, 4.0), {"light-low": "warning", "focus-soft": "warning"}),
        (Look(None, 9, 2, 0.0, None), {"light-none": "fault", "focus-unknown": "skipped"}),
        (Look(None, 9, 230, 0.0, 1.0), {"light-glaring": "warning", "focus-good": "ok"}),
        (Look(None, 9, 150, 0.5, 1.0), {"light-glaring": "warning", "focus-good": "ok"}),
        (Look("it is away"), {"camera-fault": "fault"}),
    ],
)
def test_light_and_focus_are_judged(
    patient: Patient, seen: Look, told: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = tmp_path / "python"
    answer.write_text(f"#!/bin/sh\necho '{msgspec.json.encode(seen).decode()}'\n")
    answer.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(answer))
    assert results(camera.focus, patient) == told


@pytest.mark.parametrize(
    ("script", "told"),
    [("exec sleep 60", {"camera-hangs": "fault"}), ("kill -SEGV $$", {"camera-crashed": "fault"})],
)
def test_a_camera_that_hangs_or_crashes_is_told(
    patient: Patient, script: str, told: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = tmp_path / "python"
    answer.write_text(f"#!/bin/sh\n{script}\n")
    answer.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(answer))
    monkeypatch.setattr(camera, "LOOK_MAX_S", 0.3)
    assert results(camera.focus, patient) == told


def test_the_look_is_a_program_that_says_what_is_wrong(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert look.main(["--config", str(tmp_path / "none.toml")]) == 0
    assert "no such file" in str(json.loads(capfdbinary.readouterr().out)["fault"])
    assert look.main([]) == 0
    assert json.loads(capfdbinary.readouterr().out)["fault"]


def test_looking_through_a_camera_measures_its_frames(tmp_path: Path) -> None:
    with SimulatedCamera(tmp_path, 320, 240) as simulated:
        seen = look_through(simulated, 0.3)
    assert seen.frames >= 2
    assert 80 < seen.mean < 160
    assert (seen.fault, seen.blur_px) == (None, None)


# lamps


def test_levels_of_simulated_lamps_are_read_back_and_they_are_left_dark(patient: Patient) -> None:
    assert results(lamps.lamps, patient) == {"lamp-read-red": "ok", "lamp-read-green": "ok", "buzzer-none": "skipped"}
    history = read_history(patient.known.lamp_history)
    assert [(shown.red, shown.green) for shown in history if shown.red or shown.green] == [(True, False), (False, True)]
    assert (history[-1].red, history[-1].green) == (False, False)


@pytest.mark.parametrize(
    ("answer", "told"),
    [(None, "lamp-read-amber"), ("vàng", "lamp-seen-amber"), ("Amber", "lamp-seen-amber"), ("red", "lamp-other-amber")],
)
def test_a_third_lamp_is_looked_at_where_it_is_fitted(patient: Patient, answer: str | None, told: str) -> None:
    signal = msgspec.structs.replace(patient.known.signal, amber_pin=24)
    three = dataclasses.replace(
        patient,
        config=msgspec.structs.replace(patient.known, signal=signal),
        ask=None if answer is None else lambda code: answer if code == "lamp-question-amber" else "",
    )
    assert results(lamps.lamps, three)[told] == ("fault" if answer == "red" else "ok")
    history = read_history(patient.known.lamp_history)
    assert [shown.amber for shown in history[-2:]] == [True, False]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"red": "đỏ", "green": "xanh"}, {"lamp-seen-red": "ok", "lamp-seen-green": "ok"}),
        ({"red": " Red ", "green": "G"}, {"lamp-seen-red": "ok", "lamp-seen-green": "ok"}),
        ({"red": "xanh", "green": "do"}, {"lamp-other-red": "fault", "lamp-other-green": "fault"}),
        ({"red": "both", "green": "không"}, {"lamp-other-red": "fault", "lamp-other-green": "fault"}),
        ({"red": "", "green": "?"}, {"lamp-other-red": "fault", "lamp-other-green": "fault"}),
    ],
)
def test_somebody_says_which_lamp_is_lit(patient: Patient, answers: dict[str, str], told: dict[str, str]) -> None:
    asking = dataclasses.replace(patient, ask=lambda code: answers[code.removeprefix("lamp-question-")])
    assert results(lamps.lamps, asking) == told | {"buzzer-none": "skipped"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("có", {"buzzer-heard": "ok"}),
        ("yes", {"buzzer-heard": "ok"}),
        ("không", {"buzzer-unheard": "fault"}),
        (None, {"buzzer-sounded": "ok"}),
    ],
)
def test_a_buzzer_is_sounded(
    patient: Patient, answer: str | None, told: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lamps, "TONE_S", 0.05)
    signal = msgspec.structs.replace(patient.known.signal, buzzer_pin=5, heartbeat_pin=6)
    buzzing = dataclasses.replace(
        patient,
        config=msgspec.structs.replace(patient.known, signal=signal),
        ask=None if answer is None else lambda code: answer if code == "buzzer-question" else "",
    )
    assert told.items() <= results(lamps.lamps, buzzing).items()


def test_lamps_that_are_not_there_are_a_fault_and_dark_after_ctrl_c(patient: Patient) -> None:
    gpio = SignalConfig(kind="gpio", red_pin=17, green_pin=27)
    real = dataclasses.replace(patient, config=msgspec.structs.replace(patient.known, signal=gpio))
    assert results(lamps.lamps, real) == {"lamps-fault": "fault"}

    def interrupted(_code: str) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        results(lamps.lamps, dataclasses.replace(patient, ask=interrupted))
    last = read_history(patient.known.lamp_history)[-1]
    assert (last.red, last.green) == (False, False)


def test_a_link_in_the_place_of_the_lamps_file_is_not_written_to(patient: Patient, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    patient.known.lamp_history.symlink_to(precious)
    assert results(lamps.lamps, patient) == {"lamps-history-link": "fault"}
    assert precious.read_text() == "kept"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_files_that_root_makes_are_the_folders_owners(patient: Patient) -> None:
    folder = patient.known.lamp_history.parent
    os.chown(folder, 65534, 65534)
    assert results(lamps.lamps, patient)["lamp-read-red"] == "ok"
    assert patient.known.lamp_history.stat().st_uid == 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_an_appliances_camera_is_looked_through_as_the_readers_user(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera, "READER_USER", "nobody")
    assert camera.as_reader(patient) == {}, "another configuration than the device's"
    appliance = dataclasses.replace(patient, config_path=patient.layout.config)
    assert camera.as_reader(appliance)["user"] == 65534
    assert camera.as_reader(dataclasses.replace(appliance, root=False)) == {}
    monkeypatch.setattr(camera, "READER_USER", "no-such-user-here")
    assert camera.as_reader(appliance) == {}

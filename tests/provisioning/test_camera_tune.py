"""`greengate camera tune`: with a simulated camera, with a video, and with a kiosk at work."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import segno

from provisioning import camera
from provisioning.camera_sight import Opened
from provisioning.camera_watch import Seen
from provisioning.checks import Patient
from tests.firmware.config_files import WHOLE, written
from tests.made_files import video
from tests.provisioning.camera_looks import OPENED, SIGHT, TEXT, simulated_camera
from tests.provisioning.command import greengate
from tests.provisioning.patients import TableOfUnits, at_site


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return simulated_camera(tmp_path)


def test_a_simulated_camera_sees_well(config: Path) -> None:
    done = greengate("camera", "tune", "--config", config, "--seconds", "1.2", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.result["problems"] == []
    assert done.result["unheeded"] == []
    seen = done.result["seen"]
    assert seen["read"] > 0.8
    assert 10 < seen["module_px"] < 14
    assert 150 < seen["bright"] < 240
    assert seen["exposure_us"] <= 8000
    assert done.result["toml"] == ""


def test_where_a_sweep_ended_is_suggested(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = config.read_text().replace('source = "pictures"', 'source = "pictures"\nfocus = "manual"\nlens_position = 1')
    config.write_text(text)
    asked: list[list[str]] = []

    def seen(command: list[str], *_: object) -> Seen:
        asked.append(command)
        return Seen(Opened(1280, 720, (0.0, 15.0), ()), 5.25, [SIGHT])

    monkeypatch.setattr(camera, "watched", seen)
    done = greengate("camera", "tune", "--config", config, "--seconds", "2", "--lang", "en")
    assert done.code == 0
    assert asked[0][-1] == "--sweep", "where focus is manual"
    lines = done.out.splitlines()
    assert lines[-2:] == ["    [camera]", "    lens_position = 5.25"]


def test_an_empty_lane_is_told(config: Path) -> None:
    (config.parent / "pictures" / "pass.png").unlink()
    done = greengate("camera", "tune", "--config", config, "--seconds", "1", "--lang", "en")
    assert done.code == 1
    assert "no code was seen: hold a printed QR code" in done.out
    assert "not known" in done.out


def test_a_video_is_looked_at_and_heeds_nothing(config: Path) -> None:
    code = np.array([list(row) for row in segno.make(TEXT, error="l", micro=False).matrix])
    frame = np.full((480, 640), 200, np.uint8)
    drawn = np.kron(np.where(code, 30, 220), np.ones((6, 6))).astype(np.uint8)
    frame[40 : 40 + drawn.shape[0], 100 : 100 + drawn.shape[1]] = drawn
    video(config.parent / "lane.avi", [frame] * 20, (640, 480), fps=20)
    config.write_text(WHOLE.replace('kind = "simulated"\nsource = "pictures"', 'kind = "opencv"\nsource = "lane.avi"'))
    done = greengate("camera", "tune", "--config", config, "--seconds", "1", "--lang", "vi")
    assert done.code == 0
    assert "không nghe theo: camera.focus, camera.lens_position" in done.out
    assert "6 điểm ảnh" in done.out


@pytest.mark.parametrize(
    ("text", "says"), [("[camera", "the configuration cannot be used"), (WHOLE, "there is no folder of pictures")]
)
def test_what_cannot_be_looked_through_is_told_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    done = greengate("camera", "tune", "--config", written(tmp_path, text), "--lang", "en", "--json")
    assert done.code == 78
    assert says in done.err
    assert done.err.count("\n") == 1
    assert set(done.result) == {"error", "code"}


# at work


@pytest.fixture
def kiosk(tmp_path: Path) -> Patient:
    patient = at_site(tmp_path / "site")
    known = patient.config_path.read_bytes()
    patient.layout.config.parent.mkdir(parents=True, exist_ok=True)
    patient.layout.config.write_bytes(known)
    return dataclasses.replace(patient, config_path=patient.layout.config)


@pytest.mark.parametrize(
    ("changed", "exit_"), [({"service": False}, 75), ({"service": True, "root": False}, 77), ({"service": True}, 0)]
)
def test_a_kiosk_s_camera_is_had_in_service_state_alone(
    kiosk: Patient, changed: dict[str, bool], exit_: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = kiosk.units
    assert isinstance(units, TableOfUnits)
    patient = dataclasses.replace(kiosk, **changed)
    monkeypatch.setattr(camera, "patient_at", lambda *_: patient)
    monkeypatch.setattr("os.geteuid", lambda: 0 if patient.root else 1000)
    monkeypatch.setattr(camera, "watched", lambda *_: Seen(OPENED, None, [SIGHT]))
    assert greengate("camera", "tune", "--lang", "en").code == exit_
    wanted = [("stop", "greengate-reader", "greengate-gate"), ("start", "greengate-reader", "greengate-gate")]
    assert units.told == (wanted if exit_ == 0 else [])


def test_units_that_cannot_be_stopped_are_told(kiosk: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = dataclasses.replace(kiosk, service=True, units=TableOfUnits(failing=True))
    monkeypatch.setattr(camera, "patient_at", lambda *_: patient)
    done = greengate("camera", "tune", "--lang", "en")
    assert done.code == 69
    assert "could not be stopped" in done.err


def test_a_locked_configuration_needs_root(kiosk: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = dataclasses.replace(kiosk, config=None, config_fault="no")
    monkeypatch.setattr(camera, "patient_at", lambda *_: patient)
    monkeypatch.setattr(Patient, "locked_away", property(lambda _: True))
    assert greengate("camera", "tune", "--lang", "en").code == 77

"""What cameras promise, on real ones: not run but with `-m hardware`, on a machine that has one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from drivers.camera import AS_USUAL, Camera, CameraKind, Tuning, open_camera
from tests.drivers.camera_scenes import bright


def real_camera(kind: CameraKind, source: str, tuning: Tuning = AS_USUAL) -> Camera:
    here = shutil.which("rpicam-hello") is not None if kind == "picamera2" else Path("/dev/video0").exists()
    if not here:
        pytest.skip(f"no camera for {kind} here")
    return open_camera(kind, source=source, width_px=1280, height_px=720, tuning=tuning)


@pytest.mark.hardware
@pytest.mark.parametrize(("kind", "source"), [("picamera2", "0"), ("opencv", "0")])
def test_a_real_camera_exposes_for_what_is_attended_within_the_cap(kind: CameraKind, source: str) -> None:
    box = (480, 200, 320, 320)
    with real_camera(kind, source, Tuning(exposure_max_us=4000)) as camera:
        camera.attend(box)
        frames = [camera.read(5.0) for _ in range(60)]
    taken = frames[-1].taken
    assert taken.exposure_us is None or taken.exposure_us < 4100
    light = [bright(frame, box) for frame in frames[-15:]]
    assert max(light) < 250
    assert max(light) - min(light) < 30


@pytest.mark.hardware
def test_a_real_lens_is_held_where_it_is_told() -> None:
    with real_camera("picamera2", "0", Tuning("manual", 5.0)) as camera:
        frames = [camera.read(5.0) for _ in range(30)]
        if camera.abilities.lens is None:
            pytest.skip("its lens has no motor")
    assert frames[-1].taken.lens_position == pytest.approx(5.0, abs=0.2)


@pytest.mark.hardware
@pytest.mark.parametrize(("kind", "source"), [("picamera2", "0"), ("opencv", "0")])
def test_a_real_camera_gives_30_frames_in_time(kind: CameraKind, source: str) -> None:
    with real_camera(kind, source) as camera:
        frames = [camera.read(5.0) for _ in range(30)]
    assert frames[-1].captured_ns - frames[0].captured_ns < 5_000_000_000
    assert all(frame.luma.ndim == 2 for frame in frames)

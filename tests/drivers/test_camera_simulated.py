"""The simulated camera: visitors, in time that is simulated too."""

from __future__ import annotations

import subprocess
import sys
from itertools import groupby
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from drivers.camera import Tuning
from drivers.camera.simulated import SimulatedCamera
from drivers.errors import CameraLostError, CameraStalledError
from drivers.symbols import open_symbol_reader
from drivers.symbols.pictures import PictureError
from tests.drivers.camera_desk import TEXT, Desk, Time

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.camera import Frame


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def shown(camera: SimulatedCamera, frames: int) -> list[tuple[str | None, int]]:
    """Read frames; give what was before the camera, and for how many frames."""
    names = []
    for _ in range(frames):
        camera.read(1.0)
        names.append(camera.wall.name if camera.wall else None)
    return [(name, len(list(run))) for name, run in groupby(names)]


def test_pictures_are_held_and_taken_away_in_order_of_their_names(desk: Desk) -> None:
    desk.put("b.png")
    desk.put("a.PNG")
    (desk.folder / "notes.txt").write_text("not a picture")
    runs = shown(desk.camera(), 4 * 38)
    assert [name for name, _ in runs] == ["a.PNG", None, "b.png", None, "a.PNG", None, "b.png", None]
    assert [length for _, length in runs[:4]] == [23, 15, 23, 15], "1.5 s and 1 s, at 15 frames/s"


def test_frames_are_due_every_fifteenth_of_a_second_whoever_reads_them(desk: Desk) -> None:
    camera = desk.camera()
    first = camera.read(1.0)
    second = camera.read(1.0)
    assert second.captured_ns - first.captured_ns == pytest.approx(1e9 / 15, abs=2)
    desk.time.sleep(1.02)
    late = camera.read(0.0)
    assert late.captured_ns - second.captured_ns == pytest.approx(1e9, abs=2), "15 frames on, 14 dropped"
    assert desk.time.now_ns - late.captured_ns < 1e9 / 15


@pytest.mark.parametrize("size", [(1280, 720), (640, 480)])
def test_every_showing_can_be_read(desk: Desk, size: tuple[int, int]) -> None:
    desk.put("pass.png")
    reader = open_symbol_reader("zxing")
    for seed in range(12):
        frame = desk.camera(seed, *size).read(1.0)
        assert [symbol.text for symbol in reader.read(frame.luma)] == [TEXT], seed


def test_tilt_and_blur_differ_with_each_showing_and_noise_with_each_frame(desk: Desk) -> None:
    desk.put("pass.png")
    camera = desk.camera()
    first, second = camera.read(1.0).luma, camera.read(1.0).luma
    difference = np.abs(first.astype(int) - second.astype(int))
    assert 0 < difference.mean() < 10
    assert difference.max() <= 14, "the hand is still within a showing"
    shown(camera, 37)
    assert np.abs(first.astype(int) - camera.read(1.0).luma.astype(int)).max() > 100


def test_the_same_seed_gives_the_same_frames(desk: Desk) -> None:
    desk.put("pass.png")

    def frames(seed: int) -> list[Frame]:
        desk.time = Time()
        camera = desk.camera(seed, 320, 240)
        return [camera.read(1.0) for _ in range(45)]

    for once, again in zip(frames(3), frames(3), strict=True):
        assert once.captured_ns == again.captured_ns
        assert np.array_equal(once.luma, again.luma)
    assert not np.array_equal(frames(3)[0].luma, frames(4)[0].luma)


def test_empty_frames_hold_no_code_and_a_folder_without_pictures_gives_only_them(desk: Desk) -> None:
    camera, reader = desk.camera(), open_symbol_reader("zxing")
    for _ in range(40):
        assert reader.read(camera.read(1.0).luma) == []
        assert camera.wall is None


def test_pictures_added_later_are_shown_in_the_next_round(desk: Desk) -> None:
    camera = desk.camera()
    assert shown(camera, 20) == [(None, 20)]
    desk.put("late.png")
    assert ("late.png", 23) in shown(camera, 60)


def test_pictures_that_cannot_be_read_are_skipped_and_counted(desk: Desk) -> None:
    good = desk.put("a.png")
    (desk.folder / "b.png").write_bytes(good.read_bytes()[:100])
    (desk.folder / "c.jpg").write_bytes(b"")
    (desk.folder / "d.png").mkdir()
    camera = desk.camera()
    assert {name for name, _ in shown(camera, 60)} == {"a.png", None}
    assert camera.skipped == 3


def test_a_picture_that_goes_while_it_is_its_turn_is_skipped(desk: Desk) -> None:
    desk.put("a.png")
    camera = desk.camera()
    shown(camera, 10)
    desk.put("b.png").unlink()
    (desk.folder / "a.png").unlink()
    assert [name for name, _ in shown(camera, 60)] == ["a.png", None]


def test_a_folder_that_goes_unplugs_the_camera_for_good(desk: Desk) -> None:
    camera = desk.camera()
    camera.read(1.0)
    desk.folder.rename(desk.folder.with_name("away"))
    for _ in range(2):
        with pytest.raises(CameraLostError, match="gone"):
            camera.read(1.0)
    desk.folder.with_name("away").rename(desk.folder)
    with pytest.raises(CameraLostError):
        camera.read(1.0)
    assert desk.camera().read(1.0).luma.shape == (480, 640)


def test_a_long_pause_of_the_reader_does_not_replay_what_it_missed(desk: Desk) -> None:
    for name in ("a.png", "b.png", "c.png"):
        desk.put(name)
    camera = desk.camera()
    camera.read(1.0)
    desk.time.sleep(3600.0)
    assert shown(camera, 38) == [(None, 15), ("b.png", 23)], "it goes on from where it was"


def test_a_visitor_holds_a_picture_until_it_is_taken_away(desk: Desk, tmp_path: Path) -> None:
    desk.put("in-the-folder.png")
    other = tmp_path / "elsewhere"
    other.mkdir()
    picture = desk.put("elsewhere/mine.png", "HC1:MINE")
    camera, reader = desk.camera(), open_symbol_reader("zxing")
    camera.read(1.0)
    camera.hold(picture)
    assert shown(camera, 300) == [("mine.png", 300)]
    assert [symbol.text for symbol in reader.read(camera.read(1.0).luma)] == ["HC1:MINE"]
    camera.take_away()
    assert shown(camera, 300) == [(None, 300)]


def test_holding_what_is_no_picture_is_the_callers_error(desk: Desk) -> None:
    camera = desk.camera()
    with pytest.raises(PictureError, match=r"nothing\.png"):
        camera.hold(desk.folder / "nothing.png")
    assert camera.read(1.0).luma.shape == (480, 640)


@pytest.mark.parametrize(("fps", "gap_ns"), [(None, 1e9 / 15), (30.0, 1e9 / 30), (7.5, 1e9 / 7.5)])
def test_frames_come_as_often_as_tuned(desk: Desk, fps: float | None, gap_ns: float) -> None:
    camera = desk.camera(seed=0, width_px=64, height_px=64, tuning=Tuning(fps=fps))
    first, second = camera.read(1.0), camera.read(1.0)
    assert second.captured_ns - first.captured_ns == pytest.approx(gap_ns, abs=2)


def test_a_frozen_camera_stalls_for_the_whole_timeout_and_thaws(desk: Desk) -> None:
    camera = desk.camera()
    camera.read(1.0)
    camera.freeze()
    before_ns = desk.time.now_ns
    with pytest.raises(CameraStalledError):
        camera.read(2.0)
    assert desk.time.now_ns - before_ns == 2_000_000_000
    camera.freeze(frozen=False)
    assert camera.read(1.0).captured_ns > before_ns


def test_a_timeout_shorter_than_a_frame_is_a_stall_and_loses_no_frame(desk: Desk) -> None:
    camera = desk.camera()
    camera.read(1.0)
    with pytest.raises(CameraStalledError):
        camera.read(0.001)
    assert camera.read(0.1).luma.shape == (480, 640)


@pytest.mark.parametrize("shape", [(1, 1), (3000, 40), (40, 3000), (2, 2)])
def test_pictures_of_odd_shapes_are_shown_too(desk: Desk, shape: tuple[int, int]) -> None:
    cv2.imwrite(str(desk.folder / "odd.png"), np.zeros(shape, np.uint8))
    camera = desk.camera()
    assert camera.read(1.0).luma.shape == (480, 640)
    assert camera.wall is not None


MEMORY = """
from pathlib import Path
from drivers.camera import open_camera
from drivers.symbols import open_symbol_reader

reader = open_symbol_reader("zxing")
with open_camera("simulated", source={folder!r}, width_px=1280, height_px=720) as camera:
    for _ in range(20):
        reader.read(camera.read(1.0).luma)
rollup = Path("/proc/self/smaps_rollup").read_text().splitlines()
print(next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")))
"""


def test_a_process_with_camera_and_reader_stays_under_60_mib(desk: Desk) -> None:
    desk.put("pass.png")
    code = MEMORY.format(folder=str(desk.folder))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert int(done.stdout) < 60 * 1024
    assert done.stderr == ""

"""`greengate read --stream` and `--video`: one camera's frames, in their time."""

from pathlib import Path

import numpy as np
import pytest

from drivers.symbols.pictures import load_luma
from tests.made_files import video
from tests.provisioning.command import greengate, picture
from tests.provisioning.readers import KEYS, ScriptedReader, new_clock, scripted, seen


def test_frames_of_one_camera_come_in_their_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = ScriptedReader(new_clock(), rescues={1: (0.15, seen("x", "rescue"))}, takes_s={3: 0.25})
    asked = scripted(monkeypatch, reader)
    paths = [picture(tmp_path / f"{number}.png", "x") for number in range(7)]
    options = ("--stream", "--fps", "10", "--budget-ms", "8", "--rescue-limit-ms", "200")
    done = greengate("read", "--json", *options, *paths)
    assert asked == [{"kind": "pipeline", "budget_ms": 8.0, "rescue_limit_ms": 200.0}]
    assert done.code == 0
    assert [one["file"] for one in done.results] == [str(path) for path in paths]
    assert [one["arm"] for one in done.results] == [None, None, "rescue", None, None, None, None]
    assert [list(one) == KEYS for one in done.results] == [True] * 4 + [False] + [True] * 2
    assert done.results[4] == {
        "file": str(paths[4]),
        "symbols": [],
        "hint": None,
        "ms": 0.0,
        "arm": None,
        "dropped": True,
    }
    assert reader.log == ["ready"] + ["read"] * 6 + ["close"]


def test_people_see_when_it_was_read_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [picture(tmp_path / f"{number}.png", "x") for number in range(3)]
    scripted(monkeypatch, ScriptedReader(new_clock(), {1: seen("x"), 2: seen("x")}))
    done = greengate("read", "--stream", "--lang", "en", *paths)
    assert done.out.splitlines()[-1] == "3 frames, 2 read, 0 dropped; first read after 0.07 s"
    scripted(monkeypatch, ScriptedReader(new_clock(), takes_s={0: 0.15}))
    done = greengate("read", "--stream", "--lang", "en", *paths)
    assert done.out.splitlines()[1:] == [
        "1.png      0.0 ms  -           dropped: a newer frame was there",
        "2.png      5.0 ms  -           blurred by motion",
        "3 frames, 0 read, 1 dropped",
    ]
    assert done.code == 1


def video_of(path: Path, texts: list[str]) -> Path:
    frames = [np.full((200, 200), 255, np.uint8) for _ in texts]
    for frame, text in zip(frames, texts, strict=True):
        code = load_luma(picture(path.with_suffix(".png"), text))[:200, :200]
        frame[: code.shape[0], : code.shape[1]] = code
    return video(path, frames, (200, 200))


def test_a_video_is_read_frame_by_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = video_of(tmp_path / "a.avi", ["one"] * 4)
    reader = ScriptedReader(new_clock(), {2: seen("x")}, takes_s={0: 0.5})
    scripted(monkeypatch, reader)
    done = greengate("read", "--json", "--video", path)
    assert (done.code, len(done.results)) == (0, 4)
    assert {one["file"] for one in done.results} == {str(path)}
    assert reader.shapes == [(200, 200)] * 4


def test_a_video_that_breaks_off_keeps_the_lines_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = video_of(tmp_path / "a.avi", ["one"] * 20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    scripted(monkeypatch, ScriptedReader(new_clock(), {0: seen("x")}))
    done = greengate("read", "--json", "--video", path)
    assert done.code == 66
    assert done.results[0]["symbols"]
    assert len(done.results) > 3
    assert list(done.results[-1]) == ["file", "error"]
    assert "breaks off" in done.results[-1]["error"]

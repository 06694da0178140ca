"""`greengate read` on files that are no pictures, pictures of every size, and an impatient user."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from select import select

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.made_files import folder, sound, written
from tests.provisioning.command import greengate, picture

QUICK = ("--rescue-limit-ms", "0")  # what a file is, is known before
MODES = [(), ("--stream", "--fps", "60")]
LONG_S = 30.0


def truncated(path: Path) -> Path:
    data = picture(path, "HC1:" + "A" * 500).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def forbidding(path: Path) -> Path:
    """A link that leads to itself: root may open everything else."""
    path.symlink_to(path)
    return path


def false_size(path: Path) -> Path:
    data = bytearray(picture(path, "x").read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    path.write_bytes(data)
    return path


NO_PICTURES: dict[str, Callable[[Path], Path]] = {
    "missing": lambda path: path,
    "a folder": folder,
    "empty": written,
    "text": lambda path: written(path, b"HC1:6BF"),
    "cut short": truncated,
    "a header alone": lambda path: written(path, b"\x89PNG\r\n\x1a\n"),
    "a false size": false_size,
    "a loop of links": forbidding,
}


@pytest.mark.parametrize("mode", MODES, ids=["stills", "stream"])
@pytest.mark.parametrize("make", NO_PICTURES.values(), ids=NO_PICTURES.keys())
def test_what_is_no_picture_is_an_error_of_its_own_and_the_rest_is_read(
    tmp_path: Path, make: Callable[[Path], Path], mode: tuple[str, ...]
) -> None:
    bad = make(tmp_path / "bad.png")
    good = picture(tmp_path / "good.png", "HC1:")
    done = greengate("read", "--json", *QUICK, *mode, good, bad, good)
    assert done.code == 66
    first, second, third = done.results
    assert first["symbols"][0]["text"] == third["symbols"][0]["text"] == "HC1:"
    assert list(second) == ["file", "error"]
    assert str(bad) in second["error"]
    assert "Traceback" not in done.err


@pytest.mark.parametrize("width", [1, 3, 4, 65_535], ids="width {}".format)
@pytest.mark.parametrize("height", [1, 4, 700], ids="height {}".format)
def test_pictures_of_every_shape(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((height, width), 255, np.uint8))
    done = greengate("read", "--json", *QUICK, path)
    assert (done.code, done.result["symbols"]) == (1, [])
    assert done.result["hint"]


@pytest.mark.parametrize("mode", MODES, ids=["stills", "stream"])
def test_a_picture_of_48_megapixels(tmp_path: Path, mode: tuple[str, ...]) -> None:
    path = tmp_path / "large.png"
    luma = np.random.default_rng(1).integers(0, 256, (6000, 8000), np.uint8)
    code = cv2.imread(str(picture(tmp_path / "code.png", "HC1:large")), cv2.IMREAD_GRAYSCALE)
    luma[1000 : 1000 + 8 * code.shape[0], 2000 : 2000 + 8 * code.shape[1]] = np.kron(code, np.ones((8, 8), np.uint8))
    cv2.imwrite(str(path), luma, [cv2.IMWRITE_PNG_COMPRESSION, 0])
    done = greengate("read", "--json", *QUICK, *mode, path)
    assert done.code in {0, 1}
    assert done.result["ms"] < LONG_S * 1e3


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP"]))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_a_picture_or_an_error(tmp_path: Path, data: bytes, magic: bytes) -> None:
    done = greengate("read", "--json", *QUICK, written(tmp_path / "a.png", magic + data))
    assert done.code in {0, 1, 66}
    assert ("error" in done.result) == (done.code == 66)


@given(st.integers(0, 400), st.integers(0, 255))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_picture_with_a_wrong_byte_is_a_picture_or_an_error(tmp_path: Path, at: int, value: int) -> None:
    data = bytearray(picture(tmp_path / "good.png", "HC1:").read_bytes())
    data[at % len(data)] = value
    done = greengate("read", "--json", *QUICK, written(tmp_path / "a.png", bytes(data)))
    assert done.code in {0, 1, 66}


@pytest.mark.parametrize(
    "make",
    [*NO_PICTURES.values(), sound, lambda path: picture(path, "HC1:")],
    ids=[*NO_PICTURES.keys(), "sound alone", "a picture"],
)
def test_what_is_no_video_is_an_error(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    bad = make(tmp_path / "bad.png")
    done = greengate("read", "--json", *QUICK, "--video", bad)
    assert done.code == 66
    assert list(done.result) == ["file", "error"]
    assert str(bad) in done.result["error"]


def children_of(pid: int) -> list[int]:
    found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    return found + [grandchild for child in found for grandchild in children_of(child)]


def test_ctrl_c_ends_it_within_a_line_and_leaves_no_process(tmp_path: Path) -> None:
    path = picture(tmp_path / "one.png", "HC1:")
    command = [sys.executable, "-m", "provisioning.main", "read", "--json", "--stream", *[str(path)] * 2000]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["symbols"]
        children = [os.pidfd_open(child) for child in children_of(process.pid)]
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: its whole foreground group
        _, said = process.communicate(timeout=LONG_S)
    assert process.returncode == 130
    assert len(said.decode().splitlines()) == 1
    for child in children:  # whoever inherits it may not yet have asked how it ended
        assert select([child], [], [], LONG_S)[0], "a process is left"
        os.close(child)

"""The program that looks through the camera: what it tells, its sweep, and its end where it hangs or lies."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from drivers.camera import Box, Frame, Tuning
from drivers.camera.simulated import SimulatedCamera
from drivers.symbols import open_symbol_reader
from provisioning import camera_sight, camera_watch
from provisioning.camera_sight import Line, Looking, Opened
from provisioning.camera_sweep import swept
from provisioning.camera_watch import WatchError, watched
from tests.provisioning.camera_looks import SIGHT, simulated_camera
from tests.provisioning.command import greengate


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return simulated_camera(tmp_path)


def python(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a script take the place of the program that looks through the camera."""
    answer = tmp_path / "python"
    answer.write_text(f"#!/bin/sh\n{script}\n")
    answer.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(answer))


@pytest.mark.parametrize(
    ("script", "exit_", "says"),
    [
        ("exec sleep 60", 69, "does not answer"),
        ("kill -SEGV $$", 69, "status -11"),
        ("echo nonsense", 69, "ended"),
        ("echo '{}'", 69, "status 0"),
        ("head -c 100000 /dev/zero; sleep 60", 69, "ended"),
        ("""echo '{"sight": {"fps": 1, "mean": 2}}'""", 69, "status 0"),
        ("""echo '{"fault": "it is away\\u001b[31m"}'""", 78, "it is away\\x1b[31m"),
    ],
    ids=["hangs", "crashes", "lies", "says nothing", "floods", "out of turn", "fault"],
)
def test_a_program_that_hangs_or_lies_is_ended(
    config: Path, script: str, exit_: int, says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(camera_watch, "SILENCE_S", 0.5)
    python(tmp_path, script, monkeypatch)
    done = greengate("camera", "tune", "--config", config, "--lang", "en")
    assert done.code == exit_
    assert says in done.err


def test_a_program_that_will_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_watch, "SILENCE_S", 0.3)
    monkeypatch.setattr(camera_watch, "END_S", 0.3)
    with pytest.raises(WatchError):
        watched(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], {}, lambda _: None)


def test_lines_may_come_in_pieces(tmp_path: Path) -> None:
    told = [Line(opened=Opened(640, 480, (0.0, 10.0), ())), Line(sharpest=4.5), Line(sight=SIGHT), Line(sight=SIGHT)]
    text = b"".join(msgspec.json.encode(line) + b"\n" for line in told)
    pieces = [tmp_path / f"{number}" for number in range(3)]
    for number, piece in enumerate(pieces):
        piece.write_bytes(text[number * 100 : (number + 1) * 100 if number < 2 else None])
    shown: list[int] = []
    script = "; sleep 0.1; ".join(f"cat {piece}" for piece in pieces)
    seen = watched(["sh", "-c", script], {}, lambda now: shown.append(len(now.sights)))
    assert (seen.sharpest, len(seen.sights), shown) == (4.5, 2, [0, 0, 1, 2])


def test_the_program_itself_tells_a_fault_and_lines(config: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "provisioning.camera_sight", "--seconds", "0.3", "--config"]
    done = subprocess.run([*command, config], capture_output=True, timeout=30, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["opened"]["lens"] == [0, 15]
    assert all(set(line) == {"sight"} for line in lines[1:])
    assert len(lines) >= 2
    done = subprocess.run([*command, tmp_path / "none.toml"], capture_output=True, timeout=30, check=True)
    assert "no such file" in json.loads(done.stdout)["fault"]


class Clock:
    """Time that passes where somebody waits for it."""

    def __init__(self) -> None:
        self.now_ns = 0

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


def test_a_lens_that_is_held_wrongly_is_swept(config: Path) -> None:
    clock = Clock()
    with SimulatedCamera(
        config.parent / "pictures", 640, 480, tuning=Tuning("manual", 1.0),
        monotonic_ns=lambda: clock.now_ns, sleep=clock.sleep,
    ) as simulated:  # fmt: skip
        looking = Looking(simulated, open_symbol_reader("zxing"), lambda: clock.now_ns / 1e9)
        assert swept((0.0, 15.0), looking.blur_at) == pytest.approx(5.0, abs=0.5)


class Lens:
    """A camera whose frames show nothing; it remembers where its lens was held."""

    def __init__(self) -> None:
        self.places: list[float] = []
        self.now_s = 0.0

    def read(self, timeout_s: float) -> Frame:
        self.now_s += min(0.1, timeout_s)
        return Frame(np.full((72, 128), 90, np.uint8), round(self.now_s * 1e9))

    def attend(self, region: Box | None) -> None:
        assert region is None

    def focus_at(self, lens_position: float) -> None:
        self.places.append(lens_position)


def test_a_place_of_the_lens_at_which_nobody_holds_a_code_has_no_blur() -> None:
    camera = Lens()
    looking = Looking(camera, open_symbol_reader("zxing"), lambda: camera.now_s)  # type: ignore[arg-type] # as much as is used
    assert looking.blur_at(4.0) is None
    assert camera.places == [4.0]
    assert 3 < camera.now_s < 4.5
    assert looking.sight(0.0).fps == pytest.approx(10)


def test_the_program_sweeps_and_then_looks(
    config: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioning.camera_sight.swept", lambda _, blur_at: 5.0 if blur_at(5.0) else None)
    assert camera_sight.main(["--config", str(config), "--seconds", "0.5", "--sweep"]) == 0
    opened, swept, *looks = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert opened["opened"]["width_px"] == 1280
    assert swept == {"sharpest": 5.0}
    assert all(look["sight"]["lens_position"] == 5 for look in looks)
    assert camera_sight.main(["--config", "none.toml", "--seconds", "1"]) == 0
    assert "no such file" in json.loads(capfdbinary.readouterr().out)["fault"]

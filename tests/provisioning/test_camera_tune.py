"""`greengate camera tune`: with a simulated camera, a video, programs that hang or lie, and a kiosk at work."""

import dataclasses
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
import segno
from rich.console import Console

from drivers.camera import Box, Frame, Tuning
from drivers.camera.simulated import SimulatedCamera
from drivers.symbols import open_symbol_reader
from provisioning import camera, camera_sight, camera_watch
from provisioning.camera_screen import Screen, bar, sharpness, table
from provisioning.camera_sight import Line, Looking, Opened, Sight
from provisioning.camera_sweep import swept
from provisioning.camera_watch import Seen, WatchError, watched
from provisioning.checks import Patient
from provisioning.talk import Talk
from tests.firmware.config_files import WHOLE, written
from tests.provisioning.command import greengate
from tests.provisioning.patients import TableOfUnits, at_site

TEXT = "HC1:" + "6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3" * 4
SIGHT = Sight(fps=30, mean=110, bright=190, blur_px=0.9, module_px=4.0, read=True, exposure_us=5000, gain=2)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    segno.make(TEXT, error="l", micro=False).save(str(pictures / "pass.png"), scale=4)
    return written(tmp_path, WHOLE)


def python(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a script take the place of the program that looks through the camera."""
    answer = tmp_path / "python"
    answer.write_text(f"#!/bin/sh\n{script}\n")
    answer.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(answer))


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
    writer = cv2.VideoWriter(
        str(config.parent / "lane.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 20, (640, 480), isColor=True
    )
    for _ in range(20):
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
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
    monkeypatch.setattr(camera, "watched", lambda *_: Seen(Opened(1280, 720, None, ()), None, [SIGHT]))
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


# the screen


def drawn(seen: Seen, lang: str, width: int = 80) -> str:
    out = StringIO()
    Console(file=out, width=width, force_terminal=False).print(table(Talk("camera", lang), seen))
    return out.getvalue()


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("sight", [SIGHT, Sight(fps=0, mean=0)], ids=["all", "nothing"])
def test_the_table_fits_80_columns(sight: Sight, lang: str) -> None:
    text = drawn(Seen(Opened(1280, 720, None, ()), None, [SIGHT, sight]), lang)
    assert "…" not in text
    assert len(text.splitlines()) <= 8


def test_a_lens_with_a_motor_needs_no_hand() -> None:
    assert "turn" not in drawn(Seen(Opened(1280, 720, (0.0, 15.0), ()), None, [SIGHT]), "en")
    blurred = Sight(fps=30, mean=110, bright=190, blur_px=3.0)
    assert "turn the lens back" in drawn(Seen(Opened(1280, 720, None, ()), None, [SIGHT, blurred]), "en")


@pytest.mark.parametrize(("share", "length"), [(-1.0, 0), (0.0, 0), (0.5, 10), (1.0, 20), (9.0, 20)])
def test_a_bar_has_its_ends(share: float, length: int) -> None:
    assert bar(share) == "█" * length


def test_sharpness_is_against_the_best() -> None:
    assert sharpness(None, 1.0) == 0
    assert sharpness(0.9, 0.9) == 1
    assert sharpness(3.0, 1.5) == pytest.approx(0.4)


def test_somebody_who_looks_on_sees_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()

    def console(**_: object) -> Console:
        return Console(file=out, force_terminal=True, width=80)

    monkeypatch.setattr("provisioning.camera_screen.Console", console)
    opened = Opened(1280, 720, (0.0, 15.0), ())
    with Screen(Talk("camera", "en"), sweep=True) as screen:
        for seen in (Seen(opened), Seen(opened, 5.0, [SIGHT])):
            screen(seen)
            assert screen._live is not None
            screen._live.refresh()
    assert "hold the code still" in out.getvalue()
    assert "4.0 px" in out.getvalue()


def test_the_program_itself_tells_a_fault_and_lines(config: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "provisioning.camera_sight", "--seconds", "0.3", "--config"]
    done = subprocess.run([*command, config], capture_output=True, timeout=30, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["opened"]["lens"] == [0, 15]
    assert all(set(line) == {"sight"} for line in lines[1:])
    assert len(lines) >= 2
    done = subprocess.run([*command, tmp_path / "none.toml"], capture_output=True, timeout=30, check=True)
    assert "no such file" in json.loads(done.stdout)["fault"]


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

"""Offices that issue permits by `greengate-centre permit`, each on a machine of its own; and a lane that takes them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from centre.main import app
from drivers.clock.simulated import SimulatedClock
from drivers.signal import open_signal
from drivers.signal.simulated import Lamps, last_lamps
from firmware.messages import Shown
from tests.firmware.site import Site
from tests.firmware.test_gate import Running
from tests.trust.world import ISSUER, Kiosk, last_json

HOLDER = {"family": "Nguyễn", "given": "Văn An", "born": "1990-01-01"}
LANE = """area = "{area}"
roads = ["QL1A"]
[profile]
name = "green-lane"
[plates]
kind = "socket"
"""


class Office:
    """A home with one key, and what was issued by it."""

    def __init__(self, folder: Path, issuer: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.issuer = folder, issuer
        self.certificate = folder / "key.crt"

    def begin(self) -> None:
        """Make the key."""
        self.quick("key", "new", "key", "--issuer", self.issuer)
        self.quick("key", "export", self.certificate)

    def vehicle(self, plate: str) -> str:
        """Issue a permit for the road at the lane, all day; return its text."""
        fields = {"plate": plate, "class": "tractor", "carrier": "0301234567", "route": "QL1A", "crew": "2"}
        return self._issued("vehicle", fields)

    def test(self, hours: int, **holder: str) -> str:
        """Issue a negative test whose sample is so many hours old; return its text."""
        sampled = f"{datetime.now(UTC) - timedelta(hours=hours):%Y-%m-%dT%H:%M:%S+00:00}"
        fields = HOLDER | holder | {"method": "pcr", "sampled": sampled, "result": "not-detected"}
        return self._issued("test", fields | {"laboratory": self.issuer})

    def run(self, *words: str | Path) -> dict[str, Any]:
        """Run a command as people do; return the last line of its JSON."""
        line = [sys.executable, "-m", "centre.main", *self._words(words)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return last_json(done.stdout)

    def quick(self, *words: str | Path) -> dict[str, Any]:
        """Run a command in this process."""
        done = CliRunner().invoke(app, self._words(words))
        assert done.exit_code == 0, (done.output, done.exception)
        return last_json(done.stdout)

    def _words(self, words: tuple[str | Path, ...]) -> list[str]:
        return ["permit", *map(str, words), "--home", str(self.folder / "home"), "--json"]

    def _issued(self, kind: str, fields: dict[str, str]) -> str:
        flags = [word for name, text in (fields | {"days": "7"}).items() for word in (f"--{name}", text)]
        (path,) = self.quick("issue", kind, *flags, "--out", self.folder)["files"]
        return Path(path).read_text("utf-8").strip()


class GreenLane:
    """A kiosk at a green lane in an area, and its gate at work."""

    def __init__(self, folder: Path, area: str) -> None:
        self.kiosk = Kiosk(folder, f'province = "{area.lower()}"')
        path = self.kiosk.config_path
        told = path.read_text("utf-8").replace('direction = "in"\n', f'direction = "in"\n{LANE.format(area=area)}')
        path.write_text(told, "utf-8")

    @contextmanager
    def at_work(self) -> Iterator["Lorries"]:
        """Let lorries come."""
        now = datetime.now(UTC) + timedelta(minutes=1)  # after what was issued meanwhile
        site = Site(self.kiosk.config_path.parent, self.kiosk.config_path, ISSUER, now)
        with (
            open_signal("simulated", history=site.config.lamp_history) as signal,
            closing(Running(site, SimulatedClock(now), signal)) as running,
        ):
            yield Lorries(running)


class Lorries:
    """Lorries before a lane at work; `plates` are entered as staff enter them."""

    def __init__(self, running: Running) -> None:
        """Begin with nobody."""
        self._running = running

    def come(self, *frames: str | tuple[str, ...], plate: str | None = None) -> tuple[str, str, str]:
        """Let one show codes, frame by frame; return what is shown at last: aspect, reason, English words."""
        self._pass_on()
        if plate is not None:
            self._running.plates.enter(plate)
            self._running.turn()
        for frame in frames:
            self._running.clock.advance(1)
            self._running.see(*((frame,) if isinstance(frame, str) else frame))
        shown = [event for event in self._running.told() if isinstance(event, Shown)][-1]
        return shown.aspect, shown.reason, shown.en

    def settle(self) -> None:
        """Let the gate find what was synced meanwhile."""
        for _ in range(2):
            self._running.clock.advance(1)
            self._running.see()
            thread = self._running.gate._switch._thread
            if thread is not None:
                thread.join(20)
        self._running.see()

    @property
    def lamps(self) -> Lamps:
        """Return what is lit."""
        return last_lamps(self._running.site.config.lamp_history)

    def _pass_on(self) -> None:
        for _ in range(40):  # longer than a set waits
            self._running.clock.advance(1)
            self._running.see()
        self._running.told()

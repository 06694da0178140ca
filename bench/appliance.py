"""The appliance as processes, for measurements: its folder, its surroundings, and what its log says."""

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import segno

from bench.common import progress
from drivers.clock import open_clock
from firmware.child import Program
from firmware.config import load_config
from firmware.supervisor import Supervisor
from provisioning import desk
from provisioning.issuer import DemoIssuer

IN_MEMORY = frozenset({"tmpfs", "ramfs"})
KINDS = "vtr"
POLL_S = 0.02
STOP_S = 15.0


class Log:
    """The programs' log in a file, read as it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        self._rest = b""

    def new(self) -> list[dict[str, Any]]:
        """Return the events since the last call."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        return [event for event in map(_event, lines) if event]

    def wait(self, seconds: float, ended: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Collect events until `ended` says so of all of them; raise TimeoutError after `seconds`."""
        events: list[dict[str, Any]] = []
        end_s = time.monotonic() + seconds
        while not ended(events):
            if time.monotonic() > end_s:
                raise TimeoutError(f"waited {seconds:g} s for the appliance; see {self.path}")
            time.sleep(POLL_S)
            events += self.new()
        return events

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def events_in(path: Path) -> list[dict[str, Any]]:
    """Return all events of a log that is finished."""
    return [event for event in map(_event, path.read_bytes().splitlines()) if event]


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


@dataclass
class Centre:
    """What the collector has told."""

    stored: int = 0

    def follow(self, stream: IO[bytes]) -> None:
        """Count what is stored, in a thread that ends with the stream."""
        threading.Thread(target=self._follow, args=(stream,), daemon=True).start()

    def wait(self, rows: int, seconds: float) -> None:
        """Wait until that many check-ins are stored, but no longer than that."""
        end_s = time.monotonic() + seconds
        while self.stored < rows and time.monotonic() < end_s:
            time.sleep(POLL_S)

    def _follow(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(ValueError):  # closed under us: the collector has ended
            for line in stream:
                self.stored += _event(line.rstrip()).get("new", 0)


def lay(folder: Path, passes: int) -> desk.Desk:
    """Lay a desk whose camera sees this many different passes, all of them accepted: one document is enough."""
    at = open_clock("system").now()
    laid = desk.lay(folder, at)
    for name in ("rules", "profiles"):
        shutil.rmtree(folder / "trust" / name)
    for picture in (folder / "pictures").iterdir():
        picture.unlink()
    issuer = DemoIssuer(at)
    (folder / "trust" / "demo.der").write_bytes(issuer.certificate_der)
    with progress() as bar:
        for number in bar.track(range(passes), description="passes"):
            text = issuer.issue({"ci": f"URN:UVCI:01:VN:BENCH{number:05}#A"}, kind=KINDS[number % len(KINDS)])
            picture = folder / "pictures" / f"{number:05}.png"
            segno.make(text, error="m", micro=False).save(str(picture), scale=6, border=4)
    return laid


@contextlib.contextmanager
def surroundings(laid: desk.Desk) -> Iterator[Centre]:
    """Run a broker and the centre's collector.

    Raises: desk.DeskError where there is no broker to run.
    """
    centre = Centre()
    with desk.broker(laid), desk.collector(laid) as reports:
        centre.follow(reports)
        yield centre


@contextlib.contextmanager
def supervised(laid: desk.Desk, programs: Sequence[Program]) -> Iterator[tuple[Supervisor, Log]]:
    """Run the programs under a supervisor in this process; give it and their log."""
    path = laid.folder / "log.jsonl"
    with path.open("ab") as stream:
        supervisor = Supervisor(
            laid.config, load_config(laid.config), programs=programs, stderr=stream, log_=lambda _: None
        )
        thread = threading.Thread(target=supervisor.run)
        log = Log(path)
        thread.start()
        try:
            yield supervisor, log
        finally:
            supervisor.stop()
            thread.join(STOP_S)
            log.close()


def filesystem(folder: Path) -> str:
    """Return the kind of file system that a folder lies on.

    Raises: SystemExit for one in memory: a sync there costs nothing.
    """
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    within = [(mount, kind) for mount, kind in mounts if folder.resolve().is_relative_to(mount)]
    kind = max(within, key=lambda found: len(found[0]))[1]
    if kind in IN_MEMORY:
        raise SystemExit(f"{folder} lies in memory ({kind}): name a folder on a disk with --folder")
    return kind

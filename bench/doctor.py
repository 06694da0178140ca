"""How long `greengate doctor` takes, as a process of its own: with everything well, and with what answers nobody.

A whole simulated appliance runs (reader, gate, uplink, panel, broker, centre), with a journal of check-ins that were
never sent. *Well*: all of it answers. *In service state*: camera and lamps are looked at too. *Nobody answers*: the
gate listens and says nothing, the broker takes the connection and says nothing, and the camera gives no frame.
The peer is `greengate --version`: what the start of the command alone takes.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.appliance import lay, supervised, surroundings
from bench.common import Limit, add_folder, arguments, console, finish, percentile, progress, table
from drivers.clock import open_clock
from firmware import service_state
from firmware.checkin import CheckIn, milliseconds, new_id
from firmware.config import load_config
from firmware.journal import Journal
from firmware.sockets import listen
from firmware.supervisor import PROGRAMS
from provisioning import desk

RUNS, QUICK_RUNS = 5, 1
UNSENT, QUICK_UNSENT = 50_000, 500  # ten busy days without a network
MOST_S = 20.0
SETTLE_S = 2.0  # until the gate has told its health
KINDS = ("well", "in_service_state", "nobody_answers")
PATIENCE_S = 120.0


def doctor(config: Path, *more: str) -> tuple[float, int]:
    """Run the command once, and return the seconds and the findings."""
    start_s = time.monotonic()
    command = [sys.executable, "-m", "provisioning.main", "doctor", "--json", "--config", str(config), *more]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
    if done.returncode not in {0, 1}:
        raise SystemExit(done.stderr.decode(errors="replace"))
    return time.monotonic() - start_s, done.stdout.count(b"\n") - 1


def times(name: str, config: Path, runs: int) -> dict[str, Any]:
    """Return how long it took, and how many findings it gave."""
    with progress() as bar:
        found = [doctor(config) for _ in bar.track(range(runs), description=name)]
    seconds = [took for took, _ in found]
    return {"p50_s": percentile(seconds, 0.5), "max_s": max(seconds), "findings": found[-1][1]}


def fill(path: Path, rows: int) -> None:
    """Record check-ins that nobody fetches."""
    at_ms = milliseconds(open_clock("system").now())
    with Journal.open(path) as journal, progress() as bar:
        for number in bar.track(range(rows), description="check-ins"):
            identifier = new_id(at_ms + number)
            row = CheckIn(identifier, at_ms + number, "synchronised", "A", "in", "accepted", "valid")
            journal.append(row)


@contextlib.contextmanager
def silence() -> Iterator[int]:
    """Take every connection on a port, and say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(server.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1]
        for client in held:
            client.close()


@contextlib.contextmanager
def silent_site(folder: Path) -> Iterator[Path]:
    """Lay a site of which nothing answers: gate, broker, and a camera that hangs."""
    with silence() as port:
        for name in ("run", "trust", "pictures"):
            (folder / name).mkdir()
        os.mkfifo(folder / "pictures" / "nobody-writes.png")  # whoever reads it waits
        config = folder / "greengate.toml"
        config.write_text(
            f"""
device = {{name = "kiosk-1", site = "bench", lane = "A", direction = "in"}}
camera = {{kind = "simulated", source = "pictures"}}
signal = {{kind = "simulated"}}
trust = {{folder = "trust"}}
journal = {{path = "journal.db"}}
broker = {{host = "127.0.0.1", port = {port}}}
run = {{folder = "run"}}
""",
            "utf-8",
        )
        loaded = load_config(config)
        with listen(loaded.events_socket):
            service_state.begin(loaded.service_marker, open_clock("system").now())
            yield config


def peer_s() -> float:
    """Return how long the command takes to say its version."""
    start_s = time.monotonic()
    subprocess.run([sys.executable, "-m", "provisioning.main", "--version"], capture_output=True, check=True)
    return time.monotonic() - start_s


def measured(folder: Path, runs: int, unsent: int) -> dict[str, Any]:
    """Return the times of each kind."""
    site, silent = folder / "site", folder / "silent"
    site.mkdir()
    silent.mkdir()
    laid = lay(site, 1)
    config = load_config(laid.config)
    fill(config.journal.path, unsent)
    found = {}
    with surroundings(laid), supervised(laid, PROGRAMS):
        time.sleep(SETTLE_S)
        found["well"] = times("well", laid.config, runs)
        service_state.begin(config.service_marker, open_clock("system").now())
        found["in_service_state"] = times("in service state", laid.config, runs)
    with silent_site(silent) as unanswering:
        found["nobody_answers"] = times("nobody answers", unanswering, min(runs, 2))
    return found


def show(found: dict[str, Any], peer: float) -> None:
    """Print what was found."""
    shown = table("greengate doctor", "case", ">p50", ">max", ">findings")
    for name in KINDS:
        figures = found[name]
        shown.add_row(
            name.replace("_", " "), f"{figures['p50_s']:.2f} s", f"{figures['max_s']:.2f} s", str(figures["findings"])
        )
    shown.add_row("peer: greengate --version", f"{peer:.2f} s", "", "")
    console.print(shown)


def limits_of(found: dict[str, Any]) -> Sequence[Limit]:
    """Return what was asked for."""
    return [Limit(f"doctor, {name.replace('_', ' ')}, slowest", found[name]["max_s"], MOST_S, "s") for name in KINDS]


def main() -> int:
    """Measure, print, write."""
    parser = arguments("doctor", __doc__)
    add_folder(parser)
    args = parser.parse_args()
    runs, unsent = (QUICK_RUNS, QUICK_UNSENT) if args.quick else (RUNS, UNSENT)
    try:
        with tempfile.TemporaryDirectory(prefix="greengate-", dir=args.folder) as folder:
            found = measured(Path(folder), runs, unsent)
    except desk.DeskError as error:
        raise SystemExit(str(error)) from None
    peer = peer_s()
    show(found, peer)
    result = {"runs": runs, "unsent": unsent, "cases": found, "peer_version_s": peer}
    return finish("doctor", result, limits_of(found), args)


if __name__ == "__main__":
    sys.exit(main())

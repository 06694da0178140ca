"""What it takes a kiosk to find that nothing is new, over HTTPS on the loopback: time and requests.

The store has a province, 34 delegations and some 700 parts of revocations, as 80 million revoked passes have: what is
looked at is the metadata that is in use, and what the server has newer. A sync opens the connection, as the program
does. Peer, in turns within the same run: two bare HTTPS requests (`http.client`) for the same two files on a connection
of their own.

*whole process* is `python -m firmware.sync` with the interpreter's start and imports.
"""

import http.client
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.common import Limit, add_folder, arguments, console, finish, percentile, progress, table
from drivers.broker.tls import client_context
from firmware.config import Config, load_config
from firmware.sync import synchronise
from tests.drivers.web_server import server_context, serving
from tests.firmware.site import make_site
from tests.firmware.trust_repo import Nation, hashes, rule_file
from tests.fixtures_mqtt import Authority

ROUNDS, QUICK_ROUNDS = 200, 5
PROCESSES, QUICK_PROCESSES = 20, 1
PROVINCES = 34
REVOKED, QUICK_REVOKED = 350_000, 2000  # in parts of 8 KiB instead of 2 MiB: as many parts as 80 million have
CODE = "p1"
MOST_MS, MOST_REQUESTS = 100, 4
ASKED = ("metadata/2.root.json", "metadata/timestamp.json")


def nation(revoked: int) -> Nation:
    """Return a nation with much metadata."""
    made = Nation()
    made.files["rules/nation/R1.json"] = rule_file("R1")
    for number in range(PROVINCES):
        made.provinces[f"p{number}"] = {}
    made.revoke("any-uci", hashes(*range(revoked)))
    made.publish()
    return made


@contextmanager
def server(published: dict[str, bytes], folder: Path) -> Iterator[tuple[str, Authority]]:
    """Serve in a process of its own, and give the address."""
    authority = Authority(folder / "ca")
    certificate, key = authority.issue("server", address="127.0.0.1")
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=_serve, args=(published, certificate, key, there), daemon=True
    )
    process.start()
    try:
        yield here.recv(), authority
    finally:
        here.send(None)
        process.join()


def _serve(published: dict[str, bytes], certificate: Path, key: Path, end: Connection) -> None:
    with serving(published, context=server_context(certificate, key)) as site:
        end.send(site.url)
        end.recv()


def configured(folder: Path, url: str, authority: Authority) -> Path:
    """Return a configuration that syncs from a server."""
    path = make_site(folder / "site").config_path
    lines = f'folder = "store"\nprovince = "{CODE}"\nurl = "{url}"\nca = "{authority.file}"'
    path.write_text(path.read_text("utf-8").replace('folder = "trust"', lines), "utf-8")
    return path


def bare(url: str, authority: Authority) -> None:
    """Ask for the same two files."""
    parts = urlsplit(url)
    context = client_context(authority.file, None, None)  # as sync's own
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context)
    for path in ASKED:
        connection.request("GET", f"{parts.path}{path}")
        connection.getresponse().read()
    connection.close()


def turns(config: Config, url: str, authority: Authority, rounds: int) -> dict[str, Any]:
    """Return the times of a sync with nothing new, and of its peer, in turns."""
    times_ms: dict[str, list[float]] = {"sync": [], "bare": []}
    requests = 0
    with progress() as bar:
        for _ in bar.track(range(rounds), description="nothing new"):
            start_ns = time.perf_counter_ns()
            outcome = synchronise(config)
            between_ns = time.perf_counter_ns()
            bare(url, authority)
            times_ms["sync"].append((between_ns - start_ns) / 1e6)
            times_ms["bare"].append((time.perf_counter_ns() - between_ns) / 1e6)
            requests = max(requests, outcome.requests)
            assert not outcome.new  # noqa: S101 - else something else was measured
    found: dict[str, Any] = {name: _figures(times) for name, times in times_ms.items()}
    return found | {"requests": requests}


def processes(config: Path, count: int) -> dict[str, float]:
    """Return the times of the program as a whole."""
    times_ms = []
    for _ in range(count):
        start_ns = time.perf_counter_ns()
        line: list[str | Path] = [sys.executable, "-m", "firmware.sync", "--config", config]
        subprocess.run(line, check=True, capture_output=True)
        times_ms.append((time.perf_counter_ns() - start_ns) / 1e6)
    return _figures(times_ms)


def _figures(times_ms: list[float]) -> dict[str, float]:
    return {"p50_ms": percentile(times_ms, 0.5), "p95_ms": percentile(times_ms, 0.95), "max_ms": max(times_ms)}


def show(result: dict[str, Any]) -> None:
    """Print what was found."""
    shown = table(f"nothing new: {result['requests']} requests", "", ">p50 ms", ">p95 ms", ">max ms")
    for name, key in (("sync", "sync"), ("peer: two bare requests", "bare"), ("whole process", "process")):
        shown.add_row(name, *(f"{result[key][figure]:.1f}" for figure in ("p50_ms", "p95_ms", "max_ms")))
    console.print(shown)
    console.print(f"sync to peer: {result['sync']['p50_ms'] / result['bare']['p50_ms']:.2f}")


def main() -> int:
    """Measure, print, write."""
    parser = arguments("sync", __doc__)
    add_folder(parser)
    args = parser.parse_args()
    rounds, count, revoked = (
        (QUICK_ROUNDS, QUICK_PROCESSES, QUICK_REVOKED) if args.quick else (ROUNDS, PROCESSES, REVOKED)
    )
    with tempfile.TemporaryDirectory(prefix="greengate-", dir=args.folder) as name:
        folder = Path(name)
        made = nation(revoked)
        root = folder / "root.json"
        root.write_bytes(made.first_root)
        with server(made.published, folder) as (url, authority):
            path = configured(folder, url, authority)
            config = load_config(path)
            first = synchronise(config, root=root)
            result = turns(config, url, authority, rounds) | {"process": processes(path, count)}
            result |= {"targets": len(made.all_files()), "first_requests": first.requests}
    show(result)
    limits = [
        Limit("nothing new, p95", result["sync"]["p95_ms"], MOST_MS, "ms"),
        Limit("requests", result["requests"], MOST_REQUESTS),
    ]
    return finish("sync", result, limits, args)


if __name__ == "__main__":
    sys.exit(main())

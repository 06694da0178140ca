"""Verdicts while the trust store is switched under a working gate, and while it is not.

The gate is a process of its own, with simulated lamps and a journal in memory, so that no disk's sync hides what a
switch costs. A pass, each another one, is shown every 20 ms; a verdict takes from the reading's sending to the word for
the screen. Two stores take turns in `current`, by one rename, about once a second: the signers of a union, the rules
of one, and as many revoked passes as a nation may have, taken out of the page cache before each switch. Both kinds of
rounds alternate.

The peer is the same gate in the same run without switches: a switch delays a verdict by what the longest of a round is
longer, in the median of the rounds, and of all of them. The latter says something on a machine without other work only.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench.appliance import Log
from bench.common import Limit, add_folder, arguments, console, finish, percentile, progress, table
from bench.rules import rules_here
from centre.trust.compiling import compile_set
from drivers.clock import open_clock
from firmware.messages import MAX_MESSAGE_BYTES, Heartbeat, Reading, Shown, decode_event, encode
from firmware.sockets import connect
from provisioning import demo_lane, desk
from provisioning.issuer import DemoIssuer
from verifier.freshness import DEFAULT_FRESHNESS, encode_freshness
from verifier.revocation_set import HASH_BYTES
from verifier.rule_file import NATION, RuleFile, Scope, path_of
from verifier.signers import SignerEntry, encode_signers

REVOKED, QUICK_REVOKED = 10_000_000, 10_000
SIGNERS, QUICK_SIGNERS = 829, 20  # of the union's list, as the German gateway published it
ROUNDS, QUICK_ROUNDS = 30, 1
A_ROUND = 100  # passes: two seconds, so that the gate meets a switch in each that has one
PAUSE_S = 0.02
DELAY_MAX_MS = 20.0
PATIENCE_S = 30.0
STORES = ("1-a", "2-b")
BODY = {
    "title": {"vi": "Tiêm chủng", "en": "Vaccination"},
    "country": "VN",
    "all": [{"any": [{"document": "vaccination", "without_rules": "accepted"}]}],
}
PROFILE = RuleFile("profile", NATION, demo_lane.PROFILE, 1, datetime(2021, 1, 1, tzinfo=UTC), None, Scope(), BODY)
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


def lay(folder: Path, at: datetime, signers: int, revoked: int) -> DemoIssuer:
    """Lay two stores that differ in their number; return whose passes are good."""
    issuer = DemoIssuer(at)
    everyone = [issuer, *(DemoIssuer(at) for _ in range(signers - 1))]
    entries = [SignerEntry(kid=one.kid, format="hcert", certificate=one.certificate_der) for one in everyone]
    kid, name = issuer.kid, f"{issuer.kid.hex()}-uci"
    hashes = np.random.default_rng(1).bytes(revoked * HASH_BYTES)
    for version, store in enumerate(STORES, start=1):
        path = folder / "stores" / store
        (path / "metadata").mkdir(parents=True)
        (path / "revocations").mkdir()
        signed = {"version": version, "issued": at - timedelta(hours=1)}
        index = {"version": 1, "sets": [{"name": name, "kid": kid.hex(), "kind": "uci", "count": revoked}]}
        (path / "metadata/timestamp.json").write_bytes(msgspec.json.encode({"signed": signed}))
        (path / "revocations.json").write_bytes(msgspec.json.encode(index))
        (path / "signers.json").write_bytes(encode_signers(entries))
        (path / "freshness.json").write_bytes(encode_freshness(DEFAULT_FRESHNESS))
        for file in (*rules_here().files, PROFILE):
            at_path = path / path_of(file.kind, file.role, file.id)
            at_path.parent.mkdir(parents=True, exist_ok=True)
            about = {"id": file.id, "version": 1, "valid_from": file.valid_from, "valid_to": None, "scope": file.scope}
            at_path.write_bytes(msgspec.json.encode(about | {file.kind: file.body}))
        compile_set("uci", kid, [hashes], path / "revocations" / f"{name}.set")
    use(folder, STORES[0])
    return issuer


def use(folder: Path, store: str) -> None:
    """Put a store in use that is not in the page cache."""
    for path in (folder / "stores" / store).rglob("*.*"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    link = folder / ".current.new"
    link.symlink_to(f"stores/{store}")
    link.replace(folder / "current")


def configured(laid: desk.Desk, trust: Path) -> Path:
    """Return a configuration of the desk's with these stores, and lights as short as they may be."""
    text = laid.config.read_text("utf-8")
    lines = [f"folder = {json.dumps(str(trust))}" if line == 'folder = "trust"' else line for line in text.splitlines()]
    path = laid.folder / "switching.toml"
    path.write_text("\n".join([*lines, "[timing]", "green_s = 0.01", "held_s = 0.01"]) + "\n", "utf-8")
    return path


@contextlib.contextmanager
def gate(config: Path, log: Path) -> Iterator[Log]:
    """Run a gate until the end; give its log."""
    with log.open("wb") as stream:
        process = subprocess.Popen([sys.executable, "-m", "firmware.gate", "--config", str(config)], stderr=stream)
    events = Log(log)
    try:
        events.wait(PATIENCE_S, lambda seen: any(event["event"] == "started" for event in seen))
        yield events
    finally:
        events.close()
        process.terminate()
        process.wait(PATIENCE_S)


class Lane:
    """The reader's and the panel's end of a gate."""

    def __init__(self, run: Path) -> None:
        """Connect to the gate that runs in a folder."""
        self._reader = connect(run / "reader/readings.sock")
        self._panel = connect(run / "events.sock")
        self._panel.settimeout(PATIENCE_S)

    def show(self, text: str) -> float:
        """Show a pass, and return after how many milliseconds it was answered.

        Raises: SystemExit where that is not its being valid: there would be nothing to compare.
        """
        now_ns = time.monotonic_ns()
        for message in (Heartbeat(1), Reading((text,), now_ns, now_ns)):
            self._reader.send(encode(message))
        while True:
            event = decode_event(self._panel.recv(MAX_MESSAGE_BYTES))
            if isinstance(event, Shown) and event.verdict is not None:
                if event.reason != "valid":
                    raise SystemExit(f"a good pass was answered with {event.reason}")
                return (time.monotonic_ns() - now_ns) / 1e6

    def wait(self) -> None:
        """Wait until the gate is in service."""
        while True:
            self._reader.send(encode(Heartbeat(1)))
            event = decode_event(self._panel.recv(MAX_MESSAGE_BYTES))
            if isinstance(event, Shown) and event.reason == "ready":
                return


def measured(lane: Lane, trust: Path, issuer: DemoIssuer, rounds: int) -> dict[str, list[list[float]]]:
    """Return the times of all verdicts by round, with switches and without."""
    times: dict[str, list[list[float]]] = {"still": [], "switching": []}
    stores = [*STORES[1:], STORES[0]] * rounds
    number = 0
    with progress() as bar:
        for store in bar.track(stores[:rounds], description="rounds"):
            for kind, found in times.items():
                texts = [issuer.issue({"ci": f"URN:UVCI:01:VN:SWITCH{number + n:07}#A"}) for n in range(A_ROUND)]
                number += A_ROUND
                if kind == "switching":
                    use(trust, store)
                found.append([shown(lane, text) for text in texts])
    return times


def shown(lane: Lane, text: str) -> float:
    """Show a pass after a pause; see `Lane.show`."""
    time.sleep(PAUSE_S)
    return lane.show(text)


def run(folder: Path, memory: Path, signers: int, revoked: int, rounds: int) -> dict[str, Any]:
    """Measure, and return what was seen."""
    at = open_clock("system").now()
    issuer = lay(folder, at, signers, revoked)
    laid = desk.lay(memory, at)
    config = configured(laid, folder)
    with gate(config, memory / "gate.jsonl") as log:
        lane = Lane(laid.folder / "run")
        lane.wait()
        log.new()
        times = measured(lane, folder, issuer, rounds)
        switches = sum(event["event"] == "trust-loaded" for event in log.new())
    longest = {kind: [max(times) for times in found] for kind, found in times.items()}
    typical = {kind: percentile(found, 0.5) for kind, found in longest.items()}
    return {
        "signers": signers,
        "revoked": revoked,
        "switches": switches,
        "verdicts_ms": {
            kind: {
                "p50": percentile(chain.from_iterable(found), 0.5),
                "p99": percentile(chain.from_iterable(found), 0.99),
                "longest of a round, median": typical[kind],
                "max": max(longest[kind]),
            }
            for kind, found in times.items()
        },
        "verdicts": {kind: len(found) * A_ROUND for kind, found in times.items()},
        "delay_ms": typical["switching"] - typical["still"],
        "delay_of_the_longest_ms": max(longest["switching"]) - max(longest["still"]),
    }


def show(result: dict[str, Any]) -> None:
    """Print what was found."""
    title = f"{result['switches']} switches, {result['signers']} signers, {result['revoked']:,} revoked; milliseconds"
    rows = result["verdicts_ms"]
    made = table(title, "verdicts", ">number", *(f">{name}" for name in rows["still"]))
    for kind, times in rows.items():
        made.add_row(kind, str(result["verdicts"][kind]), *(f"{time_ms:.2f}" for time_ms in times.values()))
    console.print(made)


def main() -> int:
    """Measure, print, write."""
    parser = arguments("switching", __doc__)
    parser.add_argument("--revoked", type=int, help=f"default {REVOKED}, quick {QUICK_REVOKED}")
    parser.add_argument("--rounds", type=int, help=f"of each kind; default {ROUNDS}, quick {QUICK_ROUNDS}")
    add_folder(parser)
    args = parser.parse_args()
    revoked = args.revoked or (QUICK_REVOKED if args.quick else REVOKED)
    rounds = args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS)
    with (
        tempfile.TemporaryDirectory(prefix="greengate-", dir=args.folder) as folder,
        tempfile.TemporaryDirectory(prefix="greengate-", dir=MEMORY) as memory,
    ):
        result = run(Path(folder), Path(memory), QUICK_SIGNERS if args.quick else SIGNERS, revoked, rounds)
    show(result)
    limits = [
        Limit("a switch delays by", result["delay_ms"], DELAY_MAX_MS, "ms"),
        Limit("a switch delays by, the longest of all", result["delay_of_the_longest_ms"], DELAY_MAX_MS, "ms"),
        Limit("switches", float(result["switches"]), least=float(rounds)),
    ]
    return finish("switching", result, limits, args)


if __name__ == "__main__":
    sys.exit(main())

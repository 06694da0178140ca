"""Time the uplink: a backlog drained to the centre's database, and how soon a check-in is there when online.

Uplink, mosquitto and the centre's collector run as processes; journal and store lie on the disk to measure. First a
journal of check-ins never sent is drained: from the uplink's connection to its last acknowledgement, with the peak of
its memory (VmHWM). Then check-ins are appended at a steady rate, each timed from before its append (with its fsync)
until a look into the centre's database, every `LOOK_S`, finds it. The peer makes the same batches alone: encoded,
compressed, hashed, sealed and signed, with nothing sent.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench.appliance import Log, events_in, filesystem
from bench.common import Limit, add_folder, arguments, console, finish, percentile, progress, table
from centre.collecting.store import Account, Store, open_store
from drivers.clock import open_clock
from firmware.checkin import COLUMNS, FIELDS, CheckIn, milliseconds, new_id, to_row
from firmware.config import load_config
from firmware.journal import Journal
from firmware.journal_reader import JournalReader
from firmware.uplink_keys import KeyFiles
from firmware.wire import MAX_RECORDS, Batch, encode_batch
from provisioning import desk

ROWS, QUICK_ROWS = 300_000, 4_000
ONLINE, QUICK_ONLINE = 300, 10
RATE = 5.0  # check-ins a second: a busy gate has one in two
DRAIN_MIN, MEMORY_MAX_MIB, ONLINE_MAX_S = 5000.0, 64.0, 2.0
LOOK_S = 0.01
PATIENCE_S = 300.0
STOP_S = 10.0
KINDS = ("vaccination", "test", "recovery")


def checkin(at_ms: int, number: int) -> CheckIn:
    """Return one of those that a gate records all day."""
    return CheckIn(
        id=new_id(at_ms),
        at_ms=at_ms,
        clock="synchronised",
        lane="Cổng số 1",
        direction="in",
        verdict="refused" if number % 20 == 0 else "accepted",
        reason="expired" if number % 20 == 0 else "valid",
        kinds=(KINDS[number % 3],),
        pseudonym=os.urandom(16),
    )


def fill(path: Path, rows: int) -> None:
    """Put check-ins into a new journal, in one transaction: to append each with its fsync would take minutes."""
    at_ms = milliseconds(open_clock("system").now()) - rows * 500
    Journal.open(path).close()
    insert = f"INSERT INTO checkin (seq, {COLUMNS}) VALUES (?{', ?' * FIELDS})"  # noqa: S608 - a constant
    with closing(sqlite3.connect(path)) as db, db, progress() as bar:
        made = ((number + 1, *to_row(checkin(at_ms + number * 500, number))) for number in range(rows))
        db.executemany(insert, bar.track(made, total=rows, description="journal"))


def peer(laid: desk.Desk) -> tuple[float, bytes]:
    """Return how many check-ins a second go into batches here, nothing else being done; and the journal's epoch."""
    config = load_config(laid.config)
    source = KeyFiles(config.device.name, config.centre_files, lambda _: None)
    source.turn(0)
    with JournalReader(config.journal.path) as journal:
        unsent = journal.batch(MAX_RECORDS)
    if source.keys is None or unsent is None:
        raise SystemExit(source.problem or "the journal is empty")
    batch = Batch(config.device.name, unsent.epoch, unsent.first_seq, unsent.rows)
    start_s, made = time.perf_counter(), 0
    while time.perf_counter() - start_s < 1:
        encode_batch(batch, source.keys.signer, source.keys.recipient)
        made += len(batch.rows)
    return made / (time.perf_counter() - start_s), batch.epoch


@contextmanager
def process(log: Path, *arguments_: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of our programs, what it says in a file."""
    with log.open("wb") as stream:
        started = subprocess.Popen(
            [sys.executable, "-m", *arguments_], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(STOP_S)


def drain(log: Path, journal: Journal, rows: int) -> float:
    """Wait until the backlog is drained; return for how many seconds it was, by the uplink's own account."""
    connected_ns = told(log, "uplink-connected")["t_ns"]
    end_s = time.monotonic() + PATIENCE_S
    with progress() as bar:
        task = bar.add_task("draining", total=rows)
        while (unsent := journal.unsent()) and time.monotonic() < end_s:
            bar.update(task, completed=rows - unsent)
            time.sleep(0.2)
    if unsent:
        raise SystemExit(f"{unsent} check-ins were not drained in {PATIENCE_S:g} s; see {log}")
    acked_ns = max(event["t_ns"] for event in events_in(log) if event["event"] == "batch-acknowledged")
    return float(acked_ns - connected_ns) / 1e9


def told(log: Path, event: str) -> dict[str, Any]:
    """Wait for a program to tell of an event; return the first such."""
    following = Log(log)
    try:
        events = following.wait(PATIENCE_S, lambda found: any(one.get("event") == event for one in found))
    finally:
        following.close()
    return next(one for one in events if one.get("event") == event)


def account_of(store: Store, epoch: bytes) -> Account:
    """Return what the store has of our journal."""
    return next(account for account in store.accounts(desk.DEVICE) if account.epoch == epoch)


def online(journal: Journal, where: str | Path, epoch: bytes, checkins: int) -> list[float]:
    """Append check-ins at a steady rate; return for each the seconds until it was in the centre's database."""
    appended: dict[int, float] = {}
    arrived: dict[int, float] = {}
    begin_s = time.monotonic()
    with open_store(where) as store, progress() as bar:
        task = bar.add_task("online", total=checkins)
        while len(arrived) < checkins:
            now_s = time.monotonic()
            if now_s > begin_s + checkins / RATE + PATIENCE_S:
                raise SystemExit("check-ins do not arrive")
            if len(appended) < checkins and now_s >= begin_s + len(appended) / RATE:
                made = checkin(milliseconds(open_clock("system").now()), len(appended))
                appended[journal.append(made)] = now_s
            up_to = account_of(store, epoch).up_to
            now_s = time.monotonic()
            arrived |= {
                seq: now_s - since_s for seq, since_s in appended.items() if seq <= up_to and seq not in arrived
            }
            bar.update(task, completed=len(arrived))
            time.sleep(LOOK_S)
    return list(arrived.values())


def peak_mib(pid: int) -> float:
    """Return the most memory that a process ever had resident."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    (kib,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return kib / 1024


def measure(folder: Path, store: str | None, rows: int, checkins: int) -> dict[str, Any]:
    """Return the figures, found in a folder of their own."""
    laid = desk.lay(folder, open_clock("system").now())
    where: str | Path = store or laid.store
    if store is not None:
        text = laid.collector_config.read_text("utf-8")
        place = f'postgresql = "{store}"'
        laid.collector_config.write_text(text.replace(f'path = "{laid.store.name}"', place), "utf-8")
    path = folder / "journal.db"
    fill(path, rows)
    alone_per_s, epoch = peer(laid)
    result: dict[str, Any] = {"peer_per_s": alone_per_s, "journal_mib": path.stat().st_size / 2**20}
    log, collecting = folder / "uplink.jsonl", folder / "collector.jsonl"
    collect = ("centre.main", "collect", "--json", "--config", str(laid.collector_config))
    with (
        desk.broker(laid),
        process(collecting, *collect),
        Journal.open(path) as journal,
    ):
        told(collecting, "connected")  # or a first batch that nobody hears is sent again only after some seconds
        with process(log, "firmware.uplink", "--config", str(laid.config)) as uplink:
            seconds = drain(log, journal, rows)
            result |= {"drained_s": seconds, "drained_per_s": rows / seconds, "resent": resent(log)}
            with open_store(where) as found:
                result["stored"] = account_of(found, epoch).stored
            times = online(journal, where, epoch, checkins)
            result["online_s"] = {"p50": percentile(times, 0.5), "p95": percentile(times, 0.95), "max": max(times)}
            result["peak_mib"] = peak_mib(uplink.pid)
    return result


def resent(log: Path) -> int:
    """Return how many batches had to be sent again."""
    return sum(event["event"] == "batch-resent" for event in events_in(log))


def show(result: dict[str, Any]) -> None:
    """Print what was found."""
    shown = table(f"uplink, {result['rows']} check-ins into {result['engine']}", "what", ">figure")
    shown.add_row("drained", f"{result['drained_per_s']:.0f} a second, {result['drained_s']:.1f} s")
    shown.add_row("peer: batches made alone", f"{result['peer_per_s']:.0f} a second")
    shown.add_row("batches sent again", str(result["resent"]))
    shown.add_row("peak of the uplink's memory (RSS)", f"{result['peak_mib']:.1f} MiB")
    for figure, seconds in result["online_s"].items():
        shown.add_row(f"append to the centre's database, {figure}", f"{seconds * 1000:.0f} ms")
    console.print(shown)


def main() -> int:
    """Measure, print, write."""
    parser = arguments("uplink", __doc__)
    parser.add_argument("--store", metavar="URL", help="postgresql://... to store in; default a SQLite file")
    add_folder(parser)
    args = parser.parse_args()
    rows, checkins = (QUICK_ROWS, QUICK_ONLINE) if args.quick else (ROWS, ONLINE)
    result: dict[str, Any] = {"rows": rows, "online": checkins, "per_s": RATE, "filesystem": filesystem(args.folder)}
    result["engine"] = "PostgreSQL" if args.store else "SQLite"
    try:
        with tempfile.TemporaryDirectory(prefix="greengate-", dir=args.folder) as folder:
            result |= measure(Path(folder), args.store, rows, checkins)
    except desk.DeskError as error:
        raise SystemExit(str(error)) from None
    show(result)
    if result["stored"] < rows:
        raise SystemExit(f"only {result['stored']} of {rows} check-ins are in the store: {json.dumps(result)}")
    limits = [
        Limit("backlog drained", result["drained_per_s"], unit="a second", least=DRAIN_MIN),
        Limit("peak of the uplink's memory", result["peak_mib"], MEMORY_MAX_MIB, "MiB"),
        Limit("append to the centre's database, p95", result["online_s"]["p95"], ONLINE_MAX_S, "s"),
    ]
    return finish("uplink", result, limits, args)


if __name__ == "__main__":
    sys.exit(main())

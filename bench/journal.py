"""What one durable check-in costs in the journal: time, bytes written to the disk, and room in the file.

Time: `Journal.append` and, in turns within the same run, a bare SQLite insert of the same row into the same table with
the same pragmas (WAL, synchronous=FULL, secure_delete), statement and values ready. Both commit and sync each row.

Bytes: what the kernel counts as written by this process (`write_bytes` of /proc/self/io: whole pages of its cache, as
they go to the disk), with the log's checkpoints, for each check-in. *seldom*: 10,000 a day, the log carried into the
file every ten minutes, as an idle gate does. *busy*: as fast as it goes, carried when the log is long. *acknowledged*:
deleted as the centre has them, or *kept* for some hours and only noted. What the file system writes for itself comes
on top.

Room: pages that check-ins take, with details of a usual and of the greatest length, for 30 days at 10,000 a day.
"""

import hashlib
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.appliance import filesystem
from bench.common import Limit, add_folder, arguments, console, finish, percentile, progress, table
from drivers.clock import open_clock
from firmware.checkin import COLUMNS, FIELDS, MAX_DETAILS_BYTES, CheckIn, milliseconds, new_id, to_row
from firmware.journal import WAL_MAX_PAGES, Journal
from firmware.journal_base import SIZE_MIB, connect, pragma
from firmware.journal_reader import JournalReader
from firmware.journal_space import PAGE_BYTES, pages_of
from firmware.journal_wear import written_bytes
from firmware.recording import CARRY_NS, EMPTY_NS

COMMITS, QUICK_COMMITS = 5000, 100
WEAR_ROWS, QUICK_WEAR_ROWS = 4000, 150
ROOM_ROWS, QUICK_ROOM_ROWS = 20_000, 1000
A_DAY = 10_000
DAYS = 30
USUAL_DETAILS_BYTES = 128  # a name and a date, sealed
BATCH = 400
CARRY_ROWS = round(A_DAY / 86_400 * CARRY_NS / 1e9)  # between two checkpoints of an idle gate
EMPTIED = EMPTY_NS // CARRY_NS  # one checkpoint in so many empties the log
FILL_MAX = 0.8
_BARE = f"INSERT INTO checkin (seq, {COLUMNS}) VALUES ({', '.join('?' * (FIELDS + 1))})"  # noqa: S608 - constants


def checkins(count: int, details_bytes: int) -> Iterator[CheckIn]:
    """Yield check-ins, each another one."""
    at_ms = milliseconds(open_clock("system").now())
    for number in range(count):
        drawn = hashlib.shake_256(number.to_bytes(8)).digest(16 + details_bytes)
        yield CheckIn(
            id=new_id(at_ms + number),
            at_ms=at_ms + number,
            clock="synchronised",
            lane="Cổng số 1",
            direction="in",
            verdict="accepted",
            reason="valid",
            kinds=("vaccination",),
            pseudonym=drawn[:16],
            details=drawn[16:] or None,
        )


def bare(path: Path) -> sqlite3.Connection:
    """Return a connection to an empty table like the journal's, with its pragmas."""
    Journal.open(path).close()
    db = connect(path, create=False)
    db.execute(f"PRAGMA wal_autocheckpoint={WAL_MAX_PAGES}")
    return db


def commits(folder: Path, count: int) -> dict[str, Any]:
    """Return the times of a durable check-in, and of a bare insert, in turns."""
    times_ms: dict[str, list[float]] = {"journal": [], "bare": []}
    with Journal.open(folder / "times.db") as journal, closing(bare(folder / "bare.db")) as db, progress() as bar:
        for seq, checkin in enumerate(bar.track(checkins(count, 0), total=count, description="commits"), 1):
            row = (seq, *to_row(checkin))
            turns: list[tuple[str, Callable[[], object]]] = [
                ("journal", lambda checkin=checkin: journal.append(checkin)),  # type: ignore[misc]
                ("bare", lambda row=row: db.execute(_BARE, row)),  # type: ignore[misc]
            ]
            for name, commit in turns if seq % 2 else reversed(turns):
                start_ns = time.perf_counter_ns()
                commit()
                times_ms[name].append((time.perf_counter_ns() - start_ns) / 1e6)
    return {
        name: {
            "commits_per_s": 1e3 * len(times) / sum(times),
            "p50_ms": percentile(times, 0.5),
            "p99_ms": percentile(times, 0.99),
            "max_ms": max(times),
        }
        for name, times in times_ms.items()
    }


@dataclass(frozen=True, slots=True)
class Life:
    """A way in which a journal is used: carried after so many rows, acknowledged after so many; 0: never."""

    name: str
    details_bytes: int = 0
    carried: int = 0
    acknowledged: int = 0
    kept: bool = False

    def lead(self, path: Path, count: int) -> int:
        """Record that many check-ins in a new journal, and return the bytes written for each."""
        with Journal.open(path) as journal, JournalReader(path, keep_acknowledged=self.kept) as reader:
            epoch = self._settled(journal, reader)
            start = _written()
            for checkin in checkins(count, self.details_bytes):
                seq = journal.append(checkin)
                if self.carried and seq % self.carried == 0:
                    journal.checkpoint(empty=seq % (EMPTIED * self.carried) == 0)
                if self.acknowledged and seq % self.acknowledged == 0:
                    reader.acknowledge(epoch, seq, bytes(32))
            journal.checkpoint()
            return (_written() - start) // count

    def _settled(self, journal: Journal, reader: JournalReader) -> bytes:
        """Record a first check-in, so that both ends are open and the log is begun; return the epoch."""
        journal.append(next(checkins(1, self.details_bytes)))
        unsent = reader.batch(1)
        assert unsent is not None  # noqa: S101 - it was written just now
        return unsent.epoch


LIVES = (
    Life("seldom", carried=CARRY_ROWS),
    Life("seldom, with details", USUAL_DETAILS_BYTES, carried=CARRY_ROWS),
    Life("seldom, acknowledged one by one", carried=CARRY_ROWS, acknowledged=1),
    Life("seldom, acknowledged one by one, kept", carried=CARRY_ROWS, acknowledged=1, kept=True),
    Life("carried after each", carried=1),
    Life("busy"),
    Life("busy, acknowledged 400 at once", acknowledged=BATCH),
)


def _written() -> int:
    count = written_bytes()
    if count is None:
        raise SystemExit("this kernel does not count what a process writes: try one with task I/O accounting")
    return count


def wear(folder: Path, count: int) -> dict[str, int]:
    """Return the bytes written for each check-in in each life."""
    with progress() as bar:
        lives = bar.track(LIVES, description="wear")
        return {life.name: life.lead(folder / f"wear-{number}.db", count) for number, life in enumerate(lives)}


def room(path: Path, count: int, details_bytes: int) -> dict[str, float]:
    """Return the bytes of the file that a check-in takes, and the share of its bound that 30 days do."""
    with Journal.open(path) as journal:
        before = pages(path)
        for checkin in checkins(count, details_bytes):
            journal.append(checkin)
        journal.checkpoint()
    each = (pages(path) - before) / count
    share = (before + each * A_DAY * DAYS) / pages_of(SIZE_MIB)
    return {"details_bytes": details_bytes, "bytes_per_record": each * PAGE_BYTES, "share_of_30_days": share}


def pages(path: Path) -> int:
    """Return how many pages of a file are used."""
    with closing(connect(path, create=False)) as db:
        return int(pragma(db, "page_count")) - int(pragma(db, "freelist_count"))


def show(result: dict[str, Any]) -> None:
    """Print what was found."""
    shown = table(f"one durable check-in on {result['filesystem']}", "", ">commits/s", ">p50 ms", ">p99 ms", ">max ms")
    for name, found in result["commits"].items():
        figures = [f"{found[key]:.2f}" for key in ("p50_ms", "p99_ms", "max_ms")]
        shown.add_row(name, f"{found['commits_per_s']:.0f}", *figures)
    console.print(shown)
    shown = table("written to the disk for each check-in", "", ">bytes")
    for name, written in result["wear_bytes"].items():
        shown.add_row(name, f"{written:,}")
    console.print(shown)
    shown = table(f"room: 30 days at 10,000 in {SIZE_MIB} MiB", ">details", ">bytes a check-in", ">share of 30 days")
    for found in result["room"]:
        share = f"{100 * found['share_of_30_days']:.1f} %"
        shown.add_row(str(found["details_bytes"]), f"{found['bytes_per_record']:.0f}", share)
    console.print(shown)


def main() -> int:
    """Measure, print, write."""
    parser = arguments("journal", __doc__)
    add_folder(parser)
    args = parser.parse_args()
    count, wear_rows, room_rows = (
        (QUICK_COMMITS, QUICK_WEAR_ROWS, QUICK_ROOM_ROWS) if args.quick else (COMMITS, WEAR_ROWS, ROOM_ROWS)
    )
    kind = filesystem(args.folder)
    with tempfile.TemporaryDirectory(prefix="greengate-", dir=args.folder) as name:
        folder = Path(name)
        result: dict[str, Any] = {
            "filesystem": kind,
            "commits": commits(folder, count),
            "wear_bytes": wear(folder, wear_rows),
            "room": [
                room(folder / f"room-{size}.db", room_rows, size)
                for size in (0, USUAL_DETAILS_BYTES, MAX_DETAILS_BYTES)
            ],
        }
    show(result)
    limits = [Limit("30 days at 10,000, longest details", result["room"][-1]["share_of_30_days"], FILL_MAX)]
    return finish("journal", result, limits, args)


if __name__ == "__main__":
    sys.exit(main())

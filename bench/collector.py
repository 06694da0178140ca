"""Measure the collector into PostgreSQL, against a bare COPY of the same rows into a table of the same shape.

The peer is the fastest that there is: the rows ready in COPY's binary format, one COPY a group of batches, into one
table with the same columns and primary key, in the same database with the same durability. *store* is the store alone
(ledger, rows, commit) with batches ready in memory; *collector* is all that is done with a message: signature checked,
unsealed, each record checked, stored, the acknowledgement signed. They take turns. Batches of 400 are a device that
catches up, of 10 and of 1 devices online.

Then as processes: one and two that only store; one and two `greengate-centre collect` at a real mosquitto with a shared
subscription, until the last batch is acknowledged. Broker, database and whoever sends share the same cores.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from bench.collector_batches import AT, GROUP, TEN_THOUSAND, batches, grouped
from bench.collector_processes import as_processes
from bench.common import Limit, arguments, console, finish, progress, table
from centre.collecting import postgres_copy
from centre.collecting.collector import Collector
from centre.collecting.opening import Opener
from centre.collecting.postgres_schema import SCHEMA
from centre.collecting.store import open_store
from drivers.broker import Message
from drivers.clock.simulated import SimulatedClock
from firmware.wire import Batch, batch_topic, encode_batch
from tests.firmware.checkins import START_MS
from tests.pki import Pki
from tests.postgres_server import running

SIZES = {400: 102_400, 10: 20_480, 1: 4_096}  # records in a batch: records in a round
OVER_BROKER = 204_800
ROUNDS, BROKER_ROUNDS = 7, 3
QUICK_SHARE = 16
RATE_MIN, SHARE_MIN = 20_000, 0.5


class Nobody:
    """A broker that takes every acknowledgement."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Take it."""


class Rounds:
    """One database, and what is measured in it, in turns."""

    def __init__(self, url: str) -> None:
        self.store = open_store(url)
        self.peer = psycopg.connect(url, autocommit=True)
        self.peer.execute(f"SET search_path = {SCHEMA}; SET synchronous_commit = on")
        self.peer.execute("CREATE TABLE bare (LIKE checkin INCLUDING ALL)")
        self.pki = Pki.shared()

    def turn(self, tag: str, size: int, records: int) -> dict[str, float]:
        """Return the rates of one turn, and the CPU time of a collector for 10,000 records."""
        made = batches(f"s{tag}", size, records)
        whole = [range(size)] * GROUP
        pieces = [
            b"".join(postgres_copy.encoded(zip((one.batch for one in group), whole, strict=False), START_MS))
            for group in grouped(made)
        ]
        messages = grouped([self._message(one.batch) for one in batches(f"c{tag}", size, records)])
        signer = self.pki.signer("centre.bench")
        opener = Opener(self.pki.authority, self.pki.unsealer())
        collector = Collector(self.store, Nobody(), opener, signer, SimulatedClock(AT), lambda _: None)
        bare_s, _ = timed(self._copy, pieces)
        store_s, store_cpu_s = timed(lambda group: self.store.store(group, AT), grouped(made))
        collector_s, cpu_s = timed(lambda group: collector.take(*group), messages)
        if collector.refused or collector.waiting:
            raise RuntimeError("the collector did not take everything")
        return {
            "bare": records / bare_s,
            "store": records / store_s,
            "collector": records / collector_s,
            "store_share": bare_s / store_s,
            "collector_share": bare_s / collector_s,
            "store_cpu_s": store_cpu_s / records * TEN_THOUSAND,
            "collector_cpu_s": cpu_s / records * TEN_THOUSAND,
        }

    def _copy(self, piece: bytes) -> None:
        statement = f"COPY bare ({postgres_copy.COLUMNS}) FROM STDIN (FORMAT binary)"
        with self.peer.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(piece)

    def _message(self, batch: Batch) -> Message:
        encoded = encode_batch(batch, self.pki.signer(batch.device), self.pki.recipient())
        return Message(batch_topic(batch.device), encoded.message)


def timed(action: Callable[[Any], object], parts: Sequence[Any]) -> tuple[float, float]:
    """Return the wall and CPU seconds that an action took for all parts."""
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    for part in parts:
        action(part)
    return time.perf_counter() - begun_s, time.process_time() - cpu_s


def middle(turns: list[dict[str, float]]) -> dict[str, float]:
    """Return the medians."""
    return {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}


def shown(found: dict[int, dict[str, float]], by: dict[str, dict[int, float]]) -> None:
    """Print the tables."""
    each = table(
        "check-ins a second, one process", "batches of", ">bare COPY", ">store", ">of it", ">collector", ">of it",
        ">CPU s for 10,000: store", ">collector",
    )  # fmt: skip
    for size, one in found.items():
        each.add_row(
            str(size),
            *(f"{one['bare']:,.0f}", f"{one['store']:,.0f}", f"{one['store_share']:.2f}"),
            *(f"{one['collector']:,.0f}", f"{one['collector_share']:.2f}"),
            *(f"{one['store_cpu_s']:.3f}", f"{one['collector_cpu_s']:.3f}"),
        )
    console.print(each)
    both = table("check-ins a second, processes, batches of 400", "", ">one", ">two", ">ratio")
    for name, text in (("store", "store alone"), ("broker", "collectors at mosquitto")):
        rates = by[name]
        both.add_row(text, f"{rates[1]:,.0f}", f"{rates[2]:,.0f}", f"{rates[2] / rates[1]:.2f}")
    console.print(both)


def main() -> int:
    """Measure, print and write."""
    args = arguments("collector", __doc__).parse_args()
    rounds, share = (1, QUICK_SHARE) if args.quick else (ROUNDS, 1)
    turns: dict[int, list[dict[str, float]]] = {size: [] for size in SIZES}
    with running() as server, progress() as bar:
        one = Rounds(server.database())
        task = bar.add_task("rounds", total=rounds * len(SIZES))
        for turn in range(rounds):
            for size, records in SIZES.items():
                turns[size].append(one.turn(f"{turn}-{size}", size, records // share))
                bar.advance(task)
        by = as_processes(server, OVER_BROKER // share, 1 if args.quick else BROKER_ROUNDS)
    found = {size: middle(each) for size, each in turns.items()}
    shown(found, by)
    most = found[400]
    limits = [
        Limit("20,000/s, of one collector's rate (batches of 400)", RATE_MIN / most["collector"], 1),
        Limit("its CPU time for 10,000", most["collector_cpu_s"], TEN_THOUSAND / RATE_MIN, "s"),
        Limit("half of a bare COPY's rate, of the store's", SHARE_MIN / most["store_share"], 1),
    ]
    return finish("collector", {"one": found, "processes": by, "turns": turns}, limits, args)


if __name__ == "__main__":
    sys.exit(main())

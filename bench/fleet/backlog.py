"""A journal that was offline for days, written in one go: what the gate would have appended one by one."""

import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from firmware.checkin import COLUMNS, FIELDS, CheckIn, Row, new_id, to_row

DAY_MS = 86_400_000
_INSERT = f"INSERT INTO checkin (seq, {COLUMNS}) VALUES ({', '.join('?' * (FIELDS + 1))})"  # noqa: S608 - our constants

_LAST = "SELECT max(acked_seq, coalesce((SELECT max(seq) FROM checkin), 0)) FROM meta"


def person(draw: random.Random, at_ms: int, lane: str = "Cổng số 1") -> CheckIn:
    """Return a check-in as a lane has it: four of five are let in."""
    accepted = draw.random() < 0.8  # noqa: PLR2004 - see above
    return CheckIn(
        id=_identifier(draw, at_ms),
        at_ms=at_ms,
        clock="synchronised",
        lane=lane,
        direction="in",
        verdict="accepted" if accepted else "refused",
        reason="valid" if accepted else draw.choice(["expired", "revoked", "unknown-issuer"]),
        kinds=(draw.choice(["vaccination", "recovery", "test"]),),
        pseudonym=draw.randbytes(16),
    )


def write_backlog(path: Path, records: int, days: float, draw: random.Random) -> None:
    """Put so many check-ins of the last days behind what a journal holds. Raises: sqlite3.Error."""
    db = sqlite3.connect(path)
    try:
        with db:
            (last,) = db.execute(_LAST).fetchone()
            db.executemany(_INSERT, _rows(last + 1, records, days, draw))
    finally:
        db.close()


def _rows(first: int, records: int, days: float, draw: random.Random) -> Iterator[tuple[int, *Row]]:
    now_ms = round(time.time() * 1000)
    step_ms = round(days * DAY_MS / max(records, 1))
    for number in range(records):
        yield (first + number, *to_row(person(draw, now_ms - (records - number) * step_ms)))


def _identifier(draw: random.Random, at_ms: int) -> UUID:
    return new_id(at_ms, draw.randbytes)

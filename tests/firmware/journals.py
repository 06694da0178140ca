"""Journals as tests need them: written, read back, and used by a child process."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from firmware.checkin import CheckIn, Row, from_row, to_row
from firmware.journal import Journal
from firmware.journal_base import SIZE_MIB
from firmware.journal_reader import JournalReader
from firmware.journal_schema import migrate
from tests.firmware.checkins import checkin

COUNT = 200  # check-ins: more than one page of them


def recorded(path: Path) -> list[CheckIn]:
    with JournalReader(path) as reader:
        unsent = reader.batch(10_000)
    return [from_row(row) for row in unsent.rows] if unsent else []


def rows(*numbers: int) -> tuple[Row, ...]:
    """Return the rows of the check-ins of these numbers."""
    return tuple(to_row(checkin(number)) for number in numbers)


def child(code: str, path: Path, prepare: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    program = f"""
import sys
from pathlib import Path
from firmware.journal import Journal, JournalError
from firmware.journal_schema import migrate
from tests.firmware.checkins import checkin
path = Path(sys.argv[1])
{code}
"""
    return subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=prepare,
    )


def opened(path: Path, size_mib: int = SIZE_MIB) -> Journal:
    return Journal.open(path, migrate=migrate, size_mib=size_mib)


def written(path: Path, *, power_cut: bool = False) -> None:
    """Leave a journal as after an orderly stop, all in its file, or a power cut, all in its log."""
    source = path.with_name("source.db")
    with opened(source) as journal:
        for number in range(1, COUNT + 1):
            journal.append(checkin(number))
        if power_cut:
            shutil.copy(source, path)
            shutil.copy(f"{source}-wal", f"{path}-wal")
    if power_cut:
        source.unlink()
    else:
        source.rename(path)


def epoch_of(path: Path) -> bytes:
    db = sqlite3.connect(path)
    try:
        epoch: bytes = db.execute("SELECT epoch FROM meta").fetchone()[0]
    finally:
        db.close()
    return epoch

"""What gate and uplink do to a journal, step by step: one verb a line on standard input, one answer a line."""

import sys
from pathlib import Path

from firmware.journal import Journal
from firmware.journal_base import Mark, write_mark
from firmware.journal_reader import JournalReader
from firmware.journal_schema import migrate
from firmware.small_files import inode_of
from tests.firmware.checkins import checkin


class Steps:
    """Both ends of a journal, each opened when it is first used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal: Journal | None = None
        self.reader: JournalReader | None = None

    def append(self) -> object:
        self.journal = self.journal or Journal.open(self.path, migrate=migrate)
        return self.journal.append(checkin(self.journal.unsent() + 1))

    def heed(self) -> object:
        self.journal = self.journal or Journal.open(self.path, migrate=migrate)
        return self.journal.heed_mark()

    def acknowledge(self) -> object:
        self.reader = self.reader or JournalReader(self.path)
        unsent = self.reader.batch(100)
        if unsent is None:
            return False
        return self.reader.acknowledge(unsent.epoch, unsent.first_seq + len(unsent.rows) - 1, bytes(32))

    def mark(self) -> object:
        return write_mark(self.path, Mark(inode_of(self.path) or 0, "page 3"))

    def delete_mark(self) -> object:
        return self.path.with_name(f"{self.path.name}.suspect").unlink()

    def close(self) -> object:
        for end in (self.journal, self.reader):
            if end:
                end.close()
        return "closed"


def main() -> int:
    """Do what is asked until nothing more is."""
    steps = Steps(Path(sys.argv[1]))
    for line in sys.stdin:
        print(getattr(steps, line.strip())(), flush=True)  # noqa: T201 - an answer
    return 0

"""What a purge would lose: run by the system's Python from within postrm, when our own environment is gone already."""

import contextlib
import pathlib
import sqlite3
import sys
import tomllib
import urllib.parse
from collections.abc import Iterator

UNSENT = "SELECT count(*) FROM checkin WHERE seq > coalesce((SELECT acked_seq FROM meta), 0)"  # of every schema so far


def main(config: pathlib.Path, data: pathlib.Path) -> None:
    """Print one line for each journal that the centre does not have in full; nothing where it has."""
    journals = {data / "journal" / "journal.db"}
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):  # no configuration: nothing lies elsewhere
        journals.add(config.parent / tomllib.loads(config.read_text("utf-8"))["journal"]["path"])
    for journal in sorted(journals):
        for line in lost(journal):
            sys.stdout.write(f"{line}\n")


def lost(journal: pathlib.Path) -> Iterator[str]:
    """Say what would be lost with a journal: what the centre has, as copies may be kept of, is no loss."""
    for aside in sorted(journal.parent.glob("*.corrupt-*")):
        yield f"{aside}: a damaged journal that nobody has recovered"
    if not journal.exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(f"file:{urllib.parse.quote(str(journal))}?mode=ro", uri=True)) as db:
            rows = 0
            if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'checkin'").fetchone():
                (rows,) = db.execute(UNSENT).fetchone()
    except sqlite3.Error as error:
        yield f"{journal}: cannot be counted: {error}"
    else:
        if rows:
            yield f"{journal}: {rows} check-ins not sent"


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:3]))

"""A gate that only records: check-ins into the journal, and into a file each that is on disk: a light that was lit.

`python -m tests.faults.recorder JOURNAL LIT SECONDS NUMBER`: about one check-in in SECONDS, until it is killed; of all
recorders each has another NUMBER (0 to 99).
"""

import os
import sys
import time
from pathlib import Path
from random import Random

from firmware.journal import Journal, JournalError
from firmware.journal_schema import migrate
from tests.firmware.checkins import checkin


def main() -> int:
    """Record until killed."""
    path, lit, apart_s, number = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    random = Random()  # noqa: S311 - no secret
    file = os.open(lit, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with Journal.open(path, migrate=migrate) as journal:
        while True:
            one = checkin(time.time_ns() * 100 + number, at_ms=time.time_ns() // 1_000_000)
            try:
                journal.append(one)
            except JournalError as error:
                print(error, flush=True)  # noqa: T201 - the log of this program
            else:
                os.write(file, f"{one.id}\n".encode())
            time.sleep(random.expovariate(1 / apart_s))


if __name__ == "__main__":
    sys.exit(main())

"""How much is written to the disk for each check-in: what a card wears by."""

from collections.abc import Callable
from pathlib import Path

IO = Path("/proc/self/io")


def written_bytes() -> int | None:
    """Return how many bytes this process has caused to be written to disks so far, None where the kernel counts none.

    Whole pages of its memory count, as they go to the disk: the write-ahead log and what is carried from it into the
    file. What the file system writes for itself, and what the uplink writes, does not.
    """
    try:
        lines = IO.read_text("ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("write_bytes:")), None)


class Wear:
    """Count bytes written and check-ins since it was made: right for a program that writes little else."""

    def __init__(self, written: Callable[[], int | None] = written_bytes) -> None:
        self._written = written
        self._start = written()
        self._records = 0

    def recorded(self) -> None:
        """Count a check-in."""
        self._records += 1

    @property
    def bytes_per_record(self) -> int | None:
        """Return the bytes written for each check-in, None where nobody knows (yet)."""
        now = self._written()
        if now is None or self._start is None or not self._records:
            return None
        return (now - self._start) // self._records

"""Disks so small that a test can fill them: tmpfs, where a test runs as root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

needs_mount = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts a small disk")
BALLAST = "ballast"
STEP_BYTES = 4096


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[Path]:
    """Mount one at an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> None:
    """Leave not a page free."""
    file = os.open(disk / BALLAST, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with suppress(OSError):
        while True:
            os.write(file, bytes(STEP_BYTES))
    os.close(file)


def empty(disk: Path) -> None:
    """Make room again."""
    (disk / BALLAST).unlink()

"""What the tests of faults do to a PostgreSQL of their own (tests/postgres_server.py)."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.postgres_server import MISSING, START_S, Postgres, programs

SMALL = ("shared_buffers=16MB", "max_connections=20")

needs_postgres = pytest.mark.skipif(programs() is None, reason=MISSING)


def socket_url(server: Postgres) -> str:
    """Make a new database; return where it is by a Unix socket, which is reached from every network namespace."""
    database = server.database().rpartition("/")[2]
    return f"postgresql:///{database}?host={server.folder}&port={server.port}"


def start(server: Postgres) -> None:
    """Start it, as often as it takes: after a kill its memory may be in use for a moment more."""
    end_s = time.monotonic() + START_S
    while True:
        try:
            server.start()
        except RuntimeError:
            if time.monotonic() > end_s:
                raise
        else:
            return


def kill_backend(server: Postgres) -> bool:
    """Kill one process that serves a client, if there is one; the server then throws everybody out, and recovers."""
    with suppress(OSError):
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        for child in children:
            if b"[local]" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)
                return True
    return False

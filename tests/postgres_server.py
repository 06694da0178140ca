"""A real PostgreSQL in a folder of its own: started, killed, frozen and thawed at will, on a socket and a free port.

For tests by the fixture `postgres` (tests/fixtures_postgres.py), for other programs by `running()`. It syncs as a
centre's own would: what it says is committed survives a kill.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
START_S = 30.0
USER = "postgres"  # who runs it where the test runs as root, which PostgreSQL refuses to
MISSING = "PostgreSQL is not installed: apt-get install postgresql"
_numbers = count(1)


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest; None where it is not installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    known = shutil.which("postgres")
    return None if known is None else Path(known).parent


@dataclass
class Postgres:
    """One server, in a folder that its user may write."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Make an empty cluster."""
        if not self.port:
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                self.port = int(probe.getsockname()[1])
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER, pwd.getpwnam(USER).pw_gid)
        self.folder.chmod(0o700)
        arguments = ["-D", str(self.data), "-U", getpass.getuser(), "--auth=trust", "--encoding=UTF8", "--locale=C"]
        subprocess.run([*_as_user(), str(_bin() / "initdb"), *arguments], check=True, capture_output=True, cwd="/")

    @property
    def data(self) -> Path:
        """Return the cluster's folder."""
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """Return the number of the server's first process."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def url(self, database: str = "postgres") -> str:
        """Return where a database is, by its port."""
        return f"postgresql://{getpass.getuser()}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [f"port={self.port}", f"unix_socket_directories={self.folder}", f"listen_addresses={HOST}"]
        settings += ["max_connections=50", "shared_buffers=128MB", "log_min_messages=warning", *self.options]
        arguments = [part for setting in settings for part in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_user(), str(_bin() / "postgres"), "-D", str(self.data), *arguments],
                stdout=log,
                stderr=log,
                cwd="/",
            )
        end_s = time.monotonic() + START_S
        while time.monotonic() < end_s and self._process.poll() is None:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        self._process.kill()
        raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])

    def stop(self) -> None:
        """Stop it at once, its connections cut; what was committed is on the disk."""
        try:
            self._end(signal.SIGQUIT)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill it as nothing else would: kill -9 of every process of it."""
        if self._process is not None and self._process.poll() is None:
            first = self._process.pid
            with suppress(FileNotFoundError):  # it ended meanwhile
                for child in Path(f"/proc/{first}/task/{first}/children").read_text().split():
                    _send(int(child), signal.SIGKILL)
            _send(first, signal.SIGKILL)
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop its first process and those that serve connections from answering."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it answer again."""
        self._signal_all(signal.SIGCONT)

    def database(self) -> str:
        """Make a new, empty database; return where it is."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def _signal_all(self, number: signal.Signals) -> None:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for process in (self.pid, *map(int, children)):
            _send(process, number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            _send(self._process.pid, number)  # its file may be gone: it ends by itself where its disk is full
            _send(self._process.pid, signal.SIGCONT)
        self._process.wait(START_S)
        self._process = None


@contextmanager
def running(folder: Path | None = None, options: tuple[str, ...] = ()) -> Iterator[Postgres]:
    """Run a server in a folder (its own temporary one, if none is named) that its user can reach."""
    own = None if folder is not None else Path(tempfile.mkdtemp(prefix="greengate-postgres-", dir="/var/tmp"))
    server = Postgres(folder or own or Path(), options)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)


def _bin() -> Path:
    found = programs()
    if found is None:
        raise RuntimeError(MISSING)
    return found


def _as_user() -> list[str]:
    """Return what a program is started by, so that it does not run as root, and dies with who started it."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(USER)
    drop = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig=KILL"]
    return [*drop, "--"]


def _send(process: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)

"""The real reader and gate under the real supervisor, as a process of their own; and how a test runs it.

`python -m provisioning.selftest.programs FILE` runs them with a configuration until SIGTERM; prints why one refuses.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from firmware.config import ConfigError, load_config
from firmware.lifeline import tied
from firmware.program import EX_CONFIG
from firmware.supervisor import PROGRAMS, Supervisor
from provisioning.selftest.account import Account
from provisioning.selftest.stage import Stage

NAMES = ("reader", "gate")
STOP_S = 7.0  # ours: the supervisor gives its programs 5 s
DARKEN_S = 5.0
REFUSAL_MAX_BYTES = 1000  # ours: it is one line
SILENT: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # a test tells by its results


class Runner:
    """The process that runs the programs of a test."""

    def __init__(self, stage: Stage, account: Account, said: IO[bytes]) -> None:
        """Start it, tied to this process; why it refuses goes to the file `said`. Raises: OSError."""
        self._said = said
        self._command = [sys.executable, "-m", "firmware.darken", "--config", str(stage.config_path)]
        self._account = account
        self._folder = stage.folder
        command = tied([sys.executable, "-m", __name__, str(stage.config_path)])
        self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - ours
            command, stdout=said, start_new_session=True, **SILENT, **self._rights
        )

    @property
    def ended(self) -> bool:
        """Return whether it has ended, by itself or by somebody's hand."""
        return self._process.poll() is not None

    @property
    def orderly(self) -> bool:
        """Return whether it ended as it should, its lamps dark."""
        return self._process.poll() == 0

    @property
    def refused(self) -> bool:
        """Return whether a program says that something must be changed first."""
        return self._process.poll() == EX_CONFIG

    @property
    def refusal(self) -> str:
        """Return why, in a line."""
        said = os.pread(self._said.fileno(), REFUSAL_MAX_BYTES, 0)
        return " ".join(said.decode("utf-8", "replace").split())

    def stop(self) -> None:
        """Stop the programs in order; a second call does nothing."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def darken(self) -> None:
        """Put the lamps out from outside, whoever lit them."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(self._command, timeout=DARKEN_S, check=False, **SILENT, **self._rights)  # noqa: S603 - ours

    @property
    def _rights(self) -> dict[str, Any]:
        # the working folder may be one that the user may not enter; lgpio makes its pipe in LG_WD
        return {"cwd": self._folder, "env": os.environ | {"LG_WD": str(self._folder)}, **self._account.popen}


@contextlib.contextmanager
def running(stage: Stage, account: Account) -> Iterator[Runner]:
    """Run a test's programs; at the end they are stopped and the lamps dark, whatever happens. Raises: OSError."""
    # in memory: what root writes to must not lie in a folder where another user may put a link in its place
    with os.fdopen(os.memfd_create("greengate-selftest"), "w+b") as said:
        runner = Runner(stage, account, said)
        try:
            yield runner
        finally:
            try:
                runner.stop()
            finally:
                runner.darken()


def main() -> int:
    """Run the programs until SIGTERM; exit 0, or 78 (EX_CONFIG) where one refuses to start."""
    path = Path(sys.argv[1])
    try:
        programs = [program for program in PROGRAMS if program.name in NAMES]
        supervisor = Supervisor(path, load_config(path), programs=programs)
    except ConfigError as error:
        sys.stdout.write(str(error))
        return EX_CONFIG
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: supervisor.stop())
    status = supervisor.run()
    sys.stdout.write(supervisor.refusal or "")
    return status


if __name__ == "__main__":
    sys.exit(main())

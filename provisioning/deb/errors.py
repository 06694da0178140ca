"""What a build says when it ends, and the exit codes (sysexits.h)."""

import sys
from typing import NoReturn

EX_USAGE = 2
EX_DATAERR = 65  # a wheel is not what the lock file says
EX_NOINPUT = 66  # something of the project's own that belongs into the package is not there
EX_UNAVAILABLE = 69  # a program or the network is missing
EX_CANTCREAT = 73  # the output cannot be written
EX_CONFIG = 78  # the lock file does not fit pyproject.toml
EX_STOPPED = 130  # Ctrl-C


class BuildError(Exception):
    """Why nothing was built and what to do, on one line."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


def say(what: str) -> None:
    """Tell how far the build is."""
    sys.stdout.write(f"[deb] {what}\n")
    sys.stdout.flush()


def give_up(error: BuildError) -> NoReturn:
    """Say on one line why, and leave with its code."""
    sys.stderr.write(f"[deb] {error}\n")
    raise SystemExit(error.code)

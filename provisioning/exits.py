"""Exit codes of every command, after sysexits.h where it has one; documented in docs/commands.md."""

import json
from enum import IntEnum
from typing import NoReturn

import msgspec
import typer

from provisioning.words import plain


class Exit(IntEnum):
    """What a script learns from a command."""

    OK = 0  # done; for `explain`: accepted
    REFUSED = 1  # `explain`: refused; `read`: a picture without a symbol; `doctor`, `selftest`, `verify`: a fault found
    USAGE = 2  # the command line is wrong
    UNDECIDED = 3  # `explain`: the pass cannot be judged
    DATA = 65  # EX_DATAERR: what was given cannot be understood
    NO_INPUT = 66  # EX_NOINPUT: a file cannot be opened
    UNAVAILABLE = 69  # EX_UNAVAILABLE: something needed is not installed or not there
    CANNOT_WRITE = 73  # EX_CANTCREAT: a card, a stick or a file cannot be written
    TRY_AGAIN = 75  # EX_TEMPFAIL: the same command may succeed later: the centre is away, another technician works
    NO_PERMISSION = 77  # EX_NOPERM: only root may
    CONFIG = 78  # EX_CONFIG: the configuration or a device in it is wrong
    STOPPED = 130  # Ctrl-C, or the plan was not agreed to; the same command goes on where this one stopped


def emit(result: object) -> None:
    """Print one result object as a line of JSON, at once."""
    try:
        line = msgspec.json.encode(result)
    except UnicodeEncodeError:  # a file's name may hold bytes that are no text
        line = json.dumps(msgspec.to_builtins(result)).encode("ascii")
    typer.echo(line)


def fail(code: Exit, message: str, *, as_json: bool = False) -> NoReturn:
    """Say in one line what is wrong and what to do, and leave with the code."""
    if as_json:
        emit({"error": message})
    typer.echo(plain(message), err=True)
    raise typer.Exit(code)

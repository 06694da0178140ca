"""How the centre's commands speak: one object or line at a time, errors on one line, exit codes after sysexits.h."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from json import dumps
from pathlib import Path
from typing import Annotated, Any, NoReturn, overload

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from centre.authority.ca import HOME, CaError
from centre.collecting.events import Event
from centre.devices.registry import RegistryError
from centre.enrolment.enrolment import EnrolmentError
from centre.enrolment.events import CentreFailed

EX_UNSOUND = 1  # something is missing, broken or in conflict
EX_USAGE = 2
EX_DATA = 65  # what was given cannot be understood: a CSV file, a certificate request
EX_NO_INPUT = 66  # a file cannot be opened
EX_UNAVAILABLE = 69  # what was named is not there: a device, a certificate
EX_CANNOT_WRITE = 73
EX_TRY_AGAIN = 75  # done here, but list or broker do not know it yet: the same command again
EX_CONFIG = 78  # a restart would not help, somebody has to change something
EX_STOPPED = 130  # Ctrl-C; the same command goes on where this one stopped

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, errors too.")]
Home = Annotated[Path, typer.Option("--home", metavar="DIR", help="The centre's folder: CA and registry.")]


def out(fields: dict[str, Any], *, json: bool) -> None:
    """Print one result."""
    if json:
        sys.stdout.write(_encoded(fields) + "\n")
    else:
        sys.stdout.write("  ".join(f"{name} {_plain(value)}" for name, value in fields.items()) + "\n")


def refuse(error: object, code: int = EX_CONFIG, *, json: bool) -> NoReturn:
    """Say in one line what is wrong and what to do, and leave with the code."""
    why = " ".join(str(error).split())
    if json:
        out({"error": why}, json=True)
    typer.echo(why, err=True)
    raise typer.Exit(code)


__all__ = [
    "HOME",
    "Failures",
    "Home",
    "Json",
    "iso",
    "out",
    "progress",
    "refuse",
    "report_event",
    "telling",
    "there",
    "told",
]


@contextlib.contextmanager
def told(*, json: bool) -> Iterator[None]:
    """Tell what CA, registry and requests are refused for, each with its exit code."""
    try:
        yield
    except EnrolmentError as error:
        code = EX_UNAVAILABLE if error.code == "device-unknown" else EX_DATA
        refuse(error, code, json=json)
    except (CaError, RegistryError) as error:
        refuse(error, json=json)


def report_event(event: Event, *, json: bool) -> None:
    """Print an event at once: an object, or its values."""
    fields = msgspec.to_builtins(event)
    if json:
        sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
    else:
        sys.stdout.write(" ".join(str(value) for value in fields.values()) + "\n")
    sys.stdout.flush()


def telling(*, json: bool) -> Callable[[Event], None]:
    """Return what prints events."""
    return lambda event: report_event(event, json=json)


class Failures:
    """What of the centre's own did not work, told on standard error; the command then ends with 75."""

    def __init__(self) -> None:
        """Begin with none."""
        self._any = False

    def __call__(self, event: Event) -> None:
        """Take an event; the command prints its own result."""
        if isinstance(event, CentreFailed):
            typer.echo(" ".join(event.why.split()), err=True)
            self._any = True

    def end(self) -> None:
        """Leave with 75 where there was any."""
        if self._any:
            raise typer.Exit(EX_TRY_AGAIN)


def there(home: Path) -> Path:
    """Return a home folder that has a CA.

    Raises: CaError.
    """
    if not (home / "ca.pem").exists():
        raise CaError(f"{home} has no CA: run greengate-centre ca init --home {home}")
    return home


@overload
def iso(at: datetime) -> str: ...
@overload
def iso(at: datetime | None) -> str | None: ...
def iso(at: datetime | None) -> str | None:
    """Return a time as it is printed."""
    return None if at is None else at.isoformat(timespec="seconds")


@contextlib.contextmanager
def progress(text: str, total: int, *, json: bool) -> Iterator[Any]:
    """Show a bar on standard error where that is a terminal; what it gives is called with each step's size."""
    console = Console(stderr=True)
    with Progress(console=console, disable=json or not console.is_terminal, transient=True) as bar:
        task = bar.add_task(text, total=total)
        yield lambda step: bar.advance(task, step)


def _encoded(fields: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(fields).decode()
    except UnicodeEncodeError:  # a file's name may hold bytes that are no text
        return dumps(fields)


def _plain(value: object) -> object:
    return "-" if value is None else value

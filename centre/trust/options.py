"""Options and answers that several commands of `greengate-centre trust` share."""

import contextlib
import errno
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from centre.output import EX_CANNOT_WRITE, refuse
from centre.trust.home import TrustError, checked_code

KeyFolders = Annotated[
    list[Path] | None, typer.Option("--keys", metavar="DIR", help="A further folder with keys, such as a stick's.")
]
Province = Annotated[str | None, typer.Option("--province", metavar="CODE", help="A province's own, such as vn-sg.")]


@contextlib.contextmanager
def trust_told(*, json: bool) -> Iterator[None]:
    """Tell what is refused, with its exit code."""
    try:
        yield
    except TrustError as error:
        refuse(error, error.code, json=json)
    except OSError as error:
        if error.errno == errno.EPIPE:  # `| head`: nobody wants to know
            raise
        refuse(
            f"{error.filename or 'standard output'}: {error.strerror}: check the folder, its disk and rights",
            EX_CANNOT_WRITE,
            json=json,
        )


def code_of(province: str | None) -> str | None:
    """Return a province's code as it is written.

    Raises: TrustError.
    """
    return None if province is None else checked_code(province)


def day(at: datetime) -> str:
    """Return a moment as all of these commands print it."""
    return f"{at:%FT%TZ}"

"""What went wrong with an identity, each as a code of the words and an exit code."""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from firmware.config import ConfigError
from firmware.journal_base import JournalError
from firmware.sync_errors import SyncError
from firmware.trust_folder import TrustFolderError
from provisioning.durable import TooLargeError
from provisioning.exits import Exit
from provisioning.identity.client import CentreError
from provisioning.identity.keys import CertificateError
from provisioning.identity.wishes import WishError
from provisioning.talk import Talk
from provisioning.units import UnitsError

TOPIC = "identity"
ERRORS = (
    CentreError,
    CertificateError,
    WishError,
    ConfigError,
    JournalError,
    TrustFolderError,
    SyncError,
    UnitsError,
    OSError,
)


class Told(NamedTuple):
    """A fault as it is told."""

    exit: Exit
    code: str
    values: dict[str, object]


def told(error: Exception) -> Told:
    """Return how one of `ERRORS` is told."""
    match error:
        case CentreError():
            return Told(error.exit, error.code, error.values)
        case CertificateError():
            # a clock that is behind is set later, by itself
            return Told(Exit.TRY_AGAIN if error.code == "not-yet-valid" else Exit.DATA, error.code, error.values)
        case WishError():
            return Told(Exit.USAGE, error.code, error.values)
        case OSError():
            return _of_file(error)
        case _:
            return _of_text(error)


def _of_text(error: Exception) -> Told:
    values: dict[str, object] = {"why": " ".join(str(error).split())}
    match error:
        case TrustFolderError():
            return Told(Exit.DATA, "trust-unusable", values)
        case SyncError():
            return Told(Exit(error.status), "trust-unusable", values)
        case UnitsError():
            return Told(Exit.UNAVAILABLE, "units-not-told", values)
        case _:
            return Told(Exit.CONFIG, "config-unusable", values)


def _of_file(error: OSError) -> Told:
    path = str(error.filename or "?")
    if isinstance(error, TooLargeError):
        return Told(Exit.DATA, "file-wrong", {"why": str(error)})
    if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError):
        return Told(Exit.NO_INPUT, "no-file", {"path": path, "why": error.strerror})
    return Told(Exit.CANNOT_WRITE, "cannot-write", {"path": path, "why": error.strerror or str(error)})


@contextlib.contextmanager
def telling(talk: Talk) -> Iterator[None]:
    """Leave with one line and the exit code where something goes wrong within."""
    try:
        yield
    except ERRORS as error:
        fault = told(error)
        talk.fail(fault.exit, fault.code, **fault.values)

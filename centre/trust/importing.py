"""Files that trust is imported from: found, read as strict JSON, and texts of theirs shown on one line."""

import json
import os
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from centre.output import EX_DATA, EX_NO_INPUT
from centre.trust.home import TrustError

FILES_MAX = 200_000  # ours: a folder of the gateway's batches, 1,000 hashes each
SHOWN_MAX_CHARS = 160
_DIGITS = re.compile(r"(\d+)", re.ASCII)
_MARK = b"\xef\xbb\xbf"

T = TypeVar("T")


class TrustImportError(TrustError):
    """What was given cannot be taken: what is wrong and the cure, on one line."""

    def __init__(self, why: str, code: int = EX_DATA) -> None:
        """Say why, and with which code the command ends."""
        super().__init__(why, code)


def files_of(paths: list[Path], suffixes: frozenset[str]) -> list[Path]:
    """Return the files that are meant: those named, and a named folder's with a suffix, by name, 10 after 9.

    What a folder hides is left out: macOS leaves a `._NAME` beside each file on a stick.

    Raises: TrustImportError, also of a folder that holds none.
    """
    found: list[Path] = []
    for path in paths:
        found += _in_folder(path, suffixes) if path.is_dir() else [path]
        if len(found) > FILES_MAX:
            raise TrustImportError(f"{shown(path)}: over {FILES_MAX} files: give fewer at a time")
    return found


def decode_json(data: bytes, as_type: type[T], what: str) -> T:
    """Return JSON as a type; names that stand twice in an object, NaN and wrong types are refused.

    Raises: TrustImportError, which begins with `what`.
    """
    data = data.removeprefix(_MARK)
    try:
        value = msgspec.json.decode(data, type=as_type)  # first: what is of another shape takes no memory
        json.loads(data, object_pairs_hook=_once)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise TrustImportError(f"{what}: {shown(error)}") from None
    return value


def json_names(data: bytes) -> frozenset[str]:
    """Return the names in an object of JSON, by which files are told apart. Raises: TrustImportError."""
    try:
        return frozenset(msgspec.json.decode(data.removeprefix(_MARK), type=dict[str, msgspec.Raw]))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise TrustImportError(f"no JSON that can be read: {shown(error)}") from None


def shown(text: object) -> str:
    """Return a text as it may be printed: on one line, not long, without what steers a terminal."""
    line = " ".join(str(text)[: 2 * SHOWN_MAX_CHARS].split())[:SHOWN_MAX_CHARS]
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line)[:SHOWN_MAX_CHARS]


def _in_folder(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise TrustImportError(f"{shown(folder)}: {error.strerror}: name a folder to read", EX_NO_INPUT) from None
    found = [name for name in names if Path(name).suffix.lower() in suffixes]
    if not found:
        endings = ", ".join(sorted(suffixes))
        raise TrustImportError(f"{shown(folder)}: no file in it ends in {endings}: is it the right one?", EX_NO_INPUT)
    return [folder / name for name in sorted(found, key=_natural)]


def _natural(name: str) -> list[str | int]:
    return [int(piece) if number % 2 else piece for number, piece in enumerate(_DIGITS.split(name))]


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise ValueError(f"{name[:40]!a} stands twice in one object")
        seen.add(name)

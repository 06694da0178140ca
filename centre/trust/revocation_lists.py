"""Revocations from lists of identifiers: text, one a line, hashed as it is read; never kept, never shown."""

import os
import re
import stat
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path

from centre.output import EX_NO_INPUT
from centre.trust.importing import TrustImportError, shown
from verifier.revocation import country_uci_hash, lx1_hash, uci_hash
from verifier.revocation_set import HASH_BYTES

LIST_MAX_BYTES = 8 * 1024**3  # ours: 100 million UVCIs; against a device that never ends
LINE_MAX_BYTES = 1024  # ours: a UVCI has 72 characters
UVCI_MAX_CHARS = 128
SLICE_BYTES = 2_000_000 * HASH_BYTES  # ours: what is in memory of a list, however long it is
_NO_UVCIS = frozenset(" ,;\"'")  # what a table brings along; a hash of all that would revoke nobody
_LX1_DIGITS = 32  # of the identifier, 16 random bytes
_SHA256_DIGITS = 64
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")
_MARK = b"\xef\xbb\xbf"

Hasher = Callable[[str], bytes]
"""Returns a line's hash, or raises ValueError with what is wrong and without the line: it is somebody's."""


def uvci_hasher(country: str | None) -> Hasher:
    """Return what hashes a UVCI, with the country before it where one is given.

    In capitals and trimmed: a verifier looks for a pass in that form too, however it writes its identifier.
    """

    def hashed(line: str) -> bytes:
        if len(line) > UVCI_MAX_CHARS or not line.isprintable() or not _NO_UVCIS.isdisjoint(line):
            raise ValueError(f"no UVCI: at most {UVCI_MAX_CHARS} printable characters without spaces, commas, quotes")
        uvci = line.upper()
        return uci_hash(uvci) if country is None else country_uci_hash(country, uvci)

    return hashed


def lx1_hashed(line: str) -> bytes:
    """Return the hash of a permit's identifier: of its 16 bytes in hexadecimal, or as it is given (a whole SHA-256)."""
    if len(line) not in {_LX1_DIGITS, _SHA256_DIGITS}:
        raise ValueError(
            f"no identifier of a permit: {_LX1_DIGITS} hexadecimal digits, or {_SHA256_DIGITS} of its hash"
        )
    if not _HEXADECIMAL.fullmatch(line):  # bytes.fromhex would take spaces
        raise ValueError("no hexadecimal digits")
    value = bytes.fromhex(line)
    return lx1_hash(value) if len(line) == _LX1_DIGITS else value[:HASH_BYTES]


def listed_hashes(path: Path, hasher: Hasher, advance: Callable[[int], None]) -> Iterator[bytes]:
    """Return the hashes of a list's lines, many at a time; `advance` is told how many bytes more were read.

    Raises: TrustImportError, which names file and line.
    """
    with _opened(path) as file:
        part = bytearray()
        number, told = 0, 0
        while line := file.readline(LINE_MAX_BYTES + 1):
            number += 1
            part += _hashed(line.removeprefix(_MARK) if number == 1 else line, hasher, f"{shown(path)}: line {number}")
            if len(part) >= SLICE_BYTES:
                yield bytes(part)
                part.clear()
                advance(file.tell() - told)
                told = file.tell()
        yield bytes(part)
        advance(file.tell() - told)


def _hashed(line: bytes, hasher: Hasher, where: str) -> bytes:
    if len(line) > LINE_MAX_BYTES:
        raise TrustImportError(f"{where}: over {LINE_MAX_BYTES} bytes: is it a list, one a line?")
    try:
        text = line.decode().strip()
        return hasher(text) if text else b""
    except UnicodeDecodeError:
        raise TrustImportError(f"{where}: not UTF-8: save the list as plain text") from None
    except ValueError as error:
        raise TrustImportError(f"{where}: {error}") from None


def _opened(path: Path) -> BufferedReader:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe is not waited for
    except OSError as error:
        raise TrustImportError(f"{shown(path)}: {error.strerror}: name a file to read", EX_NO_INPUT) from None
    file = os.fdopen(opened, "rb")
    about = os.fstat(opened)
    if not stat.S_ISREG(about.st_mode) or about.st_size > LIST_MAX_BYTES:
        file.close()
        raise TrustImportError(f"{shown(path)}: no file, or over {LIST_MAX_BYTES} bytes: name a list", EX_NO_INPUT)
    return file

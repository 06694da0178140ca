"""Revoke permits: into the nation's revocations where they are here, else into a list to carry there."""

import re
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from centre.files import write_whole
from centre.output import EX_CANNOT_WRITE, EX_CONFIG, EX_UNAVAILABLE
from centre.permits.encoding import PermitTextError, decode
from centre.permits.home import PermitError, PermitHome
from centre.permits.ledger import Entry, Ledger
from centre.trust.home import TrustHome, read_bounded, writing
from centre.trust.importing import shown
from centre.trust.revocation_db import RevocationDb
from centre.trust.revoking import Said, take_file
from verifier.prefix import LX1

FILE_MAX_BYTES = 4 * 1024 * 1024  # ours: 10,000 permits' texts
DIGITS_MIN, DIGITS_MAX = 8, 32  # of an identifier as somebody types it, and whole
_DIGITS = re.compile(rf"[0-9A-F]{{{DIGITS_MIN},{DIGITS_MAX}}}")


class Named(NamedTuple):
    """A permit that somebody named; `entry` is None where it was not issued here, and only its text is known."""

    identifier: bytes
    kid: bytes
    entry: Entry | None
    text: str | None = None


def named(ledger: Ledger, what: Iterable[str]) -> list[Named]:
    """Return the permits that words name, each once: an identifier or its begin, or a file with texts or identifiers.

    Raises: PermitError, TrustError.
    """
    found: list[Named] = []
    for word in what:
        path = Path(word)
        found += _in_file(ledger, path) if path.is_file() else [_by_digits(ledger, word, word)]
    return list({one.identifier: one for one in found}.values())


def of_plate(ledger: Ledger, plate: str, now: datetime) -> list[Named]:
    """Return a plate's permits that hold now or will.

    Raises: PermitError where there is none.
    """
    entries = [one for one in ledger.of_plate(plate) if one.times.ends >= now]
    if not entries:
        raise PermitError(f"{plate}: no permit of this plate holds: see permit list", EX_UNAVAILABLE)
    return [Named(one.identifier, one.kid, one) for one in entries]


def revoke(home: Path, ledger: Ledger, permits: Iterable[Named], now: datetime, to: Path | None) -> int:
    """Revoke permits, and return how many were not before; the same again changes nothing.

    The nation's revocations, or the list, come first: broken off between the two, the same again goes on.

    Raises: TrustError.
    """
    chosen = list(permits)
    if to is not None:
        _carry(to, chosen)
    else:
        _take(home, chosen, now)
    with ledger.change():
        new = [one for one in chosen if one.entry is None or one.entry.revoked_at is None]
        for one in new:
            ledger.revoke(one.identifier, now)
    return len(new)


def _take(home: Path, permits: list[Named], now: datetime) -> None:
    trust = TrustHome(home)
    if not (trust.repo / "root.json").exists():
        raise PermitError(
            f"{home} has no trust repository: write a list with --to FILE, and give it to the nation's centre for"
            " trust revoke --format lx1",
            EX_CONFIG,
        )
    folder = PermitHome(home).folder
    with (
        writing(folder),
        tempfile.TemporaryDirectory(dir=folder, prefix=".revoke-") as part,
        RevocationDb.open(home) as db,
    ):
        for kid in sorted({one.kid for one in permits}):
            path = Path(part, kid.hex())
            path.write_bytes(_list(one for one in permits if one.kid == kid))
            take_file(db, path, Said("lx1", kid), now, lambda _: None)


def _carry(path: Path, permits: list[Named]) -> None:
    with writing(path):
        try:
            write_whole(path, _list(permits), replace=False)
        except FileExistsError:
            why = f"{path} is there already: carry it away first, or name another file"
            raise PermitError(why, EX_CANNOT_WRITE) from None


def _list(permits: Iterable[Named]) -> bytes:
    return "".join(f"{one.identifier.hex()}\n" for one in permits).encode()


def _in_file(ledger: Ledger, path: Path) -> list[Named]:
    found = []
    lines = read_bounded(path, FILE_MAX_BYTES).decode("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, start=1):
        where = f"{shown(path)}: line {number}"
        if line.startswith(LX1):
            found.append(_by_text(ledger, line, where))
        elif line.strip():
            found.append(_by_digits(ledger, line, where))
    if not found:
        raise PermitError(f"{shown(path)}: no permit in it: name a file that permit issue wrote")
    return found


def _by_text(ledger: Ledger, text: str, where: str) -> Named:
    try:
        permit = decode(text)
    except PermitTextError as error:
        raise PermitError(f"{where}: {error}") from None
    entry = next(iter(ledger.beginning(permit.identifier.hex().upper())), None)
    return Named(permit.identifier, permit.kid, entry, text.strip())


def _by_digits(ledger: Ledger, word: str, where: str) -> Named:
    digits = re.sub(r"[\s-]", "", word).upper()
    if not _DIGITS.fullmatch(digits):
        raise PermitError(
            f"{shown(where)}: neither a file nor a permit's number: {DIGITS_MIN} to {DIGITS_MAX} hexadecimal digits"
        )
    entries = ledger.beginning(digits)
    if not entries:
        raise PermitError(
            f"{shown(where)}: no such permit was issued here: see permit list, or name the file with its text",
            EX_UNAVAILABLE,
        )
    if len(entries) > 1:
        raise PermitError(f"{shown(where)}: several permits begin so: give more digits")
    return Named(entries[0].identifier, entries[0].kid, entries[0], entries[0].text)

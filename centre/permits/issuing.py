"""Issue permits: all that somebody wants, or none; recorded before anybody gets them.

Broken off anywhere, the same again gives the same permits: what is recorded is found by its fields, its identifier and
times are taken from there, and Ed25519 signs the same bytes the same way.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import cbor2

from centre.permits.checking import Checker
from centre.permits.encoding import Times, Unsigned, encode
from centre.permits.fields import FieldError, Wanted
from centre.permits.home import PermitError
from centre.permits.keys import IssuingKey
from centre.permits.ledger import Entry, Ledger
from centre.permits.symbol import VEHICLE_TEXT_MAX_CHARS, VEHICLE_VERSION_MAX, version_of
from centre.permits.table import Row
from centre.stopping import unbroken
from verifier.documents.lx1 import IDENTIFIER_BYTES


class Issued(NamedTuple):
    """A permit that was issued, now or by the same command before (`new` is False).

    `others`: the permits of the same plate that hold at some time with it.
    """

    line: int
    entry: Entry
    text: str
    new: bool
    others: tuple[Entry, ...] = ()


class Issuer(NamedTuple):
    """Who issues: the key, what judges, and the ledger."""

    key: IssuingKey
    checker: Checker
    ledger: Ledger

    def issue(
        self,
        rows: Sequence[Row],
        now: datetime,
        advance: Callable[[int], None] = lambda _: None,
        *,
        again: bool = False,
    ) -> list[Issued]:
        """Issue what rows ask for, in one change of the ledger, synced. `again`: also what is in force already.

        Raises: PermitError, which names the line where there are several; then nothing is issued.
        """
        at = now.replace(microsecond=0)
        issued = []
        with self.ledger.change():
            self.ledger.forget(at)
            for row in rows:
                try:
                    with unbroken():
                        issued.append(self._one(row, at, again=again))
                except (FieldError, PermitError) as error:
                    where = f"line {row.line}, " if row.line else ""
                    raise PermitError(f"nothing is issued: {where}{error}") from None
                advance(1)
        return issued

    def _one(self, row: Row, now: datetime, *, again: bool) -> Issued:
        digest = _digest(self.key, row.wanted)
        known = None if again else self.ledger.of_row(digest, now)
        entry = known or self._entry(row.wanted, digest, now)
        text = self._signed(entry, row.wanted)
        if row.wanted.kind == "vehicle":
            _check_size(text)
        self.checker.check(text, entry.times)
        plate, (_, begins, ends) = entry.plate, entry.times
        found = [] if plate is None else self.ledger.overlapping(plate, begins, ends)
        others = tuple(one for one in found if one.identifier != entry.identifier)
        if known is None:
            self.ledger.put(entry._replace(text=text if plate is not None else None))
        return Issued(row.line, entry, text, known is None, others)

    def _entry(self, wanted: Wanted, digest: bytes, now: datetime) -> Entry:
        wanted.check(now)
        begins, ends = wanted.times(now)
        if ends > self.key.ends:
            raise FieldError("until", f"the key {self.key.name} ends {self.key.ends:%F}: end before, or make a new key")
        identifier = secrets.token_bytes(IDENTIFIER_BYTES)
        return Entry(identifier, wanted.kind, self.key.kid, wanted.plate, Times(now, begins, ends), digest)

    def _signed(self, entry: Entry, wanted: Wanted) -> str:
        unsigned = Unsigned(entry.identifier, entry.kind, self.key.issuer, entry.times, wanted.content)
        return encode(unsigned, self.key.kid, self.key.private.sign)


def _digest(key: IssuingKey, wanted: Wanted) -> bytes:
    """Return what the ledger knows a row by again, which says nothing to who has not the key."""
    times = [None if at is None else str(at) for at in (wanted.begins, wanted.ends)]
    said = cbor2.dumps([wanted.kind, key.issuer, wanted.content, times], canonical=True)
    return hmac.digest(key.row_secret(), said, hashlib.sha256)


def _check_size(text: str) -> None:
    """Refuse a vehicle's permit that a lane's camera would not read from the windscreen.

    Raises: FieldError.
    """
    if len(text) > VEHICLE_TEXT_MAX_CHARS:  # making the code itself takes a hundred times as long
        raise FieldError(
            "route",
            f"its QR code is of version {version_of(text)}; up to {VEHICLE_VERSION_MAX} is read through a windscreen:"
            " name fewer roads or a corridor, shorten the carrier (its tax code) or the hours",
        )

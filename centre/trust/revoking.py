"""Take files of revocations: which are whole, which change what is here, and which are older than that."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from centre.output import EX_USAGE, iso
from centre.trust.home import read_bounded
from centre.trust.importing import TrustImportError, json_names, shown
from centre.trust.italian_list import drop, take_chunk
from centre.trust.revocation_db import Batch, RevocationDb
from centre.trust.revocation_lists import Hasher, listed_hashes, lx1_hashed, uvci_hasher
from centre.trust.revocation_sources import (
    JSON_MAX_BYTES,
    BatchList,
    WholeBatch,
    card_list,
    gateway_batch,
    gateway_list,
    italian_chunk,
)
from verifier.revocation_set import HASH_BYTES, Kind

Format = Literal["gateway", "uvci", "italy", "lx1", "shc"]
FORMATS: tuple[Format, ...] = get_args(Format)
TEXTS = frozenset({"uvci", "lx1"})
_MARK = b"\xef\xbb\xbf"
_CMS = b"MII"  # a DER sequence in base64: so the gateway gives batches out, signed
_NAMES: dict[str, Format] = {  # a member by which a file of JSON is known
    "hashType": "gateway",
    "batches": "gateway",
    "revokedUcvi": "italy",
    "delta": "italy",
    "rids": "shc",
}

Advance = Callable[[int], None]
Outcome = dict[str, Any]
"""What became of a file, to be printed."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an administrator says of files: their format, None as they look; of lists whose, until when; take out."""

    format: Format | None = None
    kid: bytes | None = None
    country: str | None = None
    expires: datetime | None = None
    remove: bool = False

    @property
    def bound(self) -> bool:
        """Tell whether anything is said that only lists of identifiers leave open."""
        return (self.kid, self.country, self.expires) != (None, None, None)


def take_file(db: RevocationDb, path: Path, said: Said, now: datetime, advance: Advance) -> Outcome:
    """Take a file, all of it or nothing, synced; the same again changes nothing.

    Raises: TrustError, which names the file.
    """
    with db.change():
        if said.format in TEXTS:
            return {"file": shown(path)} | _list(db, path, said, advance)
        data = read_bounded(path, JSON_MAX_BYTES)
        try:
            outcome = _json(db, data, path.stem, said, now)
        except TrustImportError as error:
            raise TrustImportError(f"{shown(path)}: {error}", error.code) from None
        advance(len(data))
        return {"file": shown(path)} | outcome


def _json(db: RevocationDb, data: bytes, name: str, said: Said, now: datetime) -> Outcome:
    if data.lstrip().startswith(_CMS):
        raise TrustImportError("still in its CMS message: check and unpack it first, with openssl cms -verify")
    if not data.removeprefix(_MARK).lstrip().startswith(b"{"):
        raise TrustImportError("no JSON; of a list in plain text say which: --format uvci or lx1")
    names = json_names(data)
    known = next((kind for member, kind in _NAMES.items() if member in names), None)
    if known is None:
        raise TrustImportError("no known list of revocations: is it the right file?")
    if said.format not in {None, known}:
        raise TrustImportError(f"it looks like --format {known}")
    if said.bound:
        raise TrustImportError("it says itself whose and until when: leave --kid, --country, --expires out", EX_USAGE)
    if known == "italy":
        return drop(db) if said.remove else take_chunk(db, italian_chunk(data))
    if "batches" in names:
        return _listed(db, gateway_list(data), remove=said.remove)
    whole = card_list(data) if known == "shc" else gateway_batch(data, name)
    return _whole(db, whole, now, remove=said.remove)


def _whole(db: RevocationDb, whole: WholeBatch, now: datetime, *, remove: bool) -> Outcome:
    from centre.trust.hash_lists import unique  # noqa: PLC0415 - numpy takes longer than most commands

    batch, hashes = whole.batch, unique(whole.hashes)
    before = db.batch(batch.id)
    if before is not None and _whose(before) != _whose(batch):
        what = f"{before.kind} of {before.kid.hex() or 'any'}, {before.country or '-'}"
        raise TrustImportError(f"another batch of this name is here ({what}): give this one a batchId of its own")
    if remove:
        state = "removed" if db.delete(batch.id) else "absent"
    elif db.was_withdrawn(batch.id):
        state = "withdrawn"
    elif before is not None and (before.version or 0) > (batch.version or 0):
        raise TrustImportError(f"its ctr is {batch.version}; {before.version} is here: older than what is known")
    elif before == batch and db.hashes(batch.id) == hashes:
        state = "known"
    else:
        db.replace(batch, hashes)
        state = "new" if before is None else "changed"
    until = None if batch.expires_ms is None else datetime.fromtimestamp(batch.expires_ms / 1000, UTC)
    about = {"batch": batch.id, "state": state, "kind": batch.kind, "kid": batch.kid.hex() or "any"}
    timed = {"timed": whole.timed} if whole.timed else {}
    expired = until is not None and until <= now
    return about | {"hashes": len(hashes) // HASH_BYTES, "until": iso(until), "expired": expired} | timed


def _whose(batch: Batch) -> tuple[object, ...]:
    """Return what stays the same of a batch, whatever becomes of its hashes."""
    return batch.kid, batch.kind, batch.country


def _listed(db: RevocationDb, listed: BatchList, *, remove: bool) -> Outcome:
    """Remove the batches that the gateway deleted, and tell how many of the others are not here yet."""
    if remove:
        raise TrustImportError("--remove takes batches, not a list of them", EX_USAGE)
    removed = sum(db.withdraw(one) for one in listed.deleted)
    missing = sum(db.batch(one) is None for one in listed.present)
    return {"batches": len(listed.present), "removed": removed, "missing": missing, "more": listed.more}


def _list(db: RevocationDb, path: Path, said: Said, advance: Advance) -> Outcome:
    kind, hasher = _hasher(said)
    kid = said.kid or b""
    name = f"{said.format} {kind} {kid.hex() or 'any'} {said.country or '-'} "
    until = None if said.expires is None else int(said.expires.timestamp() * 1000)
    batch = Batch(f"{name}{until}", kid, kind, said.country or "", until)
    if not said.remove:
        db.put(batch)
    changed = [batch] if not said.remove else db.lists(name)
    change = db.take if said.remove else db.add
    read = count = 0
    for hashes in listed_hashes(path, hasher, advance):
        read += len(hashes) // HASH_BYTES
        count += sum(change(one.id, hashes) for one in changed)
    if not read:
        raise TrustImportError(f"{shown(path)}: nothing in it: write one identifier a line")
    return {"kind": kind, "kid": kid.hex() or "any", "read": read, "removed" if said.remove else "new": count}


def _hasher(said: Said) -> tuple[Kind, Hasher]:
    if said.format == "uvci":
        return "uci" if said.country is None else "country-uci", uvci_hasher(said.country)
    if said.country is not None:
        raise TrustImportError("--country does not go with permits: leave it out", EX_USAGE)
    return "lx1", lx1_hashed

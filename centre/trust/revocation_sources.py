"""Revocations from files of JSON: the EU gateway's batches and lists of them, Italy's, SMART Health Cards' (pure).

Gateway: guidelines of the EU DCC on revocation, volume 7; `{"country", "expires", "kid", "hashType", "entries":
[{"hash"}]}`, and `{"more", "batches": [{"batchId", "country", "date", "deleted"}]}`.
Italy: ministero-salute/it-dgc-documentation, DRL.md; SMART Health Cards: specification 1.2.0, "Revocation".
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from centre.trust.importing import TrustImportError, decode_json, shown
from centre.trust.revocation_db import Batch
from verifier.revocation import shc_rid_hash
from verifier.revocation_set import HASH_BYTES, KID_MAX_BYTES, Kind

JSON_MAX_BYTES = 64 * 1024 * 1024  # ours: 600,000 full hashes; the gateway's batches hold 1,000, Italy's chunks 10,000
UNKNOWN_KID = "UNKNOWN_KID"  # the gateway's word where nobody knows whose key it was
ID_MAX_CHARS = 128  # ours: the gateway's are UUIDs
_SHA256_BYTES = 32
_RID = re.compile(r"([A-Za-z0-9_-]{1,24})(\.[0-9]{1,12})?", re.ASCII)
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_KINDS: Mapping[str, Kind] = {"SIGNATURE": "signature", "UCI": "uci", "COUNTRYCODEUCI": "country-uci"}


class _Entry(msgspec.Struct):
    hash: str


class _Batch(msgspec.Struct):
    country: str
    expires: datetime
    kid: str
    hashType: Literal["SIGNATURE", "UCI", "COUNTRYCODEUCI"]  # noqa: N815 - the gateway's name, as those below
    entries: list[_Entry]
    batchId: str | None = None  # noqa: N815


class _Listed(msgspec.Struct):
    batchId: str  # noqa: N815
    deleted: bool = False


class _Batches(msgspec.Struct):
    batches: list[_Listed]
    more: bool = False


class _Delta(msgspec.Struct):
    insertions: list[str] = []
    deletions: list[str] = []


class _Chunk(msgspec.Struct):
    version: int
    chunk: int = 1
    lastChunk: int = 1  # noqa: N815
    fromVersion: int | None = None  # noqa: N815
    revokedUcvi: list[str] | None = None  # noqa: N815
    delta: _Delta | None = None
    totalNumberUCVI: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] | None = None  # noqa: N815


class _Crl(msgspec.Struct):
    kid: str
    method: Literal["rid"]
    ctr: int | str
    rids: list[str]


@dataclass(frozen=True, slots=True)
class WholeBatch:
    """A batch as its file has it, all its hashes; `timed`: how many revoke here more than they say there."""

    batch: Batch
    hashes: bytes
    timed: int = 0


@dataclass(frozen=True, slots=True)
class BatchList:
    """Which batches there are at the gateway, and which no longer; `more`: this is not all of it."""

    present: tuple[str, ...]
    deleted: tuple[str, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a version of the Italian list: of the whole, or of what changes `before` to it."""

    version: int
    chunk: int
    last: int
    before: int | None
    insertions: bytes
    deletions: bytes
    total: int | None


def gateway_batch(data: bytes, name: str) -> WholeBatch:
    """Return a batch; its id is `batchId` where it says one, else the file's name. Raises: TrustImportError."""
    said = decode_json(data, _Batch, "no batch of the gateway")
    kid = b"" if said.kid == UNKNOWN_KID else _base64(said.kid, "kid")
    if not said.kid or len(kid) > KID_MAX_BYTES:
        raise TrustImportError(f"its kid is neither base64 of at most {KID_MAX_BYTES} bytes nor {UNKNOWN_KID}")
    batch_id = gateway_id(name if said.batchId is None else said.batchId)
    kind = _KINDS[said.hashType]
    batch = Batch(batch_id, kid, kind, _country(said.country), _ms(said.expires))
    return WholeBatch(batch, _hashes(entry.hash for entry in said.entries))


def gateway_list(data: bytes) -> BatchList:
    """Return a list of batches. Raises: TrustImportError."""
    said = decode_json(data, _Batches, "no list of batches")
    deleted = tuple(gateway_id(one.batchId) for one in said.batches if one.deleted)
    return BatchList(tuple(gateway_id(one.batchId) for one in said.batches if not one.deleted), deleted, said.more)


def gateway_id(name: str) -> str:
    """Return what a batch of the gateway is called here. Raises: TrustImportError."""
    if not 0 < len(name) <= ID_MAX_CHARS or not name.isprintable():
        raise TrustImportError(f"a batch's id has 1 to {ID_MAX_CHARS} printable characters")
    return f"gateway {name}"


def italian_chunk(data: bytes) -> Chunk:
    """Return a chunk of a snapshot (`revokedUcvi`) or of a delta. Raises: TrustImportError."""
    said = decode_json(data, _Chunk, "no Italian revocation list")
    if (said.revokedUcvi is None) == (said.delta is None):
        raise TrustImportError("a chunk has either revokedUcvi or delta")
    if said.delta is not None and said.fromVersion is None:
        raise TrustImportError("a delta without fromVersion: nobody knows what it changes")
    if not (0 <= said.version < 2**53 and 1 <= said.chunk <= said.lastChunk < 2**31):
        raise TrustImportError(f"chunk {said.chunk} of {said.lastChunk} of version {said.version}: no such thing")
    insertions, deletions = (
        (said.revokedUcvi or [], []) if said.delta is None else (said.delta.insertions, said.delta.deletions)
    )
    before = said.fromVersion if said.delta is not None else None
    return Chunk(
        said.version, said.chunk, said.lastChunk, before, _hashes(insertions), _hashes(deletions), said.totalNumberUCVI
    )


def card_list(data: bytes) -> WholeBatch:
    """Return a card revocation list. Raises: TrustImportError.

    A rid with a time revokes only what was issued before; a set of hashes knows no times: it revokes all here.
    """
    said = decode_json(data, _Crl, "no card revocation list")
    if not _THUMBPRINT.fullmatch(said.kid):
        raise TrustImportError("its kid is no RFC 7638 thumbprint")
    rids = [_RID.fullmatch(rid) for rid in said.rids]
    if None in rids:
        number = rids.index(None) + 1
        raise TrustImportError(f"rid {number}: 1 to 24 characters of base64url, and perhaps a point and seconds")
    ctr = str(said.ctr)
    if not (ctr.isascii() and ctr.isdigit() and len(ctr) < len(str(2**53))):
        raise TrustImportError("its ctr is no count")
    batch = Batch(f"shc {said.kid}", _base64(said.kid, "kid", b"-_"), "shc-rid", version=int(ctr))
    hashes = b"".join(shc_rid_hash(rid[1]) for rid in rids if rid is not None)
    return WholeBatch(batch, hashes, sum(rid[2] is not None for rid in rids if rid is not None))


def _hashes(texts: Iterable[str]) -> bytes:
    """Return hashes in base64, of which the first 128 bits count (a full SHA-256 may stand there)."""
    found = bytearray()
    for number, text in enumerate(texts, start=1):
        value = _base64(text, f"hash {number}")
        if len(value) not in {HASH_BYTES, _SHA256_BYTES}:
            raise TrustImportError(f"hash {number} has {len(value)} bytes; there are {HASH_BYTES} or {_SHA256_BYTES}")
        found += value[:HASH_BYTES]
    return bytes(found)


def _base64(text: str, what: str, altchars: bytes | None = None) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars, validate=True)
    except ValueError:
        raise TrustImportError(f"{what} is no base64") from None


def _country(text: str) -> str:
    if not (text.isascii() and text.isalpha() and text.isupper() and len(text) == 2):  # noqa: PLR2004 - ISO 3166-1
        raise TrustImportError(f"{shown(text)}: a country has two capital letters")
    return text


def _ms(at: datetime) -> int:
    """Return milliseconds; a time without a zone is UTC."""
    try:
        utc = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise TrustImportError("its expires is beyond all years that can be written") from None
    return int(utc.timestamp() * 1000)

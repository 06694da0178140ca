"""LX1: signed permits of vehicles and persons, health declarations and test results (docs/formats/lx1.md).

    LX1: + Base45( [zlib] COSE_Sign1( CWT claims with one of ours, -65537: a map of small integers ))

There is one encoding of everything that is signed and of the envelope around it, and any other is refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import cbor2

from verifier import cbor, compression, cose
from verifier.cbor import COSE_SIGN1_TAG
from verifier.cose import EDDSA, ES256
from verifier.cwt import Claims
from verifier.documents.document import FormatName, Holder
from verifier.documents.lx1_fields import EPOCH_MAX_S, Field, Fields, text, values_of, whole
from verifier.documents.lx1_kinds import Declaration, Entry, Travel, entry_of
from verifier.layers import Format, Layer, Revoking, Workings
from verifier.prefix import LX1, unprefixed
from verifier.reasons import Reason, RefusedError
from verifier.revocation import lx1_hash
from verifier.steps import decode_base45, identify

PAYLOAD_MAX_BYTES = 1024  # ours: one with every field at its bound has 975
ISSUER_MAX_BYTES = 120  # ours: a Vietnamese authority's whole name has up to 90
IDENTIFIER_BYTES = 16
KID_BYTES = 8
_ZLIB = b"\x78"  # RFC 1950: deflate with a window of 32 KiB; a tagged COSE message begins with d2
_HEADERS = {EDDSA: bytes.fromhex("a201270448"), ES256: bytes.fromhex("a201260448")}
"""The protected header before the eight bytes of the key identifier: {1: alg, 4: kid}."""
_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3}(-[A-Z0-9]{1,8}){0,2})?")  # ISO 3166-1, 3166-2, and parts of the latter
_VERSION = "lx1"


@dataclass(frozen=True, slots=True)
class Permit:
    """What a signed permit says.

    Attributes:
        issuer: Who issued it: an area's code (ISO 3166-2, or of a part) or an organisation's name.
        holder: Whom it names; None of a vehicle's.
        entry: What it permits or states.
    """

    issuer: str
    holder: Holder | None = field(repr=False)
    entry: Entry

    format: ClassVar[FormatName] = "lx1"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of documents in it."""
        return (self.entry.kind,)

    @property
    def country(self) -> str:
        """Return the country of the area that issued it, empty where an organisation did."""
        return area_of(self.issuer)[:2]

    @property
    def payload(self) -> Mapping[str, Any]:
        """Return what rules see: a test as in a health certificate, of the others the fields by their names."""
        entry = self.entry.entry()
        if self.entry.kind != "test":
            return self._named() | {self.entry.kind: [entry]}
        of = {"co": self.country} if self.country else {}
        return self._named() | {"t": [entry | of | {"is": self.issuer}]}

    def _named(self) -> dict[str, Any]:
        if self.holder is None:
            return {"ver": _VERSION}
        given = {"gnt": self.holder.given_standard} if self.holder.given_standard else {}
        return {"ver": _VERSION, "nam": {"fnt": self.holder.family_standard, **given}, "dob": self.holder.birth_date}


def area_of(issuer: str) -> str:
    """Return the area that an issuer is, empty where it is an organisation."""
    return issuer if _CODE.fullmatch(issuer) else ""


def cose_bytes(data: bytes) -> bytes:
    """Return the COSE message in what Base45 held, which is compressed where that is shorter.

    Raises:
        RefusedError: BAD_COMPRESSION.
    """
    return compression.inflated(data) if data.startswith(_ZLIB) else data


def message(data: bytes) -> cose.Sign1:
    """Take the envelope apart.

    Raises:
        RefusedError: BAD_COSE for anything but the one encoding of a tagged COSE_Sign1 with just the algorithm and the
            key identifier in its protected header, and nothing in the other.
    """
    found = cose.decode(data)
    header = _HEADERS.get(found.alg)
    if header is None:
        raise RefusedError(Reason.BAD_COSE, f"algorithm {found.alg}; permits have {EDDSA} or {ES256}")
    if len(found.protected) != len(header) + KID_BYTES or not found.protected.startswith(header):
        raise RefusedError(Reason.BAD_COSE, "the protected header is not {1: alg, 4: kid of 8 bytes}")
    parts = [found.protected, {}, found.payload, found.signature]
    if cbor2.dumps(cbor2.CBORTag(COSE_SIGN1_TAG, parts)) != data:
        raise RefusedError(Reason.BAD_COSE, "not the deterministic encoding of tag 18 with an empty unprotected header")
    return found


def claims(payload: bytes) -> Claims:
    """Read the claims of a signed payload.

    Raises:
        RefusedError: BAD_CWT for anything but the deterministic encoding of the claims that a permit has.
    """
    if len(payload) > PAYLOAD_MAX_BYTES:
        raise RefusedError(Reason.BAD_CWT, f"{len(payload)} bytes of claims; at most {PAYLOAD_MAX_BYTES}")
    found = cbor.decode(payload, Reason.BAD_CWT)
    said = values_of(found, _CLAIMS, "claims", Reason.BAD_CWT)
    if cbor2.dumps(found, canonical=True) != payload:  # for these keys the same order as in RFC 8949, section 4.2.1
        raise RefusedError(Reason.BAD_CWT, "not the deterministic encoding (RFC 8949, section 4.2.1)")
    starts_s = max(said["issued"], said.get("not_before", 0))
    return Claims(said["issuer"], starts_s, said["expires"], said["permit"], said["identifier"])


def _identifier(value: Any) -> bytes:  # noqa: ANN401 - CBOR holds anything
    if not isinstance(value, bytes) or len(value) != IDENTIFIER_BYTES:
        raise ValueError(f"is not {IDENTIFIER_BYTES} bytes")
    return value


def _map(value: Any) -> Mapping[Any, Any]:  # noqa: ANN401 - CBOR holds anything
    if not isinstance(value, Mapping):
        raise ValueError("is not a map")  # noqa: TRY004 - a field's reader raises nothing else
    return value


_CLAIMS: Fields = {  # RFC 8392, section 4; the last is ours, of the numbers for private use
    1: Field("issuer", text(ISSUER_MAX_BYTES)),
    4: Field("expires", whole(0, EPOCH_MAX_S)),
    5: Field("not_before", whole(0, EPOCH_MAX_S), optional=True),
    6: Field("issued", whole(0, EPOCH_MAX_S)),
    7: Field("identifier", _identifier),
    -65537: Field("permit", _map),
}


def parse(found: Claims) -> Permit:
    """Read the permit in a token's claims.

    Raises:
        RefusedError: BAD_PAYLOAD, with which field is wrong.
    """
    entry, holder = entry_of(found.content)
    return Permit(found.issuer, holder, entry)


def _unprefix(workings: Workings) -> None:
    workings.encoded = unprefixed(workings.text, LX1)


def _unpack(workings: Workings) -> None:
    workings.content = cose_bytes(workings.packed)


def _open(workings: Workings) -> None:
    identify(workings, message(workings.content))


def _claims(workings: Workings) -> None:
    workings.claims = claims(workings.message.payload)


def _permit(workings: Workings) -> None:
    workings.document = parse(workings.claims)


def _scopes(workings: Workings) -> tuple[str, tuple[str, ...]]:
    """Return the areas that the permit is for, and its issuer's own where that is a code."""
    issuer = workings.claims.issuer
    entry = cast(Permit, workings.document).entry  # as this format reads it
    named = entry.areas if isinstance(entry, Travel | Declaration) else ()
    own = area_of(issuer)
    return issuer, (*named, own) if own else named


def _revoking(workings: Workings) -> Iterator[Revoking]:
    yield "lx1", "identifier", map(lx1_hash, (workings.claims.identifier,))


FORMAT = Format(
    "lx1",
    transport=(
        (Layer.UNPREFIX, (), _unprefix),
        (Layer.BASE45, ("encoded",), decode_base45),
        (Layer.COMPRESSION, ("packed",), _unpack),
        (Layer.COSE, ("content",), _open),
    ),
    contents=(
        (Layer.CWT, ("message",), _claims),
        (Layer.PAYLOAD, ("claims",), _permit),
    ),
    scopes=_scopes,
    revoking=_revoking,
)

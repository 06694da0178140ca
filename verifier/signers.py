"""The nation's list of signers, `signers.json`: who may sign what, under which names, for which areas, and when.

    {"version": 1, "signers": [{"kid": base64, "format": "hcert", "certificate": base64 DER, "jwk": null,
        "kinds": ["test"], "issuers": ["Trung tâm Y tế"], "areas": ["VN-SG"],
        "not_before": "2026-01-01T00:00:00Z", "not_after": null, "country": "VN", "name": "Lab 7"}, ...]}

Exactly one of certificate and JWK; an empty list or null sets no bound. A `vds-nc` entry is a country's CSCA: whoever
it certified signs. Entries of formats that are not known are counted, and nobody's signature.

A kiosk checks the shape of everything at once, and reads a certificate when a pass names it. The centre reads every
certificate and key before it publishes, so that what is unusable is told where somebody can mend it.
"""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal, cast

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from msgspec import Meta

from verifier.areas import AREA_PATTERN
from verifier.cose import Kid
from verifier.documents.document import FormatName
from verifier.trust import DEMO_ORGANISATION, KINDS, Signer, TrustListError
from verifier.trust_list import TrustList

SIGNERS_MAX_BYTES = 16 * 1024 * 1024  # ours: a union's 829 take 1.3 MB
SIGNERS_MAX = 10_000  # ours, for the same reason
HCERT = "hcert"
KINDS_OF: dict[str, tuple[str, ...]] = {
    HCERT: KINDS,
    "lx1": ("vehicle", "travel", "declaration", "test"),
    "shc": KINDS,
    "nzcp": KINDS,
    "vds-nc": KINDS,
}
"""The formats that are known, and the kinds of documents in each."""
_KINDS_NEEDED = frozenset({"lx1"})  # nothing else says that a laboratory's key signs no vehicle permit
_CERTIFICATE_MAX_BYTES = 16 * 1024  # ours: the largest in use have 3 KB
_UNCOMPRESSED = b"\x04"  # SEC 1, section 2.3.3
_PRINTABLE = r"\A[^\x00-\x1f\x7f]*\Z"  # it is shown to technicians
_TRIMMED = r"\A[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?\Z"
_DEMO = DEMO_ORGANISATION.encode()

_Code = Annotated[str, Meta(pattern=r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=32)]
_Issuer = Annotated[str, Meta(pattern=_TRIMMED, max_length=200)]
# 32 bytes in base64url without padding, for both curves: RFC 7518, section 6.2.1.2; RFC 8037, section 2
_Coordinate = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{43}\Z")]
_Area = Annotated[str, Meta(pattern=AREA_PATTERN)]


class Jwk(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A public key as in RFC 7517: P-256 (`x` and `y`) or Ed25519 (`x`).

    Raises: ValueError where the fields do not belong together.
    """

    kty: Literal["EC", "OKP"]
    crv: Literal["P-256", "Ed25519"]
    x: _Coordinate
    y: _Coordinate | None = None

    def __post_init__(self) -> None:
        """Check what belongs together."""
        if (self.kty, self.crv, self.y is None) not in {("EC", "P-256", False), ("OKP", "Ed25519", True)}:
            raise ValueError("a key is EC on P-256 with x and y, or OKP on Ed25519 with x")

    def public_key(self) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
        """Return the key.

        Raises:
            TrustListError: The coordinates are those of no key.
        """
        try:
            x = base64.urlsafe_b64decode(f"{self.x}=")
            if self.y is None:
                return ed25519.Ed25519PublicKey.from_public_bytes(x)
            y = base64.urlsafe_b64decode(f"{self.y}=")
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _UNCOMPRESSED + x + y)
        except ValueError:
            raise TrustListError(f"not a usable key: no point on {self.crv}") from None


class SignerEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One signer of the list; the fields as at the top of this file.

    Raises: ValueError where fields contradict each other.
    """

    kid: Annotated[bytes, Meta(min_length=1, max_length=64)]
    format: _Code  # not only of `KINDS_OF`: what a newer nation adds takes no list away from older kiosks
    certificate: Annotated[bytes, Meta(min_length=1, max_length=_CERTIFICATE_MAX_BYTES)] | None = None
    jwk: Jwk | None = None
    kinds: Annotated[tuple[_Code, ...], Meta(max_length=16)] = ()
    issuers: Annotated[tuple[_Issuer, ...], Meta(max_length=64)] = ()
    areas: Annotated[tuple[_Area, ...], Meta(max_length=256)] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None
    country: Annotated[str, Meta(pattern=r"\A([A-Z]{2})?\Z")] = ""
    name: Annotated[str, Meta(pattern=_PRINTABLE, max_length=200)] = ""

    def __post_init__(self) -> None:
        """Check what belongs together."""
        if (self.certificate is None) == (self.jwk is None):
            raise ValueError("a signer has a certificate or a jwk, not both")
        if self.format == HCERT and self.certificate is None:
            raise ValueError("a signer of health certificates needs a certificate")
        for time in (self.not_before, self.not_after):
            if time is not None and time.utcoffset() != timedelta(0):
                raise ValueError("times are in UTC, such as 2026-01-01T00:00:00Z")
        if self.not_before is not None and self.not_after is not None and self.not_before > self.not_after:
            raise ValueError("not_before is after not_after")

    def signer(self) -> Signer:
        """Return the signer within what the entry allows it.

        Raises:
            TrustListError: The certificate is none, or its key signs no passes.
        """
        return self._bare().narrowed(
            kinds=self.kinds,
            issuers=self.issuers,
            areas=self.areas,
            not_before=self.not_before,
            not_after=self.not_after,
        )

    def _bare(self) -> Signer:
        format_ = cast(FormatName, self.format)
        kinds = () if format_ == HCERT else KINDS_OF[format_]  # of a health certificate's signer, its certificate says
        if self.jwk is not None:
            return Signer.from_key(self.jwk.public_key(), Kid(self.kid), self.country, format_, kinds)
        return Signer.from_der(self.certificate or b"", Kid(self.kid), self.country, format_=format_, kinds=kinds)


class _List(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    version: Literal[1]
    signers: Annotated[list[SignerEntry], Meta(max_length=SIGNERS_MAX)]


def parse_signers(data: bytes) -> TrustList:
    """Read a list of signers; its certificates wait until a pass names them.

    Raises:
        TrustListError: The list is none, or an entry has not its form.
    """
    entries = read_entries(data)
    known = [(number, entry) for number, entry in enumerate(entries, start=1) if entry.format in KINDS_OF]
    return TrustList(
        unread=(
            (cast(FormatName, entry.format), Kid(entry.kid), partial(_numbered, number, entry))
            for number, entry in known
        ),
        demo=any(_DEMO in (entry.certificate or b"") for _, entry in known),
        others=Counter(entry.format for entry in entries if entry.format not in KINDS_OF),
    )


def read_entries(data: bytes) -> list[SignerEntry]:
    """Read a list of signers as it stands, to change it.

    Raises:
        TrustListError: The list is none, or an entry has not its form.
    """
    if len(data) > SIGNERS_MAX_BYTES:
        raise TrustListError(f"the list of signers is larger than {SIGNERS_MAX_BYTES} bytes")
    try:
        return msgspec.json.decode(data, type=_List).signers
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TrustListError(f"the list of signers cannot be read: {error}") from None


def encode_signers(entries: Iterable[SignerEntry]) -> bytes:
    """Return the list's file: only what every kiosk can use.

    Raises:
        TrustListError: An entry's certificate or key is unusable, its format or kinds are not known, or it breaks a
            bound; the text names the entry.
    """
    listed = list(entries)
    for number, entry in enumerate(listed, start=1):
        _check_usable(number, entry)
    data = msgspec.json.encode(_List(version=1, signers=listed))
    read_entries(data)
    return data


def jwk_of(fields: Mapping[str, Any]) -> Jwk:
    """Return the public key of a published JWK, whose other fields (`use`, `x5c`, ...) are left out.

    Raises:
        TrustListError: It is no key on P-256 or Ed25519.
    """
    try:
        jwk = msgspec.convert({name: fields[name] for name in Jwk.__struct_fields__ if name in fields}, Jwk)
    except msgspec.ValidationError as error:
        raise TrustListError(f"not a usable key: {error}") from None
    jwk.public_key()
    return jwk


def _numbered(number: int, entry: SignerEntry) -> Signer:
    try:
        return entry.signer()
    except TrustListError as error:
        raise TrustListError(f"entry {number}: {error}") from None


def _check_usable(number: int, entry: SignerEntry) -> None:
    try:
        _check_kinds(entry)
        _check_key(entry)
    except TrustListError as error:
        raise TrustListError(f"entry {number}: {error}") from None


def _check_key(entry: SignerEntry) -> None:
    if not entry.signer().kinds:
        raise TrustListError("its certificate allows none of the kinds that it is listed for")


def _check_kinds(entry: SignerEntry) -> None:
    known = KINDS_OF.get(entry.format)
    if known is None:
        raise TrustListError(f"format {entry.format} is not known; known are {', '.join(KINDS_OF)}")
    if not entry.kinds and entry.format in _KINDS_NEEDED:
        raise TrustListError(f"a signer of {entry.format} needs kinds: some of {', '.join(known)}")
    if not set(entry.kinds) <= set(known):
        raise TrustListError(f"kinds of {entry.format} are {', '.join(known)}; not {', '.join(entry.kinds)}")

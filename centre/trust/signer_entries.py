"""Signers as they are imported: what is said of them, what files have, which keys may sign what (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from centre.trust.importing import TrustImportError, shown
from verifier.signers import KINDS_OF, SignerEntry

Format = Literal["hcert", "lx1", "shc", "nzcp", "vds-nc"]
FORMATS: tuple[Format, ...] = get_args(Format)
KINDS = tuple(dict.fromkeys(kind for kinds in KINDS_OF.values() for kind in kinds))
RSA_MIN_BITS, RSA_MAX_BITS = 2048, 8192  # as the verifier takes them

_P256 = frozenset({"secp256r1"})
_CURVES: Mapping[Format, frozenset[str]] = {
    "hcert": _P256,
    "lx1": _P256,
    "shc": _P256,
    "nzcp": _P256,
    "vds-nc": frozenset({"secp256r1", "secp384r1", "secp521r1"}),
}
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Scope:
    """What an administrator says of the signers of a file; `format` None is the one that such files are of."""

    format: Format | None = None
    kinds: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None

    def entry(self, default: Format, kid: bytes, country: str = "", **fields: Any) -> SignerEntry:  # noqa: ANN401
        """Return an entry within this scope; a country that is no ISO 3166-1 code is left out.

        Raises: TrustImportError.
        """
        bounds = {"kinds": self.kinds, "areas": self.areas, "not_before": self.not_before, "not_after": self.not_after}
        about = {
            "kid": kid,
            "format": self.format or default,
            "country": country.upper() if _COUNTRY.fullmatch(country.upper()) else "",
            "issuers": self.issuers,
        }
        try:
            return msgspec.convert(about | bounds | fields, SignerEntry)
        except msgspec.ValidationError as error:
            raise TrustImportError(shown(error)) from None


@dataclass(frozen=True, slots=True)
class Found:
    """What a file has: signers; `source`, where they are all that its publisher has; what is left out, and why."""

    entries: tuple[SignerEntry, ...]
    source: str | None = None
    left_out: tuple[str, ...] = ()


def key_fault(key: PublicKeyTypes, of: Format) -> str | None:
    """Return why a key verifies nothing of a format, None where it does."""
    match key:
        case ec.EllipticCurvePublicKey():
            return None if key.curve.name in _CURVES[of] else f"a key on curve {key.curve.name} signs no {of}"
        case rsa.RSAPublicKey() if of in {"hcert", "vds-nc"}:
            bits = key.key_size
            return None if RSA_MIN_BITS <= bits <= RSA_MAX_BITS else f"an RSA key of {bits} bits signs nothing"
        case ed25519.Ed25519PublicKey() if of == "lx1":
            return None
        case _:
            return f"a key of kind {type(key).__name__} signs no {of}"

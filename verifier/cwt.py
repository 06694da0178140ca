"""Layer 5: CBOR Web Token claims (RFC 8392) as a health certificate uses them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verifier import cbor
from verifier.reasons import Reason, RefusedError

_ISSUER, _EXPIRES, _NOT_BEFORE, _ISSUED = 1, 4, 5, 6  # RFC 8392, section 4
_HCERT = -260  # Electronic Health Certificates 1.0.5, section 3.3.1


@dataclass(frozen=True, slots=True)
class Claims:
    """Who issued the pass, and when it holds. Times are seconds since the epoch, UTC.

    Attributes:
        issuer: As claimed; it need not be the country of the entry. Empty where missing.
        issued_s: When it was issued, or from when it holds, whichever is later; None where neither is said.
        expires_s: The last second at which it holds.
        hcert: The health certificate claim, not yet looked into.
    """

    issuer: str
    issued_s: float | None
    expires_s: float
    hcert: Mapping[Any, Any]


def decode(payload: bytes) -> Claims:
    """Read the claims of a signed payload.

    Raises:
        RefusedError: BAD_CWT for anything but a map with a numeric expiry and a health certificate.
    """
    claims = cbor.decode(payload, Reason.BAD_CWT)
    if not isinstance(claims, Mapping):
        raise RefusedError(Reason.BAD_CWT, "the claims are not a map")
    expires_s = _numeric_date(claims, _EXPIRES)
    if expires_s is None:
        raise RefusedError(Reason.BAD_CWT, "no expiry: nobody can say until when it holds")
    hcert = claims.get(_HCERT)
    if not isinstance(hcert, Mapping):
        raise RefusedError(Reason.BAD_CWT, "no health certificate in the claims")
    starts = [s for s in (_numeric_date(claims, _ISSUED), _numeric_date(claims, _NOT_BEFORE)) if s is not None]
    return Claims(_issuer(claims), max(starts, default=None), expires_s, hcert)


def _issuer(claims: Mapping[Any, Any]) -> str:
    issuer = claims.get(_ISSUER, "")
    if not isinstance(issuer, str):
        raise RefusedError(Reason.BAD_CWT, "the issuer is not a text")
    return issuer


def _numeric_date(claims: Mapping[Any, Any], label: int) -> float | None:
    value = claims.get(label)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RefusedError(Reason.BAD_CWT, f"claim {label} is not a time")
    return value

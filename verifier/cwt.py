"""Layer 5: CBOR Web Token claims (RFC 8392), with one claim of a format's own that holds the document."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from verifier import cbor
from verifier.reasons import Reason, RefusedError

_ISSUER, _EXPIRES, _NOT_BEFORE, _ISSUED, _IDENTIFIER = 1, 4, 5, 6, 7  # RFC 8392, section 4


class Claims(NamedTuple):
    """Who issued the pass, and when it holds. Times are seconds since the epoch, UTC.

    Attributes:
        issuer: As claimed; it need not be the country of the entry. Empty where missing.
        issued_s: When it was issued, or from when it holds, whichever is later; None where neither is said.
        expires_s: The last second at which it holds; None where the format lets a pass hold for ever.
        content: The claim that holds the document, not yet looked into.
        identifier: The token's own (`cti`), empty where it has none.
    """

    issuer: str
    issued_s: float | None
    expires_s: float | None
    content: Mapping[Any, Any]
    identifier: bytes = b""


def decode(payload: bytes, content: int | str) -> Claims:
    """Read the claims of a signed payload; `content` is the label of the one that holds the document.

    Raises:
        RefusedError: BAD_CWT for anything but a map with a numeric expiry and that claim, a map.
    """
    claims = cbor.decode(payload, Reason.BAD_CWT)
    if not isinstance(claims, Mapping):
        raise RefusedError(Reason.BAD_CWT, "the claims are not a map")
    expires_s = _numeric_date(claims, _EXPIRES)
    if expires_s is None:
        raise RefusedError(Reason.BAD_CWT, "no expiry: nobody can say until when it holds")
    held = claims.get(content)
    if not isinstance(held, Mapping):
        raise RefusedError(Reason.BAD_CWT, "no document in the claims")
    starts = [s for s in (_numeric_date(claims, _ISSUED), _numeric_date(claims, _NOT_BEFORE)) if s is not None]
    identifier = claims.get(_IDENTIFIER)
    return Claims(
        _issuer(claims),
        max(starts, default=None),
        expires_s,
        held,
        identifier if isinstance(identifier, bytes) else b"",
    )


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

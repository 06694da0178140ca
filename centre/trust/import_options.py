"""What the options of an import say, checked (pure)."""

import contextlib
import re
from datetime import UTC, datetime, timedelta

from centre.output import EX_USAGE
from centre.trust.home import TrustError
from centre.trust.importing import shown
from centre.trust.revoking import FORMATS as REVOCATION_FORMATS
from centre.trust.revoking import Said
from centre.trust.signer_entries import FORMATS, KINDS, Scope
from verifier.areas import AREA_PATTERN
from verifier.revocation_set import KID_MAX_BYTES

ISSUER_MAX_CHARS = 180  # ours: with a few words before it, still a signer's name
_DAY = "2026-01-31"


def scope_of(
    format_: str | None, kinds: list[str], issuers: list[str], areas: list[str], begins: str | None, ends: str | None
) -> Scope:
    """Return what the options say. Raises: TrustError."""
    chosen = next((one for one in FORMATS if one == format_), None)
    if format_ is not None and chosen is None:
        raise TrustError(f"--format: {shown(format_)} is none of {', '.join(FORMATS)}", EX_USAGE)
    for kind in kinds:
        if kind not in KINDS:
            raise TrustError(f"--kind: {shown(kind)} is none of {', '.join(KINDS)}", EX_USAGE)
    for area in areas:
        if not re.match(AREA_PATTERN, area):
            raise TrustError(f"--area: {shown(area)}: codes in capitals, such as VN or VN-SG", EX_USAGE)
    for issuer in issuers:
        if not 0 < len(issuer) <= ISSUER_MAX_CHARS or not issuer.isprintable() or issuer != issuer.strip():
            raise TrustError(f"--issuer: {shown(issuer)}: 1 to {ISSUER_MAX_CHARS} printable characters", EX_USAGE)
    times = _moment("--from", begins, end=False), _moment("--until", ends, end=True)
    if times[0] is not None and times[1] is not None and times[0] > times[1]:
        raise TrustError("--from is after --until", EX_USAGE)
    return Scope(chosen, tuple(kinds), tuple(issuers), tuple(areas), *times)


def said_of(format_: str | None, kid: str | None, country: str | None, expires: str | None, *, remove: bool) -> Said:
    """Return what the options say. Raises: TrustError."""
    chosen = next((one for one in REVOCATION_FORMATS if one == format_), None)
    if format_ is not None and chosen is None:
        raise TrustError(f"--format: {shown(format_)} is none of {', '.join(REVOCATION_FORMATS)}", EX_USAGE)
    if country is not None and not re.fullmatch(r"[A-Z]{2}", country):
        raise TrustError(f"--country: {shown(country)}: two capital letters, such as VN", EX_USAGE)
    if remove and expires is not None:
        raise TrustError("--expires does not go with --remove: it is taken out of all lists", EX_USAGE)
    return Said(chosen, _kid(kid), country, _moment("--expires", expires, end=True), remove)


def _kid(text: str | None) -> bytes | None:
    """Return a key identifier. Raises: TrustError."""
    if text is None:
        return None
    with contextlib.suppress(ValueError):
        if 0 < len(kid := bytes.fromhex(text)) <= KID_MAX_BYTES:
            return kid
    raise TrustError(f"--kid: {shown(text)}: 1 to {KID_MAX_BYTES} bytes in hexadecimal digits", EX_USAGE)


def _moment(option: str, text: str | None, *, end: bool) -> datetime | None:
    """Return a time in UTC; of a day alone, its begin or its last second. Raises: TrustError."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text if len(text) >= len(_DAY) else "")
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return at + timedelta(days=1, seconds=-1) if end and len(text) == len(_DAY) else at
    except (ValueError, OverflowError):
        raise TrustError(f"{option}: {shown(text)}: write it as {_DAY} or {_DAY}T18:00:00Z", EX_USAGE) from None

"""Layer 10: the time within which a pass holds."""

from datetime import UTC, datetime

from verifier.cwt import Claims
from verifier.reasons import Reason, RefusedError


def check(claims: Claims, at: datetime) -> None:
    """Check that `at` (aware) lies between issue and expiry, both included.

    Raises:
        RefusedError: NOT_YET_VALID before, EXPIRED after.
    """
    now_s = at.timestamp()
    if claims.issued_s is not None and now_s < claims.issued_s:
        raise RefusedError(Reason.NOT_YET_VALID, f"holds from {_shown(claims.issued_s)}")
    if claims.expires_s is not None and now_s > claims.expires_s:
        raise RefusedError(Reason.EXPIRED, f"held until {_shown(claims.expires_s)}")


def _shown(epoch_s: float) -> str:
    try:
        return datetime.fromtimestamp(epoch_s, UTC).isoformat()
    except (ValueError, OverflowError, OSError):  # a year that the calendar does not have
        return f"{epoch_s:g} s after 1970"

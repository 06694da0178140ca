"""Why a pass got its verdict: stable codes, and the one exception that carries them between layers."""

from enum import StrEnum


class Reason(StrEnum):
    """A stable, documented code: screens, journals and other people's centres key on it."""

    VALID = "valid"
    UNSUPPORTED_KIND = "unsupported-kind"
    UNSUPPORTED_VERSION = "unsupported-version"
    NO_TRUST_LIST = "no-trust-list"
    BAD_BASE45 = "bad-base45"
    BAD_COMPRESSION = "bad-compression"
    BAD_COSE = "bad-cose"
    BAD_CWT = "bad-cwt"
    BAD_PAYLOAD = "bad-payload"
    UNKNOWN_ISSUER = "unknown-issuer"
    SIGNER_NOT_VALID = "signer-not-valid"
    BAD_SIGNATURE = "bad-signature"
    WRONG_KEY_USAGE = "wrong-key-usage"
    OUTSIDE_SCOPE = "outside-scope"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    REVOKED = "revoked"


# What the device cannot judge is not the holder's fault: undecided, never refused and never accepted.
UNDECIDED_REASONS = frozenset({Reason.UNSUPPORTED_KIND, Reason.UNSUPPORTED_VERSION, Reason.NO_TRUST_LIST})


class RefusedError(Exception):
    """A layer did not let the pass through; only `verify` catches it and makes a verdict of it.

    Args:
        reason: The stable code.
        detail: What was found, for a technician; never anything that names the holder.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

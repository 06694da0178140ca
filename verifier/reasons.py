"""Why a pass got its verdict: stable codes, and the one exception that carries them between layers."""

from enum import StrEnum


class Reason(StrEnum):
    """A stable, documented code: screens, journals and other people's centres key on it."""

    VALID = "valid"
    UNSUPPORTED_KIND = "unsupported-kind"
    UNSUPPORTED_VERSION = "unsupported-version"
    NO_TRUST_LIST = "no-trust-list"
    UNSIGNED = "unsigned"
    ONLINE_ONLY = "online-only"
    FOREIGN_KIND = "foreign-kind"
    BAD_BASE45 = "bad-base45"
    BAD_ENCODING = "bad-encoding"
    BAD_COMPRESSION = "bad-compression"
    BAD_COSE = "bad-cose"
    BAD_CWT = "bad-cwt"
    BAD_JWS = "bad-jws"
    BAD_PAYLOAD = "bad-payload"
    UNKNOWN_ISSUER = "unknown-issuer"
    SIGNER_NOT_VALID = "signer-not-valid"
    BAD_SIGNATURE = "bad-signature"
    WRONG_KEY_USAGE = "wrong-key-usage"
    OUTSIDE_SCOPE = "outside-scope"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    REVOKED = "revoked"
    # What the rules and the lane's profile say of documents that are good in themselves
    RULE_FAILED = "rule-failed"
    RULE_UNDECIDED = "rule-undecided"
    NO_RULES = "no-rules-for-country"
    PROFILE_MISSING = "profile-missing"
    PROFILE_UNUSABLE = "profile-unusable"
    DOCUMENTS_MISSING = "documents-missing"
    NOT_ASKED_FOR = "not-asked-for"
    TWO_HOLDERS = "two-holders"
    HOLDER_MISMATCH = "holder-mismatch"
    HOLDER_UNCLEAR = "holder-unclear"
    WRONG_ROUTE = "wrong-route"
    WRONG_AREA = "wrong-area"
    OUTSIDE_HOURS = "outside-hours"
    PLATE_MISSING = "plate-missing"
    PLATE_MISMATCH = "plate-mismatch"
    STAFF_NEEDED = "staff-needed"
    ATTENDANCE = "attendance"


# What the device cannot judge is not the holder's fault: undecided, never refused and never accepted.
UNDECIDED_REASONS = frozenset(
    {
        Reason.UNSUPPORTED_KIND,
        Reason.UNSUPPORTED_VERSION,
        Reason.NO_TRUST_LIST,
        Reason.UNSIGNED,
        Reason.ONLINE_ONLY,
        Reason.FOREIGN_KIND,
        Reason.RULE_UNDECIDED,
        Reason.PROFILE_MISSING,
        Reason.PROFILE_UNUSABLE,
        Reason.TWO_HOLDERS,
        Reason.HOLDER_UNCLEAR,
    }
)


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

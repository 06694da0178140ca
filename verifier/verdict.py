"""What `verify` answers: three values, matched exhaustively by whoever acts on them."""

from dataclasses import dataclass, field
from typing import NewType

from verifier.cwt import Claims
from verifier.documents.document import Document
from verifier.reasons import UNDECIDED_REASONS, Reason, RefusedError
from verifier.trust import Signer

Identity = NewType("Identity", bytes)
"""SHA-256 of the signed payload, 32 bytes: the same for every encoding of a pass, whatever its signature's form."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Signed by a trusted signer that may sign this, in its time, and not revoked."""

    document: Document = field(repr=False)  # names its holder, as the claims do
    identity: Identity
    claims: Claims = field(repr=False)
    signer: Signer | None = field(default=None, repr=False)
    reason: Reason = Reason.VALID


@dataclass(frozen=True, slots=True)
class Refused:
    """Judged, and not good. `identity` and `document` are None where the pass was not read that far."""

    reason: Reason
    detail: str
    identity: Identity | None = None
    document: Document | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Undecided:
    """Not judged, and not the holder's fault; otherwise as `Refused`."""

    reason: Reason
    detail: str
    identity: Identity | None = None
    document: Document | None = field(default=None, repr=False)


Verdict = Accepted | Refused | Undecided


def verdict_of(error: RefusedError, identity: Identity | None, document: Document | None) -> Refused | Undecided:
    """Turn what a layer raised into the verdict that its reason stands for."""
    kind = Undecided if error.reason in UNDECIDED_REASONS else Refused
    return kind(error.reason, error.detail, identity, document)

"""What all formats share: the layers of a pass, what was found in each, and how a format says which are its own."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from verifier.cose import Sign1
from verifier.cwt import Claims
from verifier.documents.document import Document, FormatName
from verifier.revocation_set import Kind
from verifier.signatures import Signed
from verifier.trust import Signer
from verifier.trust_list import TrustList
from verifier.verdict import Identity


class Layer(StrEnum):
    """The layers of a pass in the order in which people are told of them: outermost first. No format has them all."""

    UNPREFIX = "unprefix"
    BASE45 = "base45"
    BASE32 = "base32"
    NUMERIC = "numeric"
    JSON = "json"
    JWS = "jws"
    COMPRESSION = "compression"
    COSE = "cose"
    CWT = "cwt"
    PAYLOAD = "payload"
    KEY = "key"
    KEYUSAGE = "keyusage"
    SIGNATURE = "signature"
    TIME = "time"
    REVOCATION = "revocation"


class Outcome(StrEnum):
    """What a layer said; skipped where an earlier one left it nothing to work on."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class Workings:
    """What the layers found so far. An attribute is unset until the layer that finds it has run."""

    __slots__ = (
        "at", "candidates", "claims", "content", "document", "encoded", "identity", "message", "packed", "sign1",
        "text", "usable",
    )  # fmt: skip
    encoded: str  # the text without its prefix
    packed: bytes  # the decoded text, perhaps compressed
    content: bytes  # the signed message, or of a JWS its payload, not compressed
    message: Signed
    sign1: Sign1  # the same, where the envelope is COSE's
    identity: Identity
    candidates: tuple[Signer, ...]  # the pass may be signed by one of these
    usable: tuple[Signer, ...]  # whose key usage counts: the candidates, then those whose signature it is
    claims: Claims
    document: Document

    def __init__(self, text: str, at: datetime) -> None:
        self.text = text
        self.at = at


Run = Callable[[Workings], None]
Step = tuple[Layer, tuple[str, ...], Run]
"""A layer, what it works on (attributes of the workings), and what it does; raises RefusedError."""
Revoking = tuple[Kind, str, Iterable[bytes]]
"""A kind of sets to look into, what that names the pass by, and its hashes, drawn only where there is such a set."""


def by_kid(trust: TrustList, format_: FormatName, workings: Workings) -> tuple[Signer, ...]:
    """Return the signers whose key identifier the message names."""
    return trust.by_kid(workings.message.kid, format_)


@dataclass(frozen=True, slots=True)
class Format:
    """How one format is taken apart.

    Attributes:
        name: Its name in the list of signers.
        transport: From the text to `message` and `identity`: all that is read before anybody vouches for it.
        contents: From what was signed to `claims` and `document`.
        scopes: The issuer's name, and the areas that the document is for: the signer must be allowed all of them.
        revoking: What may stand on a revocation list.
        signers: Who may have signed it; raises RefusedError where the pass itself says something wrong of that.
    """

    name: FormatName
    transport: tuple[Step, ...]
    contents: tuple[Step, ...]
    scopes: Callable[[Workings], tuple[str, tuple[str, ...]]]
    revoking: Callable[[Workings], Iterator[Revoking]]
    signers: Callable[[TrustList, FormatName, Workings], tuple[Signer, ...]] = by_kid

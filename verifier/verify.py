"""The verdict on a text: every layer in turn, and the first that fails decides.

What nobody vouched for is looked into as little as possible: the signature is checked before the payload is read.

1. unprefix     `HC1:`                                  6. signature   of one of them, over exactly these bytes
2. base45       RFC 9285                                7. cwt         the claims
3. compression  zlib, bounded                           8. payload     the health certificate
4. cose         COSE_Sign1; gives the pass its identity 9. keyusage    the kind, issuer and area are the signer's
5. key          trusted signers of that kid, in         10. time       issued <= at <= expires
                their validity                          11. revocation not on a list
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from verifier import base45, compression, cose, cwt, validity
from verifier.documents import hcert
from verifier.prefix import unprefixed
from verifier.reasons import Reason, RefusedError
from verifier.revocation import Revocations
from verifier.trust import Signer
from verifier.trust_list import TrustList
from verifier.verdict import Accepted, Identity, Verdict, verdict_of


class Layer(StrEnum):
    """The layers of a pass in the order in which people are told of them: outermost first."""

    UNPREFIX = "unprefix"
    BASE45 = "base45"
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


@dataclass(frozen=True, slots=True)
class Examination:
    """Every layer's outcome, for somebody who asks why.

    Attributes:
        verdict: The same as `verify` gives.
        document: What the payload says, whether or not anybody vouches for it; None where it cannot be read.
        layers: An outcome for every layer.
        details: What was found wrong, by layer; nothing that names the holder.
    """

    verdict: Verdict
    document: hcert.HealthCertificate | None
    layers: dict[Layer, Outcome]
    details: dict[Layer, str]


class _Workings:
    """What the layers found so far. An attribute is unset until the layer that finds it has run."""

    __slots__ = (
        "at", "base45_text", "candidates", "claims", "cose_bytes", "document", "identity", "message", "text", "usable",
        "zlib_bytes",
    )  # fmt: skip
    base45_text: str
    zlib_bytes: bytes
    cose_bytes: bytes
    message: cose.Sign1
    identity: Identity
    candidates: tuple[Signer, ...]  # the pass may be signed by one of these
    usable: tuple[Signer, ...]  # whose key usage counts: the candidates, then those whose signature it is
    claims: cwt.Claims
    document: hcert.HealthCertificate

    def __init__(self, text: str, at: datetime) -> None:
        self.text = text
        self.at = at


class Verifier:
    """Judges passes against a trust list and revocations. Pure: no clock, no files, no state between passes."""

    def __init__(self, trust: TrustList, revocations: Revocations) -> None:
        self._trust = trust
        self._revocations = revocations
        self._steps: tuple[tuple[Layer, tuple[str, ...], Callable[[_Workings], None]], ...] = (
            (Layer.UNPREFIX, (), self._unprefix),
            (Layer.BASE45, ("base45_text",), self._base45),
            (Layer.COMPRESSION, ("zlib_bytes",), self._compression),
            (Layer.COSE, ("cose_bytes",), self._cose),
            (Layer.KEY, ("message",), self._key),
            (Layer.SIGNATURE, ("candidates",), self._signature),
            (Layer.CWT, ("message",), self._cwt),
            (Layer.PAYLOAD, ("claims",), self._payload),
            (Layer.KEYUSAGE, ("document", "usable"), self._keyusage),
            (Layer.TIME, ("claims",), self._time),
            (Layer.REVOCATION, ("document",), self._revocation),
        )

    def verify(self, text: str, at: datetime) -> Verdict:
        """Judge a QR code's text at a moment.

        Args:
            text: Any text at all.
            at: The moment to judge at, with a time zone.

        Raises:
            ValueError: `at` has no time zone; nothing about `text` raises.
        """
        workings = _begun(text, at)
        try:
            for _, _, run in self._steps:
                run(workings)
        except RefusedError as error:
            return _verdict(workings, error)
        return _verdict(workings, None)

    def examine(self, text: str, at: datetime) -> Examination:
        """Judge as `verify` does, and go on behind what fails, to tell the outcome of every layer.

        Raises:
            ValueError: `at` has no time zone.
        """
        workings = _begun(text, at)
        outcomes: dict[Layer, Outcome] = {}
        details: dict[Layer, str] = {}
        verdict: Verdict | None = None
        for layer, needs, run in self._steps:
            if not all(hasattr(workings, need) for need in needs):
                outcomes[layer] = Outcome.SKIPPED
                continue
            try:
                run(workings)
                outcomes[layer] = Outcome.OK
            except RefusedError as error:
                outcomes[layer] = Outcome.FAILED
                details[layer] = error.detail
                verdict = verdict or _verdict(workings, error)
        return Examination(
            verdict or _verdict(workings, None),
            getattr(workings, "document", None),
            {layer: outcomes[layer] for layer in Layer},
            details,
        )

    def _unprefix(self, workings: _Workings) -> None:
        workings.base45_text = unprefixed(workings.text)

    def _base45(self, workings: _Workings) -> None:
        workings.zlib_bytes = base45.decode(workings.base45_text)

    def _compression(self, workings: _Workings) -> None:
        workings.cose_bytes = compression.inflated(workings.zlib_bytes)

    def _cose(self, workings: _Workings) -> None:
        workings.message = cose.decode(workings.cose_bytes)
        workings.identity = Identity(hashlib.sha256(workings.message.payload).digest())

    def _key(self, workings: _Workings) -> None:
        known = self._trust.by_kid(workings.message.kid)
        if not known:
            self._key_unknown(workings)
        in_time = tuple(signer for signer in known if signer.valid_at(workings.at))
        workings.candidates = workings.usable = in_time or known
        if not in_time:
            raise RefusedError(Reason.SIGNER_NOT_VALID, "the signer's certificate does not hold at this time")

    def _key_unknown(self, workings: _Workings) -> None:
        if not self._trust:
            raise RefusedError(Reason.NO_TRUST_LIST, "no signer is trusted at all")
        if len(self._trust) == 1:  # as when a technician asks about one certificate: its scope still says something
            workings.usable = tuple(self._trust.signers())
        kid = workings.message.kid
        raise RefusedError(Reason.UNKNOWN_ISSUER, f"no trusted signer has the kid {kid.hex() if kid else 'none'}")

    def _signature(self, workings: _Workings) -> None:
        faults = [signer.verify(workings.message) for signer in workings.candidates]
        verified = tuple(s for s, fault in zip(workings.candidates, faults, strict=True) if fault is None)
        if not verified:
            raise RefusedError(Reason.BAD_SIGNATURE, str(faults[0]))
        workings.usable = verified

    def _cwt(self, workings: _Workings) -> None:
        workings.claims = cwt.decode(workings.message.payload)

    def _payload(self, workings: _Workings) -> None:
        workings.document = hcert.parse(workings.claims.hcert)

    def _keyusage(self, workings: _Workings) -> None:
        entry = workings.document.entry
        of_kind = [signer for signer in workings.usable if entry.kind in signer.kinds]
        if not of_kind:
            raise RefusedError(Reason.WRONG_KEY_USAGE, f"the signer may not sign a {entry.kind}")
        issuer, area = workings.claims.issuer.strip(), entry.country.strip().upper()
        if not any(signer.allows(issuer, area) for signer in of_kind):
            raise RefusedError(Reason.OUTSIDE_SCOPE, "the signer may not sign for this area, or as this issuer")

    def _time(self, workings: _Workings) -> None:
        validity.check(workings.claims, workings.at)

    def _revocation(self, workings: _Workings) -> None:
        self._revocations.check(workings.document.entry, workings.claims, workings.message)


def _begun(text: str, at: datetime) -> _Workings:
    if at.utcoffset() is None:
        raise ValueError("the time to judge at needs a time zone")
    return _Workings(text, at)


def _verdict(workings: _Workings, error: RefusedError | None) -> Verdict:
    if error is None:
        return Accepted(workings.document, workings.identity)
    return verdict_of(error, getattr(workings, "identity", None), getattr(workings, "document", None))

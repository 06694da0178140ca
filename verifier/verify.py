"""The verdict on a text: every layer in turn, and the first that fails decides.

1. recognise    which kind of code it is; what nobody signed or what cannot be judged here ends with that
2. transport    the format's own layers (`verifier.formats`), to the envelope; gives the pass its identity
3. key          trusted signers of that format and kid, in their validity
4. signature    of one of them, over exactly these bytes
5. contents     the format's own: claims and document
6. keyusage     the kind, issuer and area are the signer's
7. time         issued <= at <= expires
8. revocation   not on a list

What the document says of its holder is not judged here: see `verifier.rules` and `verifier.profile`.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from verifier import validity
from verifier.documents import identity
from verifier.documents.document import Document
from verifier.formats import FORMATS
from verifier.layers import Format, Layer, Outcome, Run, Step, Workings
from verifier.reasons import Reason, RefusedError
from verifier.recognise import Recognised, recognise
from verifier.revocation import Revocations
from verifier.trust_list import TrustList
from verifier.verdict import Accepted, Identity, Verdict, verdict_of

__all__ = ["Examination", "Layer", "Outcome", "Verifier"]


@dataclass(frozen=True, slots=True)
class Examination:
    """Every layer's outcome, for somebody who asks why.

    Attributes:
        verdict: The same as `verify` gives.
        document: What the payload says, whether or not anybody vouches for it; None where it cannot be read.
        layers: An outcome for every layer of the format.
        details: What was found wrong, by layer; nothing that names the holder.
    """

    verdict: Verdict
    document: Document | None
    layers: dict[Layer, Outcome]
    details: dict[Layer, str]


class Verifier:
    """Judges passes against a trust list and revocations. Pure: no clock, no files, no state between passes."""

    def __init__(self, trust: TrustList, revocations: Revocations) -> None:
        self._trust = trust
        self._revocations = revocations
        self._steps = {name: self._of(format_) for name, format_ in FORMATS.items()}

    def verify(self, text: str, at: datetime) -> Verdict:
        """Judge a QR code's text at a moment.

        Args:
            text: Any text at all.
            at: The moment to judge at, with a time zone.

        Raises:
            ValueError: `at` has no time zone; nothing about `text` raises.
            RevocationSetError: A set of revoked passes is damaged.
        """
        workings = _begun(text, at)
        try:
            for _, _, run in self._steps_for(text):
                run(workings)
        except RefusedError as error:
            return _verdict(workings, error)
        return _verdict(workings, None)

    def examine(self, text: str, at: datetime) -> Examination:
        """Judge as `verify` does, and go on behind what fails, to tell the outcome of every layer.

        Raises:
            ValueError, RevocationSetError: As `verify`.
        """
        workings = _begun(text, at)
        outcomes: dict[Layer, Outcome] = {}
        details: dict[Layer, str] = {}
        verdict: Verdict | None = None
        for layer, needs, run in self._steps_for(text):
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
            {layer: outcomes[layer] for layer in Layer if layer in outcomes},
            details,
        )

    def _of(self, format_: Format) -> tuple[Step, ...]:
        """Return all steps of a format, in running order."""

        def key(workings: Workings) -> None:
            self._key(format_, workings)

        def keyusage(workings: Workings) -> None:
            _keyusage(format_, workings)

        def revocation(workings: Workings) -> None:
            message = workings.message
            self._revocations.check(message.kid if message.kid_signed else None, format_.revoking(workings))

        return (
            *format_.transport,
            (Layer.KEY, ("message",), key),
            (Layer.SIGNATURE, ("candidates",), _signature),
            *format_.contents,
            (Layer.KEYUSAGE, ("document", "usable"), keyusage),
            (Layer.TIME, ("claims",), _time),
            (Layer.REVOCATION, ("document", "message"), revocation),
        )

    def _steps_for(self, text: str) -> tuple[Step, ...]:
        recognised = recognise(text)
        if recognised.kind in self._steps:
            return self._steps[recognised.kind]
        steps = self._steps["hcert"]  # people are told of its layers where a code has none of its own
        return ((Layer.UNPREFIX, (), _ending(recognised)), *steps[1:])

    def _key(self, format_: Format, workings: Workings) -> None:
        known = format_.signers(self._trust, format_.name, workings)
        if not known:
            self._key_unknown(format_, workings)
        in_time = tuple(signer for signer in known if signer.valid_at(workings.at))
        workings.candidates = workings.usable = in_time or known
        if not in_time:
            raise RefusedError(Reason.SIGNER_NOT_VALID, "the signer's certificate does not hold at this time")

    def _key_unknown(self, format_: Format, workings: Workings) -> None:
        if not self._trust:
            raise RefusedError(Reason.NO_TRUST_LIST, "no signer is trusted at all")
        if len(self._trust) == 1:  # as when a technician asks about one certificate: its scope still says something
            workings.usable = tuple(self._trust.of_format(format_.name))
        kid = workings.message.kid
        raise RefusedError(Reason.UNKNOWN_ISSUER, f"no trusted signer has the kid {kid.hex() if kid else 'none'}")


def _ending(recognised: Recognised) -> Run:
    """Return the only step of a code that nobody signed, or that cannot be judged here."""

    def run(workings: Workings) -> None:
        match recognised.kind:
            case "online":
                raise RefusedError(Reason.ONLINE_ONLY, f"only a service could say what it means: {recognised.name}")
            case "foreign":
                raise RefusedError(Reason.FOREIGN_KIND, f"another country's own kind of code: {recognised.name}")
            case "qrqg" | "cccd" | "bhyt":
                workings.document = identity.parse(workings.text, recognised.kind)
                workings.identity = Identity(hashlib.sha256(workings.text.encode("utf-8", "surrogatepass")).digest())
                raise RefusedError(Reason.UNSIGNED, f"an identity code, which anybody can print: {recognised.name}")
            case _:
                raise RefusedError(Reason.UNSUPPORTED_KIND, "no kind of code that is known here")

    return run


def _signature(workings: Workings) -> None:
    faults = [signer.verify(workings.message) for signer in workings.candidates]
    verified = tuple(s for s, fault in zip(workings.candidates, faults, strict=True) if fault is None)
    if not verified:
        raise RefusedError(Reason.BAD_SIGNATURE, str(faults[0]))
    workings.usable = verified


def _keyusage(format_: Format, workings: Workings) -> None:
    kinds = workings.document.kinds
    of_kind = [signer for signer in workings.usable if signer.kinds.issuperset(kinds)]
    if not of_kind:
        raise RefusedError(Reason.WRONG_KEY_USAGE, f"the signer may not sign a {' and '.join(kinds)}")
    issuer, areas = format_.scopes(workings)
    workings.usable = tuple(signer for signer in of_kind if signer.allows(issuer, areas))
    if not workings.usable:
        raise RefusedError(Reason.OUTSIDE_SCOPE, "the signer may not sign for this area, or as this issuer")


def _time(workings: Workings) -> None:
    validity.check(workings.claims, workings.at)


def _begun(text: str, at: datetime) -> Workings:
    if at.utcoffset() is None:
        raise ValueError("the time to judge at needs a time zone")
    return Workings(text, at)


def _verdict(workings: Workings, error: RefusedError | None) -> Verdict:
    if error is None:
        return Accepted(workings.document, workings.identity, workings.claims, workings.usable[0])
    return verdict_of(error, getattr(workings, "identity", None), getattr(workings, "document", None))

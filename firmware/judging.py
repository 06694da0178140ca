"""From the texts of one frame to a judgement: what is recorded, and what makes it the same presentation (pure)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, assert_never

from firmware.detail_names import Detail
from firmware.knowledge import StaleReason
from firmware.messages import VerdictName
from firmware.session import Key
from verifier import Accepted, Reason, Refused, Undecided
from verifier.documents.hcert import HealthCertificate

HC1 = "HC1:"  # hcert-spec-v1, section 5.3
NO_PASS = str(Reason.UNSUPPORTED_KIND)  # the answer to every text without that prefix


class Judge(Protocol):
    """What `verifier.Verifier` promises."""

    def verify(self, text: str, at: datetime) -> Accepted | Refused | Undecided:
        """Return the verdict on a text at a time; raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer, and of the holder the identity, which is never stored as it is, and the details that were asked for.

    `details` are of accepted passes only, are shown by no `repr`, and are gone from what is left `without_details`.
    `beside` are the keys that the other codes in the frame would have alone: a poster that a pass was held before.
    """

    verdict: VerdictName
    reason: str
    key: Key
    kinds: tuple[str, ...] = ()
    identity: bytes | None = None
    clock_trusted: bool = True
    beside: tuple[Key, ...] = ()
    details: Mapping[Detail, str] = field(default_factory=dict, repr=False, hash=False)

    def without_details(self) -> "Judgement":
        """Return what the lights and the screen need of it."""
        return replace(self, details={}) if self.details else self


def judge(
    texts: Sequence[str],
    judge_: Judge,
    at: datetime,
    *,
    clock_trusted: bool,
    stale: StaleReason | None = None,
    wanted: Sequence[Detail] = (),
) -> Judgement | None:
    """Judge the texts of one frame; None where there is none. `wanted` are the details to take of an accepted pass.

    1. Passes go before other codes, which are ignored beside them (a poster, a parcel).
    2. More than one pass in a frame is nobody's turn: undecided.
    3. Without a trusted clock no pass is judged: undecided, whatever it holds.
    4. By `stale` knowledge none is either: a signer may have been added or taken away since, a pass revoked.
    """
    distinct = tuple(dict.fromkeys(texts))
    passes = tuple(text for text in distinct if text.startswith(HC1))
    if not distinct:
        return None
    chosen = (passes or distinct)[0]
    beside = tuple(Key(_hash(text), "undecided", NO_PASS) for text in distinct if text != chosen and text not in passes)
    if len(passes) > 1:
        return replace(undecided(passes, "several-codes"), clock_trusted=clock_trusted, beside=beside)
    unable = stale if clock_trusted else "clock-not-trusted"
    judgement = _judgement(judge_.verify(chosen, at), chosen, () if unable else wanted)
    if passes and unable:
        judgement = _reworded(judgement, "undecided", unable)
    return replace(judgement, clock_trusted=clock_trusted, beside=beside)


def undecided(texts: Sequence[str], reason: str) -> Judgement:
    """Return that texts were not judged, for a reason of the device's own."""
    digest = hashlib.sha256()
    for text in sorted(texts):
        digest.update(_hash(text))
    return Judgement("undecided", reason, Key(digest.digest(), "undecided", reason))


def _judgement(verdict: Accepted | Refused | Undecided, text: str, wanted: Sequence[Detail]) -> Judgement:
    details: dict[Detail, str] = {}
    match verdict:
        case Accepted():
            name: VerdictName = "accepted"
            details = {detail: _detail(detail, verdict.document) for detail in wanted}
        case Refused():
            name = "refused"
        case Undecided():
            name = "undecided"
        case _:
            assert_never(verdict)
    return Judgement(
        name,
        str(verdict.reason),
        Key(verdict.identity or _hash(text), name, str(verdict.reason)),
        kinds=verdict.document.kinds if verdict.document else (),
        identity=verdict.identity,
        details=details,
    )


def _detail(detail: Detail, document: HealthCertificate) -> str:
    """Return a detail as its issuer wrote it: names in the holder's letters, else in the machine-readable zone's."""
    match detail:
        case "name":
            name = document.name
            parts = (name.family or _spaced(name.family_standard), name.given or _spaced(name.given_standard))
            return " ".join(filter(None, parts))
        case "birth-date":
            return document.date_of_birth
        case _:
            assert_never(detail)


def _spaced(standard: str) -> str:
    """Return a name without the fillers of the machine-readable zone (ICAO Doc 9303, part 3, section 4.6)."""
    return " ".join(standard.replace("<", " ").split())


def _reworded(judgement: Judgement, verdict: VerdictName, reason: str) -> Judgement:
    key = judgement.key._replace(verdict=verdict, reason=reason)
    return replace(judgement, verdict=verdict, reason=reason, key=key)


def _hash(text: str) -> bytes:
    """Return SHA-256 of a text, lone surrogates and all."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

"""From the texts of one frame to a judgement: what is recorded, and what makes it the same presentation (pure)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, assert_never

from firmware.messages import VerdictName
from firmware.session import Key
from verifier import Accepted, Reason, Refused, Undecided

HC1 = "HC1:"  # hcert-spec-v1, section 5.3
NO_PASS = str(Reason.UNSUPPORTED_KIND)  # the answer to every text without that prefix


class Judge(Protocol):
    """What `verifier.Verifier` promises."""

    def verify(self, text: str, at: datetime) -> Accepted | Refused | Undecided:
        """Return the verdict on a text at a time; raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer without anything of the holder's but the identity, which is never stored as it is.

    `beside` are the keys that the other codes in the frame would have alone: a poster that a pass was held before.
    """

    verdict: VerdictName
    reason: str
    key: Key
    kinds: tuple[str, ...] = ()
    identity: bytes | None = None
    clock_trusted: bool = True
    beside: tuple[Key, ...] = ()


def judge(texts: Sequence[str], judge_: Judge, at: datetime, *, clock_trusted: bool) -> Judgement | None:
    """Judge the texts of one frame; None where there is none.

    1. Passes go before other codes, which are ignored beside them (a poster, a parcel).
    2. More than one pass in a frame is nobody's turn: undecided.
    3. Without a trusted clock no pass is judged: undecided, whatever it holds.
    """
    distinct = tuple(dict.fromkeys(texts))
    passes = tuple(text for text in distinct if text.startswith(HC1))
    if not distinct:
        return None
    chosen = (passes or distinct)[0]
    beside = tuple(Key(_hash(text), "undecided", NO_PASS) for text in distinct if text != chosen and text not in passes)
    if len(passes) > 1:
        return replace(undecided(passes, "several-codes"), clock_trusted=clock_trusted, beside=beside)
    judgement = _judgement(judge_.verify(chosen, at), chosen)
    if passes and not clock_trusted:
        judgement = _reworded(judgement, "undecided", "clock-not-trusted")
    return replace(judgement, clock_trusted=clock_trusted, beside=beside)


def undecided(texts: Sequence[str], reason: str) -> Judgement:
    """Return that texts were not judged, for a reason of the device's own."""
    digest = hashlib.sha256()
    for text in sorted(texts):
        digest.update(_hash(text))
    return Judgement("undecided", reason, Key(digest.digest(), "undecided", reason))


def _judgement(verdict: Accepted | Refused | Undecided, text: str) -> Judgement:
    match verdict:
        case Accepted():
            name: VerdictName = "accepted"
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
    )


def _reworded(judgement: Judgement, verdict: VerdictName, reason: str) -> Judgement:
    key = judgement.key._replace(verdict=verdict, reason=reason)
    return replace(judgement, verdict=verdict, reason=reason, key=key)


def _hash(text: str) -> bytes:
    """Return SHA-256 of a text, lone surrogates and all."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

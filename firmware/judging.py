"""From the texts of one frame to what was seen, and from what profiles say of it to a judgement (pure)."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, Protocol, assert_never

from firmware.detail_names import Detail
from firmware.messages import VerdictName
from firmware.session import Key
from firmware.texts import Words
from verifier import Accepted, Identity, Reason, Refused, Undecided, Verdict
from verifier.documents.document import IDENTITY, Holder
from verifier.profile import Profile
from verifier.profile_checks import Lane, plate_of
from verifier.profile_judging import Presented
from verifier.rules import RulesVerdict

NO_PASS = frozenset({Reason.UNSUPPORTED_KIND, Reason.ONLINE_ONLY, Reason.FOREIGN_KIND})
"""The answers to what is no document here: a poster, a parcel, a link."""
CLOCK_NOT_TRUSTED = "clock-not-trusted"
UNPROVEN, CONFIRMED = "identity-unproven", "identity-confirmed"
"""The kinds by which an unsigned identity code is recorded: anybody can print one, unless staff compared it."""


class Judge(Protocol):
    """What decides: signatures, rules and profiles; see `firmware.trust_switch.Trusted`."""

    @property
    def lane(self) -> Lane:
        """Return where the lane lies."""
        ...

    def verify(self, text: str, at: datetime) -> Accepted | Refused | Undecided:
        """Return the verdict on a text at a time; raises nothing."""
        ...

    def profiles(self, at: datetime) -> tuple[Profile, ...] | Reason:
        """Return the lane's profiles at a time, or why nothing can be judged by them."""
        ...

    def rules(self, accepted: Accepted, country: str, at: datetime) -> RulesVerdict:
        """Return what the rules of all roles say of a document, where a country's acceptance rules count."""
        ...


class Sight(NamedTuple):
    """What one frame showed: documents, and other codes, which are ignored beside them.

    `unable` is why no document is judged: by a clock that is not trusted, or by knowledge too old.
    """

    documents: tuple[Presented, ...]
    others: tuple[Presented, ...]
    unable: str | None = None

    @property
    def clock_trusted(self) -> bool:
        """Return whether the clock was to be trusted."""
        return self.unable != CLOCK_NOT_TRUSTED


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer, and of the holder the identity, which is never stored as it is, and the details that were asked for.

    `details` are of accepted passes only, are shown by no `repr`, and are gone from what is left `without_details`.
    `keys` are what was shown; `words` say what is missing, or what a rule demands; `plate` is a vehicle permit's.
    `rules` are the identifiers of those that failed or could not be judged.
    """

    verdict: VerdictName
    reason: str
    keys: tuple[Key, ...]
    kinds: tuple[str, ...] = ()
    identity: bytes | None = None
    clock_trusted: bool = True
    details: Mapping[Detail, str] = field(default_factory=dict, repr=False, hash=False)
    words: Words | None = None
    plate: str | None = None
    rules: tuple[str, ...] = ()

    def without_details(self) -> "Judgement":
        """Return what the lights and the screen need of it."""
        return replace(self, details={}) if self.details else self


def sighted(
    texts: Sequence[str],
    judge: Judge,
    at: datetime,
    *,
    unable: str | None = None,
    heeds_identity: bool = False,
) -> Sight:
    """Return what the texts of one frame are.

    Documents go before other codes; identity codes are documents only where a profile `heeds_identity`. `unable` says
    why none of them is judged, whatever it holds: without a trusted clock; or by stale knowledge, since when a signer
    may have been added or taken away, a pass revoked.
    """
    no_document = NO_PASS if heeds_identity else NO_PASS | {Reason.UNSIGNED}
    documents: dict[bytes, Presented] = {}
    others: list[Presented] = []
    for text in dict.fromkeys(texts):
        verdict = judge.verify(text, at)
        one = Presented(verdict, verdict.identity or Identity(_hash(text)))
        if verdict.reason in no_document:
            others.append(one)
        elif isinstance(verdict, Accepted) or one.identity not in documents:  # a forged copy is not in its way
            documents[one.identity] = one
    return Sight(tuple(documents.values()), tuple(others), unable)


def key_of(one: Presented, unable: str | None = None) -> Key:
    """Return what makes a code the same when it is seen again."""
    return (
        Key(one.identity, "undecided", unable)
        if unable
        else Key(one.identity, name_of(one.verdict), str(one.verdict.reason))
    )


def undecided(texts: Sequence[str], reason: str) -> Judgement:
    """Return that texts were not judged, for a reason of the device's own."""
    key = Key(_digest(_hash(text) for text in texts), "undecided", reason)
    return Judgement("undecided", reason, (key,))


def together(documents: Sequence[Presented], verdict: VerdictName, reason: str) -> Judgement:
    """Return an answer to documents as one sight; each alone may still have another."""
    key = Key(_digest(one.identity for one in documents), verdict, str(reason))
    return Judgement(verdict, str(reason), (key,))


def of_document(one: Presented, verdict: VerdictName | None = None, reason: str | None = None) -> Judgement:
    """Return what a code's own layers say of it, or what else was found of it."""
    return Judgement(
        verdict or name_of(one.verdict),
        str(reason or one.verdict.reason),
        (key_of(one),),
        kinds=kinds_of([one]),
        identity=one.verdict.identity,
        plate=_plate([one]),
        words=_demanded(one) if reason == Reason.RULE_FAILED else None,
        rules=_rules(one) if reason in {Reason.RULE_FAILED, Reason.RULE_UNDECIDED} else (),
    )


def of_set(documents: Sequence[Presented], verdict: VerdictName, reason: str, *, confirmed: bool = False) -> Judgement:
    """Return an answer to all documents of a set: one check-in of theirs."""
    identities = sorted(one.identity for one in documents)
    return Judgement(
        verdict,
        str(reason),
        tuple(key_of(one) for one in documents),
        kinds=kinds_of(documents, confirmed=confirmed),
        identity=identities[0] if len(identities) == 1 else _digest(identities) if identities else None,
        plate=_plate(documents),
    )


def kinds_of(documents: Iterable[Presented], *, confirmed: bool = False) -> tuple[str, ...]:
    """Return the kinds that a record names; `confirmed`: staff have compared somebody's identity."""
    identity = CONFIRMED if confirmed else UNPROVEN
    kinds = [kind for one in documents if one.document is not None for kind in one.document.kinds]
    named = [identity if kind == IDENTITY else kind for kind in kinds] + ([CONFIRMED] if confirmed else [])
    return tuple(dict.fromkeys(named))


def details_of(documents: Iterable[Presented], wanted: Sequence[Detail]) -> dict[Detail, str]:
    """Return what is to be kept of the first document that names somebody: a signed one, if there is any."""
    signed_first = sorted(documents, key=lambda one: one.unsigned)
    holders = (one.document.holder for one in signed_first if one.document is not None)
    holder = next((holder for holder in holders if holder is not None), None)
    return {detail: _detail(detail, holder) for detail in wanted} if holder else {}


def missing_words(what: Sequence[Sequence[str]], texts: Mapping[str, Words]) -> Words:
    """Return the words for what is still missing: for each requirement the kinds of which one would do."""

    def listed(language: int) -> str:
        either = f" {texts['or'][language]} "
        return ", ".join(either.join(texts[f"kind-{kind}"][language] for kind in kinds) for kinds in what)

    words = texts[Reason.DOCUMENTS_MISSING]
    return Words(words.vi.format(what=listed(0)), words.en.format(what=listed(1)))


def name_of(verdict: Verdict) -> VerdictName:
    """Return by what name a verdict is recorded and told."""
    match verdict:
        case Accepted():
            return "accepted"
        case Refused():
            return "refused"
        case Undecided():
            return "undecided"
        case _:
            assert_never(verdict)


def _demanded(one: Presented) -> Words | None:
    """Return what the rule demands that a document failed, where it says that in both languages."""
    words = next((verdict.words for verdict in one.rules.values() if verdict.words is not None), None)
    return Words(words.vi, words.en) if words else None


def _rules(one: Presented) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for verdict in one.rules.values() for name in verdict.ids))


def _plate(documents: Iterable[Presented]) -> str | None:
    plates = (plate_of(one.document) for one in documents if one.document is not None)
    return next((plate for plate in plates if plate is not None), None)


def _detail(detail: Detail, holder: Holder) -> str:
    """Return a detail as its issuer wrote it: names in the holder's letters, else in the machine-readable zone's."""
    match detail:
        case "name":
            parts = (holder.family or _spaced(holder.family_standard), holder.given or _spaced(holder.given_standard))
            return " ".join(filter(None, parts))
        case "birth-date":
            return holder.birth_date
        case _:
            assert_never(detail)


def _spaced(standard: str) -> str:
    """Return a name without the fillers of the machine-readable zone (ICAO Doc 9303, part 3, section 4.6)."""
    return " ".join(standard.replace("<", " ").split())


def _digest(identities: Iterable[bytes]) -> bytes:
    """Return one identity for several, whatever their order."""
    return hashlib.sha256(b"".join(sorted(identities))).digest()


def _hash(text: str) -> bytes:
    """Return SHA-256 of a text, lone surrogates and all."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

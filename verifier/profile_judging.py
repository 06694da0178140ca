"""What a lane's profiles say of the documents that were shown: complete, or what is missing, or what is wrong.

A document counts where its signature was accepted, its rules pass (or the profile does without them) and it passes the
checks of what asks for it. Enough is enough: with all requirements met, what else was shown may be as bad as it likes.
Nobody's unsigned code completes a set by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, assert_never

from verifier.documents.document import Document
from verifier.profile import Item, Profile, Requirement
from verifier.profile_checks import Facts, unmet
from verifier.reasons import Reason
from verifier.rules import RulesVerdict
from verifier.verdict import Accepted, Identity, Refused, Undecided, Verdict

FaultVerdict = Literal["refused", "undecided"]


@dataclass(frozen=True, slots=True)
class Presented:
    """A document that was shown.

    Attributes:
        verdict: What its signature layers say.
        identity: What makes it the same document when it is seen again.
        rules: What the rules say, by the country whose acceptance rules count; of accepted documents only.
    """

    verdict: Verdict
    identity: Identity
    rules: Mapping[str, RulesVerdict] = field(default_factory=dict, hash=False)

    @property
    def document(self) -> Document | None:
        """Return the document, None where it was not read that far."""
        return self.verdict.document

    @property
    def unsigned(self) -> bool:
        """Tell whether it is an identity code, which nobody signed."""
        return isinstance(self.verdict, Undecided) and self.verdict.reason == Reason.UNSIGNED


class Complete(NamedTuple):
    """All that is required was shown, by these."""

    counted: tuple[Presented, ...]


class StaffNeeded(NamedTuple):
    """All that is required was shown, by these, but for somebody's identity, which staff confirm."""

    counted: tuple[Presented, ...]


class Missing(NamedTuple):
    """What is still required: for each requirement the kinds of which one would do; and whether the plate is.

    `counted` are the documents that are good so far, or wait for the plate alone.
    """

    what: tuple[tuple[str, ...], ...]
    plate: bool
    counted: tuple[Presented, ...]


class Attendance(NamedTuple):
    """Unsigned codes of which nothing is required: that they were shown is all that is recorded."""

    counted: tuple[Presented, ...]


class Failed(NamedTuple):
    """The worst that was found of a document, and of which."""

    verdict: FaultVerdict
    reason: Reason
    whose: Presented


Outcome = Complete | StaffNeeded | Missing | Attendance | Failed

State = Literal["met", "staff", "plate", "missing"]
"""Of a requirement: met, or what it waits for."""


def judged(
    profiles: Sequence[Profile], shown: Sequence[Presented], facts: Facts, *, confirmed: bool = False
) -> Outcome:
    """Judge what was shown by every profile; the worst answer holds.

    Args:
        profiles: At least one.
        shown: At least one, in the order in which they were shown.
        facts: The lane, the moment and the plate.
        confirmed: Whether staff have confirmed the holder's identity.
    """
    asked = tuple(one for one in shown if any(asks(profile, one) for profile in profiles))
    if not asked:
        return _not_asked_for(shown)
    outcomes = [_by_one(profile, asked, facts, confirmed=confirmed) for profile in profiles]
    worst = min(outcomes, key=_gravity)
    match worst:
        case Missing():
            return _all_missing(outcomes, shown)
        case Complete() | StaffNeeded():
            return worst._replace(counted=_counted(outcomes, shown))
        case Attendance() | Failed():
            return worst
        case _:
            assert_never(worst)


def _gravity(outcome: Outcome) -> int:
    if isinstance(outcome, Failed):
        return 0 if outcome.verdict == "refused" else 1
    return 2 + (Missing, StaffNeeded, Attendance, Complete).index(type(outcome))


def _all_missing(outcomes: Sequence[Outcome], shown: Sequence[Presented]) -> Missing:
    found = [outcome for outcome in outcomes if isinstance(outcome, Missing)]
    what = dict.fromkeys(kinds for one in found for kinds in one.what)
    return Missing(tuple(what), any(one.plate for one in found), _counted(outcomes, shown))


def _counted(outcomes: Sequence[Outcome], shown: Sequence[Presented]) -> tuple[Presented, ...]:
    counted = [one for outcome in outcomes if not isinstance(outcome, Failed) for one in outcome.counted]
    return tuple(one for one in shown if one in counted)


def asks(profile: Profile, one: Presented) -> bool:
    """Tell whether a profile has a use for a document, or must say why it cannot be one."""
    if one.unsigned:
        return profile.heeds_identity
    return not isinstance(one.verdict, Accepted) or any(_fits(item, one) for item in profile.items)


def _not_asked_for(shown: Sequence[Presented]) -> Failed:
    signed = [one for one in shown if not one.unsigned]
    if signed:
        return Failed("refused", Reason.NOT_ASKED_FOR, signed[0])
    return Failed("undecided", Reason.UNSIGNED, shown[0])


def _fits(item: Item, one: Presented) -> bool:
    document = one.document
    if document is None or item.document not in document.kinds:
        return False
    return not item.formats or document.format in item.formats


def _by_one(profile: Profile, shown: Sequence[Presented], facts: Facts, *, confirmed: bool) -> Outcome:
    """Judge by one profile what it, or another, asks for."""
    found = {one.identity: _Found(profile, one, facts, confirmed=confirmed) for one in shown}
    good = tuple(one for one in shown if found[one.identity].good)
    states = [_state(requirement, found.values(), confirmed=confirmed) for requirement in profile.all]
    if states and set(states) == {"met"}:
        vouched = confirmed or any(not one.unsigned for one in good)
        return Complete(good) if vouched else Failed("undecided", Reason.UNSIGNED, shown[0])
    faults = [fault for one in found.values() if (fault := one.fault) is not None]
    if faults:
        return min(faults, key=_gravity)
    if profile.attendance and all(one.unsigned and not found[one.identity].fitting for one in shown):
        return Attendance(tuple(shown))
    counted = tuple(one for one in shown if found[one.identity].good or found[one.identity].waits)
    if states and set(states) <= {"met", "staff"}:
        return StaffNeeded(counted)
    missing = [requirement for requirement, state in zip(profile.all, states, strict=True) if state == "missing"]
    what = dict.fromkeys(tuple(dict.fromkeys(item.document for item in one)) for one in missing)
    return Missing(tuple(what), "plate" in states, counted)


class _Found:
    """How a document stands to one profile: to each item that it fits, what is held against it."""

    def __init__(self, profile: Profile, one: Presented, facts: Facts, *, confirmed: bool) -> None:
        self._one = one
        self.fitting = {
            item: _held_against(profile, item, one, facts, confirmed=confirmed)
            for item in profile.items
            if _fits(item, one)
        }

    @property
    def good(self) -> bool:
        return None in self.fitting.values()

    @property
    def waits(self) -> bool:
        """Tell whether it would be good, but for what nobody has entered or confirmed yet."""
        return any(held is not None and held.verdict == "waiting" for held in self.fitting.values())

    @property
    def fault(self) -> Failed | None:
        """Return what is wrong with it, None where nothing is, or the profile has no use for it."""
        if self.good or self.waits:
            return None
        held = next(iter(self.fitting.values()), None) or _by_signature(self._one)
        if held is None or held.verdict == "waiting":
            return None
        return Failed(held.verdict, held.reason, self._one)


class _Held(NamedTuple):
    """What is held against a document; waiting: nothing yet."""

    verdict: FaultVerdict | Literal["waiting"]
    reason: Reason


def _state(requirement: Requirement, found: Iterable[_Found], *, confirmed: bool) -> State:
    held = [one.fitting[item] for one in found for item in requirement if item in one.fitting]
    officer = any(item.proof == "officer" for item in requirement)
    if None in held or (officer and confirmed):
        return "met"
    if any(one is not None and one.reason == Reason.PLATE_MISSING for one in held):
        return "plate"
    return "staff" if officer else "missing"


def _held_against(profile: Profile, item: Item, one: Presented, facts: Facts, *, confirmed: bool) -> _Held | None:
    """Return what is held against a document that fits an item, None where it counts."""
    document = one.document
    if one.unsigned:
        return None if item.proof == "none" or confirmed else _Held("waiting", Reason.STAFF_NEEDED)
    if document is None or not isinstance(one.verdict, Accepted):
        return _by_signature(one)
    if (held := _by_rules(profile, item, one)) is not None:
        return held
    reasons = [reason for check in item.checks if (reason := unmet(check, document, facts)) is not None]
    return min((_by_check(reason) for reason in reasons), key=_held_gravity, default=None)


def _by_signature(one: Presented) -> _Held | None:
    match one.verdict:
        case Accepted():
            return None
        case Refused():
            return _Held("refused", one.verdict.reason)
        case Undecided():
            return None if one.unsigned else _Held("undecided", one.verdict.reason)
        case _:
            assert_never(one.verdict)


def _by_rules(profile: Profile, item: Item, one: Presented) -> _Held | None:
    match one.rules[profile.country].seen_by(profile.role):
        case "passed":
            return None
        case "failed":
            return _Held("refused", Reason.RULE_FAILED)
        case "undecided":
            return _Held("undecided", Reason.RULE_UNDECIDED)
        case "none":
            return None if item.without_rules == "accepted" else _Held(item.without_rules, Reason.NO_RULES)
        case other:
            assert_never(other)


def _by_check(reason: Reason) -> _Held:
    if reason == Reason.PLATE_MISSING:
        return _Held("waiting", reason)
    return _Held("undecided" if reason == Reason.PROFILE_UNUSABLE else "refused", reason)


def _held_gravity(held: _Held) -> int:
    return ("refused", "undecided", "waiting").index(held.verdict)

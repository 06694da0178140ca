"""What follows from a sight: the answer to a whole set of documents, or what it waits for (pure).

Enough is enough: where the lane's profiles have all that they require, what else was shown does not matter. Else a
document that is not good is answered for itself, and the set is over; else the set waits for more, for its window.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, assert_never

from firmware.detail_names import Detail
from firmware.judging import Judge, Judgement, Sight, details_of, key_of, missing_words, of_document, of_set, together
from firmware.messages import VerdictName
from firmware.session import Clash, Gathered, Key, Session
from firmware.texts import Words
from verifier import Accepted, Reason, holder
from verifier.profile import Profile
from verifier.profile_checks import Facts
from verifier.profile_judging import Attendance, Complete, Failed, Missing, Presented, StaffNeeded, judged

RULES_SHOWN = 2  # ours: identifiers of undecided rules that fit on a screen; the log has all


class Plate(NamedTuple):
    """A plate as permits write it, and when it was entered (monotonic)."""

    text: str
    at_ns: int


class Moment(NamedTuple):
    """When: the date (with a time zone), and the clock that only goes on; and the plate that was entered last.

    `unable` is why no document is judged now, as of a sight's.
    """

    at: datetime
    at_ns: int
    plate: Plate | None = None
    unable: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, which ends the set."""

    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Wait:
    """No answer yet: the set waits; `judgement` is what is recorded if it waits in vain."""

    judgement: Judgement
    gathered: Gathered


Decision = Answer | Wait


class Decider:
    """Decides by what a lane's judge says; `wanted` are the details to take of an accepted holder."""

    def __init__(self, judge: Judge, texts: Mapping[str, Words], wanted: Sequence[Detail]) -> None:
        self._judge = judge
        self._texts = texts
        self._wanted = wanted

    def of_sight(self, sight: Sight, session: Session, gathered: Gathered, moment: Moment) -> Decision | None:
        """Return what follows from a frame with documents; None where nothing in it is new."""
        profiles = self._judge.profiles(moment.at)
        if sight.unable is not None or isinstance(profiles, Reason):
            return _not_judged(sight, sight.unable or str(profiles))
        fresh = [one for one in sight.documents if not session.holds(key_of(one), moment.at_ns)]
        used = [one for one in sight.documents if session.used(key_of(one), moment.at_ns)]
        if not gathered.new(fresh, moment.at_ns) or _adds_nothing(sight, used):
            return None
        return self._of_frame(sight, used, profiles, gathered, moment)

    def of_gathered(self, gathered: Gathered, moment: Moment, *, confirmed: bool = False) -> Decision:
        """Return what follows for a set that waits, of a plate that was entered or an identity that staff confirmed."""
        profiles = self._judge.profiles(moment.at)
        if moment.unable is not None or isinstance(profiles, Reason):
            return Answer(of_set(gathered.documents, "undecided", moment.unable or str(profiles)))
        return self._of_set(profiles, gathered.documents, gathered, moment, confirmed=confirmed)

    def _of_frame(
        self,
        sight: Sight,
        used: Sequence[Presented],
        profiles: Sequence[Profile],
        gathered: Gathered,
        moment: Moment,
    ) -> Decision:
        frame = [one for one in sight.documents if one not in used]
        same_holder = any(profile.same_holder for profile in profiles)
        shown = gathered.joined(frame, moment.at_ns, beside=used, same_holder=same_holder)
        keys = tuple(key_of(one) for one in frame)  # of an answer that is no yes: what else waited may be shown again
        if isinstance(shown, Reason):
            return _apart(shown, sight, keys)
        decision = self._of_set(profiles, shown, gathered, moment)
        if isinstance(decision, Answer) and decision.judgement.verdict != "accepted":
            return Answer(replace(decision.judgement, keys=keys))
        return decision

    def plate_in(self, moment: Moment) -> str | None:
        """Return the plate that counts at a moment: who entered it meant the vehicle that stood there then."""
        profiles = self._judge.profiles(moment.at)
        return None if isinstance(profiles, Reason) else _plate_in(moment, _window_s(profiles))

    def _ruled(self, one: Presented, profiles: Sequence[Profile], at: datetime) -> Presented:
        """Return a document with what the rules say of it."""
        accepted = one.verdict
        if not isinstance(accepted, Accepted):
            return one
        countries = dict.fromkeys(profile.country for profile in profiles)
        return replace(one, rules={country: self._judge.rules(accepted, country, at) for country in countries})

    def _of_set(
        self,
        profiles: Sequence[Profile],
        shown: tuple[Presented, ...],
        gathered: Gathered,
        moment: Moment,
        *,
        confirmed: bool = False,
    ) -> Decision:
        window_s = _window_s(profiles)
        shown = tuple(
            self._ruled(one, profiles, moment.at) for one in shown
        )  # anew: profiles may not be what they were
        facts = Facts(self._judge.lane, moment.at, _plate_in(moment, window_s))
        outcome = judged(profiles, shown, facts, confirmed=confirmed)
        match outcome:
            case Complete():
                return self._accepted(outcome, shown, confirmed=confirmed)
            case Failed():
                return Answer(self._named(of_document(outcome.whose, outcome.verdict, outcome.reason)))
            case Attendance():
                return Answer(of_set(outcome.counted, "undecided", Reason.ATTENDANCE))
            case Missing() | StaffNeeded():
                return Wait(self._waiting(outcome), gathered.waiting(outcome.counted, moment.at_ns, window_s))
            case _:
                assert_never(outcome)

    def _accepted(self, complete: Complete, shown: Sequence[Presented], *, confirmed: bool) -> Answer:
        judgement = of_set(complete.counted, "accepted", Reason.VALID, confirmed=confirmed)
        keys = tuple(key_of(one) for one in shown)
        return Answer(replace(judgement, keys=keys, details=details_of(complete.counted, self._wanted)))

    def _named(self, judgement: Judgement) -> Judgement:
        """Return a judgement whose words name the rule that could not be judged, or end with what to do."""
        if judgement.reason == Reason.RULE_FAILED and judgement.words is not None:
            demanded, next_step = judgement.words, self._texts["see-staff"]
            vi, en = (f"{demand.rstrip('.')}. {step}" for demand, step in zip(demanded, next_step, strict=True))
            return replace(judgement, words=Words(vi, en))
        if judgement.reason != Reason.RULE_UNDECIDED:
            return judgement
        words, rules = self._texts[judgement.reason], ", ".join(judgement.rules[:RULES_SHOWN])
        return replace(judgement, words=Words(f"{words.vi} ({rules})", f"{words.en} ({rules})"))

    def _waiting(self, outcome: Missing | StaffNeeded) -> Judgement:
        if isinstance(outcome, StaffNeeded):
            return of_set(outcome.counted, "undecided", Reason.STAFF_NEEDED)
        if not outcome.what:
            return of_set(outcome.counted, "undecided", Reason.PLATE_MISSING)
        judgement = of_set(outcome.counted, "undecided", Reason.DOCUMENTS_MISSING)
        return replace(judgement, words=missing_words(outcome.what, self._texts))


def _not_judged(sight: Sight, reason: str) -> Answer:
    """Return that no document is judged; several at once are one sight, each alone another."""
    if len(sight.documents) > 1:
        judgement = together(sight.documents, "undecided", reason)
    else:
        (one,) = sight.documents
        judgement = replace(of_document(one, "undecided", reason), keys=(key_of(one, reason),))
    return Answer(replace(judgement, clock_trusted=sight.clock_trusted))


def _apart(clash: Clash, sight: Sight, keys: tuple[Key, ...]) -> Answer:
    """Return that documents are not one holder's; of two in one frame each alone has its own answer."""
    if clash == Reason.TWO_HOLDERS:
        return Answer(together(sight.documents, "undecided", clash))
    verdict: VerdictName = "refused" if clash == Reason.HOLDER_MISMATCH else "undecided"
    return Answer(replace(of_set(sight.documents, verdict, clash), keys=keys))


def _adds_nothing(sight: Sight, used: Sequence[Presented]) -> bool:
    """Tell whether all in a frame is of the holder whose documents, still held, were accepted: one presentation."""
    holders = [one.document.holder if one.document is not None else None for one in sight.documents]
    named = [one for one in holders if one is not None]
    return bool(used) and len(named) == len(holders) and holder.together(named) == "same"


def _window_s(profiles: Sequence[Profile]) -> int:
    return min(profile.window_s for profile in profiles)


def _plate_in(moment: Moment, window_s: float) -> str | None:
    plate = moment.plate
    return plate.text if plate is not None and moment.at_ns - plate.at_ns <= window_s * 1e9 else None

"""What rules and profiles say of documents, each rule by itself: as at the gate, but for the signature, which may fail.

A pass that is not accepted is read all the same, and judged as if it were; that it was not is told beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from firmware.judging import NO_PASS
from firmware.session import Gathered
from provisioning.rules.sight import Sight
from verifier import Accepted, Reason, RefusedError, Verdict, Verifier
from verifier.documents.document import Document
from verifier.formats import FORMATS
from verifier.layers import Workings
from verifier.profile import Profile
from verifier.profile_checks import Facts, normalised
from verifier.profile_judging import Outcome, Presented, judged
from verifier.recognise import Recognised, recognise
from verifier.rules import RuleOutcome
from verifier.verdict import Identity

Answer = Outcome | Reason
"""What the lane's profiles say together; a reason where they do not get so far."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A code, what its layers say of it, and what each rule does, by the country whose acceptance rules count.

    Attributes:
        shown: It as the profiles see it; None of what is no document.
    """

    code: Recognised
    verdict: Verdict
    shown: Presented | None
    outcomes: Mapping[str, tuple[RuleOutcome, ...]] = field(default_factory=dict)

    @property
    def document(self) -> Document | None:
        """Return the document, None where it cannot be read."""
        return None if self.shown is None else self.shown.document

    @property
    def trusted(self) -> bool:
        """Tell whether its signature layers let it through, or it is a code that needs none."""
        return isinstance(self.verdict, Accepted) or self.verdict.reason == Reason.UNSIGNED


def profiles_of(sight: Sight) -> tuple[Profile, ...] | Reason:
    """Return the profiles of the lane, or why nothing can be judged by them."""
    return sight.trust.profiles.chosen(sight.profile or "", sight.lane.area, sight.at)


def asked(text: str, sight: Sight, verifier: Verifier, countries: Sequence[str]) -> Asked:
    """Return what layers and rules say of a text.

    Raises: RevocationSetError.
    """
    verdict = verifier.verify(text, sight.at)
    if verdict.reason in NO_PASS:
        return Asked(recognise(text), verdict, None)
    accepted = verdict if isinstance(verdict, Accepted) else _read(text, sight)
    if accepted is None:
        shown = Presented(verdict, verdict.identity or Identity(text.encode("utf-8", "surrogatepass")))
        return Asked(recognise(text), verdict, shown)
    outcomes, rules = {}, {}
    for country in countries:
        about = (accepted.document, sight.place(country), sight.at, accepted.claims, accepted.signer)
        outcomes[country] = sight.trust.rules.outcomes(*about)
        rules[country] = sight.trust.rules.judged(*about)
    return Asked(recognise(text), verdict, Presented(accepted, accepted.identity, rules), outcomes)


def _read(text: str, sight: Sight) -> Accepted | None:
    """Return what a signed document says as if it were accepted, None where it cannot be read."""
    format_ = FORMATS.get(recognise(text).kind)
    if format_ is None:
        return None
    workings = Workings(text, sight.at)
    try:
        for _, _, run in (*format_.transport, *format_.contents):
            run(workings)
    except RefusedError:
        return None
    return Accepted(workings.document, workings.identity, workings.claims)


def answer_of(found: Sequence[Asked], profiles: Sequence[Profile], sight: Sight, plate: str | None) -> Answer:
    """Return what the profiles say of all documents together, as if each were shown in one frame."""
    shown = [one.shown for one in found if one.shown is not None]
    if not shown:
        return found[0].verdict.reason
    same_holder = any(profile.same_holder for profile in profiles)
    together = Gathered().joined(shown, 0, same_holder=same_holder)
    if isinstance(together, Reason):
        return together
    return judged(profiles, together, Facts(sight.lane, sight.at, None if plate is None else normalised(plate)))

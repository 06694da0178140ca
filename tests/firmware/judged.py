"""What a lane answers to one frame, with nothing shown before."""

from collections.abc import Sequence
from datetime import datetime

from firmware.deciding import Answer, Decider, Moment
from firmware.detail_names import Detail
from firmware.judging import CLOCK_NOT_TRUSTED, Judge, Judgement, of_document, sighted
from firmware.knowledge import StaleReason
from firmware.session import Gathered, Session
from firmware.texts import load_texts
from verifier import Reason

TEXTS = load_texts()


def judge(
    texts: Sequence[str],
    by: Judge,
    at: datetime,
    *,
    clock_trusted: bool = True,
    stale: StaleReason | None = None,
    wanted: Sequence[Detail] = (),
) -> Judgement:
    """Return the answer, or what would be recorded if nothing followed."""
    profiles = by.profiles(at)
    heeds = not isinstance(profiles, Reason) and any(profile.heeds_identity for profile in profiles)
    sight = sighted(texts, by, at, unable=stale if clock_trusted else CLOCK_NOT_TRUSTED, heeds_identity=heeds)
    if not sight.documents:
        return of_document(sight.others[0])
    decision = Decider(by, TEXTS, wanted).of_sight(sight, Session(1), Gathered(), Moment(at, 0))
    assert decision is not None
    assert isinstance(decision, Answer) or decision.gathered.documents
    return decision.judgement

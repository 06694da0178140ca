"""What has been shown so far (pure): which presentations are still held, and which documents wait for more.

A pass held before the camera is one presentation, not one a frame. Documents that are shown one after another belong
together while their set waits, as long as they are about one person and one vehicle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, assert_never

from verifier import holder
from verifier.documents.document import Holder
from verifier.profile_checks import plate_of
from verifier.profile_judging import Presented
from verifier.reasons import Reason

HELD_MAX = 64  # ours: more passes than fit before a camera within the holding time; bounds memory
GATHERED_MAX = 16  # ours: twice what a record names kinds; bounds memory
UNNAMED_NS = 10_000_000_000  # ours: no vehicle has gone, and the next one's driver is at the camera, much sooner
Clash = Literal[Reason.TWO_HOLDERS, Reason.HOLDER_MISMATCH, Reason.HOLDER_UNCLEAR]
"""Why documents do not make one set."""


class Key(NamedTuple):
    """What makes two sightings the same: the pass's identity (or its text's hash) and the answer to it."""

    identity: bytes
    verdict: str
    reason: str


class _Held(NamedTuple):
    until_ns: int
    used: bool


@dataclass(frozen=True, slots=True)
class Session:
    """The presentations still held; `held_ns` is how long a sighting, or the light that answered it, counts."""

    held_ns: int
    _held: Mapping[Key, _Held] = field(default_factory=dict)

    def seen(self, key: Key, at_ns: int, lit_until_ns: int = 0, *, used: bool = False) -> "Session":
        """Return the session after a sighting at `at_ns`, answered by a light until `lit_until_ns` (monotonic).

        A pass glimpsed again while its light is on is the same presentation, however long it was away: else one
        glimpse every few seconds would keep the light green. One that was `used` for an accepted answer stays so.
        """
        held = {known: one for known, one in self._held.items() if at_ns <= one.until_ns}
        before = held.pop(key, _Held(0, used=False))
        if len(held) == HELD_MAX:
            del held[_least(held)]
        until_ns = max(before.until_ns, max(at_ns, lit_until_ns) + self.held_ns)
        held[key] = _Held(until_ns, used or before.used)
        return Session(self.held_ns, held)

    def holds(self, key: Key, at_ns: int) -> bool:
        """Return whether a sighting at `at_ns` continues a presentation."""
        return key in self._held and at_ns <= self._held[key].until_ns

    def used(self, key: Key, at_ns: int) -> bool:
        """Return whether a sighting at `at_ns` continues one that was accepted: it counts for no other set."""
        return self.holds(key, at_ns) and self._held[key].used

    def only_used(self) -> "Session":
        """Return the session without what was not accepted, which may be shown again at once."""
        return Session(self.held_ns, {key: one for key, one in self._held.items() if one.used})


def _least(held: Mapping[Key, _Held]) -> Key:
    """Return the key to forget for another one: never an accepted pass's for the sake of codes anybody can make up."""
    in_order = iter(held)  # of their last sighting
    oldest = next(in_order)
    return next((key for key in (oldest, *in_order) if key.verdict != "accepted"), oldest)


@dataclass(frozen=True, slots=True)
class Gathered:
    """A set of documents that waits for more, until a time (monotonic); empty: nobody's.

    `seen_ns` is when its person or vehicle was last seen to be there: one of its documents, or the plate it is for.
    """

    documents: tuple[Presented, ...] = ()
    until_ns: int = 0
    seen_ns: int = field(default=0, compare=False)

    def waits(self, at_ns: int) -> bool:
        """Return whether it is somebody's whose time is not over."""
        return bool(self.documents) and at_ns < self.until_ns

    def new(self, documents: Sequence[Presented], at_ns: int) -> bool:
        """Return whether one of some documents is not in the set, as long as that waits."""
        known = {one.identity for one in self.documents} if self.waits(at_ns) else set()
        return any(one.identity not in known for one in documents)

    def seen(self, frame: Sequence[Presented], at_ns: int) -> "Gathered":
        """Return the set after a frame at a time, in which one of its documents may be."""
        known = {one.identity for one in self.documents}
        return replace(self, seen_ns=at_ns) if any(one.identity in known for one in frame) else self

    def read(self, plate: str, at_ns: int) -> "Gathered":
        """Return the set after a plate, as permits write it, was read at a time: it may be its vehicle's."""
        return replace(self, seen_ns=max(self.seen_ns, at_ns)) if plate in _plates(self.documents) else self

    def joined(
        self, frame: Sequence[Presented], at_ns: int, *, beside: Sequence[Presented] = (), same_holder: bool = True
    ) -> tuple[Presented, ...] | Clash:
        """Return the documents of the set with those of a frame, or why they do not belong together.

        Another person's document, or another vehicle's, of a kind that is in the set already is the next one's: they
        begin anew. So do, some time after the set was last seen, a vehicle's permit and a person's document, which
        nothing but that time would bind. `beside` are documents in the same frame that count for no set any more.
        """
        known = self.documents if self.waits(at_ns) else ()
        new = [one for one in frame if all(one.identity != other.identity for other in known)]
        if len(_plates([*known, *new])) > 1:
            known = ()  # the next vehicle
        if len(_plates([*frame, *beside])) > 1:
            return Reason.TWO_HOLDERS
        if not same_holder:
            return (*known, *new)
        if at_ns - self.seen_ns > UNNAMED_NS and bool(_holders(known)) != bool(_holders(new)):
            known = ()  # the next vehicle, or its driver
        return _apart([*frame, *beside]) or _of_one_holder(known, new)

    def waiting(self, documents: tuple[Presented, ...], at_ns: int, window_s: float) -> "Gathered":
        """Return the set of these documents, which waits for a window from `at_ns` if one of them is new to it."""
        same = {one.identity for one in documents} <= {one.identity for one in self.documents} and self.waits(at_ns)
        if same:
            return replace(self, documents=documents)
        return Gathered(documents[-GATHERED_MAX:], at_ns + round(window_s * 1e9), at_ns)


def _apart(frame: Sequence[Presented]) -> Clash | None:
    """Return why what is in one frame is not one holder's."""
    match holder.together(_holders(frame)):
        case "same":
            return None
        case "different":
            return Reason.TWO_HOLDERS
        case "unclear":
            return Reason.HOLDER_UNCLEAR
        case match:
            assert_never(match)


def _of_one_holder(known: Sequence[Presented], new: Sequence[Presented]) -> tuple[Presented, ...] | Clash:
    """Return what is known with what is new, or only that where it is the next person's; or why neither."""
    match holder.together(_holders([*known, *new])):
        case "same":
            return (*known, *new)
        case "unclear":
            return Reason.HOLDER_UNCLEAR
        case "different":
            named = [one for one in new if _holders([one])]
            return Reason.HOLDER_MISMATCH if _kinds(known).isdisjoint(_kinds(named)) else tuple(new)
        case match:
            assert_never(match)


def _holders(documents: Iterable[Presented]) -> list[Holder]:
    named = (one.document.holder for one in documents if one.document is not None)
    return [one for one in named if one is not None]


def _plates(documents: Iterable[Presented]) -> set[str]:
    plates = (plate_of(one.document) for one in documents if one.document is not None)
    return {plate for plate in plates if plate is not None}


def _kinds(documents: Iterable[Presented]) -> set[str]:
    return {kind for one in documents if one.document is not None for kind in one.document.kinds}

"""What is carried from frame to frame: where the code was, which arm is next, when a rescue is worth its time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.symbols.arms import WAYS, work_pixels
from drivers.symbols.region import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.symbols import Arm, Hint, Symbol

SAME_SHARE = 0.4  # of two boxes' union: a hand's tremor leaves more in common, the next person's hand less
SURE_SCORE = 200.0  # nineteen codes in twenty have more, no lettering has: others must stay before they are tried
STAYS_FRAMES = (2, 5)  # before the arms, and the rescue, are tried on what may be lettering
DOUBTED_FRAMES, PATIENT_FRAMES = 12, 45  # that arms are tried in vain on lettering, and on a code, before it is rare
RARELY = 4  # one frame of so many
BEGINS_FRAMES = 3  # of a presentation without a code, that are looked at as a whole by every arm
FREE_FAILURES = 30  # rescues of a code that stays before they become rare: two to four seconds
DOUBTED_DOUBLINGS = 2  # rescues of what may be lettering: the second comes after 2 s
PAUSE_NS = (250_000_000, 10_000_000_000)  # ours: a poster that never reads then costs 2 % of a core
# A rescue is over when the next frame comes, which is likelier to read than more work on this one: within 0.53 s that
# reads 35 of 40 sequences, and 28 where each rescue has 300 ms. What has not read by then gets a thorough one in three.
HASTY_RESCUES, THOROUGH_EVERY = 8, 3
HASTY_LEAST_NS = 45_000_000  # three quarters of the frames that read do so in less (x86): else it has one frame more
ABSENT_FRAMES = 8  # ours: half a second without anything is another presentation
LEARNING = (0.2, 0.05)  # share of the newest measurement in an expected cost: where it was dearer, and cheaper
FORGIVING = 0.95  # of an expected cost that was too high: it is measured again one day
USUAL_PIXELS = 120_000  # of a code of 300 px with its margin, for which the first costs hold
WHOLE_NS_PER_PIXEL = 1.8  # first cost of the whole frame


class Costs:
    """What each arm is expected to cost on this machine, by how many pixels it makes of its part."""

    def __init__(self) -> None:
        self._ns_per_pixel: dict[Arm, float] = {
            arm: way.cost_ms * 1e6 / work_pixels(arm, USUAL_PIXELS) for arm, way in WAYS.items()
        }
        self._ns_per_pixel["whole"] = WHOLE_NS_PER_PIXEL

    def expected_ns(self, arm: Arm, pixels: float) -> float:
        """Return the expected cost of an arm that makes so many pixels of its part."""
        return self._ns_per_pixel[arm] * pixels

    def learn(self, arm: Arm, pixels: float, spent_ns: int) -> None:
        """Take a measurement into account."""
        more = spent_ns / pixels - self._ns_per_pixel[arm]
        self._ns_per_pixel[arm] += LEARNING[more < 0] * more

    def forgive(self, arm: Arm) -> None:
        """Expect a little less of an arm that was left out for its cost."""
        self._ns_per_pixel[arm] *= FORGIVING


@dataclass(slots=True)
class Course:
    """The state of one stream of frames."""

    presentation: int = 0  # changes when another person, or another picture, may stand there
    turn: int = 0
    liked: Arm | None = None  # what read this presentation's code
    region: Region | None = None
    anchor: Region | None = None
    steady: int = 0  # frames that the region has stayed at the anchor, in vain
    idle: int = 0  # frames without what is surely a code
    absent: int = 0  # frames without anything that looks like one
    hint: Hint | None = None
    texts: frozenset[str] = frozenset()
    rescues: int = 0  # of this presentation
    failures: int = 0
    failed_at: Region | None = None
    not_before_ns: int = 0
    costs: Costs = field(default_factory=Costs)

    def forget(self) -> None:
        """Begin another presentation; what arms cost stays known."""
        self.presentation += 1
        self.liked, self.region, self.anchor, self.hint, self.texts = None, None, None, None, frozenset()
        self.steady = self.idle = self.absent = self.turn = self.rescues = 0
        self.settle()

    def settle(self) -> None:
        """Drop what was held against rescues here: something was read, or is elsewhere."""
        self.failures, self.failed_at, self.not_before_ns = 0, None, 0

    def read(self, symbols: Sequence[Symbol], arm: Arm) -> Region:
        """Note what a frame gave; return where its largest code is."""
        texts = frozenset(symbol.text for symbol in symbols)
        if self.texts and not texts & self.texts:
            self.presentation += 1
        self.texts, self.liked = texts, arm
        self.steady = self.idle = self.absent = self.rescues = 0
        self.settle()
        self.region = self.anchor = around(symbols[0])
        return self.region

    def tracked(self, regions: Sequence[Region]) -> list[Region]:
        """Put the region where the code was last first, and note it; nothing for long is a new presentation."""
        last = self.region
        ordered = sorted(regions, key=lambda region: not (last and same_place(region, last)))
        if not ordered:
            self.absent += 1
            if self.absent == ABSENT_FRAMES:
                self.presentation += 1
                self.rescues = 0
                self.liked, self.region, self.anchor, self.texts = None, None, None, frozenset()
                self.settle()
        else:
            self.absent, self.region = 0, ordered[0]
            stays = self.anchor is not None and same_place(self.anchor, ordered[0])
            self.steady, self.anchor = (self.steady + 1, self.anchor) if stays else (0, ordered[0])
        self.idle = 0 if ordered and surely(ordered[0]) else self.idle + 1
        return ordered

    def arms_due(self, region: Region | None) -> bool:
        """Tell whether this frame is looked at by arms: what stays in vain, or may be no code, is so rarely."""
        if region is None:
            return self.idle <= BEGINS_FRAMES or self.idle % RARELY == 0
        first, last = (0, PATIENT_FRAMES) if surely(region) else (STAYS_FRAMES[0], DOUBTED_FRAMES)
        return first <= self.steady and (self.steady <= last or self.steady % RARELY == 0)

    def hint_due(self) -> bool:
        """Tell whether it is time to look again why nothing reads: an empty room stays one for four frames."""
        return self.idle == 0 or self.hint is None or self.idle % RARELY == 0

    def failed(self, region: Region, now_ns: int) -> None:
        """Note a rescue in vain: what stays where it is and never reads is tried ever more rarely."""
        if self.failed_at is None or not same_place(self.failed_at, region):
            self.settle()
            self.failed_at = region
        self.failures += 1
        doublings = self.failures - FREE_FAILURES if surely(region) else self.failures + DOUBTED_DOUBLINGS
        if doublings >= 0:
            self.not_before_ns = now_ns + min(PAUSE_NS[0] << min(doublings, 10), PAUSE_NS[1])

    def rescue_due(self, region: Region, now_ns: int) -> bool:
        """Tell whether a rescue is due: a code is likely here, and has not failed here again and again."""
        if self.failed_at and not same_place(self.failed_at, region):
            self.settle()
        return (surely(region) or self.steady >= STAYS_FRAMES[1]) and now_ns >= self.not_before_ns

    def rescue_ns(self, next_frame_ns: int, period_ns: int) -> int | None:
        """Say how long the next rescue may take, the next frame being due in so long; None: as long as any.

        Frames without a period are stills, which nothing follows.
        """
        self.rescues += 1
        more = self.rescues - HASTY_RESCUES
        if period_ns <= 0 or (more > 0 and more % THOROUGH_EVERY == 0):
            return None
        return next_frame_ns + period_ns * max(0, -((next_frame_ns - HASTY_LEAST_NS) // period_ns))


def surely(region: Region) -> bool:
    """Tell whether a region is hardly anything but a code."""
    return region.score >= SURE_SCORE


def same_place(one: Region, other: Region) -> bool:
    """Tell whether two boxes have most in common."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    common = max(0, width) * max(0, height)
    return common > SAME_SHARE * (one.width * one.height + other.width * other.height - common)


def around(symbol: Symbol) -> Region:
    """Return the box around a code that was read."""
    across, down = zip(*symbol.corners, strict=True)
    left, top = max(0, min(across)), max(0, min(down))
    return Region(left, top, max(1, max(across) - left), max(1, max(down) - top), SURE_SCORE)

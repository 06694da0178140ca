"""Where a code lies in a frame: its finders and its likely versions, the best guess first and the dear ones last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import numpy as np

from drivers.symbols.region import Region
from drivers.symbols.rescue.cut import Cut, cut_around, cut_of
from drivers.symbols.rescue.deadline import Deadline
from drivers.symbols.rescue.finders import Finder, Fitted, Picture, chosen, joined, module_px
from drivers.symbols.rescue.layout import VERSIONS
from drivers.symbols.rescue.search import Signed, fit, near, rounds_of
from drivers.symbols.rescue.triples import Triple, triples_of
from drivers.symbols.rescue.versions import version_scores

REGIONS_MAX: Final = 4
MARGIN: Final = 0.12  # of a region's longer side
MARGIN_WIDE: Final = 0.4  # for a region that cuts a corner off
TRIPLES_MAX: Final = 4  # of a sign and a round
TRIPLES_WITHIN: Final = 0.7  # of the best one's score
TRIPLE_LEAST: Final = 1.0
VERSIONS_MAX: Final = 4
VERSION_WEIGHT: Final = 0.5  # of a score: wrong triples have no version that fits
# Scores: of right guesses 1 in 100 has less than 2.5, 1 in 20 less than 3.0; of wrong ones 1 in 10 more than 2.7
SURE: Final = 3.2
ENOUGH: Final = (SURE, SURE, SURE, 2.9, 2.5)  # to be tried before the next round of a search
LEAST: Final = 1.8
SAME_PX: Final = 3.0
FOLLOWED_PX: Final = 36.0  # how far a code moves from frame to frame
FOLLOWED_PEAKS: Final = 5  # for each finder
FOLLOWED_LEAST: Final = 0.5  # likeness of each finder found again
BENT: Final = 2.0  # loss of likeness for each unit by which the finders' shifts differ, as a share of the leg

IsSettled = Callable[[Region], bool]  # whether what a region holds is known


@dataclass(frozen=True)
class Hypothesis:
    """Where a code may lie, and what it may be."""

    finders: tuple[Finder, Finder, Finder]  # top left, top right, bottom left, px of the frame
    inverted: bool
    versions: tuple[int, ...]  # likeliest first
    score: float


def hypotheses(
    luma: Picture,
    regions: Sequence[Region],
    deadline: Deadline,
    is_settled: IsSettled = lambda _: False,
) -> Iterator[Hypothesis]:
    """Guess where codes lie, lazily: the likeliest first, and each dearer search only where its guesses are asked for.

    A region is searched until it `is_settled`. A mirrored code is guessed as if it were not: its finders are the same.
    """
    waiting: list[Hypothesis] = []
    told: list[Hypothesis] = []
    for found, enough in chain(_searches(luma, regions, deadline, is_settled), [([], LEAST)]):
        waiting = sorted([*waiting, *found], key=lambda guess: -guess.score)
        while waiting and waiting[0].score >= enough:
            guess = waiting.pop(0)
            if not any(_same(guess, other) for other in told):
                told.append(guess)
                yield guess


def followed(luma: Picture, last: Hypothesis, deadline: Deadline) -> Hypothesis | None:
    """Find the code of an earlier frame again near its last place; None where it is lost."""
    before = fitted_of(last.finders)
    reach = FOLLOWED_PX + 9 * float(module_px(before.frames).max())
    cut = cut_of(luma, before.centres.min(axis=0) - reach, before.centres.max(axis=0) + reach)
    if cut is None or deadline.passed():
        return None
    sign = -1 if last.inverted else 1
    inside = Fitted((before.centres - cut.corner) / cut.unit, before.frames / cut.unit, before.likeness)
    peaks = [chosen(near(cut, inside, i, FOLLOWED_PX / cut.unit, sign), slice(FOLLOWED_PEAKS)) for i in range(3)]
    if not all(len(part.centres) for part in peaks):
        return None
    found = fit(cut, {sign: _moved_together(inside, peaks)})[sign]
    if len(found.centres) < len(before.centres) or found.likeness.min() < FOLLOWED_LEAST:
        return None
    score = last.score + float(found.likeness.sum() - before.likeness.sum())
    return replace(last, finders=_in_frame(cut, found), score=score)


def fitted_of(finders: Sequence[Finder]) -> Fitted:
    """Put finders side by side."""
    centres, frames = (np.stack(part) for part in zip(*((one.centre, one.frame) for one in finders), strict=True))
    return Fitted(centres, frames, np.array([one.likeness for one in finders]))


def _moved_together(before: Fitted, peaks: Sequence[Fitted]) -> Fitted:
    """Choose a peak for each finder: like finders, and moved alike."""
    first, right, down = (part.centres - place for part, place in zip(peaks, before.centres, strict=True))
    leg_px = float(np.hypot(*(before.centres[1] - before.centres[0])))
    spread = np.linalg.norm(first[:, None] - right, axis=-1)[:, :, None]
    spread = spread + np.linalg.norm(first[:, None] - down, axis=-1)[:, None, :]
    value = peaks[0].likeness[:, None, None] + peaks[1].likeness[:, None] + peaks[2].likeness - BENT * spread / leg_px
    best = np.unravel_index(int(value.argmax()), value.shape)
    return joined([chosen(part, slice(int(i), int(i) + 1)) for part, i in zip(peaks, best, strict=True)])


def _searches(
    luma: Picture, regions: Sequence[Region], deadline: Deadline, is_settled: IsSettled
) -> Iterator[tuple[list[Hypothesis], float]]:
    """Give what each round finds, and the score that is enough to try it before the next round."""
    unsure = []
    for region in regions[:REGIONS_MAX]:
        best = 0.0
        for found, enough in _rounds(luma, region, MARGIN, deadline, is_settled):
            best = max([best, *(guess.score for guess in found)])
            yield found, enough
        if best < SURE:
            unsure.append(region)
    for region in unsure:
        yield from _rounds(luma, region, MARGIN_WIDE, deadline, is_settled)


def _rounds(
    luma: Picture, region: Region, margin: float, deadline: Deadline, is_settled: IsSettled
) -> Iterator[tuple[list[Hypothesis], float]]:
    cut = None if deadline.passed() or is_settled(region) else cut_around(luma, region, margin)
    if cut is None:
        return
    for enough, found in zip(ENOUGH, rounds_of(cut, deadline), strict=False):  # hopeless or late searches end early
        yield _guesses(cut, found), enough
        if is_settled(region):
            return


def _guesses(cut: Cut, found: Signed) -> list[Hypothesis]:
    triples = [(triple, sign) for sign, part in found.items() for triple in triples_of(part, TRIPLES_MAX)]
    least = max([TRIPLE_LEAST, *(triple.score - TRIPLES_WITHIN for triple, _ in triples)])
    return [_guess(cut, triple, sign) for triple, sign in triples if triple.score >= least]


def _guess(cut: Cut, triple: Triple, sign: int) -> Hypothesis:
    scores = version_scores(cut.levels[0], triple, sign)
    best = np.argsort(-scores, kind="stable")[:VERSIONS_MAX]
    finders = _in_frame(cut, Fitted(triple.centres, triple.frames, triple.likeness))
    score = triple.score + VERSION_WEIGHT * float(scores[best[0]])
    return Hypothesis(finders, sign < 0, versions=tuple(VERSIONS[i] for i in best), score=score)


def _in_frame(cut: Cut, finders: Fitted) -> tuple[Finder, Finder, Finder]:
    top_left, top_right, bottom_left = (
        Finder(cut.to_frame(centre), frame * cut.unit, float(likeness))
        for centre, frame, likeness in zip(*finders, strict=True)
    )
    return top_left, top_right, bottom_left


def _same(one: Hypothesis, other: Hypothesis) -> bool:
    return one.inverted == other.inverted and all(
        float(np.abs(a.centre - b.centre).max()) < SAME_PX for a, b in zip(one.finders, other.finders, strict=True)
    )

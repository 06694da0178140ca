"""Where a lens is sharpest: coarsely over all its reach, then finely around the best (pure)."""

from collections.abc import Callable

FAR_TO_NEAR = 10  # places of the first round
NEAREST = 15.0  # dioptres: nobody holds a code nearer than 7 cm
FINE = 3  # rounds, each of half the step
SAME = 1.1  # ratio of blurs: so alike are two places in focus

Blur = Callable[[float], float | None]  # at a place of the lens, in px; None: no code was seen


def swept(reach: tuple[float, float], blur_at: Blur) -> float | None:
    """Return the place, in dioptres, at which codes are sharpest; None where none was seen with an edge to judge by."""
    low, high = reach[0], min(reach[1], NEAREST)
    step = (high - low) / (FAR_TO_NEAR - 1)
    blurs = {place: blur_at(place) for place in (low + number * step for number in range(FAR_TO_NEAR))}
    for _ in range(FINE):
        best = _sharpest(blurs)
        if best is None:
            return None
        step /= 2
        beside = (best - step, best + step)
        blurs |= {place: blur_at(place) for place in beside if low <= place <= high and place not in blurs}
    return _middle(blurs)


def _sharpest(blurs: dict[float, float | None]) -> float | None:
    seen = {place: blur for place, blur in blurs.items() if blur is not None}
    return min(seen, key=lambda place: seen[place]) if seen else None


def _middle(blurs: dict[float, float | None]) -> float | None:
    """Return the middle of the places that are as sharp as the best: within the depth of field all are."""
    best = _sharpest(blurs)
    if best is None:
        return None
    least = blurs[best] or 0.0
    alike = [place for place, blur in blurs.items() if blur is not None and blur <= least * SAME]
    return round((min(alike) + max(alike)) / 2, 2)

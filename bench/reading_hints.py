"""Hints on rendered frames of one cause each: which are right, and what is told instead.

Only frames that do not read count, since a frame that reads needs no hint. What else a camera sees is kept good.
"""

import importlib.util
import math
from collections import Counter
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from bench.common import console, progress, table
from bench.reading_frames import RENDERER
from bench.reading_readers import Luma, Timed
from drivers.symbols import Hint

SIZES = ((1280, 720), (640, 480))
TRIES = 4  # for each frame that is wanted: some read in spite of their cause
QUIET = 4  # modules

Draw = Callable[[float, float], float]
Cause = Callable[[Draw, int, int, int], dict[str, float]]
"""Parameters of the scene from a random draw, the frame's width and height in px, and the code's modules on a side."""


def _partly(draw: Draw, width: int, height: int, modules: int) -> dict[str, float]:
    ppm = min(draw(3, 4.5), (height - 16) / (modules * 1.25))
    inside = draw(0.4, 0.8) - 0.5  # of the code's side, from its middle
    return {"ppm": ppm, "dx": math.copysign(width / 2 - inside * modules * ppm, draw(-1, 1)), "dy": draw(-20, 20)}


CAUSES: dict[Hint, Cause] = {
    "too-far": lambda draw, *_: {"ppm": draw(1.0, 1.6)},
    "too-near": lambda draw, width, _, modules: {"ppm": draw(1.2, 1.7) * width / modules},
    "partly-in-frame": _partly,
    "motion": lambda draw, *_: {"ppm": draw(3, 4), "motion": draw(9, 14), "motdir": draw(0, math.pi)},
    "out-of-focus": lambda draw, *_: {"ppm": draw(3, 4), "defocus": draw(3.0, 8.0)},
    "glare": lambda draw, *_: {"ppm": draw(3, 4), "glare": draw(0.12, 0.3)},
    "too-dark": lambda draw, *_: {"ppm": draw(3, 4), "bright": draw(0.03, 0.12), "noise": draw(4, 8)},
    "too-bright": lambda draw, *_: {"ppm": draw(3, 4), "bright": draw(4.0, 9.0), "bloom": draw(0.5, 0.9)},
    "no-code": lambda draw, *_: {"blur": draw(0.6, 6)},
}


def hints(reader: Timed, each: int, seed: int) -> dict[str, dict[str, Any]]:
    """Return for each cause how many frames did not read, and what was told of them; `each` frames of both sizes."""
    scene = _scene()
    found: dict[str, dict[str, Any]] = {}
    with progress() as bar:
        for number, cause in enumerate(bar.track(list(CAUSES), description="hints")):
            rng = np.random.default_rng([seed, number])
            told = Counter(hint for size in SIZES for hint in _told(reader, scene, cause, size, each, rng))
            found[cause] = {"frames": told.total(), "right": told[cause], "told": dict(told)}
    return found


def show_hints(found: dict[str, dict[str, Any]]) -> None:
    """Print which hints were given for which cause."""
    shown = table("hints: frames of one cause that do not read", "cause", ">frames", ">right", "told")
    for cause, one in found.items():
        share = f"{one['right'] / one['frames'] * 100:.0f} %" if one["frames"] else "-"
        told = ", ".join(f"{hint} {count}" for hint, count in sorted(one["told"].items(), key=lambda told: -told[1]))
        shown.add_row(cause, str(one["frames"]), share, told)
    console.print(shown)


def _told(
    reader: Timed, scene: ModuleType, cause: Hint, size: tuple[int, int], each: int, rng: np.random.Generator
) -> Iterator[str]:
    """Give the hints of as many frames as are wanted, or as do not read."""
    left = each
    for _ in range(each * TRIES):
        if not left:
            return
        reader.forget()
        seen = reader.read(_frame(scene, cause, size, rng))
        if not seen.symbols:
            left -= 1
            yield str(seen.hint)


def _frame(scene: ModuleType, cause: Hint, size: tuple[int, int], rng: np.random.Generator) -> Luma:
    width, height = size
    payload, ecc = str(rng.choice(scene.PAY)), str(rng.choice(scene.ECC, p=scene.ECP))
    modules = scene.qr(payload, ecc)[0].shape[0]
    given = CAUSES[cause](rng.uniform, width, height, modules)
    if cause == "no-code":
        empty = scene.background(rng, width, height, given["blur"]) + rng.normal(0, rng.uniform(1, 8), (height, width))
        return np.asarray(np.clip(empty, 0, 255), np.uint8)
    fits = (height - 16) / ((modules + 2 * QUIET) * 1.1)
    usual = {
        "W": width, "H": height, "payload": payload, "ecc": ecc, "seed": int(rng.integers(2**31)),
        "kind": str(rng.choice(["phone", "paper"])), "rotz": float(rng.normal(0, 0.15)),
        "dx": float(rng.uniform(-0.08, 0.08) * width), "dy": float(rng.uniform(-0.03, 0.03) * height),
    }  # fmt: skip
    if cause not in {"too-near", "partly-in-frame"}:
        given["ppm"] = min(given["ppm"], fits)
    image: Luma = scene.render(usual | given)[0]
    return image


def _scene() -> ModuleType:
    """Load the camera of the renderer from where it is."""
    spec = importlib.util.spec_from_file_location("scene", RENDERER.with_name("scene.py"))
    assert spec is not None  # noqa: S101 - the renderer beside it was there
    assert spec.loader is not None  # noqa: S101 - as above
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from drivers.symbols import Symbol
from drivers.symbols.region import Region
from drivers.symbols.rescue import rescue as module
from drivers.symbols.rescue.deadline import Deadline
from drivers.symbols.rescue.finders import Finder
from drivers.symbols.rescue.locate import Hypothesis
from drivers.symbols.rescue.memory import Memory
from drivers.symbols.rescue.rescue import rescue
from tests.drivers.rescue_pictures import TEXT, Shown, matrix_of, scene_of

PASS = TEXT * 10
NEVER = Deadline(1, lambda: 0)
AT_ONCE = Deadline(0, lambda: 0)


def whole(luma: NDArray[np.uint8]) -> list[Region]:
    return [Region(0, 0, luma.shape[1], luma.shape[0], 1.0)]


HELD = {
    "upright": Shown(turned=0, tilted=0),
    "upside down": Shown(turned=3.1),
    "tilted": Shown(tilted=0.5, turned=0.9),
    "bent": Shown(bent=0.5, turned=0.1),
    "blurred": Shown(blur_px=1.2),
    "noisy": Shown(noise=25),
    "far": Shown(module_px=2.2, noise=3),
    "near": Shown(module_px=9),
}


@pytest.mark.parametrize("shown", HELD.values(), ids=HELD.keys())
def test_a_pass_is_read_however_it_is_held(shown: Shown) -> None:
    scene = scene_of(matrix_of(PASS, error="q"), shown)
    symbol, memory = rescue(scene.luma, whole(scene.luma), None, NEVER)
    assert symbol is not None
    assert (symbol.text, symbol.data, symbol.format) == (PASS, PASS.encode(), "QRCode")
    assert np.linalg.norm(np.array(symbol.corners[0]) - scene.places[0, 0]) < 2 * shown.module_px + 2
    assert np.linalg.norm(np.array(symbol.corners[2]) - scene.places[-1, -1]) < 2 * shown.module_px + 2
    assert memory is not None
    assert memory.hypothesis.versions == ((len(scene.matrix) - 17) // 4,)


@pytest.mark.parametrize("version", [1, 2, 6, 7, 10, 20, 30])
def test_each_kind_of_version_is_read(version: int) -> None:
    scene = scene_of(matrix_of("GREEN", version, "m"), Shown(module_px=3))
    symbol, _ = rescue(scene.luma, whole(scene.luma), None, NEVER)
    assert symbol is not None
    assert symbol.text == "GREEN"


@pytest.mark.parametrize("inverted", [False, True], ids=["dark", "light"])
@pytest.mark.parametrize("mirrored", [False, True], ids=["straight", "mirrored"])
def test_light_codes_and_mirrored_ones_are_read(*, inverted: bool, mirrored: bool) -> None:
    scene = scene_of(matrix_of(PASS, error="q"), Shown())
    luma = np.ascontiguousarray(scene.luma[:, ::-1] if mirrored else scene.luma)
    luma = 255 - luma if inverted else luma
    symbol, _ = rescue(luma, whole(luma), None, NEVER)
    assert symbol is not None
    assert symbol.text == PASS
    corners = np.array(symbol.corners) * (-1 if mirrored else 1, 1) + (luma.shape[1] - 1 if mirrored else 0, 0)
    assert np.abs(corners[:2] - scene.places[0, [0, -1]]).max() < 8


def test_a_code_that_stays_unread_ends_its_regions_search_but_not_anothers() -> None:
    scene = scene_of(matrix_of("GREEN", 7, "l"), Shown())
    painted = scene.luma.copy()
    left, top = scene.places[14:26, 14:26].reshape(-1, 2).min(axis=0).astype(int)
    painted[top : top + 45, left : left + 45] = 128
    height, width = painted.shape
    low, high = scene.places.reshape(-1, 2).min(axis=0).astype(int), scene.places.reshape(-1, 2).max(axis=0).astype(int)
    box = Region(*(int(number) for number in (*low, *(high - low))), 1.0)

    def rescued(other: NDArray[np.uint8], memory: Memory | None) -> tuple[Symbol | None, Memory | None, int]:
        ticks = count()
        regions = [box, box._replace(x=box.x + width)]
        return *rescue(np.hstack([painted, other]), regions, memory, Deadline(10_000, ticks.__next__)), next(ticks)

    symbol, memory, alone = rescued(np.full((height, width), 128, np.uint8), None)
    assert symbol is None
    assert memory is not None
    symbol, _, followed = rescued(np.full((height, width), 128, np.uint8), memory)
    assert symbol is None
    assert followed < alone < 60
    symbol, _, _ = rescued(scene.luma, memory)
    assert symbol is not None
    assert symbol.text == "GREEN"


def test_a_part_of_a_divided_text_is_no_reading() -> None:
    part = segno.make_sequence(PASS, symbol_count=2)[0]
    scene = scene_of(part, Shown())
    symbol, memory = rescue(scene.luma, whole(scene.luma), None, NEVER)
    assert symbol is None
    assert memory is not None  # it was found, and solved


def test_the_next_frame_is_read_from_where_the_code_was() -> None:
    code = matrix_of(PASS, error="q")
    first = scene_of(code, Shown())
    _, memory = rescue(first.luma, whole(first.luma), None, NEVER)
    second = np.roll(scene_of(code, Shown(seed=2)).luma, (5, -7), axis=(0, 1))
    symbol, known = rescue(second, [], memory, NEVER)  # no region: what is remembered is all there is
    assert symbol is not None
    assert symbol.text == PASS
    assert known is not None
    assert known.evidence.shape == first.matrix.shape


def test_poor_frames_are_read_together() -> None:
    code = matrix_of(PASS, error="l")
    shown = Shown(module_px=2.6, blur_px=1.0, noise=40, tilted=0, turned=0)
    frames = [scene_of(code, replace(shown, seed=seed)).luma for seed in range(1, 4)]
    alone = [rescue(frame, whole(frame), None, NEVER)[0] for frame in frames]
    memory: Memory | None = None
    together = []
    for frame in frames:
        symbol, memory = rescue(frame, whole(frame), memory, NEVER)
        together.append(symbol)
    assert not any(alone)
    assert any(together)
    assert {symbol.text for symbol in together if symbol} == {PASS}


def test_codes_that_differ_in_a_block_are_not_mixed() -> None:
    texts = [PASS, PASS[:-1] + "A"]
    shown = Shown(module_px=2.6, blur_px=1.0, noise=40, tilted=0, turned=0)
    memory: Memory | None = None
    for seed in range(6):
        text = texts[seed >= 2]
        luma = scene_of(matrix_of(text, error="l", mask=3), replace(shown, seed=seed)).luma
        symbol, memory = rescue(luma, whole(luma), memory, NEVER)
        assert symbol is None or symbol.text in texts[: 1 + (seed >= 2)]
    assert symbol is not None
    assert symbol.text == texts[1]


def test_nothing_begins_after_the_deadline() -> None:
    scene = scene_of(matrix_of(PASS, error="q"), Shown())
    assert rescue(scene.luma, whole(scene.luma), None, AT_ONCE) == (None, None)
    _, memory = rescue(scene.luma, whole(scene.luma), None, NEVER)
    assert rescue(scene.luma, whole(scene.luma), memory, AT_ONCE)[0] is None


def test_a_rescue_ends_wherever_its_deadline_falls() -> None:
    scene = scene_of(matrix_of(PASS, error="q"), Shown(noise=20))
    read = []
    for looks in range(0, 40, 3):
        symbol, _ = rescue(scene.luma, whole(scene.luma), None, Deadline(looks, count().__next__))
        read.append(symbol is not None)
        assert symbol is None or symbol.text == PASS
    assert not read[0]


def checkerboard(height: int, width: int, cell_px: int) -> NDArray[np.uint8]:
    row, column = np.divmod(np.arange(height * width), width)
    return ((row // cell_px + column // cell_px) % 2 * 255).astype(np.uint8).reshape(height, width)


def finders(height: int, width: int, module_px: int) -> NDArray[np.uint8]:
    ring = np.maximum(*np.abs(np.mgrid[-4:5, -4:5]))
    one = np.where((ring == 4) | (ring == 2), 255, 0).astype(np.uint8)
    many = np.kron(one, np.ones((module_px, module_px), np.uint8))
    return np.tile(many, (height // len(many) + 1, width // len(many) + 1))[:height, :width].copy()


HOSTILE = {
    "black": np.zeros((480, 640), np.uint8),
    "white": np.full((480, 640), 255, np.uint8),
    "noise": np.random.default_rng(1).integers(0, 256, (480, 640)).astype(np.uint8),
    "checks": checkerboard(480, 640, 3),
    "finders": finders(480, 640, 3),
    "ramp": np.tile(np.arange(640) // 3, (480, 1)).astype(np.uint8),
    "tiny": np.zeros((4, 4), np.uint8),
    "line": np.random.default_rng(2).integers(0, 256, (1, 500)).astype(np.uint8),
}


@pytest.mark.parametrize("luma", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_code_is_not_read(luma: NDArray[np.uint8]) -> None:
    ticks = count()
    symbol, memory = rescue(luma, whole(luma), None, Deadline(300, ticks.__next__))
    assert symbol is None
    assert rescue(luma, whole(luma), memory, Deadline(300, ticks.__next__))[0] is None


@settings(max_examples=12, deadline=None)
@given(
    patch=arrays(np.uint8, (6, 6)),
    seed=st.integers(0, 2**32 - 1),
    box=st.tuples(st.integers(-50, 700), st.integers(-50, 500), st.integers(0, 800), st.integers(0, 800)),
)
def test_a_code_painted_over_is_itself_or_nothing(
    patch: NDArray[np.uint8], seed: int, box: tuple[int, int, int, int]
) -> None:
    luma = scene_of(matrix_of("GREEN", 7, "q"), Shown(seed=seed % 7)).luma
    rng = np.random.default_rng(seed)
    cover = np.kron(patch, np.ones((8, 8), np.uint8))
    for _ in range(4):
        top, left = rng.integers(0, luma.shape[0] - 48), rng.integers(0, luma.shape[1] - 48)
        luma[top : top + 48, left : left + 48] = cover
    ticks = count()
    symbol, _ = rescue(luma, [Region(*box, 1.0), *whole(luma)], None, Deadline(100, ticks.__next__))
    assert symbol is None or symbol.text == "GREEN"


@pytest.mark.parametrize("frame", [np.zeros((2, 2)), np.full((2, 2), np.nan), np.eye(2) * 1e9], ids=str)
@pytest.mark.parametrize("place", [0.0, -5000.0, np.inf])
def test_a_senseless_supposition_gives_nothing(
    frame: NDArray[np.float64], place: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    luma = HOSTILE["noise"]
    finders = tuple(Finder(np.array([place + x, place + y]), frame, 1.0) for x, y in ((50, 50), (200, 50), (50, 200)))
    supposed = Hypothesis((finders[0], finders[1], finders[2]), inverted=False, versions=(10, 11), score=4.0)
    monkeypatch.setattr(module, "hypotheses", lambda *_: iter([supposed, supposed]))
    assert rescue(luma, whole(luma), None, NEVER) == (None, None)


def test_a_fit_without_an_answer_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_answer(*_: object) -> None:
        raise np.linalg.LinAlgError

    luma = scene_of(matrix_of(PASS, error="q"), Shown()).luma
    monkeypatch.setattr(module, "read_code", no_answer)
    assert rescue(luma, whole(luma), None, NEVER) == (None, None)


def test_what_is_known_outlives_a_frame_without_a_code() -> None:
    luma = scene_of(matrix_of(PASS, error="q"), Shown()).luma
    _, memory = rescue(luma, whole(luma), None, NEVER)
    assert rescue(np.full_like(luma, 128), [], memory, NEVER) == (None, memory)

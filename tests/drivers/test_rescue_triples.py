import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.symbols.rescue.finders import NO_FINDERS, Fitted, chosen
from drivers.symbols.rescue.triples import missing_of, triples_of


def finders(turn: float, modules: float, module_px: float = 3.0, *, quarters: int = 0) -> Fitted:
    """Place a code's three finders: top left, top right, bottom left; their frames may be turned by quarters."""
    sine, cosine = np.sin(turn), np.cos(turn)
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    centres = 100 + np.array([[0.0, 0], [modules, 0], [0, modules]]) @ (rotation * module_px).T
    frame = rotation @ np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), quarters) * module_px
    return Fitted(centres, np.tile(frame, (3, 1, 1)), np.full(3, 0.9))


@given(st.floats(-3.2, 3.2), st.integers(1, 40), st.integers(0, 3), st.permutations(range(3)))
def test_three_finders_are_put_in_order(turn: float, version: int, quarters: int, order: list[int]) -> None:
    code = finders(turn, 10 + 4 * version, quarters=quarters)

    first, *_ = triples_of(chosen(code, np.array(order)), 4)

    assert np.allclose(first.centres, code.centres)
    assert np.allclose(first.frames, finders(turn, 50).frames)
    assert first.modules == pytest.approx((10 + 4 * version,) * 2)
    assert first.score == pytest.approx(2.7)


def test_a_code_is_found_among_others() -> None:
    code = finders(0.3, 50)
    random = np.random.default_rng(4)
    count = 9
    strangers = Fitted(random.uniform(0, 400, (count, 2)), random.normal(0, 2, (count, 2, 2)), np.full(count, 0.7))
    both = Fitted(*(np.concatenate(parts) for parts in zip(strangers, code, strict=True)))

    found = triples_of(both, 3)

    assert np.allclose(found[0].centres, code.centres)
    assert len(found) <= 3
    assert [triple.score for triple in found] == sorted((triple.score for triple in found), reverse=True)


@pytest.mark.parametrize("modules", [5, 250], ids=["too near", "too far"])
def test_finders_at_no_codes_distance_are_no_triple(modules: float) -> None:
    assert triples_of(finders(0, modules), 4) == []


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_finders_are_no_triple(count: int) -> None:
    assert triples_of(chosen(finders(0, 50), slice(count)), 4) == []


def test_no_finders_miss_none() -> None:
    assert missing_of(NO_FINDERS, 3) == []
    assert missing_of(chosen(finders(0, 50), slice(1)), 3) == []


def test_finders_in_one_place_are_no_triple() -> None:
    assert triples_of(Fitted(np.zeros((3, 2)), np.tile(np.eye(2), (3, 1, 1)), np.ones(3)), 4) == []


@pytest.mark.parametrize("lost", [0, 1, 2], ids=["top left", "top right", "bottom left"])
@pytest.mark.parametrize("turn", [0.0, 0.7, 3.0])
def test_two_finders_say_where_the_third_may_be(lost: int, turn: float) -> None:
    code = finders(turn, 60)
    pair = chosen(code, np.array([i for i in range(3) if i != lost]))

    places = missing_of(pair, 3)

    assert min(np.hypot(*(missing.place - code.centres[lost])) for missing in places) < 1e-6
    assert len(places) == (2 if lost == 0 else 4)
    assert places[0].leg_modules == pytest.approx(60)


def test_weak_pairs_miss_nothing() -> None:
    assert missing_of(finders(0, 60)._replace(likeness=np.full(3, 0.4)), 3) == []

"""The measurement of the reader runs from end to end, where the frames' renderer is."""

from pathlib import Path

import pytest

from bench.reading import PARTS, budget_for
from bench.reading_frames import absent, photographs
from bench.reading_limits import limits_of
from bench.reading_stills import Score, said_twice
from tests.bench.test_bench_smoke import quick

pytestmark = pytest.mark.skipif(absent() is not None, reason=str(absent()))


@pytest.mark.slow
def test_reading(tmp_path: Path) -> None:
    found = quick("reading", tmp_path, timeout_s=180)
    assert found["seed"] == 7
    for sets in found["stills"]["sets"].values():
        assert {"ours", "zxing-cpp", "pyzbar", "OpenCV", "union of the peers", "bound"} < sets.keys()
        assert sets["ours"]["frames"] == sets["bound"]["frames"] == 2
        assert 0 <= sets["ours"]["share"] <= 1
        assert 0 < sets["ours"]["cpu_ms_mean"] <= sets["ours"]["cpu_ms_p95"] + 1e-9
    played = found["sequences"]
    for within in (played["ours"]["within"], *played["peers"].values()):
        assert 0 <= within["0.53"] <= within["1.0"] <= within["1.6"] <= 1
    assert [one["factor"] for one in played["machines"].values()] == [1.3, 2.5, 5.0]
    assert played["ours"]["frames"] + played["ours"]["dropped"] == 24
    if photographs():
        assert found["photographs"]["ours"]["frames"] == 4
    assert all(one["right"] <= one["frames"] <= 2 for one in found["hints"].values())
    assert found["empty"]["frames"] == 6
    assert {one["frames"] > 0 for one in found["ratios"].values()} == {True}
    assert found["room"]["seconds"] == 1
    assert found["memory"]["frames"] == 120
    assert min(found["memory"][f"reader_{when}_mib"] for when in ("early", "late")) > 0


def test_every_part_has_its_limits() -> None:
    assert limits_of({}) == []
    assert {"sequences", "stills", "photographs", "hints", "empty", "costs", "memory"} == set(PARTS)


def test_a_frame_is_right_where_all_of_it_was_read_and_the_rest_is_false() -> None:
    score = Score()
    score.count("a", {"x"}, frozenset({"x"}))
    score.count("b", {"x"}, frozenset({"x", "y"}))
    score.count("c", {"x", "z"}, frozenset({"x"}))
    score.count("d", {"w"}, frozenset())
    score.count("e", set(), frozenset())
    assert (score.frames, score.right) == (5, 2)
    assert score.false == ["c: 'z'", "d: 'w'"]


def test_what_a_note_lacks_is_known_where_two_readers_say_so() -> None:
    known = said_twice([{"noted", "beside it"}, {"beside it"}, {"misread"}, set()])
    assert known == {"beside it"}
    score = Score()
    for texts in ({"noted", "beside it"}, {"noted", "misread"}):
        score.count("a", texts, frozenset({"noted"}), known)
    assert (score.right, score.false) == (2, ["a: 'misread'"])


def test_a_slower_machine_has_a_larger_budget_within_a_frame_s_period() -> None:
    assert [budget_for(factor, 16.0) for factor in (1.0, 2.5, 5.0)] == [16, 40, 50]

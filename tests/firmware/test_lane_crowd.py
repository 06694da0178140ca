"""Two people's documents, shown in any way at all: no light is green for a set of both."""

from collections.abc import Iterable
from datetime import datetime
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.firmware.lane import Judge, Lane
from tests.verifier.profiles import AN, BINH, health, profile_of, requiring, vehicle
from verifier import Accepted, Refused, Undecided
from verifier.profile_judging import Presented
from verifier.rules import RulesVerdict

KINDS = ("test", "vaccination", "recovery")
PAPERS: dict[str, Presented] = {
    **{f"AN {kind}": health(kind, AN) for kind in KINDS},
    **{f"BINH {kind}": health(kind, BINH) for kind in KINDS},
    "AN another test": health("test", AN, name="another"),
    "BINH old test": health("test", BINH, "failed"),
    "LORRY": vehicle(result="passed"),
    "NEXT LORRY": vehicle("29H00007", result="passed"),
}
NAMES = {one.identity: name.split()[0] for name, one in PAPERS.items()}
ALL_THREE = profile_of(requiring(*({"document": kind} for kind in KINDS)))
LORRY_AND_TEST = profile_of(requiring({"document": "vehicle"}, {"document": "test"}))
WINDOW_S = 30


class Shown(Judge):
    """A judge to whom texts are the names of papers."""

    def verify(self, text: str, at: datetime) -> Accepted | Refused | Undecided:
        assert at.tzinfo is not None
        return PAPERS[text].verdict

    def rules(self, accepted: Accepted, country: str, at: datetime) -> RulesVerdict:
        assert at.tzinfo is not None
        return next(one for one in PAPERS.values() if one.verdict == accepted).rules[country]


def lane_of(*required: object) -> Lane:
    lane = Lane(judge=Shown(required=required))  # type: ignore[arg-type]  # profiles
    lane.beat()
    return lane


class Crowd(RuleBasedStateMachine):
    """A lane that asks for three documents of one holder, and two who have them."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = lane_of(ALL_THREE)
        self.last_s: dict[bytes, float] = {}

    @property
    def now_s(self) -> float:
        return self.lane.clock.monotonic_ns() / 1e9

    @rule(frame=st.lists(st.sampled_from([name for name in PAPERS if "LORRY" not in name]), min_size=1, max_size=3))
    def show(self, frame: list[str]) -> None:
        for name in frame:
            self.last_s[PAPERS[name].identity] = self.now_s
        self.lane.see(*frame)

    @rule(quarters=st.sampled_from([1, 4, 12, 24, 119, 121]))
    def wait(self, quarters: int) -> None:
        self.lane.wait(quarters / 4)

    @rule()
    def somebody_passes(self) -> None:
        self.lane.touch("passage")

    @rule()
    def staff_press(self) -> None:
        self.lane.touch("override")

    @invariant()
    def green_is_for_one_holder_whose_documents_were_all_just_shown(self) -> None:
        for judgement in self.lane.judgements:
            if judgement.verdict == "accepted":
                assert len({NAMES[key.identity] for key in judgement.keys}) == 1
                assert set(judgement.kinds) == set(KINDS)
                assert all(self.now_s - self.last_s[key.identity] <= len(KINDS) * WINDOW_S for key in judgement.keys)
        self.lane.judgements.clear()


Crowd.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestCrowd = Crowd.TestCase


@given(
    st.permutations(["AN test", "AN vaccination", "AN recovery"]), st.lists(st.integers(0, 119), min_size=2, max_size=2)
)
@settings(deadline=None)
def test_the_order_does_not_matter_nor_the_time_within_the_window(order: list[str], quarters: list[int]) -> None:
    lane = lane_of(ALL_THREE)
    for name, pause in zip(order, [*quarters, 0], strict=True):
        lane.see(name)
        lane.wait(pause / 4)
    assert [checkin.verdict for checkin in lane.checkins] == ["accepted"]


@given(st.permutations(["LORRY", "AN test"]), st.integers(120, 200))
@settings(deadline=None, max_examples=20)
def test_past_the_window_nothing_is_completed(order: list[str], quarters: int) -> None:
    lane = lane_of(LORRY_AND_TEST)
    lane.see(order[0])
    lane.wait(quarters / 4)
    lane.see(order[1])
    assert [checkin.reason for checkin in lane.checkins] == ["documents-missing"]


FRAMES = st.lists(st.tuples(st.lists(st.integers(0, 1), min_size=1, max_size=2), st.integers(0, 60)), max_size=4)


@given(FRAMES, st.integers(41, 130), FRAMES)
@settings(deadline=None)
def test_after_a_lorry_has_gone_nothing_of_its_set_counts_for_the_next(
    before: list[tuple[list[int], int]], gone: int, after: list[tuple[list[int], int]]
) -> None:
    lane = lane_of(LORRY_AND_TEST)
    for papers, frames in ((("LORRY", "AN test"), before), (("NEXT LORRY", "BINH test"), after)):
        for which, quarters in frames:
            lane.see(*(papers[one] for one in which))
            lane.wait(quarters / 4)
        lane.wait(gone / 4)
    together = [{"NEXT LORRY", "BINH test"}, {"LORRY", "AN test"}]
    whole = [{PAPERS[name].identity for name in names} for names in together]
    for judgement in lane.judgements:
        assert judgement.verdict != "accepted" or {key.identity for key in judgement.keys} in whole


def test_any_two_frames_of_one_holder_s_documents_are_one_check_in() -> None:
    whole = {f"AN {kind}" for kind in KINDS}
    for first in _parts(whole):
        lane = lane_of(ALL_THREE)
        lane.see(*sorted(first))
        lane.see(*sorted(whole))
        lane.see(*sorted(first))
        assert [checkin.verdict for checkin in lane.checkins] == ["accepted"], first


def test_another_document_of_the_same_holder_in_the_green_light_is_no_other_presentation() -> None:
    lane = lane_of(LORRY_AND_TEST)
    lane.see("LORRY", "AN test")
    own = lane_of(profile_of(requiring({"document": "test"})))
    own.see("AN test")
    for _ in range(5):
        own.wait(0.5)
        own.see("AN test", "AN another test")
    assert len(own.checkins) == 1
    own.see("BINH test", "AN test")
    assert own.checkins[-1].reason == "two-holders"


def _parts(whole: Iterable[str]) -> Iterable[tuple[str, ...]]:
    return (part for size in (1, 2, 3) for part in combinations(sorted(whole), size))

"""A lane at which anything at all happens: nothing unexpected, and green is a lease of what was recorded before it."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from firmware.checkin import CheckIn
from firmware.config_sections import TimingConfig
from firmware.events import InternalError
from firmware.messages import MAX_TEXTS
from firmware.session import GATHERED_MAX, HELD_MAX
from tests.firmware.lane import EXPIRED, GOOD, ISSUER, NOW, pass_of
from tests.firmware.lane_papers import (
    BINH,
    CODE_OF_AN,
    CODE_OF_BINH,
    GREEN_LANE,
    OTHER_PLATE,
    PERMITS,
    PLATE,
    STAFF,
    declaration_of,
    judge_of,
    lab_test_of,
    lane_of,
    permit_of,
)
from tests.simulators.lx1 import Lx1Issuer
from tests.simulators.nzcp import NzcpIssuer
from tests.simulators.shc import ShcIssuer
from tests.simulators.vds_nc import VdsNcIssuer
from tests.verifier.profiles import requiring
from verifier.signers import SignerEntry, encode_signers, parse_signers

ANYTHING = requiring(
    [{"document": kind, "without_rules": "accepted"} for kind in ("vehicle", "travel", "declaration", "test")],
    [{"document": "identity"}, {"document": "vaccination", "without_rules": "accepted"}],
    attendance=True,
    same_holder=False,
)
OTHERS = (NzcpIssuer(NOW), ShcIssuer(NOW), VdsNcIssuer(NOW))
SIGNERS = parse_signers(
    encode_signers(
        [
            SignerEntry(kid=ISSUER.kid, format="hcert", certificate=ISSUER.certificate_der),
            PERMITS.entry(),
            *(issuer.trust_entry() for issuer in OTHERS),
        ]
    )
)
LANES = ((GREEN_LANE,), (STAFF,), (ANYTHING,), (GREEN_LANE, STAFF), ())
TEXTS = (
    *(GOOD, EXPIRED, pass_of("TRAN", "t"), ISSUER.issue(kind="r")),
    *(permit_of(), permit_of(OTHER_PLATE), permit_of(hours=[[0, 1]]), lab_test_of(), lab_test_of(BINH)),
    *(lab_test_of(result=1), declaration_of(), declaration_of(BINH), PERMITS.issue("travel", NOW)),
    *(Lx1Issuer(seed="a stranger's").issue("vehicle", NOW), *(issuer.issue() for issuer in OTHERS)),
    *(CODE_OF_AN, CODE_OF_BINH, CODE_OF_AN.replace("Nguyễn", "")),
    *(
        "https://luongxanh.example/1",
        "NO1:x",
        "HC1:",
        "LX1:",
        "shc:/56",
        "NZCP:/1/",
        '{"data":1,"sig":2}',
        "\ud800",
        "",
    ),
)


class Anything(RuleBasedStateMachine):
    """A lane with a staff's button, a passage sensor, a plate camera, and every fault that a lane has."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = lane_of(GREEN_LANE, wanted=("name",))
        self.told = self.read = 0
        self.last: CheckIn | None = None
        self.switch_the_store((GREEN_LANE,))

    @rule(frame=st.lists(st.sampled_from(TEXTS) | st.text(max_size=80), min_size=1, max_size=MAX_TEXTS))
    def show(self, frame: list[str]) -> None:
        self.lane.see(*frame)

    @rule(paper=st.sampled_from(TEXTS))
    def show_one(self, paper: str) -> None:
        self.lane.see(paper)

    @rule(plate=st.sampled_from([PLATE, OTHER_PLATE, "", "Đ", "\u00bd"]) | st.text(max_size=16))
    def read_a_plate(self, plate: str) -> None:
        self.lane.enter(plate)

    @rule(name=st.sampled_from(["override", "passage"]), ago_s=st.sampled_from([0, 0.5, 5, 40]))
    def touch(self, name: str, ago_s: float) -> None:
        self.lane.touch(name, ago_s)  # type: ignore[arg-type]  # sampled from names alone

    @rule(quarters=st.sampled_from([1, 9, 13, 45, 125]))
    def wait(self, quarters: int) -> None:
        self.lane.wait(quarters / 4)

    @rule(hours=st.sampled_from([-24 * 400, -1, 0, 12, 24 * 4000]))
    def jump(self, hours: int) -> None:
        self.lane.clock.jump(NOW + timedelta(hours=hours))

    @rule(bodies=st.sampled_from(LANES))
    def switch_the_store(self, bodies: tuple[dict[str, object], ...]) -> None:
        self.lane.gate.begin_anew()
        self.lane.judge.use(replace(judge_of(*bodies).trust, signers=SIGNERS))

    @rule(what=st.sampled_from(["lamps_broken", "disk_full", "journal_full"]), broken=st.booleans())
    def break_or_mend(self, what: str, *, broken: bool) -> None:
        setattr(self.lane, what, broken)
        self.lane.gate.turn()

    @rule(suspended=st.booleans())
    def service(self, *, suspended: bool) -> None:
        self.lane.gate.suspend(suspended=suspended)
        self.lane.gate.turn()

    @invariant()
    def nothing_is_unexpected(self) -> None:
        assert self.lane.logs(InternalError) == []

    @invariant()
    def green_is_a_lease_of_what_was_recorded_before(self) -> None:
        for what in self.lane.story[self.told :]:
            if what in ("recorded", "override", "passage"):
                record = self.lane.checkins[self.read]
                self.read += 1
                self.last = self.last if what == "passage" else record
            if what == "green":
                assert self.last is not None
                assert "accepted" in self.last.verdict or self.last.reason == "attendance"
        self.told = len(self.lane.story)
        assert not self.lane.lamps[1] or 0 < self.lane.lease_s <= TimingConfig().green_s

    @invariant()
    def memory_is_bounded(self) -> None:
        presenting = self.lane.gate._presenting
        assert len(presenting._gathered.documents) <= GATHERED_MAX
        assert len(presenting._answers.session._held) <= HELD_MAX


Anything.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnything = Anything.TestCase

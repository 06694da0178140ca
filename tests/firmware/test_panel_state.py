from typing import get_args

from firmware.messages import WAITING, Advised, Aspect, Health, Shown
from firmware.panel_state import SILENT_NS, PanelState
from firmware.texts import Words

START = PanelState(Words("Tạm ngừng phục vụ", "Temporarily out of service"))
READY = Shown("ready", "ready", "vi", "en")
HEALTH = Health(
    in_service=True,
    device="d",
    lane="l",
    demo=False,
    clock_trusted=True,
    frames=1,
    unsent=0,
    uplink_connected=True,
    last_ack_age_s=None,
)


def test_it_is_out_of_service_until_the_gate_says_otherwise() -> None:
    assert START.to_show(0).reason == "gate-away"
    assert START.to_tell(0) is None
    only_health = START.told(HEALTH, 0)
    assert only_health.to_show(0).aspect == "out-of-service"
    assert only_health.to_tell(0) == HEALTH


def test_it_shows_what_the_gate_showed_last() -> None:
    state = START.told(HEALTH, 0).told(READY, 0)
    assert state.to_show(0) == READY
    assert state.to_tell(0) == HEALTH


def test_a_gate_that_says_nothing_any_more_is_out_of_service() -> None:
    state = START.told(READY, 0)
    assert state.to_show(SILENT_NS) == READY
    assert state.to_show(SILENT_NS + 1).vi == "Tạm ngừng phục vụ"


def test_a_hint_stands_only_beside_what_waits_for_a_code() -> None:
    hint = Advised("too-far", "vi", "en")
    for aspect in get_args(Aspect):
        state = START.told(hint, 0).told(Shown(aspect, "r", "vi", "en"), 0)
        assert state.to_advise(0) == (hint if aspect in WAITING else Advised())
        assert state.told(Advised(), 0).to_advise(0) == Advised()
        assert state.to_advise(SILENT_NS + 1) == Advised()
    assert START.told(hint, 0).to_advise(0) == Advised()
    assert START.told(READY, 0).told(hint, 0).lost().to_advise(0) == Advised()


def test_nothing_that_a_lost_gate_said_holds() -> None:
    state = START.told(READY, 0).told(HEALTH, 0).lost()
    assert state == START
    assert state.told(HEALTH, 0).to_show(0).reason == "gate-away"

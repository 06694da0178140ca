"""What a self-test's results are made of: what was answered, recorded and lit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firmware.messages import Shown
from provisioning.exits import Exit
from provisioning.selftest.account import Account, gate_account
from provisioning.selftest.checks import Result, results_of
from provisioning.selftest.command import _asked, tell
from provisioning.selftest.eyes import HistoryEyes, NoEyes, PinEyes, Seen, eyes_for
from provisioning.selftest.watch import Answer, Observed, record_of
from provisioning.talk import Talk
from provisioning.words import phrases
from tests.firmware.site import Site, make_site

MS = 1_000_000
VALID = Answer(Shown("accepted", "valid", "", "", "1", "accepted", 2_000 * MS), 510 * MS, ("test", "accepted"))
FORGED = Answer(Shown("refused", "bad-signature", "", "", "2", "refused", 4_500 * MS), 3_010 * MS, ("test", "refused"))
SEEN = [
    Seen(0, red=False, green=False),
    Seen(500 * MS, red=False, green=True),
    Seen(2_000 * MS, red=False, green=False),
    Seen(3_000 * MS, red=True, green=False),
    Seen(4_500 * MS, red=False, green=False),
]
ALL_CHECKS = {
    "in-service",
    "valid-accepted",
    "valid-recorded",
    "valid-green",
    "forged-refused",
    "forged-recorded",
    "forged-red",
    "empty-dark",
    "buzzer",
    "dark-at-end",
}


def observed(**changes: Any) -> Observed:  # noqa: ANN401 - fields of different types
    whole = Observed(in_service=True, state="ready", answers={"valid": VALID, "forged": FORGED})
    return replace(whole, quiet_from_ns=4_800 * MS, **changes)


def failed(seen_of: Observed, seen: list[Seen] | None = SEEN, *, orderly: bool = True) -> set[str]:
    results = results_of(seen_of, seen, orderly=orderly, buzzer=True)
    return {result.code for result in results if not result.passed}


def test_all_as_it_should_be() -> None:
    results = results_of(observed(), SEEN, orderly=True, buzzer=True)
    assert {result.code for result in results} == ALL_CHECKS
    assert failed(observed()) == set()
    assert not any(result.asks for result in results)
    assert "buzzer" not in {result.code for result in results_of(observed(), SEEN, orderly=True, buzzer=False)}


def changed(answer: Answer, **changes: Any) -> Answer:  # noqa: ANN401 - fields of different types
    shown = {name: getattr(answer.shown, name) for name in answer.shown.__struct_fields__}
    return replace(answer, shown=Shown(**shown | changes))


@pytest.mark.parametrize(
    ("answers", "codes"),
    [
        ({"valid": changed(VALID, verdict="undecided", reason="clock-not-trusted")}, {"valid-accepted"}),
        ({"forged": changed(FORGED, verdict="accepted")}, {"forged-refused"}),
        ({"valid": replace(VALID, record=None)}, {"valid-recorded"}),
        ({"valid": replace(VALID, record=("in", "accepted"))}, {"valid-recorded"}),
        ({"forged": replace(FORGED, record=("test", "accepted"))}, {"forged-recorded"}),
    ],
)
def test_a_wrong_answer_or_record_is_named(answers: dict[Any, Answer], codes: set[str]) -> None:
    assert failed(observed(answers={"valid": VALID, "forged": FORGED} | answers)) == codes


def test_what_was_never_answered_fails_its_checks() -> None:
    assert failed(observed(answers={"valid": VALID})) == {
        "forged-refused",
        "forged-recorded",
        "forged-red",
        "empty-dark",
    }


@pytest.mark.parametrize(
    ("seen", "codes"),
    [
        ([], {"valid-green", "forged-red", "empty-dark", "dark-at-end"}),
        ([SEEN[0]], {"valid-green", "forged-red"}),
        ([replace(lamps, green=lamps.green or lamps.red) for lamps in SEEN], {"forged-red"}),
        ([replace(lamps, red=lamps.green or lamps.red) for lamps in SEEN], {"valid-green"}),
        ([replace(lamps, red=lamps.green, green=lamps.red) for lamps in SEEN], {"valid-green", "forged-red"}),
        (SEEN[:4], {"empty-dark", "dark-at-end"}),
        ([replace(lamps, amber=lamps.red) for lamps in SEEN], {"forged-red"}),
        ([*SEEN, Seen(6_000 * MS, red=False, green=False, amber=True)], {"empty-dark", "dark-at-end"}),
        ([*SEEN, Seen(6_000 * MS, red=False, green=True), Seen(6_500 * MS, red=False, green=False)], {"empty-dark"}),
    ],
)
def test_lamps_that_showed_something_else_are_named(seen: list[Seen], codes: set[str]) -> None:
    assert failed(observed(), seen) == codes


def test_an_answer_to_nothing_fails() -> None:
    assert failed(observed(strays=1)) == {"empty-dark"}


def test_a_buzzer_that_the_gate_complains_of_fails() -> None:
    assert failed(observed(notices={"demo", "buzzer-fault"})) == {"buzzer"}


def test_programs_that_did_not_end_in_order_may_have_left_a_light() -> None:
    assert failed(observed(), orderly=False) == {"dark-at-end"}


def test_a_gate_that_never_serves_is_all_there_is_to_say() -> None:
    results = results_of(Observed(state="no-camera"), SEEN[:1], orderly=True, buzzer=False)
    assert [(result.code, result.passed) for result in results] == [("in-service", False), ("dark-at-end", True)]
    assert results[0].values == {"state": "no-camera"}


def test_without_eyes_a_person_is_asked_what_lamps_did() -> None:
    results = results_of(observed(), None, orderly=True, buzzer=True)
    asked = {result.code for result in results if result.asks}
    assert asked == {"valid-green", "forged-red", "empty-dark", "buzzer", "dark-at-end"}
    assert all(f"{code}-ask" in phrases("selftest") for code in asked)
    assert failed(observed(answers={}), None, orderly=False) >= asked - {"buzzer"}


class Person(Talk):
    """Somebody at a terminal who always gives the same answer."""

    def __init__(self, answer: str) -> None:
        super().__init__("selftest", "vi")
        self.answer = answer
        self.asked: list[str] = []

    def ask(self, code: str, *, flag: str, default: str | None = None, secret: bool = False, **_: object) -> str:
        assert (flag, default, secret) == ("--no-ask", None, False)
        self.asked.append(code)
        return self.answer


@pytest.mark.parametrize(("answer", "passed"), [("y", True), ("C", True), ("có", True), ("n", False), ("", False)])
def test_what_a_person_saw_decides(answer: str, passed: bool) -> None:  # noqa: FBT001 - a table
    person = Person(answer)
    assert _asked(Result("valid-green", passed=True, asks=True), person).passed is passed
    assert not _asked(Result("forged-red", passed=False, asks=True), person).passed
    assert _asked(Result("in-service", passed=True), person).passed
    assert person.asked == ["valid-green-ask"]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_check_has_its_text_and_its_cure(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = results_of(observed(answers={}, notices={"buzzer-fault"}), [], orderly=False, buzzer=True)
    assert {result.code for result in nothing} == ALL_CHECKS
    assert tell(nothing, Talk("selftest", lang)) == Exit.REFUSED
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(ALL_CHECKS) + 1
    assert all(". " in line for line in lines[1:-1])


# Eyes


class Pins:
    """The levels of lamps' pins."""

    def __init__(self) -> None:
        self.levels: dict[int, bool] | None = {17: False, 27: False}

    def __call__(self) -> dict[int, bool] | None:
        return self.levels


@pytest.mark.parametrize("active_high", [True, False])
def test_pins_are_sampled(active_high: bool) -> None:  # noqa: FBT001 - a table
    pins = Pins()
    eyes = PinEyes(17, 27, None, active_high, pins)
    for levels in ((False, False), (False, True), (False, True), (False, False)):
        pins.levels = {4: True, 17: levels[0] == active_high, 27: levels[1] == active_high}
        eyes.look()
    for unread in (None, {}, {17: True}):
        pins.levels = unread
        eyes.look()
    assert [(lamps.red, lamps.green) for lamps in eyes.seen() or []] == [(False, False), (False, True), (False, False)]


def test_the_pin_of_a_third_lamp_is_sampled_too() -> None:
    pins = Pins()
    eyes = PinEyes(17, 27, 24, active_high=True, read=pins)
    for amber in (None, False, True, True):
        pins.levels = {17: False, 27: False} | ({} if amber is None else {24: amber})
        eyes.look()
    assert [lamps.amber for lamps in eyes.seen() or []] == [False, True]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def with_gpio(site: Site) -> Site:
    text = site.config_path.read_text("utf-8")
    pins = '[signal]\nkind = "gpio"\nred_pin = 17\ngreen_pin = 27'
    text = text.replace('[signal]\nkind = "simulated"', pins).replace('"assumed"', '"system"')
    site.config_path.write_text(text, "utf-8")
    return site


def test_who_looks_depends_on_the_lamps(site: Site) -> None:
    assert isinstance(eyes_for(site.config, ask=False), HistoryEyes)
    real = with_gpio(site).config
    assert isinstance(eyes_for(real, ask=True), NoEyes)
    assert isinstance(eyes_for(real, ask=False), PinEyes)
    assert NoEyes().seen() is None


def test_lamps_that_never_were_have_shown_nothing(site: Site) -> None:
    assert HistoryEyes(site.config).seen() == []


def test_programs_have_the_gates_rights_where_root_gives_them() -> None:
    account = Account(17, 18, (18, 19))
    assert account.popen == {"user": 17, "group": 18, "extra_groups": [18, 19]}
    assert Account().popen == {}


def test_without_the_appliances_users_they_have_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.selftest.account.USER", "nobody-of-that-name")
    assert gate_account() == Account()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert gate_account() == Account()


@pytest.mark.parametrize("checkin", ["", "no-uuid", "0195f2a0-0000-7000-8000-000000000000"])
def test_a_record_that_is_not_there_is_none(tmp_path: Path, checkin: str) -> None:
    assert record_of(tmp_path / "journal.db", checkin) is None
    assert list(tmp_path.iterdir()) == []

"""Plan, then apply."""

import json

import pytest
import typer

from provisioning.plan import Step, carry_out
from provisioning.talk import Talk


class Steps:
    def __init__(self) -> None:
        self.taken: list[str] = []

    def step(self, code: str, *, fails: bool = False) -> Step:
        def apply() -> None:
            if fails:
                raise OSError(28, "No space left on device")
            self.taken.append(code)

        return Step(code, apply)


def test_steps_are_taken_in_their_order_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()
    assert carry_out([steps.step("dry-run"), steps.step("plan")], Talk("common", "en"), dry_run=False)
    assert steps.taken == ["dry-run", "plan"]
    assert capsys.readouterr().out == "dry run: nothing was changed\nto do:\n"


def test_a_dry_run_shows_and_does_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()
    assert not carry_out([steps.step("dry-run")], Talk("common", "en"), dry_run=True)
    assert steps.taken == []
    assert capsys.readouterr().out == "to do:\n  - dry run: nothing was changed\ndry run: nothing was changed\n"


def test_a_dry_run_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()
    plan = [Step("busy", steps.step("x").apply, {"pid": 3})]
    assert not carry_out(plan, Talk("common", "en", as_json=True), dry_run=True)
    planned, dry = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert planned == {"event": "planned", "step": "busy", "pid": 3}
    assert dry == {"event": "dry-run"}


def test_nothing_to_do_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert carry_out([], Talk("common", "en"), dry_run=False, yes=False)
    assert "nothing to do" in capsys.readouterr().out


def test_without_an_answer_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps()
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(typer.Exit) as left:
        carry_out([steps.step("dry-run")], Talk("common", "en"), dry_run=False, yes=False)
    assert (left.value.exit_code, steps.taken) == (2, [])


def test_a_step_that_fails_leaves_the_ones_before_done(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()
    plan = [steps.step("dry-run"), steps.step("plan", fails=True), steps.step("agree")]
    with pytest.raises(OSError, match="No space"):
        carry_out(plan, Talk("common", "en"), dry_run=False)
    assert steps.taken == ["dry-run"]
    assert capsys.readouterr().out == "dry run: nothing was changed\n"

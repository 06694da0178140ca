"""Plan, then apply: what a command is going to do is data that can be shown before it is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from provisioning.talk import Talk


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: `code` and `values` say it in words, `apply` does it. Doing it twice does it once."""

    code: str
    apply: Callable[[], object]
    values: dict[str, object] = field(default_factory=dict)


def carry_out(steps: Sequence[Step], talk: Talk, *, dry_run: bool, yes: bool = True) -> bool:
    """Show the plan, ask (unless `yes`), and take its steps in order; return whether they were taken.

    A step's own errors pass through: what was done stays done, and the same command goes on from there.
    """
    if not steps:
        talk.say("nothing-to-do")
        return True
    if dry_run or not yes:
        _show(steps, talk)
    if dry_run:
        talk.say("dry-run")
        return False
    talk.agree(yes=yes)
    with talk.progress("plan", len(steps)) as advance:
        for step in steps:
            step.apply()
            talk.say(step.code, **step.values)
            advance(1)
    return True


def _show(steps: Sequence[Step], talk: Talk) -> None:
    if not talk.as_json:
        talk.say("plan")
    for step in steps:
        if talk.as_json:
            talk.say("planned", step=step.code, **step.values)
        else:
            talk.say("planned", text=talk.text(step.code, **step.values))

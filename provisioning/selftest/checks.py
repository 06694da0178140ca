"""What a self-test has shown, judged (pure): one result a check, each with a cure where it is not as it should be."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from provisioning.selftest.eyes import Seen
from provisioning.selftest.watch import Answer, Observed, Presented

LATE_NS = 500_000_000  # ours: a lamp is lit before its answer is told, and an answer may wait to be heard
EXPECTED: dict[Presented, str] = {"valid": "accepted", "forged": "refused"}
NO_ANSWER = "no-answer"


@dataclass(frozen=True, slots=True)
class Result:
    """One check: its code, and what fills its texts; `asks` where a person must say whether it is passed."""

    code: str
    passed: bool
    values: dict[str, object] = field(default_factory=dict)
    asks: bool = False


def results_of(observed: Observed, seen: Sequence[Seen] | None, *, orderly: bool, buzzer: bool) -> list[Result]:
    """Judge a test.

    Args:
        observed: What the gate said.
        seen: What the lamps showed; None where a person is to be asked.
        orderly: Whether the programs ended as they should, when they were told to.
        buzzer: Whether one is fitted.
    """
    results = [Result("in-service", observed.in_service, {"state": observed.state})]
    if not observed.in_service:
        return [*results, _dark_at_end(seen, orderly=orderly)]
    for presented in EXPECTED:
        answer = observed.answers.get(presented)
        results += [_answered(presented, answer), _recorded(presented, answer), _lit(presented, answer, seen)]
    results.append(_nothing_for_nothing(observed, seen))
    if buzzer:
        results.append(Result("buzzer", "buzzer-fault" not in observed.notices, asks=seen is None))
    return [*results, _dark_at_end(seen, orderly=orderly)]


def _answered(presented: Presented, answer: Answer | None) -> Result:
    reason = answer.shown.reason if answer else NO_ANSWER
    expected = EXPECTED[presented]
    passed = answer is not None and answer.shown.verdict == expected
    return Result(f"{presented}-{expected}", passed, {"reason": reason})


def _recorded(presented: Presented, answer: Answer | None) -> Result:
    record = answer.record if answer else None
    found = " ".join(record) if record else "-"
    return Result(f"{presented}-recorded", record == ("test", EXPECTED[presented]), {"found": found})


def _lit(presented: Presented, answer: Answer | None, seen: Sequence[Seen] | None) -> Result:
    """Judge the light of an answer: the right lamp, never the other with it."""
    code = "valid-green" if presented == "valid" else "forged-red"
    if seen is None:
        return Result(code, passed=answer is not None, asks=answer is not None)
    shown = _shown_during(answer, seen) if answer else []
    alone = (presented == "forged", presented == "valid", False)
    lit = {(lamps.red, lamps.green, lamps.amber) for lamps in shown if not lamps.dark}
    return Result(code, lit == {alone})


def _shown_during(answer: Answer, seen: Sequence[Seen]) -> list[Seen]:
    end_ns = answer.shown.until_ns or answer.heard_ns
    return [lamps for lamps in seen if answer.heard_ns - LATE_NS <= lamps.t_ns <= end_ns]


def _nothing_for_nothing(observed: Observed, seen: Sequence[Seen] | None) -> Result:
    answered = observed.told and observed.strays == 0
    if seen is None:
        return Result("empty-dark", answered, asks=answered)
    before = [lamps for lamps in seen if lamps.t_ns <= observed.quiet_from_ns]
    after = [lamps for lamps in seen if lamps.t_ns > observed.quiet_from_ns]
    dark = bool(before) and all(lamps.dark for lamps in (before[-1], *after))
    return Result("empty-dark", answered and dark)


def _dark_at_end(seen: Sequence[Seen] | None, *, orderly: bool) -> Result:
    if seen is None:
        return Result("dark-at-end", orderly, asks=orderly)
    return Result("dark-at-end", orderly and bool(seen) and seen[-1].dark)

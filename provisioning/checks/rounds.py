"""Make checks: side by side, each within its time, and one that crashes or hangs spoils nothing but itself."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue

import typer

from firmware.events import place_of
from provisioning.checks import Check, Finding, Need, Patient, fault, skipped
from provisioning.units import UnitsError

Findings = dict[str, tuple[Finding, ...]]  # by the check's name
Answers = SimpleQueue[tuple[str, tuple[Finding, ...]]]
MISSING: dict[Need, str] = {
    "config": "skip-config",
    "here": "skip-elsewhere",
    "root": "skip-root",
    "service": "skip-service",
}


def side_by_side(
    checks: Sequence[Check], patient: Patient, done: Callable[[], None] = lambda: None, *, grace_s: float = 0.0
) -> Findings:
    """Return each check's findings; one that does not answer in its time is left behind, and that is its fault.

    Ctrl-C waits for those at work for `grace_s`: they leave their devices in order.
    """
    answers: Answers = SimpleQueue()
    start_s = time.monotonic()
    waiting = {check.name: check for check in checks}
    threads = [  # daemons: a check that hangs must not keep the command from ending
        threading.Thread(target=_answer, args=(check, patient, answers), name=check.name, daemon=True)
        for check in checks
    ]
    for thread in threads:
        thread.start()
    try:
        return _gathered(waiting, answers, start_s, done)
    except BaseException:
        end_s = time.monotonic() + grace_s
        for thread in threads:
            thread.join(max(0.0, end_s - time.monotonic()))
        raise


def _gathered(waiting: dict[str, Check], answers: Answers, start_s: float, done: Callable[[], None]) -> Findings:
    found: Findings = {}
    while waiting:
        next_s = start_s + min(check.deadline_s for check in waiting.values())
        try:
            name, findings = answers.get(timeout=max(0.0, next_s - time.monotonic()))
        except Empty:
            late = [check for check in waiting.values() if start_s + check.deadline_s <= time.monotonic()]
            told: list[tuple[str, tuple[Finding, ...]]] = [
                (check.name, (fault("check-late", seconds=f"{check.deadline_s:g}"),)) for check in late
            ]
        else:
            told = [(name, findings)] if name in waiting else []
        for name, findings in told:
            del waiting[name]
            found[name] = findings
            done()
    return found


def result_of(check: Check, patient: Patient) -> tuple[Finding, ...]:
    """Make one check, here and now; its own error is a finding of its own, without the error's text."""
    if (missing := next(_missing(check, patient), None)) is not None:
        return (skipped(MISSING[missing]),)
    found: list[Finding] = []
    try:
        found.extend(check.run(patient))
    except PermissionError as error:
        if not patient.root:
            return (*found, skipped("skip-root"))
        return (*found, fault("check-forbidden", file=str(error.filename)))
    except UnitsError as error:
        return (*found, fault("units-fault", why=str(error)))
    except typer.Abort:  # Ctrl-C at a question
        raise
    except Exception as error:  # noqa: BLE001 - the others go on
        return (*found, fault("check-crashed", kind=type(error).__name__, where=place_of(error)))
    return tuple(found)


def _missing(check: Check, patient: Patient) -> Iterator[Need]:
    there = {
        "config": patient.config is not None,
        "here": patient.here,
        "root": patient.root,
        "service": patient.service,
    }
    return (need for need in check.needs if not there[need])


def _answer(check: Check, patient: Patient, answers: Answers) -> None:
    answers.put((check.name, result_of(check, patient)))

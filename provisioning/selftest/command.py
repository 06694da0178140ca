"""`greengate selftest`, the command: who may, what is stopped meanwhile, and what is said at the end."""

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from drivers.clock import open_clock
from firmware.config import Config, ConfigError, load_config
from firmware.service_state import in_service_state
from provisioning.alone import alone
from provisioning.exits import Exit
from provisioning.layout import Layout
from provisioning.plan import Step, carry_out
from provisioning.selftest.account import gate_account
from provisioning.selftest.checks import Result, results_of
from provisioning.selftest.eyes import eyes_for
from provisioning.selftest.programs import running
from provisioning.selftest.stage import staged
from provisioning.selftest.watch import Observed, Watch, record_of
from provisioning.talk import DryRunOption, JsonOption, LangOption, Talk
from provisioning.units import Systemd, Units, UnitsError, ended_by_exceptions, paused

TOPIC = "selftest"
STOPPED = ("greengate-gate", "greengate-reader", "greengate-uplink")  # the uplink would send the records that we read
FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # the gate's user could leave a FIFO
PROGRESS = 3  # two answers and the empty picture
YES = frozenset({"y", "yes", "c", "có", "co"})

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The device's configuration; else the appliance's.")
]
NoAsk = Annotated[bool, typer.Option("--no-ask", help="Read the lamps' pins back instead of asking what one sees.")]


def selftest(
    config: ConfigFile = None,
    no_ask: NoAsk = False,  # noqa: FBT002 - typer makes a flag of it
    dry_run: DryRunOption = False,  # noqa: FBT002 - as above
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Try the device: a valid, a forged and an empty picture through the real programs, and what the lamps show.

    Example: greengate selftest

    In service state only. The pass is signed by a key made for this test, in memory; what is recorded is marked as a
    test. Gate and reader are stopped meanwhile and started again, whatever happens.

    Exit codes: 0 passed, 1 failed, 2 wrong usage, 69 the services cannot be told, 73 the test cannot be prepared,
    75 not in service state, or another gate or command is at work, 77 only root may, 78 the configuration or a device
    in it is wrong, 130 stopped by Ctrl-C.
    """
    talk = Talk(TOPIC, lang, as_json=as_json)
    if config is None:
        talk.need_root()
    device = _device(config or Layout().config, talk)
    steps = [Step(code, lambda: None) for code in ("stop-programs", "show-pictures", "start-programs")]
    if dry_run:
        carry_out(steps, talk, dry_run=True)
        return
    ask = device.signal.kind == "gpio" and not no_ask
    if ask and not sys.stdin.isatty():
        talk.fail(Exit.USAGE, "answer-needed", flag="--no-ask")
    with alone(Layout(), talk) if config is None else contextlib.nullcontext():
        results = run_test(device, talk, Systemd(), ask=ask)
    raise typer.Exit(tell(results, talk))


def run_test(device: Config, talk: Talk, units: Units, *, ask: bool) -> list[Result]:
    """Stop what runs, test the device, and start again what was stopped; return the results.

    Raises: typer.Exit with the code of what keeps the test from being made.
    """
    if not in_service_state(device.service_marker):
        talk.fail(Exit.TRY_AGAIN, "not-in-service-state")
    try:
        with ended_by_exceptions(), paused(units, *STOPPED), _gate_held_off(device, talk):
            return _tested(device, talk, ask=ask)
    except UnitsError as error:
        talk.fail(Exit.UNAVAILABLE, "units-failed", why=str(error))
    except OSError as error:
        talk.fail(Exit.CANNOT_WRITE, "folder-failed", why=error.strerror or type(error).__name__)


def tell(results: list[Result], talk: Talk) -> Exit:
    """Say each result, with its cure where it failed, and the whole; return the exit code."""
    for result in results:
        text = talk.text(result.code)
        if result.passed:
            talk.say("check-passed", check=result.code, text=text)
        else:
            cure = talk.text(f"{result.code}-cure", **result.values)
            talk.say("check-failed", check=result.code, text=text, cure=cure)
    passed = all(result.passed for result in results)
    talk.say("selftest-passed" if passed else "selftest-failed")
    return Exit.OK if passed else Exit.REFUSED


def _tested(device: Config, talk: Talk, *, ask: bool) -> list[Result]:
    account = gate_account()
    with staged(device, open_clock("system").now(), account) as stage:
        eyes = eyes_for(stage.config, ask=ask)
        records = partial(record_of, device.journal.path)
        with running(stage, account) as runner:
            if ask:
                talk.warn("watch-lamps")
            with talk.progress("testing", PROGRESS) as advance:
                observed = Watch(stage, runner, eyes, records, advance).run()
            if runner.refused:
                talk.fail(Exit.CONFIG, "refused", why=runner.refusal)
            runner.stop()
            eyes.look()
            _check_whole(observed, talk)
            fitted = device.signal.buzzer_pin is not None
            results = results_of(observed, eyes.seen(), orderly=runner.orderly, buzzer=fitted)
    return [_asked(result, talk) for result in results]


def _check_whole(observed: Observed, talk: Talk) -> None:
    """Leave where the test was cut off: it then says nothing of the device."""
    if observed.service_over:
        talk.fail(Exit.TRY_AGAIN, "service-over")
    if observed.ended:
        talk.fail(Exit.REFUSED, "programs-ended")


def _asked(result: Result, talk: Talk) -> Result:
    if not (result.asks and result.passed):
        return result
    answer = talk.ask(f"{result.code}-ask", flag="--no-ask")
    return Result(result.code, answer.lower() in YES, result.values)


def _device(path: Path, talk: Talk) -> Config:
    try:
        return load_config(path)
    except ConfigError as error:
        talk.fail(Exit.CONFIG, "configuration-wrong", why=str(error))


@contextlib.contextmanager
def _gate_held_off(device: Config, talk: Talk) -> Iterator[None]:
    """Hold the device's gate off by its own lock, and another test by a lock that only root, or its own user, can hold.

    A gate's lock that is not there is not made: it would be another user's, and keep the gate from starting.
    """
    with contextlib.ExitStack() as locks:
        for name, make in (("gate.lock", 0), ("selftest.lock", os.O_CREAT)):
            with contextlib.suppress(FileNotFoundError):
                lock = os.open(device.run.folder / name, FLAGS | make, 0o600)
                locks.callback(os.close, lock)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    talk.fail(Exit.TRY_AGAIN, "gate-runs", folder=str(device.run.folder))
        yield

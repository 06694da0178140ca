"""The appliance's systemd units, as technicians' commands see them."""

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn, Protocol

SYSTEMD_RUNS = Path("/run/systemd/system")  # sd_booted(3)
TIMEOUT_S = 30.0  # ours: units stop within 5 s
PROGRAMS = ("greengate-reader", "greengate-gate", "greengate-uplink", "greengate-panel")
RUNNING = frozenset({"active", "activating", "reloading"})  # of ActiveState; "activating": also one that is restarted
ENDINGS = (signal.SIGTERM, signal.SIGHUP)  # what ends a command besides Ctrl-C, and by itself skips every `finally`
# What the killed command had started takes up to 2 s to end and to leave its devices.
_GUARD = 'read -r word; [ "$word" = done ] || { sleep 3; exec systemctl --no-ask-password --no-block start "$@"; }'


class UnitsError(Exception):
    """A unit could not be told: which, and what systemd said, on one line."""


class Units(Protocol):
    """What can be asked of units and told to them; a unit is named without `.service`."""

    def known(self) -> bool:
        """Tell whether there is anything that runs units here."""
        ...

    def properties(self, unit: str, names: Iterable[str]) -> dict[str, str]:
        """Return a unit's properties (systemctl show), empty texts where there is no such unit. Raises: UnitsError."""
        ...

    def tell(self, verb: str, *units: str) -> None:
        """Start, stop, restart, enable... units, and wait until it is done. Raises: UnitsError."""
        ...


class Systemd:
    """The system's own systemd."""

    def known(self) -> bool:
        """Tell whether systemd runs this machine."""
        return SYSTEMD_RUNS.is_dir() and shutil.which("systemctl") is not None

    def properties(self, unit: str, names: Iterable[str]) -> dict[str, str]:
        """Return a unit's properties. Raises: UnitsError."""
        said = self._run("show", unit if "." in unit else f"{unit}.service", *(f"--property={name}" for name in names))
        pairs = (line.partition("=") for line in said.splitlines())
        return {name: value for name, _, value in pairs}

    def tell(self, verb: str, *units: str) -> None:
        """Tell units, and wait. Raises: UnitsError."""
        self._run(verb, *(f"{unit}.service" for unit in units))

    @contextlib.contextmanager
    def guarded(self, *units: str) -> Iterator[Callable[[], None]]:
        """Have units started by somebody else where this process dies within the block (SIGKILL).

        Gives what says that they were started, so that nobody else has to.
        """
        command = ["sh", "-c", _GUARD, "sh", *(f"{unit}.service" for unit in units)]
        with subprocess.Popen(  # noqa: S603 - ours
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as guard:
            assert guard.stdin is not None  # noqa: S101 - a pipe was asked for
            yield partial(_write_done, guard.stdin)

    def _run(self, *arguments: str) -> str:
        command = ["systemctl", "--no-ask-password", *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603 - ours
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UnitsError(f"{' '.join(command)}: {error}") from None
        if done.returncode != 0:
            why = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
            raise UnitsError(f"{' '.join(command)}: {why}")
        return done.stdout


def _write_done(pipe: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):  # somebody has killed the guard
        pipe.write(b"done\n")
        pipe.flush()


@contextlib.contextmanager
def paused(units: Units, *names: str) -> Iterator[tuple[str, ...]]:
    """Stop those of some units that run, and start them again at the end, whatever happens; give their names.

    SIGTERM and a closed terminal (SIGHUP) end the block as Ctrl-C does, by an exception; where this process is killed
    outright, a guard of its own starts the units. Nothing is stopped where nothing runs units. Raises: UnitsError.
    """
    running = tuple(name for name in names if _runs(units, name)) if units.known() else ()
    if not running:
        yield ()
        return
    guard = units.guarded(*running) if isinstance(units, Systemd) else contextlib.nullcontext(lambda: None)
    with ended_by_exceptions(), guard as started:
        try:
            units.tell("stop", *running)
            yield running
        finally:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *ENDINGS})  # a second Ctrl-C waits
            try:
                units.tell("start", *running)
                started()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _runs(units: Units, name: str) -> bool:
    return units.properties(name, ["ActiveState"]).get("ActiveState") in RUNNING


@contextlib.contextmanager
def ended_by_exceptions() -> Iterator[None]:
    """Have the signals that end a process raise SystemExit meanwhile; only a main thread can ask for that."""
    try:
        heeded = [number for number in ENDINGS if signal.getsignal(number) != signal.SIG_IGN]  # not under nohup(1)
        before = [(number, signal.signal(number, _leave)) for number in heeded]
    except ValueError:
        before = []
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)

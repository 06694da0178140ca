"""What is switched beside the lamps: a buzzer with tones that end by themselves, and a heartbeat for a relay.

Neither is ever waited for: a light comes whether they work or not, and what fails is told as a `fault`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol

from drivers.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

OutputCause = Literal["open", "tone", "lease", "beat", "close", "darken"]
Tone = tuple[tuple[float, float], ...]  # beeps in turn: seconds on, then seconds off

TONE_MAX_S = 3.0  # ours: as long as a light; bounds how long a wrong call can keep a buzzer sounding
RETRY_S = 0.1  # between attempts to silence a buzzer that did not obey
REOPEN_S = 2.0  # ours: between attempts to open what could not be opened
CLOSE_S = 1.0  # how long closing waits for a buzzer that hangs


class Output(Protocol):
    """One pin without any judgement: what differs between a real and a simulated buzzer or heartbeat."""

    def put(self, *, on: bool, by: OutputCause) -> None:
        """Set the level.

        Raises:
            DeviceError: it could not be set; the level is then unknown.
        """
        ...

    def close(self) -> None:
        """Release the pin as it is."""
        ...


class Buzzer:
    """An active buzzer: it has one pitch, so that answers differ by how many beeps they have, and how long.

    All that touches the device happens in a thread of its own: a buzzer that fails or hangs keeps nobody waiting.
    """

    def __init__(self, open_: Callable[[], Output]) -> None:
        """Begin to open the buzzer, silent; one that cannot be opened is tried again."""
        self._open = open_
        self._output: Output | None = None
        self._turn = threading.Condition()
        self._tone: Tone = ()  # asked for, and not begun yet
        self._sounding: Tone = ()
        self._opened = False
        self._closed = False
        self._fault: str | None = None
        self._player = threading.Thread(target=self._play, name="signal-buzzer", daemon=True)
        self._player.start()

    @property
    def fault(self) -> str | None:
        """Return what is wrong with the buzzer, None where it obeys as far as is known."""
        return self._fault

    def sound(self, tone: Tone) -> None:
        """Sound a tone instead of the one before, without waiting; one that sounds already is not begun anew.

        Raises:
            ValueError: it is longer than `TONE_MAX_S`, or has a length that is none.
        """
        check_tone(tone)
        with self._turn:
            if tone not in (self._tone, self._sounding):
                self._tone = tone
                self._turn.notify()

    def close(self) -> None:
        """Leave the buzzer silent and release it, or give up after `CLOSE_S`; a second call does nothing."""
        with self._turn:
            self._closed = True
            self._turn.notify()
        self._player.join(CLOSE_S)

    def _play(self) -> None:
        while not self._ensured():
            if self._waited(REOPEN_S, lambda: self._closed):
                self._give_back()
                return
        while self._next():
            for on_s, off_s in self._sounding:
                if self._beep(on_s) or self._waited(off_s):
                    break
        self._give_back()

    def _ensured(self) -> bool:
        """Return whether the buzzer is open and silent."""
        try:
            self._output = self._output or self._open()
            self._output.put(on=False, by="open")
        except DeviceError as error:
            self._fault = str(error)
            return False
        self._fault = None
        return True

    def _next(self) -> bool:
        """Wait for a tone to sound; return False where there will be none."""
        with self._turn:
            self._sounding = ()
            self._turn.wait_for(lambda: self._closed or self._tone)
            self._sounding, self._tone = self._tone, ()
            return not self._closed

    def _beep(self, on_s: float) -> bool:
        """Sound for a while; return whether something else came meanwhile, or the buzzer failed."""
        end_s = time.monotonic() + on_s  # counted from before: a slow device shortens a beep
        obeyed = self._put(on=True, by="tone")
        interrupted = obeyed and self._waited(end_s - time.monotonic())
        while not self._put(on=False, by="lease"):  # what it does now is unknown
            if self._waited(RETRY_S, lambda: self._closed):
                break
        return interrupted or not obeyed

    def _put(self, *, on: bool, by: OutputCause) -> bool:
        assert self._output is not None  # noqa: S101 - opened before anything sounds
        try:
            self._output.put(on=on, by=by)
        except DeviceError as error:
            self._fault = str(error)
            return False
        if on:  # that it is silent does not show that it works
            self._fault = None
        return True

    def _waited(self, seconds: float, until: Callable[[], object] | None = None) -> bool:
        """Wait; return early, and True, where the buzzer is closed or (`until` None) another tone is asked for."""
        with self._turn:
            return bool(self._turn.wait_for(until or (lambda: self._closed or self._tone), max(0.0, seconds)))

    def _give_back(self) -> None:
        if self._output is None:
            return
        with contextlib.suppress(DeviceError):  # who asked has gone on; darkening from outside follows a gate's end
            self._output.put(on=False, by="close")
        self._output.close()


class Heartbeat:
    """A pin that changes its level with each beat, so that a retriggerable relay falls where beats stop."""

    def __init__(self, open_: Callable[[], Output], monotonic: Callable[[], float] = time.monotonic) -> None:
        """Open the pin, low; one that cannot be opened is tried again."""
        self._open = open_
        self._monotonic = monotonic
        self._output: Output | None = None
        self._on = False
        self._again_s = monotonic()
        self._fault: str | None = None
        self._closed = False
        self._ensure()

    @property
    def fault(self) -> str | None:
        """Return what is wrong with the pin, None where it obeys as far as is known."""
        return self._fault

    def beat(self) -> None:
        """Change the level; to be called while the program lives, and by nobody but its own loop."""
        if self._closed or (self._output is None and not self._ensure()):
            return
        with self._reported():
            assert self._output is not None  # noqa: S101 - just ensured
            self._output.put(on=not self._on, by="beat")
            self._on = not self._on

    def close(self) -> None:
        """Leave the pin low and release it; a second call does nothing."""
        self._closed = True
        output, self._output = self._output, None
        if output is not None:
            with self._reported():
                output.put(on=False, by="close")
            output.close()

    def _ensure(self) -> bool:
        if self._monotonic() < self._again_s:
            return False
        self._again_s = self._monotonic() + REOPEN_S
        with self._reported():
            output = self._open()
            try:
                output.put(on=False, by="open")
            except DeviceError:
                output.close()
                raise
            self._output, self._on = output, False
        return self._output is not None

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except DeviceError as error:
            self._fault = str(error)
        else:
            self._fault = None


def check_tone(tone: Tone) -> None:
    """Check that a tone ends. Raises: ValueError."""
    lengths = [seconds for beep in tone for seconds in beep]
    # written so that NaN fails too
    if not tone or not all(seconds >= 0 for seconds in lengths) or not sum(lengths) <= TONE_MAX_S:
        raise ValueError(f"a tone lasts at most {TONE_MAX_S:g} s, and has beeps: not {tone!r}")

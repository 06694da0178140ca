"""Another trust store while the gate is at work: looked for each second, opened beside it, put in between two turns.

Nobody waits for it: a thread opens the store, and takes its turns with the gate's own more often than threads do
(`SWITCH_S`). What cannot be used is told, and what is in use stays.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from firmware.config import ConfigError
from firmware.events import place_of
from firmware.knowledge import StaleReason
from firmware.trust_data import Trust
from firmware.trust_store import current_of
from verifier import Accepted, Refused, Undecided, Verifier

LOOK_NS = 1_000_000_000
AGAIN_NS = 60 * 1_000_000_000  # ours: between two attempts at a store that could not be opened
SWITCH_S = 0.0005  # ours: how long the gate waits for the thread; Python's own 5 ms, a dozen times, would be seen


class Trusted:
    """The trust data in use: a judge whose data are replaced between two turns."""

    def __init__(self, trust: Trust) -> None:
        """Judge by these."""
        self.use(trust)

    def use(self, trust: Trust) -> None:
        """Judge by these from now on."""
        self.trust = trust
        self._verifier = Verifier(trust.signers, trust.revocations)

    def verify(self, text: str, at: datetime) -> Accepted | Refused | Undecided:
        """Return the verdict on a text at a time; raises nothing."""
        return self._verifier.verify(text, at)

    def stale(self, at: datetime) -> StaleReason | None:
        """Return why nothing may be judged at a time: what is known is too old; None where it may."""
        return self.trust.knowledge.stale(at) if self.trust.knowledge else None


class TrustSwitch:
    """Looks for another store, and opens it in a thread of its own.

    `load` opens what is current in the folder; it raises ConfigError for what cannot or may not be used here.
    """

    def __init__(self, folder: Path, used: Trust, load: Callable[[], Trust], now_ns: int) -> None:
        """Look from now on (monotonic); `used` is what is in use now."""
        self._folder = folder
        self._used = used
        self._tried = used.store
        self._load = load
        self._look_ns = now_ns + LOOK_NS
        self._again_ns = now_ns
        self._thread: threading.Thread | None = None
        self._found: Trust | None = None
        self._why: str | None = None
        self.problem: str | None = None

    def turn(self, now_ns: int) -> Trust | None:
        """Return another store once it is open; None where there is none. Never waits.

        `problem` says from then on why the one that is there cannot be used, None where it can.
        """
        if self._thread is not None:
            return None if self._thread.is_alive() else self._opened(now_ns)
        if now_ns < self._look_ns:
            return None
        self._look_ns = now_ns + LOOK_NS
        name = current_of(self._folder)
        if name in (None, self._used.store):
            self.problem = None  # what could not be used is gone
        elif name != self._tried or now_ns >= self._again_ns:
            self._tried = name
            self._thread = threading.Thread(target=self._open, name="trust", daemon=True)
            self._thread.start()
        return None

    def _open(self) -> None:
        with _short_turns():
            try:
                self._found = of_store(self._load())
            except ConfigError as error:
                self._why = str(error)
            except Exception as error:  # noqa: BLE001 - what is in use stays, whatever a store does to its opening
                self._why = f"{type(error).__name__} at {place_of(error)}"

    def _opened(self, now_ns: int) -> Trust | None:
        found, self._found = self._found, None
        self.problem, self._why = self._why, None
        self._thread = None
        self._again_ns = now_ns + AGAIN_NS
        if found:
            self._used = found
            self._tried = found.store
        return found


def of_store(found: Trust) -> Trust:
    """Return what was found, where it is a store's: which of two stores is the newer one, sync decides.

    Raises: ConfigError.
    """
    if found.knowledge is None:
        raise ConfigError("the store is gone: only plain files are there; run greengate sync")
    return found


@contextmanager
def _short_turns() -> Iterator[None]:
    """Let this program's threads take turns often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)

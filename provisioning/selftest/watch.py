"""Watch a test: what the gate tells, what the lamps show, what the journal holds."""

import contextlib
import socket
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote
from uuid import UUID

from firmware.messages import MAX_MESSAGE_BYTES, Advised, Event, Health, MessageError, Shown, decode_event
from firmware.service_state import in_service_state
from firmware.sockets import connect
from provisioning.selftest.eyes import Eyes
from provisioning.selftest.programs import Runner
from provisioning.selftest.stage import FORGED, LIGHT_S, VALID, Stage

START_S = 7.0  # ours: reader and gate are ready after two or three, on a Raspberry Pi
ANSWERS_S = 9.0  # ours: a round of the pictures takes 7.5; one of them may be missed
DARK_AFTER_S = 0.3  # ours: a light may end that much late
QUIET_S = 4.0  # the empty picture comes 2.5 s after the one before it, and stays for 1.5 s
TURN_S = 0.05
BUSY_S = 0.5

Presented = Literal["valid", "forged"]
PICTURES: dict[Presented, str] = {"valid": VALID, "forged": FORGED}


@dataclass(frozen=True, slots=True)
class Answer:
    """How the gate answered, when that was heard (monotonic), and what it recorded: direction and verdict."""

    shown: Shown
    heard_ns: int
    record: tuple[str, str] | None


@dataclass
class Observed:
    """What was seen of a test; `state` is the last that the gate said between answers."""

    in_service: bool = False
    state: str = "starting"
    answers: dict[Presented, Answer] = field(default_factory=dict)
    strays: int = 0
    notices: set[str] = field(default_factory=set)
    quiet_from_ns: int = 0
    ended: bool = False  # the programs ended before they were told to
    service_over: bool = False

    @property
    def told(self) -> bool:
        """Return whether both pictures with a code were answered."""
        return len(self.answers) == len(PICTURES)


Records = Callable[[str], tuple[str, str] | None]


class Watch:
    """One test, from its programs' start until the empty picture was there."""

    def __init__(
        self, stage: Stage, runner: Runner, eyes: Eyes, records: Records, advance: Callable[[int], None]
    ) -> None:
        """Watch a test that runs; `records` returns direction and verdict of a check-in."""
        self._stage, self._runner, self._eyes, self._records = stage, runner, eyes, records
        self._advance = advance
        self._gate: socket.socket | None = None
        self.observed = Observed()

    def run(self) -> Observed:
        """Watch until all is seen, or time is up."""
        observed = self.observed
        try:
            if self._until(lambda: observed.in_service, START_S):
                self._stage.show()
                self._until(lambda: observed.told, ANSWERS_S)
            if observed.told:
                observed.quiet_from_ns = time.monotonic_ns() + round((LIGHT_S + DARK_AFTER_S) * 1e9)
                self._until(lambda: False, QUIET_S)
                self._advance(1)
        finally:
            self._hang_up()
        return observed

    def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Watch until a condition holds; return whether it does before time, programs or service state end."""
        end_s = time.monotonic() + seconds
        while not condition():
            self.observed.ended = self._runner.ended
            self.observed.service_over = not in_service_state(self._stage.config.service_marker)
            if self.observed.ended or self.observed.service_over or time.monotonic() > end_s:
                return False
            self._turn()
        return True

    def _turn(self) -> None:
        self._eyes.look()
        if self._gate is None:
            with contextlib.suppress(OSError):  # not there yet, or started again
                self._gate = connect(self._stage.config.events_socket)
                self._gate.settimeout(TURN_S)
        if self._gate is None:
            time.sleep(TURN_S)
            return
        try:
            data = self._gate.recv(MAX_MESSAGE_BYTES + 1)
        except TimeoutError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up()
            return
        with contextlib.suppress(MessageError):
            self._take(decode_event(data))

    def _take(self, event: Event) -> None:
        observed = self.observed
        if isinstance(event, Health):
            observed.notices |= {notice.code for notice in event.notices}
        elif isinstance(event, Advised):
            return  # how to hold a code: nobody does in a test
        elif event.verdict is None:
            observed.state = event.reason
            observed.in_service = observed.in_service or event.aspect == "ready"
        elif (presented := self._presented(event)) is None:
            observed.strays += 1
        else:
            record = self._records(event.checkin) if event.checkin else None
            observed.answers[presented] = Answer(event, time.monotonic_ns(), record)
            self._stage.take_away(PICTURES[presented])
            self._advance(1)

    def _presented(self, shown: Shown) -> Presented | None:
        """Return what was answered: by the answer where that says so, else by the order of the pictures."""
        if shown.verdict == "accepted":
            presented: Presented = "valid"
        elif shown.reason == "bad-signature":
            presented = "forged"
        else:
            presented = "forged" if "valid" in self.observed.answers else "valid"
        return None if presented in self.observed.answers else presented

    def _hang_up(self) -> None:
        gate, self._gate = self._gate, None
        if gate:
            gate.close()


def record_of(journal: Path, checkin: str) -> tuple[str, str] | None:
    """Return direction and verdict of a check-in in the journal, None where it is not there.

    To be called while the gate has the journal open: reading alone then makes no file of another user's beside it.
    """
    try:
        identifier = UUID(checkin).bytes
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(journal))}?mode=ro", uri=True, timeout=BUSY_S)) as db:
            row = db.execute("SELECT direction, verdict FROM checkin WHERE id = ?", (identifier,)).fetchone()
    except (sqlite3.Error, ValueError):
        return None
    return (str(row[0]), str(row[1])) if row else None

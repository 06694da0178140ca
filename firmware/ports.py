"""What a checkpoint needs of the world: its devices, its journal and its words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from drivers.clock import Clock
from drivers.signal import Signal
from firmware.checkin import CheckIn
from firmware.detail_names import Detail
from firmware.events import LogEvent
from firmware.judging import Judge, Judgement
from firmware.knowledge import StaleReason
from firmware.messages import Event
from firmware.records import Later
from firmware.signalling import Sound
from firmware.texts import Words


class Recorder(Protocol):
    """What the gate needs of the journal; `append` and `probe` raise JournalError."""

    def append(self, checkin: CheckIn) -> int:
        """Record on disk before returning."""

    def probe(self) -> None:
        """Find out by a real write whether `append` would work."""

    def note(self, code: str, text: str) -> None:
        """Keep a diagnostic note, if there is room; raises nothing."""


class Maker(Protocol):
    """What makes records; see `firmware.records`."""

    @property
    def clock_trusted(self) -> bool:
        """Return whether passes can be judged by the clock."""
        ...

    def checkin(self, judgement: Judgement) -> CheckIn:
        """Return the record of a presentation."""

    def later(self, kind: Later, about: CheckIn) -> CheckIn:
        """Return the record of what happened after a check-in."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The devices and data of one gate."""

    judge: Judge
    recorder: Recorder
    signal: Signal
    clock: Clock
    texts: dict[str, Words]
    records: Maker
    tell: Callable[[Event], None]
    log: Callable[[LogEvent], None]
    sound: Callable[[Sound], None] = lambda _what: None  # a buzzer, where one is fitted: never waits or raises
    stale: Callable[[datetime], StaleReason | None] = lambda _at: None  # why nothing may be judged by what is known
    wanted: tuple[Detail, ...] = ()  # of a holder's details, by the profile

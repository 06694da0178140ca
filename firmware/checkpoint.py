"""What the gate decides, with its devices as arguments: readings in, records and lights out.

For each new presentation, in this order:

1. judge the texts (a value, whatever was shown),
2. record the check-in, on disk before the call returns,
3. light the lamps, green only with a lease,
4. tell the panels.

A step that fails ends the row: no light without a record. While something that this needs is missing (reader,
journal, lamps) the gate is out of service; it comes back by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, assert_never

from drivers.clock import Clock
from drivers.errors import DeviceError
from drivers.signal import Signal
from firmware.checkin import CheckIn
from firmware.config import TimingConfig
from firmware.events import (
    Decided,
    InternalError,
    Lit,
    LogEvent,
    ReadingDropped,
    RecordFailed,
    ServiceBack,
    ServiceLost,
    place_of,
    step_times_ms,
)
from firmware.journal import JournalError
from firmware.judging import Judge, Judgement, judge, undecided
from firmware.messages import Aspect, Event, Heartbeat, Reading, Shown, VerdictName
from firmware.session import Session
from firmware.signalling import Lamps, Light, lamps_at, next_change_ns
from firmware.texts import Words
from firmware.timekeeping import clock_is_trusted

STALE_NS = 2_000_000_000  # ours: by then another person may stand there; a light would answer the wrong one
PROBE_NS = 2_000_000_000  # ours: between attempts to write again

# What keeps the gate out of service, the gravest first: one is shown.
FAULTS = ("lamp-fault", "journal-failed", "starting", "reader-silent", "no-camera", "camera-stalled")


class Recorder(Protocol):
    """What the gate needs of the journal."""

    def append(self, checkin: CheckIn) -> int:
        """Record on disk before returning; raises JournalError."""
        ...

    def probe(self) -> None:
        """Find out by a real write whether `append` would work; raises JournalError."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The devices and data of one gate."""

    judge: Judge
    recorder: Recorder
    signal: Signal
    clock: Clock
    texts: dict[str, Words]
    floor: datetime
    checkin: Callable[[Judgement], CheckIn]
    tell: Callable[[Event], None]
    log: Callable[[LogEvent], None]


class Checkpoint:
    """One lane's gate; its owner calls `receive` for each message and `turn` at least four times a second."""

    def __init__(self, ports: Ports, timing: TimingConfig, direction: str) -> None:
        """Start out of service, until the reader says that it reads and the journal that it writes."""
        self._ports = ports
        self._timing = timing
        self._accepted_text = "valid" if direction == "in" else "valid-out"
        now_ns = ports.clock.monotonic_ns()
        self._session = Session(_ns(timing.held_s))
        self._faults = {"starting"}
        self._heard_ns = now_ns
        self._probe_ns = now_ns
        self._lamps: Lamps | None = None  # None: unknown, to be set at the next turn
        self._light = Light("out-of-service", now_ns)
        self._shown_reason = ""
        self.frames = 0
        self._return_to_base(now_ns)

    @property
    def in_service(self) -> bool:
        """Return whether passes are judged."""
        return not self._faults

    @property
    def idle(self) -> bool:
        """Return whether nobody is being answered."""
        return self._light.aspect in ("ready", "out-of-service")

    @property
    def clock_trusted(self) -> bool:
        """Return whether passes can be judged by the clock."""
        clock = self._ports.clock
        return clock_is_trusted(clock.now(), synchronised=clock.synchronised(), floor=self._ports.floor)

    def receive(self, message: Reading | Heartbeat) -> None:
        """Take one message of the reader's."""
        match message:
            case Heartbeat():
                self._heartbeat(message)
            case Reading():
                self._reading(message)
            case _:
                assert_never(message)

    def turn(self) -> None:
        """Do what is due: end lights, flash lamps, miss the reader, try the journal again."""
        now_ns = self._ports.clock.monotonic_ns()
        if now_ns - self._heard_ns > _ns(self._timing.reader_timeout_s):
            self._set_reader_fault("reader-silent")
        if "journal-failed" in self._faults and now_ns >= self._probe_ns:
            self.probe()
        if self._light.ended(now_ns):
            self._return_to_base(now_ns)
        self._apply_lamps(now_ns)

    def wake_ns(self) -> int | None:
        """Return when `turn` is due next (monotonic), None = whenever."""
        return next_change_ns(self._light, self._ports.clock.monotonic_ns())

    def probe(self) -> None:
        """Find out whether the journal takes records."""
        self._probe_ns = self._ports.clock.monotonic_ns() + PROBE_NS
        try:
            self._ports.recorder.probe()
        except JournalError as error:
            self._record_failed(error)
        else:
            self._change_faults(self._faults - {"journal-failed"})

    # The reader

    def _heartbeat(self, heartbeat: Heartbeat) -> None:
        self._heard_ns = self._ports.clock.monotonic_ns()
        self.frames = heartbeat.frames
        self._set_reader_fault(heartbeat.fault)

    def _set_reader_fault(self, fault: str | None) -> None:
        others = self._faults & {"lamp-fault", "journal-failed"}
        self._change_faults(others | {fault} if fault else others)

    def _reading(self, reading: Reading) -> None:
        received_ns = self._ports.clock.monotonic_ns()
        if not 0 <= received_ns - reading.captured_ns <= STALE_NS:
            self._ports.log(ReadingDropped(why="stale"))
            return
        if self._faults:
            return  # what cannot be recorded or lit is not judged
        try:
            judgement = self._judge(reading)
            if judgement:
                self._present(judgement, reading, received_ns)
        except Exception as error:  # noqa: BLE001 - the one broad except: a crafted pass must not crash-loop a gate
            self._ports.log(InternalError(kind=type(error).__name__, where=place_of(error)))
            self._present(undecided(reading.texts, "internal-error"), reading, received_ns)

    def _judge(self, reading: Reading) -> Judgement | None:
        now = self._ports.clock.now()
        return judge(reading.texts, self._ports.judge, now, clock_trusted=self.clock_trusted)

    # A presentation

    def _present(self, judgement: Judgement, reading: Reading, received_ns: int) -> None:
        judged_ns = self._ports.clock.monotonic_ns()
        held = self._session.holds(judgement.key, received_ns)
        self._session = self._session.seen(judgement.key, received_ns)
        if held:
            self._still_there(received_ns)
        else:
            self._decide(judgement, reading, received_ns, judged_ns)

    def _still_there(self, now_ns: int) -> None:
        """Say so once the light is over; never lengthen a light."""
        if self._light.aspect == "ready":
            self._light = Light("ready", self._light.since_ns, now_ns + _ns(self._timing.held_s))
            self._show_text("ready", "just-scanned", self._light.until_ns)

    def _decide(self, judgement: Judgement, reading: Reading, received_ns: int, judged_ns: int) -> None:
        clock = self._ports.clock
        checkin = self._ports.checkin(judgement)
        try:
            self._ports.recorder.append(checkin)
        except JournalError as error:
            self._probe_ns = clock.monotonic_ns() + PROBE_NS
            self._record_failed(error)
            return
        recorded_ns = clock.monotonic_ns()
        light = self._answer(judgement.verdict, recorded_ns)
        if not self._light_up(light):
            return
        lit_ns = clock.monotonic_ns()
        marks = (reading.captured_ns, reading.read_ns, received_ns, judged_ns, recorded_ns, lit_ns)
        self._report(judgement, str(checkin.id), light, marks)

    def _answer(self, verdict: VerdictName, now_ns: int) -> Light:
        seconds = self._timing.green_s if verdict == "accepted" else self._timing.red_s
        return Light(verdict, now_ns, now_ns + _ns(seconds))

    def _report(self, judgement: Judgement, checkin: str, light: Light, marks: tuple[int, ...]) -> None:
        timings_ms = step_times_ms(marks)
        lease_s = self._timing.green_s if light.aspect == "accepted" else 0.0
        self._ports.log(Lit(checkin=checkin, lease_s=lease_s))
        self._shown_reason = judgement.reason
        words = self._words(judgement.reason)
        self._ports.tell(
            Shown(
                aspect=light.aspect,
                reason=judgement.reason,
                vi=words.vi,
                en=words.en,
                checkin=checkin,
                verdict=judgement.verdict,
                until_ns=light.until_ns,
                timings_ms=timings_ms,
            )
        )
        self._ports.log(Decided(checkin, judgement.verdict, judgement.reason, timings_ms))

    # Lamps, texts and faults

    def _light_up(self, light: Light) -> bool:
        """Show a light; return whether the lamps obeyed."""
        self._light = light
        self._lamps = None  # a new lease, even where the lamps look the same
        self._apply_lamps(light.since_ns)
        return "lamp-fault" not in self._faults

    def _apply_lamps(self, now_ns: int) -> None:
        lamps = lamps_at(self._light, now_ns)
        if lamps == self._lamps:
            return
        try:
            lease_s = ((self._light.until_ns or now_ns) - now_ns) / 1e9  # what is left of it, never more
            self._ports.signal.show(red=lamps.red, green=lamps.green, lease_s=lease_s if lamps.green else 0.0)
        except DeviceError:
            self._lamps = None
            self._change_faults(self._faults | {"lamp-fault"})
        else:
            self._lamps = lamps
            self._change_faults(self._faults - {"lamp-fault"})

    def _return_to_base(self, now_ns: int) -> None:
        """Show what holds between answers: ready, or out of service and why."""
        reason = next((fault for fault in FAULTS if fault in self._faults), "ready")
        aspect: Aspect = "out-of-service" if self._faults else "ready"
        self._light = Light(aspect, now_ns)
        self._show_text(aspect, reason, None)

    def _show_text(self, aspect: Aspect, reason: str, until_ns: int | None) -> None:
        if reason != self._shown_reason:
            self._shown_reason = reason
            words = self._words(reason)
            self._ports.tell(Shown(aspect, reason, words.vi, words.en, until_ns=until_ns))

    def _words(self, reason: str) -> Words:
        return self._ports.texts[self._accepted_text if reason == "valid" else reason]

    def _record_failed(self, error: JournalError) -> None:
        if "journal-failed" not in self._faults:
            self._ports.log(RecordFailed(why=str(error)))
        self._session = Session(_ns(self._timing.held_s))  # nobody was answered: the same pass may try again
        self._change_faults(self._faults | {"journal-failed"})

    def _change_faults(self, faults: set[str]) -> None:
        if faults == self._faults:
            return
        was_in_service, self._faults = self.in_service, faults
        now_ns = self._ports.clock.monotonic_ns()
        grave = bool(faults & {"lamp-fault", "journal-failed"})
        if grave or self._light.until_ns is None:  # else the answer given stays until its end
            self._return_to_base(now_ns)
        if was_in_service and faults:
            self._ports.log(ServiceLost(reason=next(fault for fault in FAULTS if fault in faults)))
        elif not faults:
            self._ports.log(ServiceBack())


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)

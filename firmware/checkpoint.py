"""What the gate decides, with its devices as arguments: readings in, records and lights out.

For each new presentation, in this order:

1. judge the texts (a value, whatever was shown),
2. record the check-in, on disk before the call returns,
3. light the lamps, green only with a lease,
4. tell the panels.

A step that fails ends the row: no green without a record. While something that this needs is missing (reader,
journal, lamps) the gate is out of service; it comes back by itself. Answers that are not green come without a record
where there are too many of them: a screen that flickers through codes must not fill the disk.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, assert_never

from drivers.clock import Clock
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
    Unrecorded,
    place_of,
    step_times_ms,
)
from firmware.faults import DARKENING, by_reader, changed, gravest
from firmware.floods import Allowance, Seldom
from firmware.front import Front
from firmware.journal import JournalError
from firmware.judging import NO_PASS, Judge, Judgement, judge, undecided
from firmware.messages import Event, Heartbeat, Reading, VerdictName
from firmware.session import Session
from firmware.signalling import Light
from firmware.texts import Words
from firmware.timekeeping import Span, clock_is_trusted

STALE_NS = 2_000_000_000  # ours: by then another person may stand there; a light would answer the wrong one
PROBE_NS = 2_000_000_000  # ours: between attempts to write, or to light, again
RECORDS_MOST = 20  # ours: of passes not accepted at once, then one a second: no queue is faster


class Recorder(Protocol):
    """What the gate needs of the journal; both raise JournalError."""

    def append(self, checkin: CheckIn) -> int:
        """Record on disk before returning."""

    def probe(self) -> None:
        """Find out by a real write whether `append` would work."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The devices and data of one gate."""

    judge: Judge
    recorder: Recorder
    signal: Signal
    clock: Clock
    texts: dict[str, Words]
    span: Span
    checkin: Callable[[Judgement], CheckIn]
    tell: Callable[[Event], None]
    log: Callable[[LogEvent], None]
    sound: Callable[[VerdictName], None] = lambda _answer: None  # a buzzer, where one is fitted: never waits or raises


class Checkpoint:
    """One lane's gate; its owner calls `receive` for each message and `turn` at least four times a second."""

    def __init__(self, ports: Ports, timing: TimingConfig, direction: str) -> None:
        """Start out of service, until the reader says that it reads and the journal that it writes."""
        self._ports = ports
        self._timing = timing
        now_ns = ports.clock.monotonic_ns()
        self._front = Front(ports.signal, ports.texts, ports.tell, direction, now_ns)
        self._session = Session(_ns(timing.held_s))
        self._allowance = Allowance(RECORDS_MOST)
        self._stale = Seldom(lambda count: ports.log(ReadingDropped("stale", count)), ports.clock.monotonic_ns)
        self._unrecorded = Seldom(lambda count: ports.log(Unrecorded(count)), ports.clock.monotonic_ns)
        self._faults = {"starting"}
        self._heard_ns = now_ns
        self._probe_ns: int | None = None  # when the journal is to be tried; None: it works
        self._lamps_again_ns = now_ns  # when lamps that failed are tried again
        self.frames = 0
        self._return_to_base(now_ns)

    @property
    def in_service(self) -> bool:
        """Return whether passes are judged."""
        return not self._faults

    @property
    def idle(self) -> bool:
        """Return whether nobody is being answered."""
        return self._front.light.aspect in ("ready", "out-of-service")

    @property
    def journal_works(self) -> bool:
        """Return whether the journal takes records, as far as is known."""
        return self._probe_ns is None

    @property
    def clock_trusted(self) -> bool:
        """Return whether passes can be judged by the clock."""
        clock = self._ports.clock
        return clock_is_trusted(clock.now(), synchronised=clock.synchronised(), span=self._ports.span)

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
        if self._probe_ns is not None and now_ns >= self._probe_ns:
            self.probe()
        if self._front.light.ended(now_ns):
            self._return_to_base(now_ns)
        self._set_lamps(now_ns)
        self._stale.turn()
        self._unrecorded.turn()

    def wake_ns(self) -> int | None:
        """Return when `turn` is due next (monotonic), None = whenever."""
        return self._front.wake_ns(self._ports.clock.monotonic_ns())

    def probe(self) -> None:
        """Find out whether the journal takes records."""
        try:
            self._ports.recorder.probe()
        except JournalError as error:
            self._record_failed(error)
        else:
            self._probe_ns = None
            self._change_faults(changed(self._faults, "journal-failed", present=False))

    def suspend(self, *, suspended: bool) -> None:
        """Be out of service as long as a technician is at work (or, in a test, as soon as none is any more)."""
        self._change_faults(changed(self._faults, "service-state", present=suspended))

    def doubt_journal(self) -> None:
        """Try the journal at the next turn: two waits for a lock in one would be too long for the watchdog."""
        self._probe_ns = self._ports.clock.monotonic_ns()

    # The reader

    def _heartbeat(self, heartbeat: Heartbeat) -> None:
        self._heard_ns = self._ports.clock.monotonic_ns()
        self.frames = heartbeat.frames
        self._set_reader_fault(heartbeat.fault)

    def _set_reader_fault(self, fault: str | None) -> None:
        self._change_faults(by_reader(self._faults, fault))

    def _reading(self, reading: Reading) -> None:
        received_ns = self._ports.clock.monotonic_ns()
        if not 0 <= received_ns - reading.captured_ns <= STALE_NS:
            self._stale.happened()
            return
        if self._faults:
            return  # what cannot be recorded or lit is not judged
        if self._survives(lambda: self._answer(reading, received_ns)):
            return
        failed = undecided(reading.texts, "internal-error")
        if not self._survives(lambda: self._present(failed, reading, received_ns)):
            self._deny(failed)

    def _survives(self, action: Callable[[], None]) -> bool:
        """Do something with what was read; return whether nothing unexpected happened."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the one broad except: a crafted pass must not crash-loop a gate
            self._ports.log(InternalError(kind=type(error).__name__, where=place_of(error)))
            return False
        return True

    def _answer(self, reading: Reading, received_ns: int) -> None:
        now = self._ports.clock.now()
        judgement = judge(reading.texts, self._ports.judge, now, clock_trusted=self.clock_trusted)
        if judgement:
            self._present(judgement, reading, received_ns)

    # A presentation

    def _present(self, judgement: Judgement, reading: Reading, received_ns: int) -> None:
        judged_ns = self._ports.clock.monotonic_ns()
        held = self._session.holds(judgement.key, received_ns)
        for key in (*judgement.beside, judgement.key):
            self._session = self._session.seen(key, received_ns)
        if held:
            if self._front.light.aspect == "ready":  # its light is over: say why none follows
                self._front.rest("ready", "just-scanned", received_ns, received_ns + _ns(self._timing.held_s))
        elif judgement.reason == NO_PASS and self._front.light.aspect == "accepted":
            return  # no pass counts beside one, in its light as in its frame: the poster behind a phone put down
        elif judgement.verdict != "accepted" and not self._allowance.take(received_ns):
            self._unrecorded.happened()
            self._deny(judgement)
        else:
            self._decide(judgement, reading, received_ns, judged_ns)

    def _decide(self, judgement: Judgement, reading: Reading, received_ns: int, judged_ns: int) -> None:
        clock = self._ports.clock
        checkin = self._ports.checkin(judgement)
        try:
            self._ports.recorder.append(checkin)
        except JournalError as error:
            self._record_failed(error)
            return
        marks = (reading.captured_ns, reading.read_ns, received_ns, judged_ns, clock.monotonic_ns())
        self._survives(lambda: self._light_and_report(judgement, str(checkin.id), marks))  # recorded: not once more

    def _light_and_report(self, judgement: Judgement, checkin: str, marks: tuple[int, ...]) -> None:
        *_, received_ns, _judged_ns, recorded_ns = marks
        if not self._light_up(judgement.verdict, recorded_ns):
            return
        self._session = self._session.seen(judgement.key, received_ns, self._front.light.until_ns or 0)
        timings_ms = step_times_ms((*marks, self._ports.clock.monotonic_ns()))
        lease_s = self._timing.green_s if judgement.verdict == "accepted" else 0.0
        self._ports.log(Lit(checkin=checkin, lease_s=lease_s))
        self._front.answer(judgement, checkin, timings_ms)
        self._ports.log(Decided(checkin, judgement.verdict, judgement.reason, timings_ms))

    def _deny(self, judgement: Judgement) -> None:
        """Answer without a record what is not accepted."""
        if self._light_up(judgement.verdict, self._ports.clock.monotonic_ns()):
            self._front.answer(judgement, None, {})

    # Lamps and faults

    def _light_up(self, verdict: VerdictName, now_ns: int) -> bool:
        """Light an answer; return whether the lamps obeyed."""
        seconds = self._timing.green_s if verdict == "accepted" else self._timing.red_s
        self._front.begin(Light(verdict, now_ns, now_ns + _ns(seconds)))
        obeyed = self._set_lamps(now_ns)
        if obeyed:
            self._ports.sound(verdict)
        else:
            self._forget()
        return obeyed

    def _set_lamps(self, now_ns: int) -> bool:
        if "lamp-fault" in self._faults and now_ns < self._lamps_again_ns:
            return False
        obeyed = self._front.turn(now_ns)
        if not obeyed:
            self._lamps_again_ns = now_ns + PROBE_NS
        self._change_faults(changed(self._faults, "lamp-fault", present=not obeyed))
        return obeyed

    def _return_to_base(self, now_ns: int) -> None:
        """Show what holds between answers: ready, or out of service and why."""
        self._front.rest("out-of-service" if self._faults else "ready", gravest(self._faults) or "ready", now_ns)

    def _record_failed(self, error: JournalError) -> None:
        if "journal-failed" not in self._faults:
            self._ports.log(RecordFailed(why=str(error)))
        self._probe_ns = self._ports.clock.monotonic_ns() + PROBE_NS
        self._forget()
        self._change_faults(changed(self._faults, "journal-failed", present=True))

    def _forget(self) -> None:
        """Let the same pass try again: nobody was answered."""
        self._session = Session(_ns(self._timing.held_s))

    def _change_faults(self, faults: set[str]) -> None:
        if faults == self._faults:
            return
        before, self._faults = gravest(self._faults), faults
        now_ns = self._ports.clock.monotonic_ns()
        if faults & DARKENING or self._front.light.until_ns is None:  # else the answer given stays until its end
            self._return_to_base(now_ns)
        reason = gravest(faults)
        if reason is None:
            self._ports.log(ServiceBack())
        elif reason != before:
            self._ports.log(ServiceLost(reason))


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)

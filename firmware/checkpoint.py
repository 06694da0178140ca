"""What the gate decides, with its devices as arguments: readings in, records and lights out.

For each new presentation, in this order:

1. judge the texts, with the documents of the same set that were shown before (a value, whatever was shown),
2. record the check-in, on disk before the call returns,
3. light the lamps, green only with a lease,
4. tell the panels.

A step that fails ends the row: no green without a record. A set that is not whole asks for the next document, without
a record; given up, it has one. Staff may let through whom the device did not: their button
is answered in the same order, with a record of its own. What a passage sensor sees is recorded, and lights nothing.
While something that this needs is missing (reader, journal, lamps) the gate is out of service; it comes back by itself.
"""

from typing import assert_never

from drivers.contacts import Closing
from drivers.plates import PlateSeen
from firmware.answers import Answers, survived
from firmware.checkin import CheckIn
from firmware.config_sections import TimingConfig
from firmware.events import ReadingDropped, RecordFailed, ServiceBack, ServiceLost
from firmware.faults import DARKENING, JOURNAL, by_journal, by_reader, changed, gravest
from firmware.floods import Seldom
from firmware.front import Front
from firmware.hinting import Hinting
from firmware.journal import JournalError, JournalFullError
from firmware.judging import sighted, undecided
from firmware.messages import Heartbeat, Hinted, ReaderMessage, Reading
from firmware.ports import Ports
from firmware.presenting import Presenting, unable_at
from firmware.signalling import RESTING
from verifier import Reason

STALE_NS = 2_000_000_000  # ours: by then another person may stand there; a light would answer the wrong one
PROBE_NS = 2_000_000_000  # ours: between attempts to write, or to light, again


class Checkpoint:
    """One lane's gate; its owner calls `receive` for each message and `turn` at least four times a second."""

    def __init__(self, ports: Ports, timing: TimingConfig, direction: str) -> None:
        """Start out of service, until the reader says that it reads and the journal that it writes."""
        self._ports = ports
        self._timing = timing
        now_ns = ports.clock.monotonic_ns()
        self._front = Front(ports.signal, ports.texts, ports.tell, direction, now_ns)
        self._answers = Answers(ports, timing, self._front, record=self._record, set_lamps=self._set_lamps)
        self._presenting = Presenting(ports, self._front, self._answers)
        self._hinting = Hinting(ports)
        self._stale = Seldom(lambda count: ports.log(ReadingDropped("stale", count)), ports.clock.monotonic_ns)
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
        return self._front.light.aspect in RESTING

    @property
    def journal_works(self) -> bool:
        """Return whether the journal takes records, as far as is known."""
        return self._probe_ns is None

    @property
    def clock_trusted(self) -> bool:
        """Return whether passes can be judged by the clock."""
        return self._ports.records.clock_trusted

    def receive(self, message: ReaderMessage) -> None:
        """Take one message of the reader's."""
        match message:
            case Heartbeat():
                self._heartbeat(message)
            case Reading():
                self._reading(message)
            case Hinted():
                self._hinted(message)
            case _:
                assert_never(message)

    def contact(self, closing: Closing) -> None:
        """Take one closing of the staff's button or the passage sensor.

        Out of service the button does nothing, and the screen says why. Who was let through before may still pass, as
        long as that can be recorded.
        """
        match closing.name:
            case "override":
                if self.in_service:
                    survived(lambda: self._presenting.pressed(closing.at_ns), self._ports.log)
            case "passage":
                if self.journal_works and "service-state" not in self._faults:
                    survived(lambda: self._presenting.passed(closing.at_ns), self._ports.log)
            case _:
                assert_never(closing.name)

    def plate(self, seen: PlateSeen) -> None:
        """Take one plate that was entered; out of service nobody's."""
        if self.in_service:
            survived(lambda: self._presenting.entered(seen), self._ports.log)

    def begin_anew(self) -> None:
        """Give up the set that waits: what is trusted, or required, is not what it was."""
        survived(lambda: self._presenting.end(self._ports.clock.monotonic_ns()), self._ports.log)

    def identify(self, until_ns: int) -> None:
        """Let somebody find this device until a time (monotonic), unless somebody is being answered."""
        now_ns = self._ports.clock.monotonic_ns()
        if now_ns < until_ns and self.idle and self._front.light.aspect != "identify":
            self._front.rest("identify", "identify", now_ns, until_ns)
            self._ports.sound("identify")

    def turn(self) -> None:
        """Do what is due: end lights, flash lamps, miss the reader, try the journal again."""
        now_ns = self._ports.clock.monotonic_ns()
        if now_ns - self._heard_ns > _ns(self._timing.reader_timeout_s):
            self._set_reader_fault("reader-silent")
        if self._probe_ns is not None and now_ns >= self._probe_ns:
            self.probe()
        survived(lambda: self._presenting.turn(now_ns), self._ports.log)
        if self._front.light.ended(now_ns):
            self._return_to_base(now_ns)
        self._set_lamps(now_ns)
        survived(lambda: self._hinting.turn(self._front.light.aspect, now_ns), self._ports.log)
        self._stale.turn()
        self._answers.turn()

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
            self._change_faults(by_journal(self._faults, None))

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

    def _hinted(self, hinted: Hinted) -> None:
        now_ns = self._ports.clock.monotonic_ns()
        if 0 <= now_ns - hinted.captured_ns <= STALE_NS:
            survived(lambda: self._hinting.take(hinted.hint, self._front.light.aspect, now_ns), self._ports.log)

    def _reading(self, reading: Reading) -> None:
        received_ns = self._ports.clock.monotonic_ns()
        if not 0 <= received_ns - reading.captured_ns <= STALE_NS:
            self._stale.happened()
            return
        if self._faults:
            return  # what cannot be recorded or lit is not judged
        log = self._ports.log
        if survived(lambda: self._show(reading, received_ns), log):
            return
        if not survived(lambda: self._presenting.fail(reading, received_ns), log):
            self._answers.deny(undecided(reading.texts, "internal-error"))

    def _show(self, reading: Reading, received_ns: int) -> None:
        ports, now = self._ports, self._ports.clock.now()
        profiles = ports.judge.profiles(now)
        sight = sighted(
            reading.texts,
            ports.judge,
            now,
            unable=unable_at(ports, now),
            heeds_identity=not isinstance(profiles, Reason) and any(one.heeds_identity for one in profiles),
        )
        self._presenting.show(sight, reading, received_ns)

    # Journal, lamps and faults

    def _record(self, record: CheckIn) -> bool:
        """Record; return whether that is on disk."""
        try:
            self._ports.recorder.append(record)
        except JournalError as error:
            self._record_failed(error)
            return False
        return True

    def _record_failed(self, error: JournalError) -> None:
        if not self._faults & JOURNAL:
            self._ports.log(RecordFailed(why=str(error)))
        self._probe_ns = self._ports.clock.monotonic_ns() + PROBE_NS
        self._presenting.forget()
        fault = "journal-full" if isinstance(error, JournalFullError) else "journal-failed"
        self._change_faults(by_journal(self._faults, fault))

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

    def _change_faults(self, faults: set[str]) -> None:
        if faults == self._faults:
            return
        before, self._faults = gravest(self._faults), faults
        now_ns = self._ports.clock.monotonic_ns()
        if faults & (DARKENING | {"service-state"}):
            self._presenting.forget()
        if faults & DARKENING or self._front.light.until_ns is None:  # else the answer given stays until its end
            self._return_to_base(now_ns)
        reason = gravest(faults)
        if reason is None:
            self._ports.log(ServiceBack())
            self._ports.recorder.note("service-back", "")
        elif reason != before:
            self._ports.log(ServiceLost(reason))
            self._ports.recorder.note("service-lost", reason)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)

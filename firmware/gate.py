"""The gate: takes readings, decides, records, lights the lamps; no network, and no picture ever comes here."""

import os
import selectors
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

from drivers.clock import Clock
from drivers.contacts import QUEUE_MAX, Closing, Contacts
from drivers.errors import DeviceError, DeviceMissingError
from drivers.plates import Plates
from drivers.signal import Signal
from firmware.checkpoint import Checkpoint
from firmware.config import Config, ConfigError
from firmware.crash import report_crash
from firmware.events import (
    LogEvent,
    ReadingDropped,
    ServiceLost,
    Started,
    Stopped,
    TrustLoaded,
    TrustUnreadable,
    log,
)
from firmware.floods import Seldom
from firmware.health import State, UplinkFile, health_of
from firmware.journal import JournalError
from firmware.lamps import LampsOnDemand, Voice
from firmware.notify import ALIVE, READY, STOPPING, notify
from firmware.ports import Ports
from firmware.program import EX_UNAVAILABLE, StopFlag, configuration, folder_error, prepare_run_folder, refuse
from firmware.recording import Recording
from firmware.records import Records, recipient_of
from firmware.sealing import Recipient
from firmware.service_state import in_service_state
from firmware.sockets import EventPort, ReaderPort
from firmware.texts import load_texts
from firmware.timekeeper import Timekeeper
from firmware.trust_data import Trust
from firmware.trust_switch import Trusted, TrustSwitch, lane_of, trust_of
from firmware.wiring import clock_of, contacts_of, plates_of, signal_of, voice_of

TURN_S = 0.25  # the longest turn: a quarter of the shortest thing that anybody waits for
HEALTH_NS = 1_000_000_000


class Gate:
    """The loop around a checkpoint: sockets, timers, health."""

    def __init__(
        self,
        config: Config,
        trust: Trust,
        signal: Signal,
        clock: Clock,
        *,
        log_: Callable[[LogEvent], None],
        voice: Voice | None = None,
        contacts: Contacts | None = None,
        plates: Plates | None = None,
        recipient: Recipient | None = None,
    ) -> None:
        """Listen on the sockets in the run folder, to contacts and plates; details are sealed to `recipient`.

        Raises: OSError.
        """
        self._config = config
        self._trusted = Trusted(trust, lane_of(config), config.profile.name)
        self._clock = clock
        self._log = log_
        self._voice = voice or Voice()
        self._texts = load_texts()
        self._texts["identify"] = self._texts["identify"].filled(name=config.device.name)
        self._uplink = UplinkFile(config.uplink_status)
        self._health_ns = 0
        self._selector = selectors.DefaultSelector()
        self._events = EventPort(self._selector, config.events_socket)
        self._recording = Recording(config.journal, log_, clock)
        self._timekeeper = Timekeeper(config.clock.kind, clock, self._recording.kept_clock)
        self._timekeeper.heed(trust.knowledge)
        self._records = Records(config, clock, recipient, self._timekeeper)
        self._switch = TrustSwitch(config.trust.folder, trust, partial(trust_of, config), clock.monotonic_ns())
        self._unreadable: str | None = None
        self._checkpoint = Checkpoint(self._ports(signal), config.timing, config.device.direction)
        self._malformed = Seldom(lambda count: log_(ReadingDropped("malformed", count)), clock.monotonic_ns)
        self._readings = ReaderPort(
            self._selector, config.readings_socket, self._checkpoint.receive, self._malformed.happened
        )
        self._contacts, self._plates = contacts, plates
        self._closings: deque[Closing] = deque(maxlen=QUEUE_MAX)
        self._serviced = False
        self._begin()

    def _begin(self) -> None:
        """Listen to contacts and plates, where there are any, and find out whether there is service."""
        for device, heed in ((self._contacts, self._heed_contacts), (self._plates, self._heed_plates)):
            if device is not None:
                self._selector.register(device, selectors.EVENT_READ, heed)
        self._checkpoint.probe()
        self._recording.note("started", "gate")
        self._heed_service()

    @property
    def over(self) -> bool:
        """Return whether this is a test whose service state has ended."""
        return self._config.run.test and not self._serviced

    def turn(self, longest_s: float = TURN_S) -> None:
        """Wait for the next message or timer, and do what is due."""
        wake_ns = self._clock.monotonic_ns() if self._closings else self._checkpoint.wake_ns()
        if wake_ns is not None:
            longest_s = min(longest_s, max(0.0, (wake_ns - self._clock.monotonic_ns()) / 1e9))
        ready = self._selector.select(longest_s)
        self._heed_service()
        for key, _ in ready:
            if self._selector.get_map().get(key.fd) is key:  # not dropped by one before it, nor its number another's
                key.data()
        if self._closings:  # one a turn: each may be a write, and the watchdog is fed once a turn
            self._checkpoint.contact(self._closings.popleft())
        self._heed_plates()  # in a flood their descriptor is quiet
        self._checkpoint.turn()
        self._malformed.turn()
        self._voice.beat()
        self._tend()

    def close(self) -> None:
        """Close sockets and journal; the lamps are their owner's."""
        self._events.close()
        self._readings.close()
        self._selector.close()
        self._recording.close()

    def _heed_service(self) -> None:
        self._serviced = in_service_state(self._config.service_marker, self._clock.monotonic_ns() / 1e9)
        self._checkpoint.suspend(suspended=self._serviced != self._config.run.test)

    def _heed_contacts(self) -> None:
        if self._contacts is not None:
            self._closings.extend(self._contacts.closings())

    def _heed_plates(self) -> None:
        if self._plates is not None:
            for seen in self._plates.seen():
                self._checkpoint.plate(seen)

    def _ports(self, signal: Signal) -> Ports:
        return Ports(
            judge=self._trusted,
            recorder=self._recording,
            signal=signal,
            clock=self._clock,
            texts=self._texts,
            records=self._records,
            tell=self._events.tell,
            log=self._log,
            sound=self._voice.sound,
            stale=self._trusted.stale,
            wanted=self._config.profile.details,
        )

    def _tend(self) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns < self._health_ns:
            return
        self._health_ns = now_ns + HEALTH_NS
        self._readings.mend()
        self._events.mend()
        self._heed_trust(now_ns)
        if self._checkpoint.idle and self._checkpoint.journal_works:
            try:
                now = self._clock.now() if self._checkpoint.clock_trusted else None
                self._recording.tend(now, self._timekeeper.kept)
            except JournalError:
                self._checkpoint.doubt_journal()
        self._checkpoint.identify(self._uplink.identify_until_ns(now_ns))
        self._events.tell(health_of(self._state(), self._config.device, self._texts))

    def _heed_trust(self, now_ns: int) -> None:
        """Judge by another store from now on, once it is open."""
        trust = self._switch.turn(now_ns)
        if trust:
            self._checkpoint.begin_anew()
            self._trusted.use(trust)
            self._timekeeper.heed(trust.knowledge)
            self._log(_loaded(trust))
            self._recording.note("trust-loaded", trust.store or "")
        if self._switch.problem != self._unreadable:
            self._unreadable = self._switch.problem
            if self._unreadable:
                self._log(TrustUnreadable(self._unreadable))

    def _state(self) -> State:
        trust, now = self._trusted.trust, self._clock.now()
        return State(
            in_service=self._checkpoint.in_service,
            demo=trust.demo,
            clock_fault=self._timekeeper.look(),
            frames=self._checkpoint.frames,
            unsent=self._recording.unsent(),
            set_aside=self._recording.set_aside,
            unusable=len(trust.signers.unusable),
            uplink=self._uplink.status(self._clock.monotonic_ns()),
            now=now,
            voice=self._voice.faults,
            service_state=self._serviced,
            fill_permille=self._recording.fill_permille,
            bytes_per_record=self._recording.bytes_per_record,
            knowledge=trust.knowledge,
            trust_unreadable=self._unreadable is not None,
            has_rules=self._trusted.has_rules(now),
            profile_problem=self._trusted.profile_problem(now),
        )


def _loaded(trust: Trust) -> TrustLoaded:
    version = trust.knowledge.version if trust.knowledge else 0
    return TrustLoaded(len(trust.signers), len(trust.signers.unusable), version)


def check_test(config: Config) -> None:
    """Make sure that a gate to be tested stands under a technician's eyes.

    Raises: ConfigError.
    """
    if config.run.test and not in_service_state(config.service_marker):
        raise ConfigError("key run.test: only in service state: greengate service start")


def main() -> int:
    """Run until SIGTERM; exit 0, or 78 (EX_CONFIG) where something is missing that a restart does not bring.

    A test (run.test) whose service state has ended exits 69 (EX_UNAVAILABLE).
    """
    sys.excepthook = report_crash
    stop = StopFlag()
    try:
        config = configuration("gate", __doc__)
        check_test(config)
        lock = prepare_run_folder(config.run.folder, "gate")
        trust, recipient = trust_of(config), recipient_of(config)
        contacts = contacts_of(config)
        dropped = Seldom(lambda count: log(ReadingDropped("malformed", count)), time.monotonic_ns)
        plates = plates_of(config, dropped.happened)
        lamps = LampsOnDemand(lambda: signal_of(config))
    except (ConfigError, DeviceMissingError) as error:
        return refuse("gate", error)
    log(_loaded(trust))
    try:
        with contacts or nullcontext(), plates or nullcontext(), voice_of(config) as voice, lamps:  # lamps end first
            gate = partial(Gate, config, trust, lamps, clock_of(config), log_=log, recipient=recipient)
            gate = partial(gate, voice=voice, contacts=contacts, plates=plates)
            status = _run(config, gate, stop, demo=trust.demo)
    except DeviceError:  # they could not be darkened: who sees this status tries that from outside
        log(ServiceLost(reason="lamp-fault"))
        status = 1
    os.close(lock)
    log(Stopped("gate"))
    return status


def _run(config: Config, open_: Callable[[], Gate], stop: StopFlag, *, demo: bool) -> int:
    try:
        gate = open_()
    except OSError as error:
        return refuse("gate", folder_error(config.run.folder, error))
    notify(READY)
    log(Started("gate", demo=demo))
    while not (stop or gate.over):
        gate.turn()
        notify(ALIVE)
    notify(STOPPING)
    gate.close()
    return 0 if stop else EX_UNAVAILABLE


if __name__ == "__main__":
    sys.exit(main())

"""The gate: takes readings, decides, records, lights the lamps; no network, and no picture ever comes here."""

import os
import selectors
import sys
from collections.abc import Callable

from drivers.clock import Clock
from drivers.errors import DeviceError, DeviceMissingError
from drivers.signal import Signal
from firmware.checkin import CheckIn, Pseudonyms, milliseconds, new_id
from firmware.checkpoint import Checkpoint, Ports
from firmware.config import Config, ConfigError
from firmware.crash import report_crash
from firmware.events import LogEvent, ReadingDropped, ServiceLost, Started, Stopped, TrustLoaded, log
from firmware.floods import Seldom
from firmware.health import State, UplinkFile, health_of
from firmware.journal import JournalError
from firmware.judging import Judgement
from firmware.lamps import LampsOnDemand
from firmware.notify import ALIVE, READY, STOPPING, notify
from firmware.program import StopFlag, configuration, folder_error, prepare_run_folder, refuse
from firmware.recording import Recording
from firmware.sockets import EventPort, ReaderPort
from firmware.texts import load_texts
from firmware.timekeeping import span_of
from firmware.trust_folder import Trust, TrustFolderError, load_trust
from firmware.wiring import clock_of, signal_of
from verifier import Verifier

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
    ) -> None:
        """Listen on the sockets in the run folder. Raises: OSError."""
        self._config = config
        self._trust = trust
        self._clock = clock
        self._log = log_
        self._pseudonyms = Pseudonyms()
        self._texts = load_texts()
        self._uplink = UplinkFile(config.uplink_status)
        self._health_ns = 0
        self._selector = selectors.DefaultSelector()
        self._events = EventPort(self._selector, config.events_socket)
        self._recording = Recording(config.journal.path, config.journal.retention_days, log_, clock.monotonic_ns)
        self._checkpoint = Checkpoint(self._ports(signal), config.timing, config.device.direction)
        self._malformed = Seldom(lambda count: log_(ReadingDropped("malformed", count)), clock.monotonic_ns)
        self._readings = ReaderPort(
            self._selector, config.readings_socket, self._checkpoint.receive, self._malformed.happened
        )
        self._checkpoint.probe()

    def turn(self, longest_s: float = TURN_S) -> None:
        """Wait for the next message or timer, and do what is due."""
        wake_ns = self._checkpoint.wake_ns()
        if wake_ns is not None:
            longest_s = min(longest_s, max(0.0, (wake_ns - self._clock.monotonic_ns()) / 1e9))
        for key, _ in self._selector.select(longest_s):
            if key.fileobj in self._selector.get_map():  # not dropped by one before it
                key.data()
        self._checkpoint.turn()
        self._malformed.turn()
        self._tend()

    def close(self) -> None:
        """Close sockets and journal; the lamps are their owner's."""
        self._events.close()
        self._readings.close()
        self._selector.close()
        self._recording.close()

    def _ports(self, signal: Signal) -> Ports:
        return Ports(
            judge=Verifier(self._trust.signers, self._trust.revocations),
            recorder=self._recording,
            signal=signal,
            clock=self._clock,
            texts=self._texts,
            span=span_of(self._config.clock.kind),
            checkin=self._checkin,
            tell=self._events.tell,
            log=self._log,
        )

    def _checkin(self, judgement: Judgement) -> CheckIn:
        now = self._clock.now()
        at_ms = milliseconds(now)
        return CheckIn(
            id=new_id(at_ms),
            at_ms=at_ms,
            clock_trusted=judgement.clock_trusted,
            lane=self._config.device.lane,
            direction=self._config.device.direction,
            verdict=judgement.verdict,
            reason=judgement.reason,
            kinds=judgement.kinds,
            pseudonym=self._pseudonyms.of(judgement.identity, now),
        )

    def _tend(self) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns < self._health_ns:
            return
        self._health_ns = now_ns + HEALTH_NS
        self._readings.mend()
        self._events.mend()
        if self._checkpoint.idle and self._checkpoint.journal_works:
            try:
                self._recording.tend(self._clock.now() if self._checkpoint.clock_trusted else None)
            except JournalError:
                self._checkpoint.doubt_journal()
        self._events.tell(health_of(self._state(), self._config.device, self._texts))

    def _state(self) -> State:
        return State(
            in_service=self._checkpoint.in_service,
            demo=self._trust.demo,
            clock_trusted=self._checkpoint.clock_trusted,
            frames=self._checkpoint.frames,
            unsent=self._recording.unsent(),
            set_aside=self._recording.set_aside,
            unusable=len(self._trust.signers.unusable),
            uplink=self._uplink.status(self._clock.monotonic_ns()),
        )


def trust_of(config: Config) -> Trust:
    """Return the configured trust data.

    Raises: ConfigError where there is none, or a demonstration's would open a real gate.
    """
    folder = config.trust.folder
    try:
        trust = load_trust(folder)
    except TrustFolderError as error:
        raise ConfigError(str(error)) from None
    if not trust.signers.signers():
        raise ConfigError(f"{folder}: no signer in it: put the trust list's files there")
    if trust.demo and config.signal.kind == "gpio":
        raise ConfigError(f"{folder}: demonstration keys with gpio lamps: install the nation's trust list")
    return trust


def main() -> int:
    """Run until SIGTERM; exit 0, or 78 (EX_CONFIG) where something is missing that a restart does not bring."""
    sys.excepthook = report_crash
    stop = StopFlag()
    try:
        config = configuration("gate", __doc__)
        lock = prepare_run_folder(config.run.folder, "gate")
        trust = trust_of(config)
        lamps = LampsOnDemand(lambda: signal_of(config))
    except (ConfigError, DeviceMissingError) as error:
        return refuse("gate", error)
    log(TrustLoaded(len(trust.signers.signers()), len(trust.signers.unusable)))
    try:
        with lamps:
            status = _run(config, trust, lamps, stop)
    except DeviceError:  # they could not be darkened: who sees this status tries that from outside
        log(ServiceLost(reason="lamp-fault"))
        status = 1
    os.close(lock)
    log(Stopped("gate"))
    return status


def _run(config: Config, trust: Trust, lamps: Signal, stop: StopFlag) -> int:
    try:
        gate = Gate(config, trust, lamps, clock_of(config), log_=log)
    except OSError as error:
        return refuse("gate", folder_error(config.run.folder, error))
    notify(READY)
    log(Started("gate", demo=trust.demo))
    while not stop:
        gate.turn()
        notify(ALIVE)
    notify(STOPPING)
    gate.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

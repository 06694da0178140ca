"""The collector's loop: from the broker, in groups, for as long as it runs."""

import secrets
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta

import msgspec

from centre.collecting.collector import Collector
from centre.collecting.collectors import subscription
from centre.collecting.config import Config
from centre.collecting.days import to_ms
from centre.collecting.events import (
    Connected,
    Disconnected,
    Event,
    Expired,
    RetentionWaits,
    SharingRefused,
    StoreBack,
    StoreFailed,
)
from centre.collecting.metrics import Metrics
from centre.collecting.opening import Opener, signer_of
from centre.collecting.statuses import contradicted
from centre.collecting.store import Store, StoreAwayError, StoreError, open_store
from drivers.broker import Broker, Message, open_broker
from drivers.clock import Clock, open_clock
from firmware.wire import BATCHES_TOPIC
from firmware.wire_device import REPORTS_TOPIC, STATUSES_TOPIC

POLL_S = 0.2  # ours: how soon a signal is obeyed
SOON_S = 0.01  # until what could not be answered is tried again
RETRY_MAX_S = 5.0  # between tries of a store that fails
RETENTION_AGAIN = timedelta(minutes=10)  # ours: between tries; each may wait for a lock
GROUP_MAX = 64  # ours: messages in one transaction; more would make the first of them wait
GROUP_MAX_BYTES = 4 * 1024 * 1024
NO_SHARING = "hared subscription"  # in a broker's refusal: MQTT 5, 2.4, reason code 0x9E

Report = Callable[[Event], None]
Stopping = Callable[[], bool]


def run(config: Config, report: Report, stopping: Stopping) -> None:
    """Collect until told to stop. A store or broker that is away is waited for.

    Raises: ConfigError, GroupError, SigningError, StoreError, DeviceError where waiting would not help.
    """
    clock, metrics = open_clock("system"), Metrics()
    opener, signer = Opener.load(config, report), signer_of(config)
    group = subscription(config.broker.group)
    if config.metrics is not None:
        metrics.serve(config.metrics)
    store = _opened(config, report, stopping)
    if store is None:
        return
    with store:
        retention = Retention(store, config.store.retention_days, report)
        while not stopping():
            with _broker(config) as broker:
                collector = Collector(store, broker, opener, signer, clock, report, metrics)
                loop = _Loop(broker, collector, retention, clock, report, metrics)
                for topic in (group, STATUSES_TOPIC, REPORTS_TOPIC):
                    broker.subscribe(topic)
                loop.run(stopping)
            if not stopping():
                report(SharingRefused(broker.fault or "no shared subscriptions"))
                group = BATCHES_TOPIC


def gather(broker: Broker, timeout_s: float) -> list[Message]:
    """Return what waits at the broker, or else what comes first in some time, bounded."""
    messages: list[Message] = []
    size = 0
    while len(messages) < GROUP_MAX and size < GROUP_MAX_BYTES:
        message = broker.receive(0 if messages else timeout_s)
        if message is None:
            break
        messages.append(message)
        size += len(message.payload)
    return messages


class Retention:
    """Drop what is over, once a day; what cannot be done is tried again some minutes later, until it is.

    A clock gone mad would drop everything, so where devices that are on contradict it nothing goes.
    """

    def __init__(self, store: Store, days: int | None, report: Report) -> None:
        self._store, self._days, self._report = store, days, report
        self._done: date | None = None
        self._again: datetime | None = None
        self._doubted = False

    def turn(self, now: datetime) -> None:
        """Drop what is over if that was not done today."""
        today = now.date()
        if self._days is None or self._done == today or self._is_soon(now):
            return
        try:
            if contradicted(self._store.devices(), to_ms(now)):
                self._wait(now)
                return
            dropped = self._store.expire(today - timedelta(days=self._days))
        except StoreError as error:
            self._again = now + RETENTION_AGAIN
            self._report(StoreFailed(str(error)))
            return
        self._done, self._again, self._doubted = today, None, False
        if dropped:
            self._report(Expired(dropped))

    def _is_soon(self, now: datetime) -> bool:
        """Tell whether to try again later; a clock that was set back since does not make that longer."""
        return self._again is not None and self._again - RETENTION_AGAIN <= now < self._again

    def _wait(self, now: datetime) -> None:
        self._again = now + RETENTION_AGAIN
        if not self._doubted:
            self._report(RetentionWaits())
        self._doubted = True


class _Loop:
    def __init__(
        self, broker: Broker, collector: Collector, retention: Retention, clock: Clock, report: Report, metrics: Metrics
    ) -> None:
        self._broker, self._collector, self._retention = broker, collector, retention
        self._clock, self._report, self._metrics = clock, report, metrics
        self._connected = False

    def run(self, stopping: Stopping) -> None:
        """Collect until told to stop, or until the broker says that it shares nothing."""
        wait_s = POLL_S
        while not stopping():
            self._retention.turn(self._clock.now())
            self._look()
            if self._collector.waiting:  # the store fails: what else there is stays at the broker, and devices
                _wait(wait_s, stopping)
                wait_s = min(2 * wait_s, RETRY_MAX_S)
                self._collector.retry()
                continue
            wait_s = POLL_S
            if messages := gather(self._broker, SOON_S if self._collector.answer() else POLL_S):
                self._look()  # first: what came with the connection is told after it
                self._collector.take(*messages)
            elif not self._connected and NO_SHARING in (self._broker.fault or ""):
                return

    def _look(self) -> None:
        connected = self._broker.connected
        if connected != self._connected:
            self._connected = connected
            self._metrics.connected.set(connected)
            self._report(Connected() if connected else Disconnected(self._broker.fault or "unknown"))


def _opened(config: Config, report: Report, stopping: Stopping) -> Store | None:
    """Return the store, waiting for it; None where told to stop before it was there."""
    told, wait_s = False, POLL_S
    while not stopping():
        try:
            store = open_store(config.store.where, stopping)
        except StoreAwayError as error:
            if not told:
                report(StoreFailed(str(error)))
            told = True
            _wait(wait_s, stopping)
            wait_s = min(2 * wait_s, RETRY_MAX_S)
        else:
            if told:
                report(StoreBack())
            return store
    return None


def _wait(seconds: float, stopping: Stopping) -> None:
    end_s = time.monotonic() + seconds
    while not stopping() and time.monotonic() < end_s:
        time.sleep(min(POLL_S, seconds))


def _broker(config: Config) -> Broker:
    settings = msgspec.structs.asdict(config.broker)
    del settings["group"]
    return open_broker("mqtt", client_id=f"collector-{secrets.token_hex(4)}", **settings)

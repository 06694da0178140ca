"""The collector: batches from the broker into the store, acknowledgements back. It keeps no state of its own."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from centre.collecting.events import BatchAlone, BatchesStored, BatchStored, Conflict, Event, StoreBack, StoreFailed
from centre.collecting.metrics import Metrics
from centre.collecting.opening import Opened, Opener, RefusedError, device_of
from centre.collecting.store import Store, Stored, StoreError, UnstorableError
from centre.collecting.telling import Refusals
from drivers.broker import Message
from drivers.clock import Clock
from drivers.errors import BrokerError
from firmware.envelope import Signer
from firmware.wire import TOPIC_PREFIX, Ack, Batch, DecodedBatch, ack_topic, encode_ack
from firmware.wire_device import Report, Status

NS = 1e9
ANSWERS_MAX = 4096  # ours: beyond, the oldest is forgotten, and its batch comes again

T = TypeVar("T", DecodedBatch, Status, Report)


class Publisher(Protocol):
    """What the collector needs of a broker to answer."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a message; raises BrokerError where it cannot go out now."""
        ...


class Collector:
    """Store what arrives, then acknowledge it; a device without an acknowledgement sends again.

    So whatever fails here needs no more than not to acknowledge. What arrived together is stored in one transaction;
    where the store fails, it waits here, and `waiting` tells not to bring more but to `retry`.
    """

    def __init__(
        self,
        store: Store,
        broker: Publisher,
        opener: Opener,
        signer: Signer,
        clock: Clock,
        report: Callable[[Event], None],
        metrics: Metrics | None = None,
    ) -> None:
        self._store, self._broker, self._opener = store, broker, opener
        self._signer, self._clock, self._report = signer, clock, report
        self._metrics = metrics or Metrics()
        self._refusals = Refusals(report)
        self._waiting: list[Opened] = []
        self._answers: deque[Message] = deque(maxlen=ANSWERS_MAX)
        self._failed = False
        self.refused = 0  # messages, since the start

    @property
    def waiting(self) -> bool:
        """Tell whether something waits for the store."""
        return bool(self._waiting)

    def take(self, *messages: Message) -> None:
        """Store and acknowledge what some messages carry; never raises for what is in them."""
        self._metrics.messages.inc(len(messages))
        at = self._clock.now()
        self._opener.look(at)
        for message in messages:
            if not message.payload:
                continue  # a status taken back from the broker, or `greengate doctor` asking whether it may write
            try:
                self._waiting.append(self._opener.open(message, at))
            except RefusedError as error:
                self._refuse(message.topic, error.code, str(error))
        self.retry()

    def retry(self) -> None:
        """Store and acknowledge what waits, as far as the store takes it."""
        if not self._waiting:
            return
        try:
            self._keep()
        except StoreError as error:
            if not self._failed:
                self._report(StoreFailed(str(error)))
            self._fail(failed=True)
        else:
            if self._failed:
                self._report(StoreBack())
            self._fail(failed=False)

    def answer(self) -> bool:
        """Send the acknowledgements that could not go out yet; return whether any are left."""
        while self._answers:
            try:
                self._broker.publish(*self._answers[0])
            except BrokerError:
                return True  # the broker does not keep up, or is away
            self._answers.popleft()
            self._metrics.acknowledged.inc()
        return False

    def _fail(self, *, failed: bool) -> None:
        self._failed = failed
        self._metrics.store_up.set(not failed)

    def _keep(self) -> None:
        """Keep what waits, and forget it. Raises: StoreError; then what is not kept still waits."""
        at = self._clock.now()
        self._keep_kind(DecodedBatch, self._keep_batches)
        self._keep_kind(Status, lambda statuses: self._store.seen(statuses, at))
        self._keep_kind(Report, self._keep_reports)

    def _keep_kind(self, kind: type[T], keep: Callable[[Sequence[T]], object]) -> None:
        if found := [one for one in self._waiting if isinstance(one, kind)]:
            self._keep_all(found, keep)
            self._waiting = [one for one in self._waiting if not isinstance(one, kind)]

    def _keep_all(self, found: Sequence[T], keep: Callable[[Sequence[T]], object]) -> None:
        try:
            keep(found)
        except UnstorableError as error:
            if half := len(found) // 2:
                for part in (found[:half], found[half:]):  # what came with the one to blame is stored without it
                    self._keep_all(part, keep)
            else:
                self._refuse(f"{TOPIC_PREFIX}/{device_of(found[0])}", "unstorable", str(error))

    def _keep_reports(self, reports: Sequence[Report]) -> None:
        for report in reports:
            self._store.reported(report, self._clock.now())

    def _keep_batches(self, batches: Sequence[DecodedBatch]) -> None:
        begun_ns = self._clock.monotonic_ns()
        stored = self._store.store(batches, self._clock.now())
        self._metrics.store_seconds.observe((self._clock.monotonic_ns() - begun_ns) / NS)
        self._metrics.committed.set(self._clock.now().timestamp())
        for one in batches:
            self._acknowledge(one)
        self.answer()
        self._tell(batches, stored)

    def _acknowledge(self, arrived: DecodedBatch) -> None:
        batch, digest = arrived
        ack = Ack(batch.device, batch.epoch, batch.last_seq, digest)
        self._answers.append(Message(ack_topic(batch.device), encode_ack(ack, self._signer)))

    def _refuse(self, topic: str, code: str, why: str) -> None:
        self.refused += 1
        self._metrics.refused.labels(code).inc()
        self._refusals.tell(topic, code, why, self._clock.monotonic_ns() / NS)

    def _tell(self, batches: Sequence[DecodedBatch], stored: Sequence[Stored]) -> None:
        new, known, conflicts = (sum(one[place] for one in stored) for place in range(3))
        self._metrics.batches.inc(len(batches))
        for state, count in (("new", new), ("known", known), ("conflict", conflicts)):
            self._metrics.records.labels(state).inc(count)
        for one, result in zip(batches, stored, strict=True):
            self._tell_one(one.batch, result, alone=len(batches) == 1)
        if len(batches) > 1:
            self._report(BatchesStored(len(batches), new, known))

    def _tell_one(self, batch: Batch, stored: Stored, *, alone: bool) -> None:
        device, epoch, first, last = batch.device, batch.epoch.hex(), batch.first_seq, batch.last_seq
        if stored.conflicts:
            self._report(Conflict(device, epoch, first, last, stored.conflicts))
        if alone:
            self._report(BatchStored(device, epoch, first, last, stored.new, stored.known, stored.follows))
        elif not stored.follows:
            self._report(BatchAlone(device, epoch, first, last))

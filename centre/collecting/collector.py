"""The collector: batches from the broker into the store, acknowledgements back. It keeps no state of its own."""

from collections.abc import Callable
from typing import Protocol

from centre.collecting.events import BatchRefused, BatchStored, Conflict, Event, StoreFailed
from centre.collecting.store import Store, Stored, StoreError
from drivers.broker import Message
from drivers.errors import BrokerError
from firmware.wire import (
    Ack,
    Batch,
    DecodedBatch,
    WireError,
    ack_topic,
    decode_batch,
    device_of,
    encode_ack,
)


class Publisher(Protocol):
    """What the collector needs of a broker to answer."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a message; raises BrokerError where it cannot go out now."""
        ...


class Collector:
    """Store each batch that arrives, then acknowledge it; a device without an acknowledgement sends again.

    So whatever fails here needs no more than not to acknowledge.
    """

    def __init__(self, store: Store, broker: Publisher, report: Callable[[Event], None]) -> None:
        self._store = store
        self._broker = broker
        self._report = report
        self.refused = 0  # messages that were no batches, since the start

    def take(self, message: Message) -> None:
        """Store and acknowledge what a message carries; never raises for what is in it."""
        try:
            arrived = _decoded(message)
        except WireError as error:
            self.refused += 1
            self._report(BatchRefused(_shown(message.topic), str(error)))
            return
        try:
            stored = self._store.store(arrived)
        except StoreError as error:
            self._report(StoreFailed(str(error)))
            return
        self._tell(arrived.batch, stored)
        self._acknowledge(arrived)

    def _acknowledge(self, arrived: DecodedBatch) -> None:
        batch, digest = arrived
        ack = Ack(batch.device, batch.epoch, batch.last_seq, digest)
        try:
            self._broker.publish(ack_topic(batch.device), encode_ack(ack))
        except BrokerError:
            return  # it comes again, and is known then

    def _tell(self, batch: Batch, stored: Stored) -> None:
        epoch = batch.epoch.hex()
        if stored.conflicts:
            self._report(Conflict(batch.device, epoch, batch.first_seq, batch.last_seq, stored.conflicts))
        self._report(
            BatchStored(
                device=batch.device,
                epoch=epoch,
                first_seq=batch.first_seq,
                last_seq=batch.last_seq,
                new=stored.new,
                known=stored.known,
                follows=stored.follows,
            )
        )


def _decoded(message: Message) -> DecodedBatch:
    """Return the batch of a message.

    Raises: WireError, also for a batch of another device than the topic's, since the broker lets each device
    write its own topic only.
    """
    device = device_of(message.topic)
    arrived = decode_batch(message.payload, allow_unsigned=True)
    if arrived.batch.device != device:
        raise WireError("batch of another device than its topic's")
    return arrived


def _shown(topic: str) -> str:
    """Return a topic as it may be logged: bounded, and nothing but printable ASCII."""
    return ascii(topic[:64])[1:-1]

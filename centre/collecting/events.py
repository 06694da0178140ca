"""What the collector reports, a closed list: codes, numbers and devices' names, nothing of any holder."""

import msgspec


class Event(msgspec.Struct, frozen=True, tag_field="event"):
    """What all events share."""


class Connected(Event, frozen=True, tag="connected"):
    """The broker is there."""


class Disconnected(Event, frozen=True, tag="disconnected"):
    """The broker is away, and why as far as is known."""

    why: str


class BatchStored(Event, frozen=True, tag="batch-stored"):
    """A batch is on the disk; `follows` tells whether the batch before it is known."""

    device: str
    epoch: str
    first_seq: int
    last_seq: int
    new: int
    known: int
    follows: bool


class BatchRefused(Event, frozen=True, tag="batch-refused"):
    """A message was no batch of its topic's device; it is not acknowledged."""

    topic: str
    why: str


class Conflict(Event, frozen=True, tag="conflict"):
    """Check-ins of a batch are known with another content; both are kept."""

    device: str
    epoch: str
    first_seq: int
    last_seq: int
    count: int


class StoreFailed(Event, frozen=True, tag="store-failed"):
    """The store did not take a batch; it is not acknowledged, and the device sends it again."""

    why: str

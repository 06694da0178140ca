"""What the collector reports, a closed list: codes, numbers and devices' names, nothing of any holder."""

import msgspec


class Event(msgspec.Struct, frozen=True, tag_field="event"):
    """What all events share."""


class Connected(Event, frozen=True, tag="connected"):
    """The broker is there."""


class Disconnected(Event, frozen=True, tag="disconnected"):
    """The broker is away, and why as far as is known."""

    why: str


class SharingRefused(Event, frozen=True, tag="sharing-refused"):
    """The broker knows no shared subscriptions: from now on this collector gets every batch."""

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


class BatchesStored(Event, frozen=True, tag="batches-stored"):
    """Batches that waited together are on the disk."""

    batches: int
    new: int
    known: int


class BatchAlone(Event, frozen=True, tag="batch-alone"):
    """One of them follows no batch that is known: what is between may still come."""

    device: str
    epoch: str
    first_seq: int
    last_seq: int


class BatchRefused(Event, frozen=True, tag="batch-refused"):
    """A message was not what its topic's device may send; it is not acknowledged.

    Each code is told once a minute at most: `count` is how many there were since it was told last.
    """

    topic: str
    code: str
    why: str
    count: int


class Conflict(Event, frozen=True, tag="conflict"):
    """Check-ins of a batch are known with another content; both are kept. The card was copied, or set back."""

    device: str
    epoch: str
    first_seq: int
    last_seq: int
    count: int


class StoreFailed(Event, frozen=True, tag="store-failed"):
    """The store takes nothing: nothing is acknowledged or read until it does, and devices keep what they have."""

    why: str


class StoreBack(Event, frozen=True, tag="store-back"):
    """The store takes batches again."""


class RevocationsStale(Event, frozen=True, tag="revocations-stale"):
    """The revocation list is missing, over, or none; those known revoked stay so."""

    why: str


class RetentionWaits(Event, frozen=True, tag="retention-waits"):
    """Nothing is dropped: by the devices that are on, this machine's clock is days ahead. Told once until it is."""


class Expired(Event, frozen=True, tag="expired"):
    """The check-ins of some days are dropped, as their time is over."""

    days: int

"""The uplink's log events, an addition to the closed list in `events`."""

from firmware.events import LogEvent


class UplinkConnected(LogEvent, frozen=True, tag="uplink-connected"):
    """The broker is there."""


class UplinkLost(LogEvent, frozen=True, tag="uplink-lost"):
    """The broker is away, and why as far as is known."""

    why: str


class BatchAcknowledged(LogEvent, frozen=True, tag="batch-acknowledged"):
    """The centre has stored check-ins up to a number, and they are deleted here."""

    epoch: str
    up_to: int


class BatchResent(LogEvent, frozen=True, tag="batch-resent"):
    """The centre did not acknowledge in time; the next attempt comes after `wait_s`."""

    first_seq: int
    last_seq: int
    wait_s: float


class AckIgnored(LogEvent, frozen=True, tag="ack-ignored"):
    """Acknowledgements were not of a batch sent since the start, or were malformed: how many, and why the last."""

    why: str
    count: int = 1


class UplinkStatusFailed(LogEvent, frozen=True, tag="uplink-status-failed"):
    """The uplink's status cannot be written, so the gate takes it for silent; told once until it can."""

    why: str


class UplinkJournalFailed(LogEvent, frozen=True, tag="uplink-journal-failed"):
    """The journal cannot be read or written by the uplink now."""

    why: str

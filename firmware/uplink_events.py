"""The uplink's log events, an addition to the closed list in `events`."""

from collections.abc import Callable

from firmware.events import LogEvent
from firmware.floods import Seldom


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
    """Acknowledgements were forged, of another's batch or of none sent since the start: how many, and why the last."""

    why: str
    count: int = 1


class OrderObeyed(LogEvent, frozen=True, tag="order-obeyed"):
    """The centre commanded something."""

    command: str


class OrderIgnored(LogEvent, frozen=True, tag="order-ignored"):
    """Commands were forged, another's, repeated, stale or too many: how many, and why the last."""

    why: str
    count: int = 1


class TrustAnnounced(LogEvent, frozen=True, tag="trust-announced"):
    """The centre has published a newer trust repository: its timestamp's version, told to whoever fetches it."""

    version: int


class TrustIgnored(LogEvent, frozen=True, tag="trust-ignored"):
    """Announcements of newer trust were forged or malformed: how many, and why the last."""

    why: str
    count: int = 1


class TrustUntold(LogEvent, frozen=True, tag="trust-untold"):
    """That there is newer trust cannot be written down, so that it is fetched within the hour; told once until it can.

    `why` names the file.
    """

    why: str


class UplinkKeysMissing(LogEvent, frozen=True, tag="uplink-keys-missing"):
    """The uplink sends nothing, as a key or certificate is missing or wrong: which, and what to do."""

    why: str


class UplinkKeysTaken(LogEvent, frozen=True, tag="uplink-keys-taken"):
    """The device's and the centre's keys were read: at the start, when they came, or renewed."""


class UplinkStatusFailed(LogEvent, frozen=True, tag="uplink-status-failed"):
    """The uplink's status cannot be written, so the gate takes it for silent; told once until it can."""

    why: str


class UplinkJournalFailed(LogEvent, frozen=True, tag="uplink-journal-failed"):
    """The journal cannot be read or written by the uplink now."""

    why: str


class Ignored:
    """Say seldom what was not taken: how often, and why the last time."""

    def __init__(self, say: Callable[[str, int], None]) -> None:
        self._why = ""
        self._now_s = 0.0
        self._seldom = Seldom(lambda count: say(self._why, count), lambda: round(self._now_s * 1e9))

    def happened(self, why: str, now_s: float) -> None:
        """Count one more."""
        self._why, self._now_s = why, now_s
        self._seldom.happened()

    def turn(self, now_s: float) -> None:
        """Say what was counted, if that is due."""
        self._now_s = now_s
        self._seldom.turn()

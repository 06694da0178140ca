"""The sync's log events, an addition to the closed list in `events`."""

from firmware.events import LogEvent


class TrustSynced(LogEvent, frozen=True, tag="trust-synced"):
    """A sync ended well: `new` trust was taken, or there was none; how many files it asked for, how many bytes came."""

    new: bool
    version: int
    issued: str
    requests: int
    fetched_bytes: int


class TrustNotSynced(LogEvent, frozen=True, tag="trust-not-synced"):
    """A sync ended without newer trust, what is in use stays: its exit status, and why."""

    status: int
    why: str


class ProvinceKept(LogEvent, frozen=True, tag="province-kept"):
    """The province's part could not be taken: the one before stays, or none; the nation's was taken."""

    province: str
    why: str

"""How each device is, from what the store has of it and what it said last (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from centre.collecting.store import Account, Count, Known, Store
from firmware.checkin import VIET_NAM
from firmware.wire_device import Status

State = Literal["online", "offline", "silent"]
Trouble = Literal["fork", "gap", "full", "silent", "waiting", "offline"]

STATES: Final[tuple[State, ...]] = ("online", "offline", "silent")
TROUBLES: Final[tuple[Trouble, ...]] = ("fork", "gap", "full", "silent", "waiting", "offline")  # the worst first
ONLINE_MS = 15 * 60_000  # ours: a status comes each five minutes; two may be lost
SILENT_MS = 24 * 3_600_000  # ours: a site that closes at night is heard again by the morning
WAITING_MS = 24 * 3_600_000  # ours: check-ins wait some minutes; a day means that something is wrong
FULL_PERMILLE = 800  # where the device itself raises an alarm


@dataclass(frozen=True, slots=True)
class DeviceView:
    """Hold one device: its journals, and the last that it said of itself."""

    name: str
    journals: tuple[Account, ...] = ()
    status: Status | None = None
    said_ms: int | None = None  # when that status came

    @property
    def heard_ms(self) -> int | None:
        """Return when anything of it came last, None where that is not known."""
        times = [journal.last_received_ms for journal in self.journals]
        return max([*times, *([] if self.said_ms is None else [self.said_ms])], default=None)

    @property
    def stored(self) -> int:
        """Return how many of its check-ins came."""
        return sum(journal.stored for journal in self.journals)

    @property
    def missing(self) -> int:
        """Return how many numbers never came."""
        return sum(last - first + 1 for journal in self.journals for first, last in journal.missing)

    @property
    def forked(self) -> bool:
        """Tell whether numbers of it came with two contents."""
        return any(journal.conflicts for journal in self.journals)

    @property
    def gapped(self) -> bool:
        """Tell whether anything is missing, or follows what never came."""
        return any(journal.missing or journal.breaks for journal in self.journals)

    @property
    def unsent(self) -> int:
        """Return how many check-ins wait on it, as it said last."""
        return self.status.unsent if self.status else 0

    def state(self, now_ms: int) -> State:
        """Return whether it is there."""
        heard_ms = self.heard_ms
        if heard_ms is None or now_ms - heard_ms > SILENT_MS:
            return "silent"
        status, said_ms = self.status, self.said_ms
        online = status is not None and status.online and said_ms is not None and now_ms - said_ms <= ONLINE_MS
        return "online" if online else "offline"

    def troubles(self, now_ms: int) -> tuple[Trouble, ...]:
        """Return what somebody should look at, the worst first."""
        status, state = self.status, self.state(now_ms)
        oldest_ms = status.oldest_ms if status else None
        found: dict[Trouble, bool] = {
            "fork": self.forked,
            "gap": self.gapped,
            "full": status is not None and status.fill_permille >= FULL_PERMILLE,
            "silent": state == "silent",
            "waiting": oldest_ms is not None and now_ms - oldest_ms > WAITING_MS,
            "offline": state == "offline",
        }
        return tuple(trouble for trouble in TROUBLES if found[trouble])


class Totals(NamedTuple):
    """Hold what a fleet comes to."""

    devices: int
    states: dict[State, int]
    stored: int
    missing: int
    gapped: int
    forked: int
    unsent: int
    oldest_unsent_ms: int | None
    last_received_ms: int | None

    @property
    def sound(self) -> bool:
        """Tell whether nothing is missing, broken or in conflict."""
        return not (self.gapped or self.forked)


def fleet(accounts: Iterable[Account], known: Iterable[Known]) -> list[DeviceView]:
    """Return each device that sent or said anything, by name."""
    journals: dict[str, list[Account]] = {}
    for account in accounts:
        journals.setdefault(account.device, []).append(account)
    said = {one.device: one for one in known}
    return [_view(name, journals.get(name, ()), said.get(name)) for name in sorted({*journals, *said})]


def totals(devices: Sequence[DeviceView], now_ms: int) -> Totals:
    """Return what some devices come to."""
    states: dict[State, int] = dict.fromkeys(STATES, 0)
    for device in devices:
        states[device.state(now_ms)] += 1
    oldest = [one.status.oldest_ms for one in devices if one.status and one.status.oldest_ms is not None]
    received = [journal.last_received_ms for one in devices for journal in one.journals]
    return Totals(
        devices=len(devices),
        states=states,
        stored=sum(one.stored for one in devices),
        missing=sum(one.missing for one in devices),
        gapped=sum(one.gapped for one in devices),
        forked=sum(one.forked for one in devices),
        unsent=sum(one.unsent for one in devices),
        oldest_unsent_ms=min(oldest, default=None),
        last_received_ms=max(received, default=None),
    )


def today(at: datetime) -> datetime:
    """Return when the day began in Viet Nam."""
    return at.astimezone(VIET_NAM).replace(hour=0, minute=0, second=0, microsecond=0)


def counts_today(store: Store, at: datetime) -> int:
    """Return how many check-ins there are of today. Raises: StoreError."""
    return total(store.counts(today(at), at + timedelta(hours=1), "hour"))


def total(counts: Iterable[Count]) -> int:
    """Return how many check-ins some counts come to."""
    return sum(count.count for count in counts)


def read_fleet(store: Store) -> list[DeviceView]:
    """Return each device of a store. Raises: StoreError."""
    return fleet(store.accounts(), store.devices())


def _view(name: str, journals: Iterable[Account], known: Known | None) -> DeviceView:
    if known is None:
        return DeviceView(name, tuple(journals))
    return DeviceView(name, tuple(journals), known.status, known.status_received_ms)

"""How the device is, for technicians (pure, but for reading the uplink's status file)."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import msgspec
from msgspec import Meta

from firmware.checkin import VIET_NAM
from firmware.config_sections import DeviceConfig
from firmware.journal_space import FILLING_PERMILLE
from firmware.messages import Count, Health, KnowledgeTold, Notice
from firmware.small_files import read_small_json
from firmware.texts import Words
from firmware.timekeeping import ClockFault

if TYPE_CHECKING:  # the uplink needs nothing of the verifier
    from firmware.knowledge import Knowledge

STATUS_MAX_BYTES = 4096  # ours: the status has six short fields
SILENT_NS = 10_000_000_000  # ours: the uplink writes every second
IDENTIFY_S = 10  # ours: long enough to look around; somebody at the centre asks again
PROFILE_PROBLEMS = ("profile-missing", "profile-unusable")
BACKLOG_NOTICE = 20  # ours: fewer are only on their way


class UplinkStatus(msgspec.Struct, frozen=True):
    """What the uplink says of itself in `uplink.json`; `identify_s`: the centre wants this device shown so long."""

    connected: bool
    unsent: Count
    last_ack_age_s: Annotated[float, Meta(ge=0)] | None = None
    fault: Annotated[str, Meta(max_length=1000)] | None = None
    identify_s: Annotated[float, Meta(ge=0, le=IDENTIFY_S)] = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """What the gate knows of itself.

    `unsent` is None where the journal does not answer; `set_aside` counts corrupt journals kept beside it, `unusable`
    what of the trust list can check no pass; `fill_permille` is how full the journal is. `clock_fault` is why the clock
    is not to be trusted at `now`, `knowledge` what is known of the trust data's age.
    """

    in_service: bool
    demo: bool
    clock_fault: ClockFault | None
    frames: int
    unsent: int | None
    set_aside: int
    unusable: int
    uplink: UplinkStatus | None
    now: datetime
    service_state: bool = False
    fill_permille: int = 0
    bytes_per_record: int | None = None
    voice: tuple[str, ...] = ()  # what is wrong with buzzer and heartbeat
    knowledge: "Knowledge | None" = None
    trust_unreadable: bool = False  # another store is there and cannot be used
    has_rules: bool = True  # whether any holds at this lane
    profile_problem: str | None = None  # why what the lane requires cannot be judged

    @property
    def age(self) -> timedelta | None:
        """Return how old what is known is, None where nobody can say."""
        return self.knowledge.age(self.now) if self.knowledge and self.clock_fault is None else None


class UplinkFile:
    """The uplink's status, as long as it is written anew: a dead uplink's last words do not count for ever."""

    def __init__(self, path: Path) -> None:
        """Read from `path`."""
        self._path = path
        self._written_ns = 0  # on the file system's clock: only compared with itself
        self._changed_ns = 0

    def status(self, now_ns: int) -> UplinkStatus | None:
        """Return the status at a time (monotonic), None where there is none, or an old one."""
        try:
            status, about = read_small_json(self._path, UplinkStatus, STATUS_MAX_BYTES)
        except OSError:
            return None
        if about.st_mtime_ns != self._written_ns:
            self._written_ns, self._changed_ns = about.st_mtime_ns, now_ns
        return status if now_ns - self._changed_ns <= SILENT_NS else None

    def identify_until_ns(self, now_ns: int) -> int:
        """Return until when the device is to be shown (monotonic), counted from when that was said."""
        status = self.status(now_ns)
        return self._changed_ns + round(status.identify_s * 1e9) if status else 0


def health_of(state: State, device: DeviceConfig, texts: dict[str, Words]) -> Health:
    """Return the device's health, with its notices in both languages."""
    uplink = state.uplink
    return Health(
        in_service=state.in_service,
        device=device.name,
        lane=device.lane,
        demo=state.demo,
        clock_trusted=state.clock_fault is None,
        frames=state.frames,
        unsent=state.unsent,
        uplink_connected=uplink.connected if uplink else None,
        last_ack_age_s=uplink.last_ack_age_s if uplink else None,
        uplink_fault=uplink.fault if uplink else None,
        bytes_per_record=state.bytes_per_record,
        knowledge=_told(state.knowledge, state, texts) if state.knowledge else None,
        notices=tuple(_notice(code, number, texts) for code, number in _numbers(state).items() if number),
    )


def _told(knowledge: "Knowledge", state: State, texts: dict[str, Words]) -> KnowledgeTold:
    """Return how old what is known is; by a clock that is not to be trusted, only of when it is."""
    date = f"{knowledge.issued.astimezone(VIET_NAM):%d/%m/%Y %H:%M}"
    if state.age is None:
        words = texts["knowledge-date"].filled(n=knowledge.version, date=date)
        return KnowledgeTold(knowledge.version, words.vi, words.en)
    hours = state.age / timedelta(hours=1)
    words = texts["knowledge-age"].filled(n=knowledge.version, date=date, hours=math.floor(hours))
    return KnowledgeTold(knowledge.version, words.vi, words.en, round(hours, 2), **knowledge.states(state.now))


def _old(state: State) -> dict[str, int]:
    """Return which parts of what is known are ageing or stale: how many days old, begun ones too."""
    found = {f"{part}-{old}": 0 for old in ("overdue", "ageing") for part in ("keys", "revocations", "rules")}
    if state.knowledge and state.age is not None:
        for part, how in state.knowledge.states(state.now).items():
            if how != "fresh":
                found[f"{part}-{'overdue' if how == 'stale' else 'ageing'}"] = math.ceil(state.age / timedelta(days=1))
    return found


def _numbers(state: State) -> dict[str, int]:
    """Return what technicians should know, the gravest first: how many of each, 0 = nothing to know."""
    uplink, unsent = state.uplink, state.unsent or 0
    return {
        "service-state": state.service_state,
        "demo": state.demo,
        "no-rules": not state.has_rules,
        **{problem: problem == state.profile_problem for problem in PROFILE_PROBLEMS},
        **{fault: fault == state.clock_fault for fault in get_args(ClockFault)},
        **_old(state),
        "trust-unreadable": state.trust_unreadable,
        "journal-set-aside": state.set_aside,
        "journal-filling": state.fill_permille // 10 if state.fill_permille >= FILLING_PERMILLE else 0,
        **dict.fromkeys(state.voice, 1),
        "trust-unusable": state.unusable,
        "uplink-silent": uplink is None,
        "centre-unreachable": uplink is not None and not uplink.connected,
        "centre-silent": uplink is not None and uplink.connected and uplink.fault is not None,
        "records-unsent": unsent if unsent > BACKLOG_NOTICE else 0,
    }


def _notice(code: str, number: int, texts: dict[str, Words]) -> Notice:
    words = texts[code].filled(n=number)
    return Notice(code, words.vi, words.en)

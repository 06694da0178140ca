"""How the device is, for technicians (pure, but for reading the uplink's status file)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from firmware.config_sections import DeviceConfig
from firmware.journal_space import FILLING_PERMILLE
from firmware.messages import Count, Health, Notice
from firmware.small_files import read_small_json
from firmware.texts import Words

STATUS_MAX_BYTES = 4096  # ours: the status has six short fields
SILENT_NS = 10_000_000_000  # ours: the uplink writes every second
IDENTIFY_S = 10  # ours: long enough to look around; somebody at the centre asks again
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
    what of the trust list can check no pass; `fill_permille` is how full the journal is.
    """

    in_service: bool
    demo: bool
    clock_trusted: bool
    frames: int
    unsent: int | None
    set_aside: int
    unusable: int
    uplink: UplinkStatus | None
    service_state: bool = False
    fill_permille: int = 0
    bytes_per_record: int | None = None
    voice: tuple[str, ...] = ()  # what is wrong with buzzer and heartbeat


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
        clock_trusted=state.clock_trusted,
        frames=state.frames,
        unsent=state.unsent,
        uplink_connected=uplink.connected if uplink else None,
        last_ack_age_s=uplink.last_ack_age_s if uplink else None,
        uplink_fault=uplink.fault if uplink else None,
        bytes_per_record=state.bytes_per_record,
        notices=tuple(_notice(code, number, texts) for code, number in _numbers(state).items() if number),
    )


def _numbers(state: State) -> dict[str, int]:
    """Return what technicians should know, the gravest first: how many of each, 0 = nothing to know."""
    uplink, unsent = state.uplink, state.unsent or 0
    return {
        "service-state": state.service_state,
        "demo": state.demo,
        "no-rules": 1,  # as long as there is no engine for them
        "clock-not-synchronised": not state.clock_trusted,
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

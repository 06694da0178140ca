"""What the uplink tells: the gate in a file, the centre in a retained status, a last will and reports."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from drivers.broker import Broker, Will
from drivers.clock import Clock
from firmware.checkin import milliseconds
from firmware.events import LogEvent, log
from firmware.health import UplinkStatus
from firmware.journal_reader import JournalReader
from firmware.journal_space import FILLING_PERMILLE, Diagnostic
from firmware.program import FOLDER_MODE
from firmware.small_files import write_small
from firmware.uplink_events import UplinkStatusFailed
from firmware.uplink_keys import Keys, KeySource
from firmware.wire_device import (
    MAX_REPORT_JSON_BYTES,
    Report,
    Status,
    encode_report,
    encode_status,
    report_topic,
    status_topic,
)

TELL_S = 300.0  # ours: so old may a status be that the centre shows; 100,000 devices make 333 a second of it
LOOK_S = 10.0  # ours: how late the centre learns that a journal fills
BACKLOG = 1000  # ours: check-ins; once so many were told of, the centre hears at once that all are gone
DIAGNOSTICS_MAX = 200
STATUS_MODE = 0o640  # the gate, a user of its own in the same group, reads it


class Telling:
    """Tell the centre how this device is: on each connection, now and then, as the journal fills or a backlog ends."""

    def __init__(self, device: str, version: str, journal: JournalReader, broker: Broker, clock: Clock) -> None:
        self._device = device
        self._version = version
        self._journal = journal
        self._broker = broker
        self._clock = clock
        self._due_s = self._look_s = 0.0
        self._alarm = False
        self._told_unsent = 0

    def hurry(self) -> None:
        """Tell at the next turn."""
        self._due_s = self._look_s = 0.0

    def turn(self, now_s: float, keys: Keys) -> None:
        """Tell where that is due. Raises: JournalError, BrokerError; then it stays due."""
        if now_s < self._look_s:
            return
        alarm = self._journal.fill_permille() >= FILLING_PERMILLE
        drained = self._told_unsent >= BACKLOG and self._journal.unsent() == 0
        if now_s >= self._due_s or alarm != self._alarm or drained:
            self.tell(keys, online=True)
            self._due_s, self._alarm = now_s + TELL_S, alarm
        self._look_s = now_s + LOOK_S

    def tell(self, keys: Keys, *, online: bool) -> None:
        """Publish the status. Raises: JournalError, BrokerError."""
        unsent = self._journal.unsent()
        status = Status(
            self._device,
            milliseconds(self._clock.now()),
            online,
            unsent,
            self._journal.oldest_ms(),
            self._journal.fill_permille(),
            self._version,
            self._journal.trust_ms(),
        )
        self._broker.publish(status_topic(self._device), encode_status(status, keys.signer), retained=True)
        self._told_unsent = unsent

    def report(self, keys: Keys) -> None:
        """Publish a report, with the newest diagnostics that it has room for. Raises: JournalError, BrokerError."""
        shown = {
            "version": self._version,
            "unsent": self._journal.unsent(),
            "oldest_ms": self._journal.oldest_ms(),
            "fill_permille": self._journal.fill_permille(),
            "trust_ms": self._journal.trust_ms(),
        }
        json = _fitting(shown, self._journal.diagnostics(DIAGNOSTICS_MAX))
        report = Report(self._device, milliseconds(self._clock.now()), json)
        message = encode_report(report, keys.signer, keys.recipient)
        self._broker.publish(report_topic(self._device), message)


def _fitting(shown: dict[str, Any], newest: list[Diagnostic]) -> bytes:
    """Return a report's JSON, with as many of the last diagnostics as it has room for."""
    json = msgspec.json.encode(shown | {"diagnostics": [one._asdict() for one in newest]})
    return json if len(json) <= MAX_REPORT_JSON_BYTES else _fitting(shown, newest[len(newest) // 2 + 1 :])


def will_of(device: str, version: str, source: KeySource, clock: Clock) -> Will:
    """Return this device's last will: that it is away, with the time of connecting; none while it has no keys."""

    def payload() -> bytes | None:
        keys = source.keys
        if keys is None:
            return None
        status = Status(device, milliseconds(clock.now()), online=False, version=version)
        return encode_status(status, keys.signer)

    return Will(status_topic(device), payload)


class StatusFile:
    """Where the uplink says how it is; without it, the gate says that the uplink is silent."""

    def __init__(self, path: Path, log_: Callable[[LogEvent], None] = log) -> None:
        self._path = path
        self._log = log_
        self._failing = False

    def write(self, status: UplinkStatus) -> None:
        """Replace the file; a failure is logged once until it passes."""
        try:
            if not self._path.parent.is_dir():  # on an appliance it is there, and this user's
                self._path.parent.mkdir(FOLDER_MODE)
            write_small(self._path, msgspec.json.encode(status), STATUS_MODE)
        except OSError as error:
            if not self._failing:
                self._log(UplinkStatusFailed(f"{self._path}: {error.strerror}"))
            self._failing = True
        else:
            self._failing = False

    def remove(self) -> None:
        """Take the file away."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

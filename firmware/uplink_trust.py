"""The centre's word that there is newer trust: kept in a small file, which on an appliance systemd watches.

The uplink fetches nothing and trusts nothing by it: it only says that firmware.sync should look now, not in an hour.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from drivers.clock import Clock
from firmware.events import LogEvent
from firmware.program import FOLDER_MODE
from firmware.small_files import read_small_json, write_small
from firmware.uplink_events import Ignored, TrustAnnounced, TrustIgnored, TrustUntold
from firmware.uplink_keys import Keys
from firmware.wire import MAX_SEQ, WireError
from firmware.wire_trust import decode_announcement

APART_S = 60.0  # ours: nobody publishes more often; each word lets a program start
MODE = 0o640
FILE_MAX_BYTES = 256  # one short field


class Announced(msgspec.Struct, frozen=True):
    """What the file says."""

    version: Annotated[int, Meta(ge=0, le=MAX_SEQ)]


class Announcements:
    """Tell a newer repository from what was told before: forged, repeated and older announcements change nothing.

    The file outlasts a restart of the uplink, so that the message which the broker keeps starts nothing again.
    """

    def __init__(self, path: Path, clock: Clock, log_: Callable[[LogEvent], None]) -> None:
        self.ignored = Ignored(lambda why, count: log_(TrustIgnored(why, count)))
        self._path = path
        self._clock = clock
        self._log = log_
        self._told = self._heard = self._before()
        self._failing = False
        self._due_s = 0.0

    def take(self, message: bytes, keys: Keys, now_s: float) -> None:
        """Hear an announcement, at this time on a clock that only goes forward."""
        try:
            announcement = decode_announcement(message, keys.authority, self._clock.now())
        except WireError as error:
            self.ignored.happened(str(error), now_s)
            return
        self._heard = max(self._heard, announcement.version)

    def turn(self, now_s: float) -> None:
        """Tell what was heard, at most once in `APART_S`."""
        self.ignored.turn(now_s)
        if self._heard <= self._told or now_s < self._due_s:
            return
        self._due_s = now_s + APART_S
        self._tell()

    def _tell(self) -> None:
        """Replace the file; a failure is logged once until it passes."""
        try:
            if not self._path.parent.is_dir():  # on an appliance it is there, and this user's
                self._path.parent.mkdir(FOLDER_MODE)
            write_small(self._path, msgspec.json.encode(Announced(self._heard)), MODE)
        except OSError as error:
            if not self._failing:
                self._log(TrustUntold(f"{self._path}: {error.strerror}"))
            self._failing = True
            return
        self._failing, self._told = False, self._heard
        self._log(TrustAnnounced(self._heard))

    def _before(self) -> int:
        try:
            return read_small_json(self._path, Announced, FILE_MAX_BYTES)[0].version
        except OSError:  # none yet, or nothing that means anything
            return 0

"""The uplink's keys: whom it signs as, whom it seals to, whom it believes; taken up anew when their files change."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from firmware.config_sections import CentreConfig
from firmware.credentials import credential
from firmware.envelope import Authority, Signer, SigningError
from firmware.events import LogEvent, log
from firmware.sealing import Recipient
from firmware.uplink_events import UplinkKeysMissing, UplinkKeysTaken

LOOK_S = 5.0  # ours: how late a renewed key is taken up; the old one holds for weeks more
NOT_ENROLLED = "this device has no key and certificate of its own: run greengate enrol"
NO_CENTRE_KEYS = "no key of the centre's is here to seal check-ins to: run greengate renew"


class Keys(NamedTuple):
    """Hold what everything is signed, sealed and checked with."""

    signer: Signer
    recipient: Recipient
    authority: Authority


class KeySource(Protocol):
    """Where the uplink has its keys from: `keys`, or else `problem`, one line with its cure."""

    @property
    def keys(self) -> Keys | None:
        """Return the keys, None where they are missing."""
        ...

    @property
    def problem(self) -> str | None:
        """Return why there are none."""
        ...

    def turn(self, now_s: float) -> None:
        """Look whether something has changed, now and then."""
        ...


class KeyFiles:
    """The keys in the files of this device's identity, which may come later and be renewed: see `KeySource`.

    Files that are broken end the sending, not the program; they are looked at again.
    """

    def __init__(self, device: str, files: CentreConfig, log_: Callable[[LogEvent], None] = log) -> None:
        self.keys: Keys | None = None
        self.problem: str | None = NOT_ENROLLED
        self._device = device
        self._files = files
        self._log = log_
        self._told: str | None = None
        self._stamps: list[tuple[int, int, int] | None] = []
        self._due_s: float | None = None

    def turn(self, now_s: float) -> None:
        """Read the files where they have changed, or were not all well; at most once in `LOOK_S`."""
        if self._due_s is not None and now_s < self._due_s:
            return
        self._due_s = now_s + LOOK_S
        files = self._files
        ca, certificate, key, keys = map(credential, (files.ca, files.certificate, files.key, files.keys))
        stamps = [_stamp(path) for path in (ca, certificate, key, keys)]
        if self.keys is not None and stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            self.keys, self.problem = self._read(ca, certificate, key, keys), None
        except SigningError as error:
            self.keys, self.problem = None, str(error)
        self._tell()

    def _read(self, ca: Path | None, certificate: Path | None, key: Path | None, keys: Path | None) -> Keys:
        """Read all files. Raises: SigningError."""
        if ca is None or certificate is None or key is None or not (certificate.exists() and key.exists()):
            raise SigningError(NOT_ENROLLED)
        if keys is None or not keys.exists():
            raise SigningError(NO_CENTRE_KEYS)
        signer, authority = Signer.load(certificate, key), Authority.load(ca)
        if signer.name != self._device:
            raise SigningError(f"{certificate} is of {signer.name}, not of {self._device}: enrol anew")
        return Keys(signer, Recipient.load(keys, "batches", authority), authority)

    def _tell(self) -> None:
        if self.problem is None:
            self._log(UplinkKeysTaken())
        elif self.problem != self._told:
            self._log(UplinkKeysMissing(self.problem))
        self._told = self.problem


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    """Return what differs once a file was replaced or written."""
    try:
        about = None if path is None else path.stat()
    except OSError:
        return None
    return about and (about.st_ino, about.st_mtime_ns, about.st_size)

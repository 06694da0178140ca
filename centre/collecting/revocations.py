"""The revocation list: read again whenever its file changes. One that is missing or over stops nothing."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from centre.collecting.events import Event, RevocationsStale
from firmware.envelope import Authority

CRL_MAX_BYTES = 64 * 1024 * 1024  # ours: over a million revoked devices
_CURE = "bring the centre's crl.pem here; greengate-centre ca crl renews it"

Version = tuple[int, int, int]  # of a file: what changes with its content


class Revocations:
    """Keep an authority's `revoked` as the list says; what is wrong with the list is reported once."""

    def __init__(
        self, authority: Authority, ca: Sequence[x509.Certificate], crl: Path, report: Callable[[Event], None]
    ) -> None:
        """Take the authority whose `revoked` it keeps, its certificates, and the list's file."""
        self._authority, self._ca, self._crl, self._report = authority, ca, crl, report
        self._read: Version | None = None
        self._until: datetime | None = None
        self._problem: str | None = None

    def look(self, at: datetime) -> None:
        """Read the list if it changed."""
        problem = self._changed() or self._over(at)
        if problem is not None and problem != self._problem:
            self._report(RevocationsStale(f"{self._crl}: {problem}: {_CURE}"))
        self._problem = problem

    def _changed(self) -> str | None:
        try:
            status = self._crl.stat()
            version = (status.st_mtime_ns, status.st_ino, status.st_size)
            if version == self._read:
                return None
            with self._crl.open("rb") as file:
                crl = x509.load_pem_x509_crl(file.read(CRL_MAX_BYTES))
            if not any(crl.is_signature_valid(ca.public_key()) for ca in self._ca):  # type: ignore[arg-type] # EC
                return "another authority's"
        except OSError as error:
            return error.strerror or "cannot be read"
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return "no revocation list"
        self._authority.revoked = frozenset(revoked.serial_number for revoked in crl)
        self._read, self._until = version, crl.next_update_utc
        return None

    def _over(self, at: datetime) -> str | None:
        return "over" if self._until is not None and at > self._until else None

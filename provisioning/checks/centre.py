"""The centre's keys that check-ins are sealed to: are they there, the centre's own, and in force?"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from firmware.envelope import Authority, SigningError, load_certificates
from firmware.sealing import NAME_PREFIX, PURPOSES, Recipient
from provisioning.checks import Finding, Patient, fault, ok, skipped, warning


def keys(patient: Patient) -> Iterator[Finding]:
    """Read them as uplink and gate do."""
    files = patient.known.centre_files
    if files.keys is None or files.ca is None:
        yield skipped("keys-none")
        return
    path, ca = patient.at(files.keys), patient.at(files.ca)
    if not path.exists() or path.stat().st_size == 0:
        if ca.exists():  # not enrolled else, which the device's certificate says
            yield fault("keys-missing", file=str(path))
        else:
            yield skipped("keys-none")
        return
    try:
        authority = Authority.load(ca)
        for purpose in PURPOSES:
            Recipient.load(path, purpose, authority)
        until = _until(path)
    except SigningError as error:
        yield fault("keys-bad", why=str(error))
        return
    over = patient.clock.now() > until
    yield (warning if over else ok)("keys-over" if over else "keys-good", until=f"{until:%Y-%m-%d}")


def _until(path: Path) -> datetime:
    """Return when the first of the newest certificates ends. Raises: SigningError."""
    found = load_certificates(path)
    newest = (
        max((one for one in found if _name(one) == NAME_PREFIX + purpose), key=lambda one: one.not_valid_before_utc)
        for purpose in PURPOSES
    )
    return min(one.not_valid_after_utc for one in newest)


def _name(certificate: x509.Certificate) -> object:
    return next((name.value for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)), None)

"""What the enrolment service reports, a closed list: names, serial numbers, codes of errors; never a one-time code."""

from typing import Literal

from centre.collecting.events import Event

ErrorCode = Literal[
    "code-wrong",
    "code-used",
    "code-expired",
    "code-of-another-device",
    "csr-bad",
    "device-unknown",
    "certificate-revoked",
    "busy",
    "request-bad",
]


class Serving(Event, frozen=True, tag="serving"):
    """Devices may enrol; `fingerprint` is the CA's, which they pin."""

    host: str
    port: int
    fingerprint: str


class Enrolled(Event, frozen=True, tag="enrolled"):
    """A device got a certificate for its one-time code; `again`: the same one once more."""

    device: str
    serial: str
    again: bool


class Renewed(Event, frozen=True, tag="renewed"):
    """A device got a new certificate for the one that it has."""

    device: str
    serial: str
    again: bool


class Retired(Event, frozen=True, tag="retired"):
    """A device told that it is no more; its certificates are revoked."""

    device: str


class Refused(Event, frozen=True, tag="refused"):
    """A request was refused; `device` is what it called itself, empty where that is no name."""

    code: ErrorCode
    why: str
    device: str
    address: str


class CrlWritten(Event, frozen=True, tag="crl-written"):
    """The revocation list was written anew."""


class CentreFailed(Event, frozen=True, tag="centre-failed"):
    """Something of the centre's own does not work: disk, registry, CA, broker; it is tried again."""

    why: str


class ServingStopped(Event, frozen=True, tag="stopped"):
    """The service was told to stop."""

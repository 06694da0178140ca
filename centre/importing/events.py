"""What an import reports, a closed list: files, devices' names, numbers and codes, nothing of any holder."""

from typing import Literal

from centre.collecting.events import Event

CertificateState = Literal["good", "expired", "revoked", "unknown"]


class Imported(Event, frozen=True, tag="imported"):
    """A file's check-ins are on the disk; `new` of them were not there before. `breaks` batches follow no known one.

    `state` is the device's; `certificate` tells how it is with the one that signed, `unknown` where the registry does
    not have it (it was brought back from an older backup).
    """

    file: str
    device: str
    state: str
    certificate: CertificateState
    epoch: str
    first_seq: int
    last_seq: int
    records: int
    new: int
    known: int
    conflicts: int
    breaks: int


class ImportRefused(Event, frozen=True, tag="import-refused"):
    """Nothing of a file was taken: which fault (a code), and why."""

    file: str
    fault: str
    why: str


class AnswerWritten(Event, frozen=True, tag="answer-written"):
    """The acknowledgements of a file lie beside it, for its device."""

    file: str


class AnswerFailed(Event, frozen=True, tag="answer-failed"):
    """The check-ins are stored, but their acknowledgements could not be written: the device keeps them."""

    file: str
    why: str

"""What an import reports, a closed list: files, devices' names, numbers and codes, nothing of any holder."""

from centre.collecting.events import Event


class Imported(Event, frozen=True, tag="imported"):
    """A file's check-ins are on the disk; `new` of them were not there before. `breaks` batches follow no known one."""

    file: str
    device: str
    state: str
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

"""Exported journals from sticks into the store: a file is checked whole before anything of it is kept."""

import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from centre.collecting.events import Event
from centre.collecting.store import Store, Stored, UnstorableError
from centre.devices.registry import Certificate, Device, Registry
from centre.importing.events import AnswerFailed, AnswerWritten, CertificateState, Imported, ImportRefused
from centre.importing.keys import Keys
from drivers.errors import DeviceError
from drivers.stick import Stick, StickError, StickFileTooLargeError, StickMissingError, open_stick
from drivers.stick.folder import read_file
from firmware.export import (
    MAX_EXPORT_BYTES,
    ExportError,
    Fault,
    Summary,
    ack_name,
    check_export,
    encode_acks,
    parse_export_name,
    read_export,
)
from firmware.wire import Ack, DecodedBatch, SealedBatch, unseal_batch

DEVICE_UNKNOWN = "device-unknown"
UNREADABLE = "unreadable"
UNSTORABLE = "unstorable"
BATCHES_AT_ONCE = 16  # ours: in one transaction, some 6,000 check-ins; so many are in memory

Seen = Callable[[int], None]


class Answer(NamedTuple):
    """Hold the file that answers an export."""

    name: str
    data: bytes


@dataclass
class Importer:
    """Take exported journals, each check-in once; whatever is refused is reported, and the next file taken.

    A device's certificate may be over or revoked, which is told: somebody has the stick in hand, and can ask.
    `take` raises StoreError: then what was stored before stays.
    """

    store: Store
    registry: Registry
    keys: Keys
    at: datetime
    report: Callable[[Event], None]

    def take(self, file: str, data: bytes, seen: Seen = lambda _: None) -> Answer | None:
        """Keep what is in a file, and return the answer to it, None where nothing of it is taken.

        `seen` is told how many bytes more were worked through, each twice.
        """
        try:
            found = check_export(data, self.keys.authority, each=self._unsealed, seen=seen)
        except ExportError as error:
            self.report(ImportRefused(file, error.fault, str(error)))
            return None
        device = self.registry.device(found.device)
        if device is None:
            self.report(ImportRefused(file, DEVICE_UNKNOWN, f"of {found.device}, which the registry does not know"))
            return None
        try:
            return self._keep(file, data, found, device, seen)
        except UnstorableError as error:
            self.report(ImportRefused(file, UNSTORABLE, str(error)))
            return None

    def refused(self, file: str, error: DeviceError) -> None:
        """Report a file that could not be read."""
        fault = str(Fault.TOO_LARGE) if isinstance(error, StickFileTooLargeError) else UNREADABLE
        self.report(ImportRefused(file, fault, str(error)))

    def _unsealed(self, arrived: SealedBatch) -> DecodedBatch:
        return unseal_batch(arrived, self.keys.unsealer)

    def _keep(self, file: str, data: bytes, found: Summary, device: Device, seen: Seen) -> Answer:
        acks: list[Ack] = []
        stored: list[Stored] = []
        arriving = map(self._unsealed, read_export(data, self.keys.authority, seen=seen))
        while batches := list(islice(arriving, BATCHES_AT_ONCE)):
            stored += self.store.store(batches, self.at)
            acks += [Ack(found.device, found.epoch, one.batch.last_seq, one.digest) for one in batches]
        self.report(
            Imported(
                file=file,
                device=found.device,
                state=device.state(self.at),
                certificate=_worst(found.serials, self.registry.certificates(found.device), self.at),
                epoch=found.epoch.hex(),
                first_seq=found.first_seq,
                last_seq=found.last_seq,
                records=found.records,
                new=sum(one.new for one in stored),
                known=sum(one.known for one in stored),
                conflicts=sum(one.conflicts for one in stored),
                breaks=sum(not one.follows for one in stored),
            )
        )
        name = ack_name(found.device, found.epoch, found.last_seq)
        return Answer(name, encode_acks(acks, self.keys.signer))


def _worst(serials: Iterable[int], issued: Iterable[Certificate], at: datetime) -> CertificateState:
    """Return the worst that is known of the certificates that signed a file."""
    known = {int(one.serial, 16): one for one in issued}
    signed_by = [known.get(serial) for serial in serials]
    if any(one is not None and one.revoked_at is not None for one in signed_by):
        return "revoked"
    if any(one is None for one in signed_by):
        return "unknown"
    return "expired" if any(one is not None and one.not_after <= at for one in signed_by) else "good"


def import_from(path: Path, importer: Importer, seen: Callable[[int, int], None] = lambda *_: None) -> None:
    """Take what is exported on a stick (a device or a folder), or one file, and write the answers beside it.

    A stick is read-only while it is read, and mounted anew to be written. `seen` is told how many bytes there are
    to work through, and how many more were. Raises: StoreError; StickError where nothing can be read at all.
    """
    if _is_file(path):
        answers = _from_file(path, importer, seen)
        _answer(path.parent.resolve(), answers, importer)
        return
    with open_stick(path, write=False) as stick:
        answers = _from_stick(stick, importer, seen)
    _answer(path, answers, importer)


def _from_stick(stick: Stick, importer: Importer, seen: Callable[[int, int], None]) -> list[Answer]:
    said = {name: parsed for name in stick.names() if (parsed := parse_export_name(name))}
    names = sorted(said, key=said.__getitem__)  # by number, so that each batch comes after the one before
    if not names:
        raise StickMissingError(f"{stick.where}: no exported journal is on it", cure="is it the right stick?")
    answers = []
    for name in names:
        file = f"{stick.where}/{name}"
        try:
            data = stick.read(name, MAX_EXPORT_BYTES)
        except StickError as error:
            importer.refused(file, error)
            continue
        answers.append(importer.take(file, data, _progress(data, seen)))
    return [answer for answer in answers if answer is not None]


def _from_file(path: Path, importer: Importer, seen: Callable[[int, int], None]) -> list[Answer]:
    try:
        data = read_file(path, MAX_EXPORT_BYTES)
    except StickError as error:
        importer.refused(str(path), error)
        return []
    answer = importer.take(str(path), data, _progress(data, seen))
    return [] if answer is None else [answer]


def _is_file(path: Path) -> bool:
    """Tell whether a file was named; what cannot be seen, and links, a stick's opening tells apart."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _progress(data: bytes, seen: Callable[[int, int], None]) -> Seen:
    seen(2 * len(data), 0)  # once to check, once to keep
    return lambda more: seen(0, more)


def _answer(place: Path, answers: Iterable[Answer], importer: Importer) -> None:
    """Write answers; what fails is reported, since the check-ins are stored."""
    waiting = list(answers)
    if not waiting:
        return
    try:
        with open_stick(place, write=True) as stick:
            while waiting:
                stick.write(waiting[0].name, waiting[0].data)
                importer.report(AnswerWritten(f"{stick.where}/{waiting.pop(0).name}"))
    except DeviceError as error:
        for answer in waiting or [Answer(str(place), b"")]:
            importer.report(AnswerFailed(answer.name, str(error)))

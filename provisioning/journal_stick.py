"""What `greengate journal export` does with a stick: answers of the centre applied, what is unsent written."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from drivers.stick import Stick, StickError
from firmware.export import (
    MAX_ACK_FILE_BYTES,
    MAX_EXPORT_BYTES,
    ExportError,
    ExportName,
    Fault,
    decode_acks,
    parse_ack_name,
    parse_export_name,
)
from firmware.export_files import (
    Exported,
    ExportFile,
    Keys,
    apply_ack,
    export_present,
    export_set_aside,
    holds,
)
from firmware.journal_base import JournalError, MalformedError
from firmware.journal_reader import JournalReader
from firmware.journal_snapshot import set_aside, snapshot
from firmware.wire import Ack
from provisioning.talk import Talk


class Own(NamedTuple):
    """Hold what is the device's: its keys, its journal's file, and whether what the centre has is kept for a while.

    `at` is when the certificate of an answer has to be in force, None where it may be over.
    """

    keys: Keys
    at: datetime | None
    journal: Path
    keep_acknowledged: bool


class JournalStick:
    """One device's journals on one side, a stick on the other; each step says what it did.

    Every method raises StickError, JournalError.
    """

    def __init__(self, own: Own, stick: Stick, talk: Talk) -> None:
        """Take what is the device's, and an open stick."""
        self._keys, self._at, self._device = own.keys, own.at, own.keys.device
        self._journal, self._keep = own.journal, own.keep_acknowledged
        self._stick, self._talk = stick, talk
        self._unreadable: JournalError | MalformedError | None = None  # why a journal is not among what is exported

    def apply_acks(self) -> None:
        """Delete from the journal what answers on the stick acknowledge; others' are told, and left alone."""
        epoch = self._epoch()
        with JournalReader(self._journal, keep_acknowledged=self._keep) as reader:
            for name in self._stick.names():
                said = parse_ack_name(name)
                if said is not None and epoch is not None:
                    self._apply(reader, name, epoch)

    def export(self, advance: Callable[[int], None]) -> int:
        """Write what is unsent of every journal, and return how many check-ins that is.

        Raises: JournalError, MalformedError, when all else is written, where one cannot be read.
        """
        count = 0
        for exported in self._exported(advance):
            for file in exported.files:
                self._write(file)
            count += exported.records
            self._clear_before(exported)
        if self._unreadable is not None:
            raise self._unreadable
        return count

    def planned(self) -> list[tuple[str, int]]:
        """Return which files an export would write as things are, with the number of check-ins in each."""
        return [(file.name, file.records) for one in self._exported(lambda _: None) for file in one.files]

    def clear_spent(self) -> None:
        """Take exports and answers of this journal off the stick whose check-ins are all acknowledged."""
        try:
            with snapshot(self._journal) as now:
                state = None if now is None else (now.epoch, now.acked_seq)
        except MalformedError as error:  # nothing is known to be spent
            self._talk.warn("not-cleared", why=str(error))
            return
        for name in self._stick.names() if state else []:
            said = parse_export_name(name) or parse_ack_name(name)
            if state and said and (said.device, said.epoch) == (self._device, state[0]) and said.last_seq <= state[1]:
                self._remove(name)

    def _apply(self, reader: JournalReader, name: str, epoch: bytes) -> None:
        try:
            acks = self._acks(name)
        except ExportError as error:
            code = "ack-untrusted" if error.fault is Fault.UNTRUSTED else "ack-unreadable"
            self._talk.warn(code, file=name, why=str(error))
            return
        except StickError as error:
            self._talk.warn("ack-unreadable", file=name, why=str(error))
            return
        if acks[0].device != self._device:
            self._talk.warn("ack-of-another-device", file=name)
            return
        if acks[0].epoch != epoch:
            self._talk.say("ack-of-another-journal", file=name)
            return
        deleted, unfitting = self._applied(reader, acks)
        if deleted:
            self._talk.say("acknowledged", file=name, n=deleted)
        if unfitting:
            self._talk.warn("ack-does-not-fit", file=name, n=unfitting)

    def _applied(self, reader: JournalReader, acks: list[Ack]) -> tuple[int, int]:
        """Return how many check-ins were deleted, and how many acknowledgements did not fit what is there.

        Batches follow one another: where one does not fit, no later one can.
        """
        deleted = 0
        for done, ack in enumerate(sorted(acks, key=lambda ack: ack.up_to)):
            count = apply_ack(self._device, reader, ack)
            if count is None:  # when all is acknowledged, an answer to less than that is an old one
                return deleted, len(acks) - done if reader.unsent() else 0
            deleted += count
        return deleted, 0

    def _exported(self, advance: Callable[[int], None]) -> list[Exported]:
        """Return the exports: of the present journal, and of those set aside that the stick has no whole answer to."""
        present = self._present(advance)
        found = [] if present is None else [present]
        for path in set_aside(self._journal):
            try:
                damaged = export_set_aside(self._keys, path, advance)
            except JournalError as error:  # no room for its copy: the others go out all the same
                self._unreadable = self._unreadable or error
                continue
            if damaged is None:
                self._talk.warn("set-aside-unreadable", file=path.name)
            elif not damaged.batches <= self._answered(damaged.epoch):
                found.append(damaged)
            elif damaged.batches:
                self._talk.say("set-aside-acknowledged", file=path.name)
                self._clear(damaged.epoch)
        return found

    def _present(self, advance: Callable[[int], None]) -> Exported | None:
        try:
            return export_present(self._keys, self._journal, advance)
        except MalformedError as error:
            self._unreadable = error
            return None

    def _answered(self, epoch: bytes) -> set[tuple[int, bytes]]:
        """Return what the stick's answers acknowledge of an epoch of this device."""
        found: set[tuple[int, bytes]] = set()
        for name in self._stick.names():
            said = parse_ack_name(name)
            if said is None or (said.device, said.epoch) != (self._device, epoch):
                continue
            try:
                acks = self._acks(name)
            except (ExportError, StickError):
                continue
            if (acks[0].device, acks[0].epoch) == (self._device, epoch):
                found |= {(ack.up_to, ack.digest) for ack in acks}
        return found

    def _acks(self, name: str) -> list[Ack]:
        """Return the acknowledgements in a file that the centre has signed. Raises: ExportError, StickError."""
        return decode_acks(self._stick.read(name, MAX_ACK_FILE_BYTES), self._keys.authority, self._at)

    def _write(self, file: ExportFile) -> None:
        """Write a file, unless the stick has one of the same check-ins: sealed anew, they have other bytes."""
        name = file.name
        try:
            same = name in self._stick.names() and holds(self._stick.read(name, MAX_EXPORT_BYTES), file, self._keys)
        except StickError:
            same = False
        if not same:
            self._stick.write(name, file.data)
        self._talk.say("exported", file=name, n=file.records)

    def _clear_before(self, exported: Exported) -> None:
        """Take older exports of the same journal away: all in them that is not acknowledged is in the new ones."""
        names = {file.name for file in exported.files}
        if not names:
            return
        last = max(said.last_seq for name in names if (said := parse_export_name(name)))
        for name, said in self._exports(exported.epoch):
            if name not in names and said.last_seq <= last:
                self._remove(name)

    def _clear(self, epoch: bytes) -> None:
        for name, _ in self._exports(epoch):
            self._remove(name)

    def _exports(self, epoch: bytes) -> list[tuple[str, ExportName]]:
        named = [(name, parse_export_name(name)) for name in self._stick.names()]
        return [(name, said) for name, said in named if said and (said.device, said.epoch) == (self._device, epoch)]

    def _remove(self, name: str) -> None:
        self._stick.remove(name)
        self._talk.say("removed", file=name)

    def _epoch(self) -> bytes | None:
        """Return the present journal's epoch, None where there is none whose state is known."""
        with JournalReader(self._journal) as reader:
            waiting = reader.batch(1)
        return None if waiting is None else waiting.epoch

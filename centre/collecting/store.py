"""The centre's store of check-ins: a port, so that another engine can stand behind it."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from firmware.checkin import CheckIn
from firmware.wire import DecodedBatch


class StoreError(Exception):
    """A store that cannot be read or written now: what is wrong, on one line."""


class Stored(NamedTuple):
    """Hold what became of a batch: check-ins new to the store, known before, and in conflict with known ones.

    `follows` tells whether the batch that it names as the one before is known.
    """

    new: int
    known: int
    conflicts: int
    follows: bool


class Entry(NamedTuple):
    """Hold a check-in under its key."""

    device: str
    epoch: bytes
    seq: int
    checkin: CheckIn


@dataclass(frozen=True, slots=True)
class Account:
    """Hold what the store has of one epoch of a device.

    `missing` are ranges of numbers, both ends included, of check-ins that never came. `breaks` counts batches
    that do not follow a known one; `conflicts` counts check-ins that came again with another content.
    """

    device: str
    epoch: bytes
    stored: int
    last_seq: int
    missing: tuple[tuple[int, int], ...]
    breaks: int
    conflicts: int

    @property
    def sound(self) -> bool:
        """Tell whether nothing is missing, broken or in conflict."""
        return not (self.missing or self.breaks or self.conflicts)


class Store(Protocol):
    """Keep each check-in once by device, epoch and number. Every method raises StoreError."""

    def store(self, arrived: DecodedBatch) -> Stored:
        """Keep a batch, all or nothing; when this returns it is on the disk.

        What is known stays as it is: the same check-in with another content is kept aside, as a conflict.
        """
        ...

    def entries(self, after: tuple[str, bytes, int] | None = None, limit: int = 1000) -> list[Entry]:
        """Return check-ins in the order of their keys, behind a key (device, epoch, number)."""
        ...

    def accounts(self) -> list[Account]:
        """Return what there is of each epoch of each device."""
        ...

    def close(self) -> None:
        """Close; a second call does nothing."""
        ...


def agree(known: CheckIn, arrived: CheckIn) -> bool:
    """Tell whether two check-ins under one key are the same, apart from what a retention date may have blanked."""
    if known.blank or arrived.blank:
        return _blanked(known) == _blanked(arrived)
    return known == arrived


def _blanked(checkin: CheckIn) -> CheckIn:
    return replace(checkin, kinds=(), pseudonym=None)

"""What plates promise, on each kind that ships."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Protocol

import pytest

from drivers.errors import DeviceError
from drivers.plates import SEEN_MAX, Plates, PlateSeen, open_plates
from drivers.plates.entering import enter_plate
from drivers.plates.simulated import SimulatedPlates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Rig(Protocol):
    """Plates, hands that enter them, and a clock."""

    plates: Plates
    now_ns: int

    def enter(self, text: str) -> None: ...


class SimulatedRig:
    def __init__(self, _: Path) -> None:
        self.now_ns = 1_000_000_000
        self._plates = SimulatedPlates(lambda: self.now_ns)
        self.plates: Plates = self._plates

    def enter(self, text: str) -> None:
        self._plates.enter(text)


class SocketRig:
    def __init__(self, folder: Path) -> None:
        self.now_ns = 1_000_000_000
        self._path = folder / "plates" / "plates.sock"
        self.plates = open_plates("socket", socket=self._path, monotonic_ns=lambda: self.now_ns)

    def enter(self, text: str) -> None:
        enter_plate(self._path, text, self.now_ns)


RIGS: dict[str, Callable[[Path], Rig]] = {"simulated": SimulatedRig, "socket": SocketRig}


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    rig = RIGS[request.param](tmp_path)
    yield rig
    rig.plates.close()


def readable(plates: Plates) -> bool:
    return bool(select.select([plates], [], [], 0)[0])


def test_nothing_is_entered_at_the_start(rig: Rig) -> None:
    assert not readable(rig.plates)
    assert rig.plates.seen() == []


def test_each_plate_is_told_once_as_it_was_typed_and_wakes_who_waits(rig: Rig) -> None:
    for text in ("51C-123.45", "29Đ 1 ", "?"):
        rig.now_ns += 1_000_000_000
        rig.enter(text)
        assert readable(rig.plates)
        assert rig.plates.seen() == [PlateSeen(text, rig.now_ns)]
        assert not readable(rig.plates)
        assert rig.plates.seen() == []


def test_plates_are_told_in_their_order(rig: Rig) -> None:
    for text in ("A", "B", "A"):
        rig.now_ns += 1
        rig.enter(text)
    assert [seen.text for seen in rig.plates.seen()] == ["A", "B", "A"]


def test_no_more_are_told_at_a_time_than_is_said(rig: Rig) -> None:
    told = 0
    for number in range(2 * SEEN_MAX):
        try:
            rig.enter(str(number))
        except DeviceError:  # the kernel's queue is shorter than this
            found = rig.plates.seen()
            assert len(found) <= SEEN_MAX
            told += len(found)
            rig.now_ns += 1_000_000_000
    assert len(rig.plates.seen()) + told >= SEEN_MAX


def test_closed_plates_tell_nothing_and_may_be_closed_again(rig: Rig) -> None:
    rig.enter("51C12345")
    rig.plates.close()
    rig.plates.close()
    assert rig.plates.seen() == []
    with pytest.raises(DeviceError, match="closed"):
        rig.plates.fileno()


def test_a_context_closes_them(rig: Rig) -> None:
    with rig.plates as plates:
        plates.fileno()
    with pytest.raises(DeviceError, match="closed"):
        rig.plates.fileno()

"""What a front shows beyond what checkpoints' stories tell: three lamps, leases of flashes, words filled in."""

from pathlib import Path

import pytest

from drivers.signal import open_signal
from drivers.signal.lease import LEASE_MAX_S
from drivers.signal.simulated import read_history
from firmware.front import Front
from firmware.messages import Aspect, Event, Shown
from firmware.signalling import Light
from firmware.texts import Words, load_texts

TEXTS = load_texts()
MS = 1_000_000


class Post:
    """A front over simulated lamps whose time is the test's."""

    def __init__(self, history: Path, *, amber: bool = False) -> None:
        self.signal = open_signal("simulated", amber_pin=24 if amber else None, history=history)
        self.told: list[Event] = []
        self.front = Front(self.signal, TEXTS, self.told.append, "in", 0)
        self.history = history

    def shown(self, aspect: Aspect, *at_ms: int, until_ms: int = 3_000) -> list[tuple[bool, bool, bool]]:
        """Begin a light at 0, turn at some moments, and return what the lamps were told."""
        self.front.begin(Light(aspect, 0, until_ms * MS))
        for now_ms in at_ms:
            assert self.front.turn(now_ms * MS)
        self.signal.close()
        found = [lamps for lamps in read_history(self.history) if lamps.by == "show"]
        return [(lamps.red, lamps.green, lamps.amber) for lamps in found]


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return tmp_path / "lamps.jsonl"


@pytest.mark.parametrize("aspect", ["undecided", "next-document", "out-of-service"])
@pytest.mark.parametrize("amber", [True, False], ids=["three lamps", "two lamps"])
def test_amber_is_lit_instead_of_red_where_it_is_fitted(history: Path, aspect: Aspect, amber: bool) -> None:  # noqa: FBT001 - a table
    shown = Post(history, amber=amber).shown(aspect, 0, 10, 2_900)
    assert shown[0] == (not amber, False, amber)
    assert {lamps for lamps in shown if any(lamps)} == {(not amber, False, amber)}


@pytest.mark.parametrize("amber", [True, False], ids=["three lamps", "two lamps"])
def test_each_flash_of_attendance_has_a_lease_of_its_own(history: Path, amber: bool) -> None:  # noqa: FBT001 - a table
    post = Post(history, amber=amber)
    post.shown("attendance", 0, 50, 200, 400, 600, 2_000)
    green = [lamps for lamps in read_history(history) if lamps.green]
    assert [lamps.lease_s for lamps in green] == [0.2, 0.2]


def test_a_late_turn_gives_a_flash_only_what_is_left_of_it(history: Path) -> None:
    Post(history).shown("attendance", 150, 300)
    (green,) = [lamps for lamps in read_history(history) if lamps.green]
    assert green.lease_s == pytest.approx(0.05)


def test_an_accepted_pass_has_what_is_left_of_its_light(history: Path) -> None:
    Post(history).shown("accepted", 500, 600)
    (green,) = [lamps for lamps in read_history(history) if lamps.green]
    assert green.lease_s == pytest.approx(2.5)
    assert green.lease_s < LEASE_MAX_S


def test_what_is_missing_is_filled_in_and_a_plate_stands_beside_it(history: Path) -> None:
    post = Post(history)
    post.front.begin(Light("next-document", 0, 30_000 * MS))
    assert post.front.wake_ns(0) == 150 * MS
    words = TEXTS["documents-missing"].filled(what="x")
    post.front.answer(None, "documents-missing", None, {}, words=words, plate="51C12345")
    (shown,) = post.told
    assert shown == Shown(
        "next-document", "documents-missing", *Words("Còn thiếu: x", "Still missing: x"),
        until_ns=30_000 * MS, plate="51C12345",
    )  # fmt: skip
    post.signal.close()

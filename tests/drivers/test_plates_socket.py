"""Plates by datagrams: who floods, who sends nonsense, a socket that is taken away, and what is said to who enters."""

from __future__ import annotations

import json
import select
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DeviceError, DeviceMissingError
from drivers.plates import PlateSeen, open_plates
from drivers.plates.datagrams import MEND_NS, QUIET_NS, DatagramPlates
from drivers.plates.entering import enter_plate
from drivers.plates.message import (
    MESSAGE_MAX_BYTES,
    PLATE_MAX_CHARS,
    PlateMessageError,
    decode_plate,
    encode_plate,
)
from drivers.plates.simulated import SimulatedPlates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRINTABLE = st.text(min_size=1, max_size=PLATE_MAX_CHARS).filter(str.isprintable)
TIMES = st.integers(0, 2**63 - 1)


class Booth:
    """A gate's end and a guard's, with a clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now_ns = 5_000_000_000
        self.malformed = 0
        self.plates = DatagramPlates(path, self._count, lambda: self.now_ns)

    def _count(self) -> None:
        self.malformed += 1

    def send(self, data: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0)
            sender.sendto(data, str(self.path))

    def fill(self) -> int:
        """Send until the kernel's queue is full."""
        for number in range(10_000):
            try:
                self.send(encode_plate(str(number)))
            except BlockingIOError:
                return number
        raise AssertionError("the kernel's queue has no end")

    @property
    def readable(self) -> bool:
        return bool(select.select([self.plates], [], [], 0)[0])


@pytest.fixture
def booth(tmp_path: Path) -> Iterator[Booth]:
    booth = Booth(tmp_path / "plates" / "plates.sock")
    yield booth
    booth.plates.close()


# The message


@given(PRINTABLE, TIMES, TIMES)
def test_a_plate_arrives_as_it_was_sent_and_never_from_the_future(text: str, captured_ns: int, now_ns: int) -> None:
    assert decode_plate(encode_plate(text, captured_ns), now_ns) == PlateSeen(text, min(captured_ns, now_ns))
    assert decode_plate(encode_plate(text), now_ns) == PlateSeen(text, now_ns)


@given(st.binary(max_size=MESSAGE_MAX_BYTES + 10))
def test_bytes_that_are_no_message_are_only_that(data: bytes) -> None:
    with pytest.raises(PlateMessageError):
        decode_plate(data, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"plate":""}',
        b'{"plate":"12345678901234567"}',
        b'{"plate":7}',
        b'{"plate":"A\\u0007"}',
        b'{"plate":"A\\u202e"}',
        b'{"plate":"\xff"}',
        b'{"plate":"A","captured_ns":-1}',
        b'{"plate":"A","captured_ns":1.5}',
        b'{"plate":"A","captured_ns":9223372036854775808}',
        b'{"plate":"A","more":1}',
        b'{"plate":"SECRET"' + b" " * MESSAGE_MAX_BYTES + b"}",
        b"[" * MESSAGE_MAX_BYTES,
    ],
)
def test_what_breaks_a_bound_is_refused_without_quoting_it(data: bytes) -> None:
    with pytest.raises(PlateMessageError) as caught:
        decode_plate(data, 0)
    assert len(str(caught.value)) < 60
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "A" * (PLATE_MAX_CHARS + 1), "A\n", "\u202eA"])
def test_what_is_no_plate_is_not_sent(text: str) -> None:
    with pytest.raises(ValueError, match="1 to 16 printable characters"):
        encode_plate(text)


@given(PRINTABLE)
def test_any_plate_fits_a_message_however_it_is_written(text: str) -> None:
    assert len(encode_plate(text, 2**63 - 1)) <= MESSAGE_MAX_BYTES
    assert len(json.dumps({"plate": text, "captured_ns": 2**63 - 1})) <= MESSAGE_MAX_BYTES  # every letter escaped


# The socket


def test_nonsense_is_counted_and_keeps_nobody_out(booth: Booth) -> None:
    booth.send(b"nonsense")
    booth.send(b"")
    booth.send(b'{"plate":"A"}')
    booth.send(b"x" * 60_000)
    assert booth.plates.seen() == [PlateSeen("A", booth.now_ns)]
    assert booth.malformed == 3


def test_as_many_as_are_taken_at_a_time_make_it_quiet(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.plates.datagrams.SEEN_MAX", 3)
    for text in "ABCDE":
        enter_plate(booth.path, text, booth.now_ns)
    assert [seen.text for seen in booth.plates.seen()] == ["A", "B", "C"]
    assert not booth.readable
    assert booth.plates.seen() == []
    booth.now_ns += QUIET_NS
    assert [seen.text for seen in booth.plates.seen()] == ["D", "E"]
    enter_plate(booth.path, "F", booth.now_ns)
    assert booth.readable


@pytest.mark.parametrize("quiet", [False, True])
def test_a_socket_that_is_taken_away_is_there_again(booth: Booth, quiet: bool) -> None:  # noqa: FBT001 - a table
    if quiet:
        booth.plates._quiet_until_ns = booth.now_ns + 10 * MEND_NS
    descriptor = booth.plates.fileno()
    booth.path.unlink()
    assert booth.plates.seen() == []
    with pytest.raises(DeviceMissingError, match="no gate takes plates"):
        enter_plate(booth.path, "A", 0)
    booth.now_ns += MEND_NS
    assert booth.plates.seen() == []
    enter_plate(booth.path, "B", 7)
    assert booth.readable
    assert booth.plates.seen() == [PlateSeen("B", 7)]
    assert booth.plates.fileno() == descriptor


def test_a_socket_that_cannot_be_mended_yet_is_tried_again(booth: Booth) -> None:
    booth.path.unlink()
    booth.path.mkdir()
    booth.now_ns += MEND_NS
    assert booth.plates.seen() == []
    booth.path.rmdir()
    booth.path.parent.rmdir()
    booth.now_ns += MEND_NS
    assert booth.plates.seen() == []
    enter_plate(booth.path, "B", 7)
    assert [seen.text for seen in booth.plates.seen()] == ["B"]


def test_a_socket_left_by_a_dead_program_is_replaced_and_open_to_its_group(tmp_path: Path) -> None:
    path = tmp_path / "plates.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(path))
    with pytest.raises(DeviceMissingError, match="no gate takes plates"):
        enter_plate(path, "A", 0)
    with open_plates("socket", socket=path) as plates:
        enter_plate(path, "A", 0)
        assert [seen.text for seen in plates.seen()] == ["A"]
        assert path.stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize("name", ["file/plates.sock", "x" * 200])
def test_where_nothing_can_be_bound_is_named_with_a_cure(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DeviceMissingError, match="nobody can enter plates") as missing:
        open_plates("socket", socket=tmp_path / name)
    assert missing.value.cure


def test_a_socket_is_needed() -> None:
    with pytest.raises(ValueError, match="need a socket"):
        open_plates("socket")


def test_simulated_plates_are_opened_by_their_name() -> None:
    with open_plates("simulated") as plates:
        assert isinstance(plates, SimulatedPlates)


# Who enters


def test_a_gate_that_does_not_keep_up_is_said(booth: Booth) -> None:
    booth.fill()
    with pytest.raises(DeviceError, match="again in a second"):
        enter_plate(booth.path, "A", 0)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PermissionError(13, "Permission denied"), "may not enter plates"),
        (ConnectionRefusedError(111, "Connection refused"), "no gate takes plates"),
        (OSError(90, "Message too long"), "takes no plates at .*: Message too long"),
    ],
)
def test_each_refusal_has_its_cure(booth: Booth, error: OSError, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(socket.socket):
        def sendto(self, *_: object) -> int:
            raise error

    monkeypatch.setattr("drivers.plates.entering.socket.socket", Refusing)
    with pytest.raises(DeviceError, match=says) as caught:
        enter_plate(booth.path, "A", 0)
    assert caught.value.cure

"""Messages made to cost the centre time: they are refused before anything is built of their bytes."""

import subprocess
import sys
import time
import zlib
from itertools import product

import cbor2
import pytest

from firmware.checkin import to_row
from firmware.wire import MAX_BATCH_BYTES, MAX_RECORDS_BYTES, MAX_SEQ, Batch, count_fitting
from tests.firmware.checkins import longest
from tests.firmware.test_wire_fuzz import read
from tests.firmware.wire_messages import EPOCH, encoded, envelope, flat, parts, signed, with_records, with_sealed


def colliding_map(pairs: int) -> bytes:
    """Return a map whose keys are arrays of 15 numbers of -1 and -2, which all have one hash in CPython."""
    keys = (b"\x8f" + bytes(key) for key, _ in zip(product((0x20, 0x21), repeat=15), range(pairs), strict=False))
    return b"\xb9" + pairs.to_bytes(2, "big") + b"".join(key + b"\xf6" for key in keys)


COLLIDING = colliding_map(7_000)  # 117 KiB; in cbor2 some seconds
ONES = b"\x9a" + (MAX_RECORDS_BYTES - 5).to_bytes(4, "big") + bytes(MAX_RECORDS_BYTES - 5)


def refused_in_s(message: bytes) -> float:
    started_s = time.thread_time()
    assert read(message) is None
    return time.thread_time() - started_s


@pytest.mark.parametrize(
    "message",
    [
        b"\xd2" + COLLIDING,
        b"\xd2\x84\x40" + COLLIDING + b"\x40\x40",  # as the unprotected headers
        b"\xd2\x84" + cbor2.dumps(COLLIDING[:2000]) + b"\xa0\x40\x40",  # as the protected headers
        signed(COLLIDING),
        signed(b"\x89\x01\x66gate-1" + COLLIDING),  # as the epoch
        signed(b"\x81" + COLLIDING),
        with_records(COLLIDING),
        with_records(b"\x98\x1a" + COLLIDING),
    ],
    ids=["message", "unprotected", "protected", "payload", "field", "only", "records", "record"],
)
def test_keys_of_one_hash_cost_no_time(message: bytes) -> None:
    assert refused_in_s(message) < 0.5


@pytest.mark.parametrize(
    "message",
    [
        with_records(ONES),
        with_sealed(zlib.compress(bytes(20 * 1024 * 1024)), b""),
        signed(ONES[:100_000]),
        b"\xd2\x84" + b"\x5a\x00\x01\xf0\x00" + bytes(MAX_BATCH_BYTES - 7),
    ],
    ids=["numbers", "bomb", "payload", "header"],
)
def test_what_is_large_is_refused_in_bounded_time(message: bytes) -> None:
    assert refused_in_s(message) < 0.5


def test_the_largest_batch_is_read_in_no_time() -> None:
    rows = [to_row(longest(number)) for number in range(400)]
    message = encoded(Batch("gate-1", EPOCH, MAX_SEQ - 400, tuple(rows[: count_fitting(rows)])))
    started_s = time.thread_time()
    assert read(message) is not None
    assert time.thread_time() - started_s < 0.5


@pytest.mark.parametrize(
    ("place", "content"),
    [
        (0, b""),
        (0, b"\xa1\x01\x26"),
        (0, b"\xa2\x01\x26\x18\x21\x40"),
        (0, b"\xa2\x01\x26\x18\x21\x43abc"),
        (0, b"\xa2\x01\x38\x22" + parts(encoded())[0][3:]),  # another algorithm
        (0, parts(encoded())[0] + b"\x00"),
        (0, b"\xa2\x01\x26\x18\x21" + cbor2.dumps(bytes(2049))),
        (1, {4: b"kid"}),
        (2, "text"),
        (2, None),
        (3, b""),
        (3, bytes(63)),
        (3, bytes(64)),
        (3, b"\xff" * 64),
        (3, "text"),
    ],
)
def test_an_envelope_of_another_form_is_refused(place: int, content: object) -> None:
    changed = parts(encoded())
    changed[place] = content
    assert refused_in_s(envelope(changed)) < 0.1


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xd2",
        b"\xd2\x84",
        b"\xd2\x83\x40\xa0\x40",
        b"\xd2\x9f\x40\xa0\x40\x40\xff",
        encoded()[1:],
        encoded()[:-1],
        encoded() + b"\x00",
        bytes(MAX_BATCH_BYTES + 1),
    ],
)
def test_what_is_no_message_is_refused(message: bytes) -> None:
    assert read(message) is None


@pytest.mark.parametrize("head", [b"\x58\x05", b"\x59\x00\x05", b"\x5b" + bytes(7) + b"\x05", b"\x5c", b"\x5f\x45"])
def test_lengths_have_one_form(head: bytes) -> None:
    message = encoded()
    assert message[2] == 0x59  # the protected header's two bytes of length
    assert read(message[:2] + head + message[5:]) is None


def test_a_batch_of_a_record_is_small() -> None:
    assert len(encoded(Batch("gate-1", EPOCH, 1, (to_row(longest()),)))) < 1500
    assert len(flat()) == 26


def test_a_devices_uplink_does_not_pay_for_the_verifier() -> None:
    program = "import sys, firmware.uplink; sys.exit('verifier' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=30, check=False).returncode == 0

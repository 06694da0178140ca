"""Messages made to cost the centre time: it is refused to them before anything is built of their bytes."""

import subprocess
import sys
import time
import zlib
from itertools import product

import cbor2
import pytest

from firmware.wire import (
    MAX_ACK_BYTES,
    MAX_BATCH_BYTES,
    MAX_INFLATED_BYTES,
    MAX_RECORDS,
    MAX_SEQ,
    Batch,
    WireError,
    decode_ack,
    decode_batch,
    encode_batch,
)
from tests.firmware.checkins import longest

HEADS = b"\xd2\x84\x40\xa0"  # tag 18, array of four, no headers


def colliding_map(pairs: int) -> bytes:
    """Return a map whose keys are arrays of 15 numbers of -1 and -2, which all have one hash in CPython."""
    keys = (b"\x8f" + bytes(key) for key, _ in zip(product((0x20, 0x21), repeat=15), range(pairs), strict=False))
    return b"\xb9" + pairs.to_bytes(2, "big") + b"".join(key + b"\xf6" for key in keys)


COLLIDING = colliding_map(15_000)  # 250 KiB; in cbor2 some ten seconds


def refused_in_s(message: bytes) -> float:
    started_s = time.thread_time()
    for decode in (decode_batch, decode_ack):
        with pytest.raises(WireError):
            decode(message, allow_unsigned=True)
    return time.thread_time() - started_s


@pytest.mark.parametrize(
    "message",
    [
        b"\xd2" + COLLIDING,
        b"\xd2\x84\x40" + COLLIDING + b"\x40\x40",  # as the unprotected headers
        HEADS + COLLIDING + b"\x40",  # as the payload
        HEADS + b"\x40" + COLLIDING,  # as the signature
        HEADS + cbor2.dumps(zlib.compress(COLLIDING)) + b"\x40",
        HEADS + cbor2.dumps(zlib.compress(b"\xa6\x01\x01\x02\x61a\x03" + COLLIDING)) + b"\x40",  # as the epoch
        HEADS + cbor2.dumps(zlib.compress(b"\xa6\x01\x01\x02\x61a\x03\x81\x81" + COLLIDING)) + b"\x40",
    ],
    ids=["message", "unprotected", "payload", "signature", "fields", "field", "nested"],
)
def test_keys_of_one_hash_cost_no_time(message: bytes) -> None:
    assert refused_in_s(message) < 1.0


def test_keys_of_one_hash_in_an_acknowledgement_cost_no_time() -> None:
    few = colliding_map(55)
    message = HEADS + cbor2.dumps(b"\xa5\x01\x01\x02\x61a\x03" + few) + b"\x40"
    assert MAX_ACK_BYTES - 100 < len(message) <= MAX_ACK_BYTES
    assert refused_in_s(message) < 0.1


def test_the_largest_batch_is_read_in_no_time() -> None:
    batch = Batch("d" * 32, bytes(8), MAX_SEQ - MAX_RECORDS, tuple(longest(number) for number in range(MAX_RECORDS)))
    message = encode_batch(batch).message
    started_s = time.thread_time()
    assert decode_batch(message, allow_unsigned=True).batch == batch
    assert time.thread_time() - started_s < 0.5


@pytest.mark.parametrize(
    ("heads", "why"),
    [
        (b"\xd2\x84\x43\xa1\x01\x26\xa0", "headers"),
        (b"\xd2\x84\x5a\x00\x04\x00\x00" + bytes(200_000), "headers"),  # a protected header of its own weight
        (b"\xd2\x84\x40\xa1\x04\x41k", "headers"),
        (b"\xd2\x83\x40\xa0", "COSE_Sign1"),
        (b"\xd2\x9f\x40\xa0", "COSE_Sign1"),  # an indefinite length
        (b"\x84\x40\xa0", "COSE_Sign1"),
    ],
)
def test_headers_are_refused_by_their_first_bytes(heads: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why):
        decode_batch(heads + b"\x40\x40", allow_unsigned=True)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x60",  # a text
        b"\x58",  # cut short in its length
        b"\x58\x05abc",  # and in its content
        b"\x58\x03abc",  # lengths longer than needed
        b"\x59\x00\x03abc",
        b"\x5b\x00\x00\x00\x00\x00\x00\x00\x03abc",
        b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x5c",  # reserved
        b"\x5f\x43abc\xff",  # an indefinite length
    ],
)
def test_a_payload_is_one_byte_string_in_its_shortest_form(payload: bytes) -> None:
    for signature in (b"", b"\x40", b"\x58\x00", b"\x40\x40"):
        with pytest.raises(WireError):
            decode_batch(HEADS + payload + signature, allow_unsigned=True)


@pytest.mark.parametrize("length", [0, 23, 24, 255, 256, 65_535, 65_536, MAX_BATCH_BYTES - 10])
def test_a_payload_of_any_length_is_reached(length: int) -> None:
    message = HEADS + cbor2.dumps(bytes(length)) + b"\x40"
    with pytest.raises(WireError, match=r"inflated|cut short"):  # so it was no matter of the envelope
        decode_batch(message, allow_unsigned=True)


def test_a_payload_of_nothing_but_small_items_is_refused_in_bounded_time() -> None:
    items = b"\xa6\x01\x01\x02\x61a\x03\x9a\x00\x03\xf0\x00" + b"\xf6" * 258_048
    assert len(items) < MAX_INFLATED_BYTES
    assert refused_in_s(HEADS + cbor2.dumps(zlib.compress(items)) + b"\x40") < 2.0


def test_a_devices_uplink_does_not_pay_for_the_verifier() -> None:
    program = "import sys, firmware.uplink; sys.exit('verifier' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=30, check=False).returncode == 0

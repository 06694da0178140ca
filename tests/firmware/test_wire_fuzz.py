"""Whatever arrives on the wire is read as a value, or refused; nothing else happens."""

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.wire import WireError, decode_ack, open_batch, unseal_batch
from firmware.wire_device import decode_order, decode_report, decode_status
from tests.firmware.wire_messages import BATCH, DEVICE, PKI, encoded, flat, signed, with_records
from tests.pki import NOW

AUTHORITY = PKI.authority
KEYS = PKI.unsealer()
PURPOSES = ("batch", "ack", "status", "command", "report")


def read(message: bytes) -> object:
    """Return what a message is read as, None where it is refused; any other exception fails the test."""
    readers = (
        lambda: unseal_batch(open_batch(message, AUTHORITY, NOW), KEYS),
        lambda: decode_ack(message, AUTHORITY, NOW),
        lambda: decode_status(message, AUTHORITY, NOW),
        lambda: decode_order(message, AUTHORITY, NOW),
        lambda: decode_report(message, AUTHORITY, KEYS, NOW),
    )
    for reader in readers:
        try:
            return reader()
        except WireError:
            continue
    return None


@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_a_wire_error(data: bytes) -> None:
    assert read(data) is None
    assert read(b"\xd2\x84" + data) is None


@settings(max_examples=40)
@given(st.binary(max_size=300), st.sampled_from(PURPOSES))
def test_any_signed_bytes_give_a_value_or_a_wire_error(data: bytes, purpose: str) -> None:
    assert read(signed(data, purpose)) is None
    assert read(with_records(data)) is None


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.integers(0, 7), inner, max_size=7),
    max_leaves=12,
)


@settings(max_examples=60)
@given(st.lists(json_like, max_size=10), st.sampled_from(PURPOSES), st.integers(0, 25), json_like)
def test_any_signed_cbor_gives_a_value_or_a_wire_error(
    values: list[object], purpose: str, place: int, other: object
) -> None:
    read(signed(cbor2.dumps([1, "gate-1", *values]), purpose))
    record = flat()
    record[place] = other
    read(with_records(cbor2.dumps(record)))


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # of the certificate, which is refused with it
@settings(max_examples=200)
@given(st.data())
def test_a_changed_bit_is_refused(data: st.DataObject) -> None:
    message = bytearray(encoded())
    place = data.draw(st.integers(0, len(message) * 8 - 1))
    message[place // 8] ^= 1 << place % 8
    assert read(bytes(message)) is None


def test_what_was_not_changed_is_read() -> None:
    assert read(encoded()) is not None
    assert read(with_records(cbor2.dumps(flat()))) == unseal_batch(open_batch(encoded(), AUTHORITY, NOW), KEYS)
    assert DEVICE.name == BATCH.device

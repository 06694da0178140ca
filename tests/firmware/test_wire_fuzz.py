"""Whatever arrives on the wire is read as a value, or refused; nothing else happens."""

import zlib
from typing import Any

import cbor2
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.wire import (
    WireError,
    decode_ack,
    decode_batch,
    encode_batch,
)
from tests.firmware.wire_messages import BATCH, envelope, payload_of, with_payload


def read(message: bytes) -> object:
    """Return what a message is read as, None where it is refused; any other exception fails the test."""
    for decode in (decode_batch, decode_ack):
        try:
            return decode(message, allow_unsigned=True)
        except WireError:
            continue
    return None


@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_a_wire_error(data: bytes) -> None:
    assert read(data) is None
    assert read(b"\xd2" + data) is None
    assert read(envelope(zlib.compress(data))) is None


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.integers(0, 7), inner, max_size=7),
    max_leaves=12,
)


@settings(max_examples=100)
@given(st.fixed_dictionaries(dict.fromkeys(range(1, 7), json_like)), json_like)
def test_any_cbor_gives_a_value_or_a_wire_error(value: dict[int, Any], other: object) -> None:
    assert read(with_payload(value)) is None
    assert read(with_payload(other)) is None
    assert read(with_payload(payload_of(BATCH) | {5: [other]})) is None


@settings(max_examples=300)
@given(st.data())
def test_a_changed_bit_is_refused_or_read_as_something_else(data: st.DataObject) -> None:
    inflated = bytearray(cbor2.dumps(payload_of(BATCH), canonical=True))
    place = data.draw(st.integers(0, len(inflated) * 8 - 1))
    inflated[place // 8] ^= 1 << place % 8
    result = read(envelope(zlib.compress(bytes(inflated))))
    assert result != decode_batch(encode_batch(BATCH).message, allow_unsigned=True)

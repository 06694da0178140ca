import json
import zlib
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.checkin import CheckIn
from firmware.wire import (
    FIRST_PREVIOUS,
    MAX_ACK_BYTES,
    MAX_BATCH_BYTES,
    MAX_INFLATED_BYTES,
    MAX_RECORDS,
    MAX_SEQ,
    Ack,
    Batch,
    WireError,
    ack_topic,
    batch_topic,
    decode_ack,
    decode_batch,
    device_of,
    encode_ack,
    encode_batch,
)
from tests.firmware import wire_vectors
from tests.firmware.checkins import checkin, checkins, longest
from tests.firmware.wire_messages import BATCH, EPOCH, envelope, payload_of, with_payload

DIGEST = bytes(range(32))

devices = st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True)
epochs = st.binary(min_size=8, max_size=8)
digests = st.binary(min_size=32, max_size=32)
batches = st.builds(
    Batch,
    devices,
    epochs,
    st.integers(1, MAX_SEQ - MAX_RECORDS),
    st.lists(checkins, min_size=1, max_size=3).map(tuple),
    digests,
)


@settings(max_examples=25)
@given(batches)
def test_a_batch_comes_back_as_it_was(batch: Batch) -> None:
    message, digest = encode_batch(batch)
    assert decode_batch(message, allow_unsigned=True) == (batch, digest)
    assert batch.last_seq == batch.first_seq + len(batch.records) - 1


@given(st.builds(Ack, devices, epochs, st.integers(1, MAX_SEQ), digests))
def test_an_ack_comes_back_as_it_was(ack: Ack) -> None:
    message = encode_ack(ack)
    assert len(message) < MAX_ACK_BYTES
    assert decode_ack(message, allow_unsigned=True) == ack


def test_the_largest_batch_fits_all_bounds() -> None:
    batch = Batch("d" * 32, EPOCH, MAX_SEQ - MAX_RECORDS, tuple(longest(number) for number in range(MAX_RECORDS)))
    assert len(cbor2.dumps(payload_of(batch))) < MAX_INFLATED_BYTES
    message = encode_batch(batch).message
    assert len(message) < MAX_BATCH_BYTES
    assert decode_batch(message, allow_unsigned=True).batch == batch


def test_the_hash_is_of_the_payload_not_of_its_compression() -> None:
    message, digest = encode_batch(BATCH)
    inflated = zlib.decompress(cbor2.loads(message).value[2])
    assert decode_batch(envelope(zlib.compress(inflated, 1)), allow_unsigned=True) == (BATCH, digest)
    assert encode_batch(replace(BATCH, previous=DIGEST)).digest != digest


def test_the_vectors_in_docs_are_what_this_code_writes_and_reads() -> None:
    text = wire_vectors.FILE.read_text(encoding="utf-8")
    assert json.loads(text) == wire_vectors.vectors(), "run: python -m tests.firmware.wire_vectors"
    for vector in json.loads(text)["batches"]:
        batch, digest = decode_batch(bytes.fromhex(vector["message"]), allow_unsigned=True)
        assert wire_vectors.fields(batch) == vector["fields"]
        assert digest.hex() == vector["hash"]
        ack = decode_ack(bytes.fromhex(vector["ack"]), allow_unsigned=True)
        assert (ack.device, ack.up_to, ack.digest) == (batch.device, batch.last_seq, digest)
        assert vector["topic"] == batch_topic(batch.device)
        assert vector["ack_topic"] == ack_topic(batch.device)


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": ""},
        {"device": "Gate"},
        {"device": "gate/1"},
        {"device": "d" * 33},
        {"epoch": b"short"},
        {"first_seq": 0},
        {"first_seq": MAX_SEQ},
        {"records": ()},
        {"records": (checkin(1),) * (MAX_RECORDS + 1)},
        {"previous": b"short"},
    ],
)
def test_a_batch_out_of_bounds_cannot_be_made_or_read(wrong: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        replace(BATCH, **wrong)
    numbers = {"device": 2, "epoch": 3, "first_seq": 4, "records": 5, "previous": 6}
    value = payload_of(BATCH)
    for name, content in wrong.items():
        value[numbers[name]] = value[5][:1] * len(content) if name == "records" else content
    with pytest.raises(WireError):
        decode_batch(with_payload(value), allow_unsigned=True)


@pytest.mark.parametrize(
    "wrong", [{"device": "no one"}, {"epoch": b""}, {"up_to": 0}, {"up_to": 2**63}, {"digest": b""}]
)
def test_an_ack_out_of_bounds_cannot_be_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        replace(Ack("gate-1", EPOCH, 1, DIGEST), **wrong)


@pytest.mark.parametrize(
    ("place", "content"),
    [
        (0, b"short"),
        (0, bytes(16)),
        (0, "text"),
        (1, -1),
        (1, 2**48),
        (1, 1.5),
        (1, True),
        (2, 1),
        (2, None),
        (3, ""),
        (3, 7),
        (3, "\n"),
        (4, "up"),
        (5, "perhaps"),
        (6, "A name"),
        (7, "vaccination"),
        (7, ["vaccination", 1]),
        (7, ["a"] * 9),
        (7, None),
        (8, b"short"),
        (8, "text"),
        (8, False),
    ],
)
def test_a_record_out_of_bounds_is_refused(place: int, content: object) -> None:
    value = payload_of(BATCH)
    value[5][1][place] = content
    with pytest.raises(WireError):
        decode_batch(with_payload(value), allow_unsigned=True)


@pytest.mark.parametrize("record", [None, [], {}, [1] * 8, [1] * 10, "record"])
def test_a_record_of_another_form_is_refused(record: object) -> None:
    with pytest.raises(WireError):
        decode_batch(with_payload(payload_of(BATCH) | {5: [record]}), allow_unsigned=True)


def keys_replaced(*, key: object) -> dict[Any, Any]:
    value = payload_of(BATCH)
    return {key: value.pop(1), **value}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        payload_of(BATCH) | {1: 2},
        payload_of(BATCH) | {1: True},
        payload_of(BATCH) | {7: 0},
        payload_of(BATCH) | {4: 1.0},
        {key: value for key, value in payload_of(BATCH).items() if key != 6},
        keys_replaced(key=True),
        keys_replaced(key=1.0),
        keys_replaced(key="1"),
        dict(reversed(payload_of(BATCH).items())),
    ],
)
def test_other_fields_are_refused(value: object) -> None:
    with pytest.raises(WireError):
        decode_batch(with_payload(value, canonical=False), allow_unsigned=True)


def test_cbor_that_is_not_deterministic_is_refused() -> None:
    inflated = cbor2.dumps(payload_of(BATCH), canonical=True)
    assert inflated[:3] == b"\xa6\x01\x01"
    for other in (
        b"\xb8\x06" + inflated[1:],  # a length longer than needed
        b"\xbf" + inflated[1:] + b"\xff",  # an indefinite length
        b"\xa6\x01\x18\x01" + inflated[3:],  # an integer longer than needed
        b"\xa7\x01\x01" + inflated[1:],  # a key twice
        inflated + b"\x00",
        inflated[:-1],
        b"\xa6\x01\xd8\x23\x61a" + inflated[3:],  # a tag that cbor2 would compile to a regular expression
        b"\xa6\x01\xc4\x82\x1a\x7f\xff\xff\xff\x01" + inflated[3:],  # and one that it would compute a power of ten of
        b"\x81" * 10_000,
    ):
        with pytest.raises(WireError):
            decode_batch(envelope(zlib.compress(other)), allow_unsigned=True)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xd2",
        b"\xd2\xff",
        encode_batch(BATCH).message[1:],
        encode_batch(BATCH).message[:-1],
        encode_batch(BATCH).message + b"\x00",
        envelope("text"),
        envelope(b""),
        envelope(b"not zlib"),
        envelope(zlib.compress(b"x") + b"more"),
        envelope(zlib.compress(b"x" * 100)[:-5]),
        envelope(zlib.compress(bytes(MAX_INFLATED_BYTES + 1))),
        envelope(zlib.compress(bytes(50 * 1024 * 1024))),
        envelope(zlib.compress(b"\xa0"), signature="text"),
        envelope(zlib.compress(b"\xa0"), headers=(b"\xa1\x01\x26", {})),
        envelope(zlib.compress(b"\xa0"), headers=(b"", {4: b"kid"})),
        b"\xd2" + cbor2.dumps([b"", {}, b""]),
        b"\xd2" + cbor2.dumps({}),
        bytes(MAX_BATCH_BYTES + 1),
    ],
)
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(WireError):
        decode_batch(message, allow_unsigned=True)
    with pytest.raises(WireError):
        decode_ack(message, allow_unsigned=True)


def test_a_signature_that_cannot_be_checked_is_refused_and_none_only_where_allowed() -> None:
    message = encode_batch(BATCH).message
    payload = cbor2.loads(message).value[2]
    with pytest.raises(WireError, match="signature cannot be checked"):
        decode_batch(envelope(payload, signature=bytes(64)), allow_unsigned=True)
    with pytest.raises(WireError, match="not signed"):
        decode_batch(message, allow_unsigned=False)
    with pytest.raises(WireError, match="not signed"):
        decode_ack(encode_ack(Ack("gate-1", EPOCH, 1, DIGEST)), allow_unsigned=False)


def test_an_ack_is_no_batch_and_a_batch_no_ack() -> None:
    with pytest.raises(WireError):
        decode_batch(encode_ack(Ack("gate-1", EPOCH, 1, DIGEST)), allow_unsigned=True)
    with pytest.raises(WireError):
        decode_ack(encode_batch(BATCH).message, allow_unsigned=True)


def test_topics_name_the_device() -> None:
    assert device_of(batch_topic("gate-1")) == "gate-1"
    for topic in (ack_topic("gate-1"), "greengate/v1//batch", "greengate/v1/a/b/batch", "", "greengate/v2/a/batch"):
        with pytest.raises(WireError):
            device_of(topic)


def test_nothing_of_a_message_is_quoted_in_an_error() -> None:
    value = payload_of(BATCH)
    value[5][0][6] = "NGUYEN VAN A"
    with pytest.raises(WireError) as caught:
        decode_batch(with_payload(value), allow_unsigned=True)
    assert "NGUYEN" not in str(caught.value)


def test_the_first_batch_follows_zeros() -> None:
    assert BATCH.previous == FIRST_PREVIOUS == bytes(32)
    assert isinstance(BATCH.records[0], CheckIn)

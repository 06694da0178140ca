import json
import zlib
from dataclasses import replace

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.checkin import MAX_DETAILS_BYTES, to_row
from firmware.envelope import Authority, SignatureError
from firmware.sealing import Unsealer, UnsealError
from firmware.wire import (
    FIRST_PREVIOUS,
    MAX_ACK_BYTES,
    MAX_BATCH_BYTES,
    MAX_RECORDS,
    MAX_RECORDS_BYTES,
    MAX_SEQ,
    Ack,
    Batch,
    DecodedBatch,
    WireError,
    ack_topic,
    batch_topic,
    count_fitting,
    decode_ack,
    device_of,
    digest_of,
    encode_ack,
    encode_batch,
    open_batch,
    unseal_batch,
)
from tests.firmware import wire_vectors
from tests.firmware.checkins import checkin, checkins, longest
from tests.firmware.wire_messages import BATCH, CENTRE, DEVICE, EPOCH, PKI, encoded, flat, with_sealed
from tests.pki import NOW, Pki

DIGEST = bytes(range(32))
AUTHORITY = PKI.authority
KEYS = PKI.unsealer()

devices = st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True)
epochs = st.binary(min_size=8, max_size=8)
digests = st.binary(min_size=32, max_size=32)
batches = st.builds(
    Batch,
    st.just("gate-1"),
    epochs,
    st.integers(1, MAX_SEQ - MAX_RECORDS),
    st.lists(checkins.map(to_row), min_size=1, max_size=3).map(tuple),
    digests,
)


def decoded(message: bytes) -> DecodedBatch:
    return unseal_batch(open_batch(message, AUTHORITY, NOW), KEYS)


@settings(max_examples=25)
@given(batches)
def test_a_batch_comes_back_as_it_was(batch: Batch) -> None:
    message, digest = encode_batch(batch, DEVICE, PKI.recipient())
    assert decoded(message) == (batch, digest)
    assert (
        open_batch(message, AUTHORITY, NOW).header.last_seq == batch.last_seq == batch.first_seq + len(batch.rows) - 1
    )


@given(st.builds(Ack, devices, epochs, st.integers(1, MAX_SEQ), digests))
def test_an_ack_comes_back_as_it_was(ack: Ack) -> None:
    message = encode_ack(ack, CENTRE)
    assert len(message) < MAX_ACK_BYTES
    assert decode_ack(message, AUTHORITY, NOW) == ack


def test_the_largest_batch_fits_all_bounds() -> None:
    rows = tuple(to_row(replace(longest(number), details=bytes(MAX_DETAILS_BYTES))) for number in range(MAX_RECORDS))
    fitting = count_fitting(rows)
    assert 1 < fitting < MAX_RECORDS
    batch = Batch("gate-1", EPOCH, MAX_SEQ - MAX_RECORDS, rows[:fitting])
    message = encoded(batch)
    assert decoded(message).batch == batch
    with pytest.raises(WireError):
        encoded(replace(batch, rows=rows))


def test_records_that_cannot_be_compressed_stay_below_the_bound_of_a_message() -> None:
    sealed = PKI.recipient().seal(zlib.compress(bytes(MAX_RECORDS_BYTES), 0), b"")
    assert len(DEVICE.sign("batch", sealed)) + 256 < MAX_BATCH_BYTES < 128 * 1024


def test_usual_check_ins_fill_a_batch_by_their_number() -> None:
    assert count_fitting([to_row(checkin(number)) for number in range(1000)]) == MAX_RECORDS
    assert count_fitting([to_row(checkin(1))]) == 1
    assert count_fitting([]) == 0


def test_the_hash_is_the_same_however_often_a_batch_is_sealed() -> None:
    first, second = (encode_batch(BATCH, DEVICE, PKI.recipient()) for _ in range(2))
    assert first.message != second.message
    assert first.digest == second.digest == digest_of(BATCH)
    records = cbor2.dumps(flat())
    assert decoded(with_sealed(zlib.compress(records, 9), records)) == (BATCH, first.digest)
    assert digest_of(replace(BATCH, previous=DIGEST)) != first.digest


def test_a_broker_sees_numbers_and_no_check_in() -> None:
    message = encoded()
    for value in flat():
        plain = value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else None
        assert not plain or len(plain) < 4 or plain not in message
    assert open_batch(message, AUTHORITY, NOW).header.first_seq == 1
    with pytest.raises(UnsealError, match="not here"):
        unseal_batch(open_batch(message, AUTHORITY, NOW), Pki().unsealer())
    with pytest.raises(UnsealError):
        unseal_batch(open_batch(message, AUTHORITY, NOW), PKI.unsealer("details"))


def test_the_vectors_in_docs_are_what_this_code_reads() -> None:
    vectors = json.loads(wire_vectors.FILE.read_text(encoding="utf-8"))
    pems = {name: text.encode() for name, text in vectors["keys"].items()}
    authority = Authority([x509.load_pem_x509_certificate(pems["authority"])])
    keys = {
        name: Unsealer([serialization.load_pem_private_key(pems[f"seal.{name}"], None)])  # type: ignore[list-item]
        for name in ("batches", "details")
    }
    details = []
    for vector, (name, made) in zip(vectors["batches"], wire_vectors.batches(Pki()).items(), strict=True):
        arrived = open_batch(bytes.fromhex(vector["message"]), authority, NOW)
        batch, digest = unseal_batch(arrived, keys["batches"])
        assert (vector["name"], batch.first_seq, len(batch.rows)) == (name, made.first_seq, len(made.rows))
        assert wire_vectors.fields(batch) == vector["fields"]
        assert digest.hex() == vector["hash"] == digest_of(batch).hex()
        assert cbor2.loads(bytes.fromhex(vector["records"])) == flat(batch)
        ack = decode_ack(bytes.fromhex(vector["ack"]), authority, NOW)
        assert (ack.device, ack.up_to, ack.digest) == (batch.device, batch.last_seq, digest)
        assert vector["topic"] == batch_topic(batch.device)
        assert vector["ack_topic"] == ack_topic(batch.device)
        details.append(wire_vectors.details_of(batch, keys["details"]))
    assert [found for found in details if found] == [vectors["details"]]


def test_sealed_records_moved_to_another_batch_are_refused() -> None:
    other = open_batch(encoded(replace(BATCH, first_seq=3)), AUTHORITY, NOW)
    with pytest.raises(UnsealError):
        unseal_batch(open_batch(encoded(), AUTHORITY, NOW)._replace(sealed=other.sealed), KEYS)


def test_an_ack_is_of_the_centre_alone() -> None:
    ack = Ack("gate-1", EPOCH, 1, DIGEST)
    for forged in (
        encode_ack(ack, DEVICE),
        encode_ack(ack, PKI.signer("centre")),
        encode_ack(ack, Pki().signer("centre.main")),
        CENTRE.sign("command", b"\x80"),
        encoded(),
    ):
        with pytest.raises(SignatureError):
            decode_ack(forged, AUTHORITY, NOW)


def test_a_batch_is_of_its_device_alone() -> None:
    for signer in (CENTRE, PKI.signer("gate-2"), Pki().signer("gate-1")):
        with pytest.raises(SignatureError):
            open_batch(encode_batch(BATCH, signer, PKI.recipient()).message, AUTHORITY, NOW)
    with pytest.raises(WireError):
        open_batch(encode_ack(Ack("gate-1", EPOCH, 1, DIGEST), CENTRE), AUTHORITY, NOW)


def test_topics_name_the_device() -> None:
    assert device_of(batch_topic("gate-1")) == "gate-1"
    for topic in (ack_topic("gate-1"), "greengate/v1//batch", "greengate/v1/a/b/batch", "", "greengate/v2/a/batch"):
        with pytest.raises(WireError):
            device_of(topic)


def test_the_first_batch_follows_zeros() -> None:
    assert BATCH.previous == FIRST_PREVIOUS == bytes(32)

"""Exported journals and their answers as files: what was written is read, whatever else is refused with its fault."""

import hashlib
import json
import zlib
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from firmware import export
from firmware.checkin import to_row
from firmware.envelope import Authority
from firmware.export import (
    ACK_MAGIC,
    JOURNAL_MAGIC,
    AckName,
    Exporter,
    ExportError,
    ExportName,
    Fault,
    ack_name,
    check_export,
    decode_acks,
    encode_acks,
    export_name,
    parse_ack_name,
    parse_export_name,
    read_export,
)
from firmware.sealing import Unsealer, UnsealError
from firmware.wire import Ack, Batch, DecodedBatch, digest_of, encode_batch, unseal_batch
from firmware.wire_cbor import dumps
from tests.firmware.checkins import checkin
from tests.firmware.export_vectors import FILE
from tests.firmware.wire_vectors import fields
from tests.pki import LIFE, NOW, Pki

EPOCH = bytes.fromhex("0123456789abcdef")
PKI = Pki.shared()
AUTHORITY = PKI.authority
CENTRE = PKI.signer("centre.import")
FIRST = Batch("gate-1", EPOCH, 3, (to_row(checkin(3)), to_row(checkin(4))))
SECOND = Batch("gate-1", EPOCH, 5, (to_row(checkin(5)),), digest_of(FIRST))
ACKS = [Ack("gate-1", EPOCH, 4, digest_of(FIRST)), Ack("gate-1", EPOCH, 5, digest_of(SECOND))]


def message_of(batch: Batch, pki: Pki = PKI, signer: str | None = None) -> bytes:
    return encode_batch(batch, pki.signer(signer or batch.device), pki.recipient()).message


def exported(*batches: Batch, pki: Pki = PKI) -> bytes:
    exporter = Exporter()
    for batch in batches:
        exporter.add(encode_batch(batch, pki.signer(batch.device), pki.recipient()))
    return exporter.finish()


def unsealed(data: bytes) -> list[DecodedBatch]:
    return [unseal_batch(arrived, PKI.unsealer()) for arrived in read_export(data, AUTHORITY)]


def sealed(content: bytes) -> bytes:
    data = content + bytes(4)
    return data + hashlib.sha256(data).digest()


def framed(*messages: bytes) -> bytes:
    return b"".join(len(message).to_bytes(4, "big") + message for message in messages)


MESSAGE = message_of(FIRST)
WHOLE = exported(FIRST, SECOND)


def fault_of(data: bytes) -> Fault:
    with pytest.raises(ExportError) as caught:
        check_export(data, AUTHORITY)
    assert "\n" not in str(caught.value)
    return caught.value.fault


def test_what_was_written_is_read() -> None:
    found = check_export(WHOLE, AUTHORITY)
    assert (found.device, found.epoch, found.first_seq, found.last_seq) == ("gate-1", EPOCH, 3, 5)
    assert (found.batches, found.records) == (2, 3)
    assert found.serials == {PKI.identity("gate-1")[1].serial_number}
    assert [arrived.batch for arrived in unsealed(WHOLE)] == [FIRST, SECOND]
    assert decode_acks(encode_acks(ACKS, CENTRE), AUTHORITY, NOW) == ACKS


def test_the_vectors_in_docs_are_what_this_code_reads() -> None:
    vectors = json.loads(FILE.read_text("utf-8"))
    authority = Authority([x509.load_pem_x509_certificate(vectors["keys"]["authority"].encode())])
    key = serialization.load_pem_private_key(vectors["keys"]["seal.batches"].encode(), None)
    assert isinstance(key, X25519PrivateKey)
    for vector in vectors["exports"]:
        data = bytes.fromhex(vector["file"])
        arrived = [unseal_batch(one, Unsealer([key])) for one in read_export(data, authority)]
        assert [fields(one.batch) for one in arrived] == vector["batches"]
        assert export_name(check_export(data, authority)) == vector["name"]
        acks = decode_acks(bytes.fromhex(vector["answer"]), authority, NOW)
        assert [(ack.up_to, ack.digest) for ack in acks] == [(one.batch.last_seq, one.digest) for one in arrived]
        assert ack_name(acks[-1].device, acks[-1].epoch, acks[-1].up_to) == vector["answer_name"]
    for vector in vectors["refused"]:
        with pytest.raises(ExportError) as caught:
            check_export(bytes.fromhex(vector["file"]), authority)
        assert caught.value.fault == vector["fault"]
    for vector in vectors["refused_answers"]:
        with pytest.raises(ExportError) as caught:
            decode_acks(bytes.fromhex(vector["file"]), authority, NOW)
        assert caught.value.fault == vector["fault"]


def test_a_file_on_a_lost_stick_shows_no_checkin() -> None:
    shown = b"".join(one for arrived in read_export(WHOLE, AUTHORITY) for one in (arrived.key_id, arrived.sealed))
    for data in (WHOLE, shown):
        for row in (*FIRST.rows, *SECOND.rows):
            for value in row:
                text = value if isinstance(value, bytes) else str(value).encode()
                assert len(text) < 4 or text not in data
    for arrived in read_export(WHOLE, AUTHORITY):
        with pytest.raises(zlib.error):
            zlib.decompress(arrived.sealed)
        with pytest.raises(UnsealError):
            unseal_batch(arrived, Pki().unsealer())


def test_progress_is_told_in_bytes() -> None:
    seen: list[int] = []
    check_export(WHOLE, AUTHORITY, seen=seen.append)
    assert sum(seen) == len(WHOLE) - len(JOURNAL_MAGIC) - 36


@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_anywhere_is_cut_short(end: int) -> None:
    assert fault_of(WHOLE[:end]) is Fault.CUT_SHORT


@given(st.integers(0, len(WHOLE) * 8 - 1))
def test_a_flipped_bit_anywhere_is_refused(bit: int) -> None:
    data = bytearray(WHOLE)
    data[bit // 8] ^= 1 << bit % 8
    fault_of(bytes(data))


@given(st.binary(max_size=300), st.sampled_from([b"", JOURNAL_MAGIC, ACK_MAGIC]))
def test_anything_else_is_a_fault_and_no_crash(data: bytes, magic: bytes) -> None:
    fault_of(magic + data)
    fault_of(sealed(JOURNAL_MAGIC + data))
    for content in (magic + data, sealed(ACK_MAGIC + data)):
        with pytest.raises(ExportError):
            decode_acks(content, AUTHORITY, None)


def test_each_fault_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    flipped = WHOLE[:60] + bytes([WHOLE[60] ^ 1]) + WHOLE[61:]
    assert fault_of(flipped) is Fault.ALTERED
    assert fault_of(WHOLE + b"\0") is Fault.ALTERED
    assert fault_of(b"\x89PNG\r\n" + WHOLE) is Fault.FOREIGN
    assert fault_of(encode_acks(ACKS, CENTRE)) is Fault.FOREIGN
    assert fault_of(b"GGJRNL2\n" + WHOLE[8:]) is Fault.NEWER
    assert fault_of(b"GGJRNL10\n" + WHOLE[8:]) is Fault.NEWER
    monkeypatch.setattr(export, "MAX_EXPORT_BYTES", len(WHOLE) - 1)
    assert fault_of(WHOLE) is Fault.TOO_LARGE


def test_content_that_is_sealed_but_wrong_is_altered() -> None:
    message, other = message_of(FIRST), replace(SECOND, device="gate-2")
    assert fault_of(sealed(JOURNAL_MAGIC)) is Fault.ALTERED
    assert fault_of(sealed(JOURNAL_MAGIC + framed(message, b"nonsense"))) is Fault.ALTERED
    assert fault_of(sealed(JOURNAL_MAGIC + framed(message) + b"\xff\xff\xff\xff" + bytes(40))) is Fault.ALTERED
    assert fault_of(exported(FIRST, other)) is Fault.ALTERED
    assert fault_of(exported(FIRST, replace(SECOND, epoch=bytes(8)))) is Fault.ALTERED
    assert fault_of(exported(FIRST, replace(SECOND, previous=bytes(32)))) is Fault.ALTERED
    assert fault_of(exported(SECOND, FIRST)) is Fault.ALTERED


def test_numbers_that_could_not_be_read_may_be_missing_between() -> None:
    later = replace(SECOND, first_seq=9)
    assert check_export(exported(FIRST, later), AUTHORITY).records == 3


def test_only_the_device_itself_signs_its_batches() -> None:
    for message in (
        message_of(FIRST, Pki()),  # of another centre
        message_of(FIRST, signer="gate-2"),
        message_of(FIRST, signer="centre.main"),
        PKI.signer("gate-1").sign("ack", dumps([1])),
    ):
        assert fault_of(sealed(JOURNAL_MAGIC + framed(message))) is Fault.UNTRUSTED
    assert fault_of(sealed(JOURNAL_MAGIC + framed(message_of(FIRST), message_of(SECOND, Pki())))) is Fault.UNTRUSTED


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # of a serial number below 0
@given(st.integers(0, len(MESSAGE) * 8 - 1))
def test_a_flipped_bit_in_a_message_is_refused_whatever_the_files_hash(bit: int) -> None:
    message = bytearray(MESSAGE)
    message[bit // 8] ^= 1 << bit % 8
    assert fault_of(sealed(JOURNAL_MAGIC + framed(bytes(message)))) in {Fault.ALTERED, Fault.UNTRUSTED}


def test_what_looks_further_into_a_batch_refuses_with_its_fault() -> None:
    assert check_export(WHOLE, AUTHORITY, each=lambda one: unseal_batch(one, PKI.unsealer())).records == 3
    with pytest.raises(ExportError) as caught:
        check_export(WHOLE, AUTHORITY, each=lambda one: unseal_batch(one, Pki().unsealer()))
    assert caught.value.fault is Fault.SEALED


@pytest.mark.parametrize(
    "records",
    [zlib.compress(bytes(20 * 1024 * 1024)), zlib.compress(b"\x81" * 100_000), zlib.compress(dumps([0])), b"", b"\xff"],
    ids=["bomb", "nested", "others", "empty", "nothing"],
)
def test_records_that_are_none_are_refused_when_they_are_unsealed(records: bytes) -> None:
    head = [1, "gate-1", EPOCH, 1, 2, bytes(32)]
    context = b"greengate/v1/batch" + dumps(head) + bytes(32)
    inner = [*head, bytes(32), PKI.recipient().key_id, PKI.recipient().seal(records, context)]
    data = sealed(JOURNAL_MAGIC + framed(PKI.signer("gate-1").sign("batch", dumps(inner))))
    assert check_export(data, AUTHORITY).records == 2
    with pytest.raises(ExportError) as caught:
        check_export(data, AUTHORITY, each=lambda one: unseal_batch(one, PKI.unsealer()))
    assert caught.value.fault is Fault.ALTERED


def test_only_the_centre_signs_answers_and_its_certificate_is_in_force() -> None:
    for data, at in (
        (encode_acks(ACKS, Pki().signer("centre.import")), NOW),
        (encode_acks(ACKS, PKI.signer("gate-1")), NOW),
        (encode_acks(ACKS, CENTRE), NOW + LIFE),
        (encode_acks(ACKS, CENTRE), NOW - timedelta(days=366)),
    ):
        with pytest.raises(ExportError) as caught:
            decode_acks(data, AUTHORITY, at)
        assert caught.value.fault is Fault.UNTRUSTED
    assert decode_acks(encode_acks(ACKS, CENTRE), AUTHORITY, None) == ACKS


def test_acknowledgements_are_of_one_journal_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for acks in ([], [ACKS[0], replace(ACKS[1], device="gate-2")], [ACKS[0], replace(ACKS[1], epoch=bytes(8))]):
        with pytest.raises(ExportError) as caught:
            decode_acks(encode_acks(acks, CENTRE), AUTHORITY, NOW)
        assert caught.value.fault is Fault.ALTERED
    monkeypatch.setattr(export, "MAX_ACKS", 1)
    assert fault_of(WHOLE) is Fault.TOO_LARGE
    with pytest.raises(ExportError) as caught:
        decode_acks(encode_acks(ACKS, CENTRE), AUTHORITY, NOW)
    assert caught.value.fault is Fault.TOO_LARGE


def test_a_full_file_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (encode_batch(one, PKI.signer("gate-1"), PKI.recipient()) for one in (FIRST, SECOND))
    monkeypatch.setattr(export, "MAX_EXPORT_BYTES", len(exported(FIRST)) + 8)
    exporter = Exporter()
    exporter.add(first)
    assert not exporter.fits(second)
    with pytest.raises(ValueError, match="full"):
        exporter.add(second)
    assert check_export(exporter.finish(), AUTHORITY).records == 2


def test_names_say_what_is_in_a_file() -> None:
    name = ExportName("gate-1", EPOCH, 3, 5)
    assert export_name(name) == "greengate-gate-1-0123456789abcdef-3-5.journal"
    assert parse_export_name(export_name(name)) == name
    assert ack_name("gate-1", EPOCH, 5) == "greengate-gate-1-0123456789abcdef-5.ack"
    assert parse_ack_name("greengate-gate-1-0123456789abcdef-5.ack") == AckName("gate-1", EPOCH, 5)
    for other in ("greengate-gate-1-0123456789abcdef-3.journal", "GATE.TXT", f"{export_name(name)}\n", ""):
        assert parse_export_name(other) is None
        assert parse_ack_name(other) is None


@given(st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True), st.binary(min_size=8, max_size=8), st.integers(1, 2**63 - 1))
def test_every_device_name_comes_back_from_a_files_name(device: str, epoch: bytes, seq: int) -> None:
    name = ExportName(device, epoch, seq, seq)
    assert parse_export_name(export_name(name)) == name
    assert parse_ack_name(ack_name(device, epoch, seq)) == AckName(device, epoch, seq)

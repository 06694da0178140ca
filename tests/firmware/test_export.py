"""Exported journals and their answers as files: what was written is read, whatever else is refused with its fault."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware import export
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
from firmware.wire import Ack, Batch, encode_batch
from tests.firmware.checkins import checkin
from tests.firmware.export_vectors import FILE, vectors

EPOCH = bytes.fromhex("0123456789abcdef")
FIRST = Batch("gate-1", EPOCH, 3, (checkin(3), checkin(4)))
SECOND = Batch("gate-1", EPOCH, 5, (checkin(5),), encode_batch(FIRST).digest)
ACKS = [Ack("gate-1", EPOCH, 4, encode_batch(FIRST).digest), Ack("gate-1", EPOCH, 5, encode_batch(SECOND).digest)]


def exported(*batches: Batch) -> bytes:
    exporter = Exporter()
    for batch in batches:
        exporter.add(encode_batch(batch))
    return exporter.finish()


def sealed(content: bytes) -> bytes:
    data = content + bytes(4)
    return data + hashlib.sha256(data).digest()


def framed(*messages: bytes) -> bytes:
    return b"".join(len(message).to_bytes(4, "big") + message for message in messages)


WHOLE = exported(FIRST, SECOND)


def fault_of(data: bytes) -> Fault:
    with pytest.raises(ExportError) as caught:
        check_export(data, allow_unsigned=True)
    assert "\n" not in str(caught.value)
    return caught.value.fault


def test_what_was_written_is_read() -> None:
    found = check_export(WHOLE, allow_unsigned=True)
    assert (found.device, found.epoch, found.first_seq, found.last_seq) == ("gate-1", EPOCH, 3, 5)
    assert (found.batches, found.records) == (2, 3)
    assert [arrived.batch for arrived in read_export(WHOLE, allow_unsigned=True)] == [FIRST, SECOND]
    assert decode_acks(encode_acks(ACKS), allow_unsigned=True) == ACKS


def test_the_written_format_is_that_of_the_vectors() -> None:
    assert json.loads(FILE.read_text("utf-8")) == vectors()


def test_progress_is_told_in_bytes() -> None:
    seen: list[int] = []
    check_export(WHOLE, allow_unsigned=True, seen=seen.append)
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
            decode_acks(content, allow_unsigned=True)


def test_each_fault_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    flipped = WHOLE[:60] + bytes([WHOLE[60] ^ 1]) + WHOLE[61:]
    assert fault_of(flipped) is Fault.ALTERED
    assert fault_of(WHOLE + b"\0") is Fault.ALTERED
    assert fault_of(b"\x89PNG\r\n" + WHOLE) is Fault.FOREIGN
    assert fault_of(encode_acks(ACKS)) is Fault.FOREIGN
    assert fault_of(b"GGJRNL2\n" + WHOLE[8:]) is Fault.NEWER
    assert fault_of(b"GGJRNL10\n" + WHOLE[8:]) is Fault.NEWER
    monkeypatch.setattr(export, "MAX_EXPORT_BYTES", len(WHOLE) - 1)
    assert fault_of(WHOLE) is Fault.TOO_LARGE


def test_content_that_is_sealed_but_wrong_is_altered() -> None:
    message, other = encode_batch(FIRST).message, replace(SECOND, device="gate-2")
    assert fault_of(sealed(JOURNAL_MAGIC)) is Fault.ALTERED
    assert fault_of(sealed(JOURNAL_MAGIC + framed(message, b"nonsense"))) is Fault.ALTERED
    assert fault_of(sealed(JOURNAL_MAGIC + framed(message) + b"\xff\xff\xff\xff" + bytes(40))) is Fault.ALTERED
    assert fault_of(exported(FIRST, other)) is Fault.ALTERED
    assert fault_of(exported(FIRST, replace(SECOND, epoch=bytes(8)))) is Fault.ALTERED
    assert fault_of(exported(FIRST, replace(SECOND, previous=bytes(32)))) is Fault.ALTERED
    assert fault_of(exported(SECOND, FIRST)) is Fault.ALTERED


def test_numbers_that_could_not_be_read_may_be_missing_between() -> None:
    later = replace(SECOND, first_seq=9)
    assert check_export(exported(FIRST, later), allow_unsigned=True).records == 3


def test_an_unsigned_file_is_taken_only_where_allowed() -> None:
    with pytest.raises(ExportError):
        check_export(WHOLE, allow_unsigned=False)
    with pytest.raises(ExportError):
        decode_acks(encode_acks(ACKS), allow_unsigned=False)


def test_acknowledgements_are_of_one_journal_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for acks in ([], [ACKS[0], replace(ACKS[1], device="gate-2")], [ACKS[0], replace(ACKS[1], epoch=bytes(8))]):
        with pytest.raises(ExportError) as caught:
            decode_acks(encode_acks(acks), allow_unsigned=True)
        assert caught.value.fault is Fault.ALTERED
    monkeypatch.setattr(export, "MAX_ACKS", 1)
    with pytest.raises(ExportError) as caught:
        decode_acks(encode_acks(ACKS), allow_unsigned=True)
    assert caught.value.fault is Fault.TOO_LARGE


def test_a_full_file_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MAX_EXPORT_BYTES", len(exported(FIRST)))
    exporter = Exporter()
    exporter.add(encode_batch(FIRST))
    assert not exporter.fits(encode_batch(SECOND))
    with pytest.raises(ValueError, match="full"):
        exporter.add(encode_batch(SECOND))
    assert check_export(exporter.finish(), allow_unsigned=True).records == 2


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

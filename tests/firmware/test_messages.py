from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.symbols import Hint
from firmware.messages import (
    MAX_MESSAGE_BYTES,
    MAX_PLATE_CHARS,
    MAX_TEXT_CHARS,
    MAX_TEXTS,
    Advised,
    Health,
    Heartbeat,
    Hinted,
    KnowledgeTold,
    MessageError,
    Notice,
    Reading,
    Shown,
    decode_event,
    decode_reader_message,
    encode,
    encode_fitting,
)

TEXTS = st.lists(st.text(max_size=60), max_size=MAX_TEXTS).map(tuple)
TIMES = st.integers(0, 2**63 - 1)


@given(TEXTS, TIMES, TIMES)
def test_a_reading_arrives_as_it_was_sent(texts: tuple[str, ...], captured_ns: int, read_ns: int) -> None:
    reading = Reading(texts, captured_ns, read_ns)
    assert decode_reader_message(encode(reading)) == reading


@given(TIMES, st.sampled_from(["no-camera", "camera-stalled", None]))
def test_a_heartbeat_arrives_as_it_was_sent(frames: int, fault: str | None) -> None:
    heartbeat = Heartbeat(frames, fault)  # type: ignore[arg-type] # one of the faults
    assert decode_reader_message(encode(heartbeat)) == heartbeat


@given(st.sampled_from(get_args(Hint)), TIMES)
def test_a_hint_arrives_as_it_was_sent(hint: Hint, captured_ns: int) -> None:
    hinted = Hinted(hint, captured_ns)
    assert decode_reader_message(encode(hinted)) == hinted


@pytest.mark.parametrize(
    "event",
    [
        Shown("accepted", "valid", "HỢP LỆ", "VALID", "id", "accepted", 7, {"total": 1.5}, "51C12345"),
        Shown("next-document", "documents-missing", "Còn thiếu", "Still missing", until_ns=7),
        Advised("too-far", "Đưa mã lại gần hơn", "Closer"),
        Advised(),
        Health(
            in_service=True,
            device="k",
            lane="l",
            demo=False,
            clock_trusted=True,
            frames=3,
            unsent=None,
            uplink_connected=None,
            last_ack_age_s=None,
            knowledge=KnowledgeTold(7, "vi", "en", 24.5, "ageing", "fresh", None),
            notices=(Notice("demo", "vi", "en"),),
        ),
    ],
)
def test_an_event_arrives_as_it_was_sent(event: Shown | Health | Advised) -> None:
    assert decode_event(encode(event)) == event


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_only_that(data: bytes) -> None:
    with pytest.raises(MessageError):
        decode_reader_message(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"reading","texts":[],"captured_ns":-1,"read_ns":0}',
        b'{"type":"reading","texts":[1],"captured_ns":0,"read_ns":0}',
        b'{"type":"reading","texts":[],"captured_ns":0,"read_ns":0,"more":1}',
        b'{"type":"reading","texts":["","","","","","","","",""],"captured_ns":0,"read_ns":0}',
        b'{"type":"reading","texts":["' + b"a" * (MAX_TEXT_CHARS + 1) + b'"],"captured_ns":0,"read_ns":0}',
        b'{"type":"heartbeat","frames":0,"fault":"sick"}',
        b'{"type":"hinted","hint":"<b>pay here</b>","captured_ns":0}',
        b'{"type":"hinted","hint":"motion","captured_ns":-1}',
        b'{"type":"hinted","hint":"motion","captured_ns":0,"vi":"mine"}',
        b'{"type":"advised","hint":"motion"}',
        b'{"type":"shown"}',
        b'{"type":"reading","texts":["HC1:\xff"],"captured_ns":0,"read_ns":0}',
        b'{"type":"\xff"}',
        b"[" * 60_000,
        b" " * (MAX_MESSAGE_BYTES + 1),
    ],
)
def test_what_breaks_a_bound_is_refused_without_quoting_it(data: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        decode_reader_message(data)
    assert len(str(caught.value)) < 60


def test_a_plate_is_no_longer_than_a_permit_s() -> None:
    plate = "5" * MAX_PLATE_CHARS
    shown = Shown("accepted", "valid", "vi", "en", plate=plate)
    assert decode_event(encode(shown)) == shown
    with pytest.raises(MessageError):
        decode_event(encode(shown).replace(plate.encode(), plate.encode() + b"5"))


def test_a_message_too_large_is_not_sent() -> None:
    with pytest.raises(MessageError):
        encode(Reading(("\0" * MAX_TEXT_CHARS,) * MAX_TEXTS, 0, 0))


def test_eight_large_symbols_of_plain_text_fit_and_any_one() -> None:
    assert len(encode(Reading(("9" * MAX_TEXT_CHARS,) * MAX_TEXTS, 0, 0))) <= MAX_MESSAGE_BYTES
    assert len(encode(Reading(("\0" * MAX_TEXT_CHARS,), 0, 0))) <= MAX_MESSAGE_BYTES


@pytest.mark.parametrize("beside", ["\0" * MAX_TEXT_CHARS, "\ud800"])
def test_a_reading_that_cannot_be_sent_whole_keeps_its_pass(beside: str) -> None:
    whole = Reading(("HC1:A", *[beside] * (MAX_TEXTS - 1)), 1, 2)
    sent = decode_reader_message(encode_fitting(whole))
    assert isinstance(sent, Reading)
    assert sent.texts == whole.texts[: len(sent.texts)]
    assert sent.texts[0] == "HC1:A"
    assert (sent.captured_ns, sent.read_ns) == (1, 2)


def test_text_that_is_no_unicode_is_not_sent_nor_quoted() -> None:
    with pytest.raises(MessageError, match="not Unicode"):
        encode(Reading(("HC1:\ud800",), 0, 0))
    with pytest.raises(MessageError, match="not Unicode"):
        encode_fitting(Reading(("\ud800", "\ud800"), 0, 0))


def test_what_is_no_reading_cannot_be_made_to_fit() -> None:
    with pytest.raises(MessageError):
        encode_fitting(Heartbeat(1, "\ud800"))  # type: ignore[arg-type] # no fault that there is

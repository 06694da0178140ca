"""Batches and acknowledgements beyond the wire's bounds, or of another form: refused, and none can be made."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest

from firmware.checkin import MAX_DETAILS_BYTES
from firmware.wire import MAX_RECORDS, MAX_RECORDS_BYTES, MAX_SEQ, Ack, WireError
from tests.firmware.checkins import checkin
from tests.firmware.test_wire import DIGEST, decoded
from tests.firmware.wire_messages import BATCH, EPOCH, flat, with_records, with_sealed


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.__setitem__(0, 2),
        lambda f: f.__setitem__(0, True),  # noqa: FBT003 - the value
        lambda f: f.__setitem__(0, 1.0),
        lambda f: f.__setitem__(1, ""),
        lambda f: f.__setitem__(1, "Gate"),
        lambda f: f.__setitem__(1, "gate/1"),
        lambda f: f.__setitem__(1, "d" * 33),
        lambda f: f.__setitem__(1, "gate-2"),
        lambda f: f.__setitem__(2, b"short"),
        lambda f: f.__setitem__(2, bytes(8)),
        lambda f: f.__setitem__(3, 0),
        lambda f: f.__setitem__(3, MAX_SEQ),
        lambda f: f.__setitem__(3, 2),
        lambda f: f.__setitem__(3, 1.0),
        lambda f: f.__setitem__(4, 0),
        lambda f: f.__setitem__(4, 1),
        lambda f: f.__setitem__(4, MAX_RECORDS + 1),
        lambda f: f.__setitem__(5, b"short"),
        lambda f: f.__setitem__(5, DIGEST),
        lambda f: f.__setitem__(6, b"short"),
        lambda f: f.__setitem__(6, DIGEST),
        lambda f: f.__setitem__(7, b"short"),
        lambda f: f.__setitem__(7, bytes(8)),
        lambda f: f.__setitem__(8, b""),
        lambda f: f.__setitem__(8, f[8][:-1]),
        lambda f: f.__setitem__(8, [1]),
        lambda f: f.append(1),
        lambda f: f.pop(),
        lambda f: f.clear(),
    ],
)
def test_other_fields_are_refused(change: Callable[[list[Any]], object]) -> None:
    assert decoded(with_records(cbor2.dumps(flat()))).batch == BATCH
    with pytest.raises(WireError):
        decoded(with_records(cbor2.dumps(flat()), change=change))


@pytest.mark.parametrize(
    "wrong", [{"device": "no one"}, {"epoch": b""}, {"up_to": 0}, {"up_to": 2**63}, {"digest": b""}]
)
def test_an_ack_out_of_bounds_cannot_be_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        replace(Ack("gate-1", EPOCH, 1, DIGEST), **wrong)


@pytest.mark.parametrize(
    ("place", "content"),
    [
        (0, "checkin"),
        (0, "passage"),  # about nothing
        (1, b"short"),
        (1, bytes(16)),
        (1, "text"),
        (2, -1),
        (2, 2**48),
        (2, 1.5),
        (2, True),
        (3, True),
        (3, "sure"),
        (4, ""),
        (4, 7),
        (4, "\n"),
        (4, "x" * 257),
        (5, "up"),
        (6, "A Profile"),
        (6, None),
        (7, "perhaps"),
        (8, "A name"),
        (9, None),
        (9, "vaccination  test"),
        (9, " ".join("abcdefghi")),
        (10, b"short"),
        (10, "text"),
        (10, False),
        (11, b""),
        (11, bytes(MAX_DETAILS_BYTES + 1)),
        (11, "NGUYEN VAN A"),
        (12, bytes(16)),
        (12, checkin(1).id.bytes),  # a check-in is about itself
    ],
)
def test_a_record_out_of_bounds_is_refused_and_not_quoted(place: int, content: object) -> None:
    values = flat()
    values[13 + place] = content
    with pytest.raises(WireError) as caught:
        decoded(with_records(cbor2.dumps(values)))
    assert "NGUYEN" not in str(caught.value)


@pytest.mark.parametrize(
    "records",
    [
        b"",
        cbor2.dumps(flat()[:-1]),
        cbor2.dumps([*flat(), 1]),
        cbor2.dumps([flat()[:13], flat()[13:]]),
        cbor2.dumps(dict.fromkeys(range(26))),
        cbor2.dumps(flat()) + b"\x00",
        cbor2.dumps(flat())[:-1],
        b"\x9f" + cbor2.dumps(flat())[2:] + b"\xff",  # an indefinite length
        b"\x98\x1a" + b"\xd8\x23\x61a" * 26,  # tags that cbor2 would compile to regular expressions
        b"\x98\x1a" + b"\xc4\x82\x1a\x7f\xff\xff\xff\x01" * 26,  # and some that it would compute powers of ten of
        b"\x81" * 10_000,
        b"\x9a\x7f\xff\xff\xff",
    ],
)
def test_records_of_another_form_are_refused(records: bytes) -> None:
    with pytest.raises(WireError):
        decoded(with_records(records))


@pytest.mark.parametrize(
    "compressed",
    [
        b"not zlib",
        zlib.compress(cbor2.dumps(flat())) + b"more",
        zlib.compress(cbor2.dumps(flat()))[:-5],
        zlib.compress(bytes(MAX_RECORDS_BYTES + 1)),
        zlib.compress(bytes(50 * 1024 * 1024)),
    ],
    ids=["not zlib", "more", "cut short", "too long", "bomb"],
)
def test_what_cannot_be_inflated_is_refused(compressed: bytes) -> None:
    with pytest.raises(WireError):
        decoded(with_sealed(compressed, cbor2.dumps(flat())))

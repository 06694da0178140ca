"""CBOR, COSE and CWT: structure before anybody vouches for it."""

from typing import Any

import cbor2
import pytest
from cbor2 import CBORTag
from hypothesis import given
from hypothesis import strategies as st

from verifier import cbor, cose, cwt
from verifier.reasons import Reason, RefusedError

PROTECTED = cbor2.dumps({1: -7, 4: b"12345678"})
PARTS: list[Any] = [PROTECTED, {}, b"payload", b"s" * 64]


def refusal(reason: Reason, data: bytes) -> str:
    with pytest.raises(RefusedError) as refused:
        cose.decode(data)
    assert refused.value.reason is reason
    return refused.value.detail


@pytest.mark.parametrize(
    "hex_",
    [
        "",
        "a201010102",  # duplicate key
        "a2616101616102",
        "0101",  # bytes behind
        "1a0000",  # cut
        "81" * 13 + "01",  # nested too deep
        "d2" * 40 + "01",
        "9b7fffffffffffffff",  # claims to be huge
        "5b7fffffffffffffff",
        "bb7fffffffffffffff",
        "61ff",  # not UTF-8
        "1c",  # reserved
        "ff",
        "c249010000000000000000",  # big number
        "c48221196ab3",  # decimal fraction
        "d81c81d81d00",  # a list that holds itself
        "d823622829",  # regular expression
        "d8276161",  # a tag nobody knows
        "d9d9f701",
    ],
)
def test_cbor_refuses(hex_: str) -> None:
    with pytest.raises(RefusedError) as refused:
        cbor.decode(bytes.fromhex(hex_), Reason.BAD_CWT)
    assert refused.value.reason is Reason.BAD_CWT


def test_what_is_wrong_is_said_without_quoting_the_pass() -> None:
    with pytest.raises(RefusedError) as refused:
        cbor.decode(b"\xa2" + 2 * (cbor2.dumps("NGUYEN") + b"\x01"), Reason.BAD_CWT)
    assert refused.value.detail == "a map has the same key twice"


PLAIN = [
    "00", "1bffffffffffffffff", "3903e7", "4401020304", "6161", "80", "83010203", "a0", "a201020304", "a1616120",
    "a1410102", "c11a514b67b0", "d83dd28440a04040", "f5", "f7", "f97e00", "fb3ff199999999999a", "f820",
    "9f01ff", "bf0102ff", "5f41014102ff", "7f61616162ff", "82a10102a10304", "a101a10203",
]  # fmt: skip
NOT_PLAIN = [
    "", "0000", "18", "1900", "62", "6261", "81", "a101", "1c", "1f", "df00", "ff", "9f01", "bf01ff", "8100ff",
    "a1800102", "a1a00102", "a1f501", "a1f97e0001", "a1c10001", "bf8001ff", "81a1810102", "5b00000001000000004101",
]  # fmt: skip


@pytest.mark.parametrize("hex_", PLAIN)
def test_the_scan_lets_well_formed_items_with_plain_keys_through(hex_: str) -> None:
    cbor2.loads(bytes.fromhex(hex_))
    assert cbor.has_plain_keys(bytes.fromhex(hex_))


@pytest.mark.parametrize("hex_", NOT_PLAIN)
def test_the_scan_stops_malformed_items_and_other_keys(hex_: str) -> None:
    assert not cbor.has_plain_keys(bytes.fromhex(hex_))


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.integers(-(2**64), 2**64 - 1) | st.text() | st.binary(), inner),
    max_leaves=20,
)


@given(plain_values)
def test_the_scan_lets_whatever_is_plain_through(value: object) -> None:
    assert cbor.has_plain_keys(cbor2.dumps(value))


@given(st.binary(max_size=40))
def test_the_scan_takes_any_bytes(data: bytes) -> None:
    if cbor.has_plain_keys(data):
        return
    cbor.has_plain_keys(data * 3)


def test_the_scan_stops_at_depths_that_nobody_needs() -> None:
    assert cbor.has_plain_keys(b"\x81" * 60 + b"\x01")
    assert not cbor.has_plain_keys(b"\x81" * 70 + b"\x01")


def test_long_items_with_colliding_keys_are_not_decoded() -> None:
    keys = b"".join(b"\x88" + bytes(0x20 + (number >> bit & 1) for bit in range(8)) + b"\x00" for number in range(256))
    colliding = b"\xb9" + (256).to_bytes(2, "big") + keys
    with pytest.raises(RefusedError) as refused:
        cbor.decode(colliding, Reason.BAD_COSE)
    assert "map key" in refused.value.detail


@pytest.mark.parametrize(
    ("tag", "value"), [(0, "2021-05-30"), (0, "2021-05-30T10:00:00Z"), (1, 1622370000.5), (1004, "2021-05-30")]
)
def test_cbor_gives_what_a_date_tag_holds(tag: int, value: object) -> None:
    assert cbor.decode(cbor2.dumps(CBORTag(tag, value)), Reason.BAD_CWT) == value


def test_nesting_limit_is_met_exactly() -> None:
    assert cbor.decode(b"\x81" * cbor.MAX_DEPTH + b"\x01", Reason.BAD_CWT)


@pytest.mark.parametrize(
    "message", [CBORTag(18, PARTS), PARTS, CBORTag(61, CBORTag(18, PARTS))], ids=["tagged", "untagged", "61(18)"]
)
def test_cose_arrives_in_three_forms(message: object) -> None:
    decoded = cose.decode(cbor2.dumps(message))
    assert decoded == cose.Sign1(-7, cose.Kid(b"12345678"), PROTECTED, b"payload", b"s" * 64)


@pytest.mark.parametrize(
    "message",
    [
        1,
        "text",
        {},
        [],
        PARTS[:3],
        [*PARTS, 0],
        CBORTag(61, PARTS),
        CBORTag(61, CBORTag(61, PARTS)),
        CBORTag(18, CBORTag(18, PARTS)),
        ["", {}, b"", b""],
        [PROTECTED, [], b"payload", b"s"],
        [PROTECTED, {}, None, b"s"],  # detached payload
        [PROTECTED, {}, b"payload", None],
        [cbor2.dumps([]), {}, b"payload", b"s"],
        [b"\xff", {}, b"payload", b"s"],
        [PROTECTED + b"\x00", {}, b"payload", b"s"],
        [b"", {}, b"payload", b"s"],  # no algorithm
        [cbor2.dumps({1: "ES256"}), {}, b"payload", b"s"],
        [cbor2.dumps({1: True}), {}, b"payload", b"s"],
        [cbor2.dumps({1: -7, 2: [1]}), {}, b"payload", b"s"],  # critical
        [PROTECTED, {2: [1]}, b"payload", b"s"],
    ],
)
def test_cose_refuses(message: object) -> None:
    refusal(Reason.BAD_COSE, cbor2.dumps(message))


def test_kid_and_alg_come_from_the_protected_header_else_from_the_unprotected_one() -> None:
    unprotected = {1: -37, 4: b"unprotec"}
    assert cose.decode(cbor2.dumps([b"", unprotected, b"p", b"s"])).kid == b"unprotec"
    assert cose.decode(cbor2.dumps([b"", unprotected, b"p", b"s"])).alg == -37
    both = cose.decode(cbor2.dumps([PROTECTED, unprotected, b"p", b"s"]))
    assert (both.kid, both.alg) == (b"12345678", -7)


@pytest.mark.parametrize("kid", [None, "text", 7])
def test_a_kid_that_is_no_bytes_is_no_kid(kid: object) -> None:
    assert cose.decode(cbor2.dumps([cbor2.dumps({1: -7, 4: kid}), {4: b"x"}, b"p", b"s"])).kid is None


def claims(**changes: object) -> bytes:
    labels = {"iss": 1, "exp": 4, "nbf": 5, "iat": 6, "hcert": -260}
    base: dict[int, object] = {1: "VN", 4: 2000, 6: 1000, -260: {1: {}}}
    base |= {labels[name]: value for name, value in changes.items()}
    return cbor2.dumps({label: value for label, value in base.items() if value != "absent"})


def test_cwt_reads_claims() -> None:
    decoded = cwt.decode(claims(), -260)
    assert (decoded.issuer, decoded.issued_s, decoded.expires_s, decoded.content) == ("VN", 1000, 2000, {1: {}})


def test_cwt_times_may_be_floats_and_other_claims_are_passed_over() -> None:
    payload = cbor2.dumps({4: 2000.5, 6: 1000.25, 2: "subject", 7: b"id", -260: {1: {}}, "x": 1})
    decoded = cwt.decode(payload, -260)
    assert (decoded.issuer, decoded.issued_s, decoded.expires_s) == ("", 1000.25, 2000.5)


def test_cwt_not_before_counts_when_it_is_later() -> None:
    assert cwt.decode(claims(nbf=1500), -260).issued_s == 1500
    assert cwt.decode(claims(nbf=500), -260).issued_s == 1000
    assert cwt.decode(claims(iat="absent"), -260).issued_s is None


@pytest.mark.parametrize(
    "payload",
    [
        cbor2.dumps([]),
        cbor2.dumps(1),
        b"",
        claims(exp="absent"),
        claims(exp=None),
        claims(exp="2021"),
        claims(exp=True),
        claims(exp=float("nan")),
        claims(exp=float("inf")),
        claims(iat=b"1"),
        claims(hcert="absent"),
        claims(hcert=[]),
        claims(iss=1),
        claims() + b"\x00",
    ],
)
def test_cwt_refuses(payload: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        cwt.decode(payload, -260)
    assert refused.value.reason is Reason.BAD_CWT

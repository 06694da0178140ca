"""CBOR, COSE and CWT: structure before anybody vouches for it."""

from typing import Any

import cbor2
import pytest
from cbor2 import CBORTag

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
    decoded = cwt.decode(claims())
    assert (decoded.issuer, decoded.issued_s, decoded.expires_s, decoded.hcert) == ("VN", 1000, 2000, {1: {}})


def test_cwt_times_may_be_floats_and_other_claims_are_passed_over() -> None:
    payload = cbor2.dumps({4: 2000.5, 6: 1000.25, 2: "subject", 7: b"id", -260: {1: {}}, "x": 1})
    decoded = cwt.decode(payload)
    assert (decoded.issuer, decoded.issued_s, decoded.expires_s) == ("", 1000.25, 2000.5)


def test_cwt_not_before_counts_when_it_is_later() -> None:
    assert cwt.decode(claims(nbf=1500)).issued_s == 1500
    assert cwt.decode(claims(nbf=500)).issued_s == 1000
    assert cwt.decode(claims(iat="absent")).issued_s is None


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
        cwt.decode(payload)
    assert refused.value.reason is Reason.BAD_CWT

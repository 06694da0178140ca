"""Prefix, Base45 and compression: what they let through and what they do not."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier import base45, compression
from verifier.prefix import TEXT_MAX_CHARS, unprefixed
from verifier.reasons import Reason, RefusedError


def test_unprefixed_takes_the_prefix_off() -> None:
    assert unprefixed("HC1:6BF") == "6BF"


@pytest.mark.parametrize("text", ["", "HC1", "hc1:6BF", " HC1:6BF", "HL0:6BF", "6BF", "https://example.org", "LX1:6BF"])
def test_unprefixed_does_not_know_other_texts(text: str) -> None:
    with pytest.raises(RefusedError) as refused:
        unprefixed(text)
    assert refused.value.reason is Reason.UNSUPPORTED_KIND


def test_unprefixed_refuses_more_than_a_qr_code_holds() -> None:
    assert len(unprefixed("HC1:" + "0" * (TEXT_MAX_CHARS - 4))) == TEXT_MAX_CHARS - 4
    with pytest.raises(RefusedError) as refused:
        unprefixed("HC1:" + "0" * (TEXT_MAX_CHARS - 3))
    assert refused.value.reason is Reason.BAD_BASE45


# RFC 9285, sections 4.3 and 4.4
@pytest.mark.parametrize(
    ("data", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", "")],
)
def test_base45_examples_of_the_rfc(data: bytes, text: str) -> None:
    assert base45.decode(text) == data
    assert base45.encode(data) == text


@pytest.mark.parametrize(
    "text",
    [
        "GGW",  # 65536, RFC 9285 section 6
        ":::",
        "BB8\n",
        "BB8 \n",
        "BB8B",  # one character over
        "::",  # 2024: more than a byte
        "bb8",
        "BB8_",
        "Bé8",
        "\ud800BB",
        "B\x00B",
    ],
)
def test_base45_is_strict(text: str) -> None:
    with pytest.raises(RefusedError) as refused:
        base45.decode(text)
    assert refused.value.reason is Reason.BAD_BASE45


def test_base45_group_limits() -> None:
    assert base45.decode("FGW") == b"\xff\xff"
    assert base45.decode("U5") == b"\xff"
    with pytest.raises(RefusedError):
        base45.decode("V5")


@given(st.binary(max_size=600))
def test_base45_round_trip(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


@given(st.text(alphabet=base45.ALPHABET, max_size=60))
def test_base45_decodes_only_what_it_would_encode(text: str) -> None:
    try:
        data = base45.decode(text)
    except RefusedError:
        return
    assert base45.encode(data) == text


@given(st.binary(max_size=compression.COSE_MAX_BYTES))
def test_compression_round_trip(data: bytes) -> None:
    assert compression.inflated(zlib.compress(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not zlib",
        zlib.compress(b"x" * 100)[:-1],
        zlib.compress(b"x" * 100)[:-4] + b"\0\0\0\0",
        zlib.compress(b"x") + b"y",
        zlib.compress(b"x" * (compression.COSE_MAX_BYTES + 1)),
        zlib.compress(bytes(50_000_000)),
    ],
    ids=["empty", "garbage", "cut", "checksum", "trailing", "one over", "bomb"],
)
def test_compression_refuses(data: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        compression.inflated(data)
    assert refused.value.reason is Reason.BAD_COMPRESSION


def test_compression_lets_the_largest_through() -> None:
    assert len(compression.inflated(zlib.compress(bytes(compression.COSE_MAX_BYTES)))) == compression.COSE_MAX_BYTES

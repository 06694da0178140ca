"""The encodings around documents: what is strict about them, and that each text stands for one thing only."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier import base32, base64url, canonical_json, compression, strict_json
from verifier.countries import alpha_2
from verifier.reasons import Reason, RefusedError

values = st.recursive(
    st.none() | st.booleans() | st.integers(-strict_json.INTEGER_MAX, strict_json.INTEGER_MAX) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=60))
def test_base64url_and_base32_come_back(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data)) == data
    assert base32.decode(base32.encode(data)) == data
    padded = base64url.encode(data) + "=" * (-len(base64url.encode(data)) % 4)
    assert base64url.decode(padded, padded=True) == data


@given(st.text(alphabet="AB27_-=aé\n", max_size=12))
def test_a_text_that_is_taken_is_the_only_one_for_its_bytes(text: str) -> None:
    for module in (base64url, base32):
        with contextlib.suppress(RefusedError):
            assert module.encode(module.decode(text)) == text


@pytest.mark.parametrize("text", ["A", "AAAAA", "AA==", "AB", "A+AA", "A/AA", "AA A", "AAA\n", "ÄAAA", "AB==", "=AAA"])
def test_what_is_no_base64url(text: str) -> None:
    with pytest.raises(RefusedError, match="base64url"):
        base64url.decode(text)


@pytest.mark.parametrize("text", ["AA=", "A===", "AA==AA==", "AB==", "====", "=", "AAAA===="])
def test_padding_that_is_too_much_or_too_little(text: str) -> None:
    with pytest.raises(RefusedError, match="base64url"):
        base64url.decode(text, padded=True)


@pytest.mark.parametrize("text", ["A", "AAA", "AAAAAA", "AA======", "aa", "A1", "AB", "AA\n", "ÄA"])
def test_what_is_no_base32(text: str) -> None:
    with pytest.raises(RefusedError, match="base32"):
        base32.decode(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1,]", "not JSON"),
        ("[01]", "not JSON"),
        ("{}{}", "not JSON"),
        ("\ufeff{}", "not JSON"),
        ("'a'", "not JSON"),
        ('"a\nb"', "not JSON"),
        ('"\\', "not JSON"),
        ('"' + r"\"" * 2000, "not JSON"),
        ('{"a":1,"a":1}', "twice"),
        ('[{"a":{"b":1,"b":2}}]', "twice"),
        (r'{"a":1,"\u0061":1}', "twice"),
        ("9007199254740992", "whole number"),
        ("-9007199254740992", "whole number"),
        ("1" * 40, "whole number"),
        ("1e999", "number"),
        ("-1e999", "number"),
        ("0." + "1" * 40, "number"),
        ("NaN", "NaN"),
        ("[Infinity]", "Infinity"),
        ("[-Infinity]", "Infinity"),
        ("[" * 33 + "]" * 33, "deeper"),
        ("[" * 4000, "deeper"),
        ('{"a":' * 33 + "1" + "}" * 33, "deeper"),
        (r'"\ud800"', "surrogate"),
        (r'{"\udc00":1}', "surrogate"),
        ('["\ud800"]', "surrogate"),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_what_is_no_strict_json(text: str, what: str) -> None:
    with pytest.raises(RefusedError, match=what) as caught:
        strict_json.decode(text)
    assert caught.value.reason == Reason.BAD_ENCODING


def test_what_strict_json_takes() -> None:
    assert strict_json.decode("[" * 32 + "]" * 32)
    assert strict_json.decode('{"]]]]":"[[[[\\"[[[[","b":[1.5,-3,true,null,"\\ud83d\\ude00"]}') == {
        "]]]]": '[[[["[[[[',
        "b": [1.5, -3, True, None, "😀"],
    }
    assert strict_json.decode("9007199254740991") == strict_json.INTEGER_MAX


@given(values)
def test_canonical_json_is_json_and_comes_back(value: Any) -> None:  # noqa: ANN401 - JSON holds anything
    canonical = canonical_json.encode(value)
    assert strict_json.decode(canonical.decode()) == value
    assert canonical_json.encode(json.loads(json.dumps(value, indent=1))) == canonical


@given(st.text(max_size=200) | st.text(alphabet='[]{}",:\\ue0a1 ', max_size=200))
def test_any_text_is_strict_json_or_refused(text: str) -> None:
    with contextlib.suppress(RefusedError):
        value = strict_json.decode(text)
        assert json.loads(text) == value
        canonical_json.encode(value)


def test_the_order_of_names_is_that_of_rfc_8785() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]  # section 3.2.3
    assert list(json.loads(canonical_json.encode(dict.fromkeys(names, 0)))) == ordered


def test_texts_and_numbers_are_those_of_rfc_8785() -> None:
    value = strict_json.decode(
        r'{"b":[56.0,1E3,-0,-0.0,true,null],"a":"\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\/"}'
    )
    assert (
        canonical_json.encode(value) == b'{"a":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\/","b":[56,1000,0,0,true,null]}'
    )


@pytest.mark.parametrize("number", [0.5, 1e21, -9007199254740992.0])
def test_canonical_json_has_no_fractions(number: float) -> None:
    with pytest.raises(RefusedError, match="whole"):
        canonical_json.encode([number])


def test_raw_deflate_is_no_zlib() -> None:
    with pytest.raises(RefusedError):
        compression.inflated(b"\x03\x00")
    assert compression.inflated(b"\x03\x00", raw=True) == b""


@pytest.mark.parametrize(
    ("code", "two"), [("AUS", "AU"), ("VNM", "VN"), ("D", "DE"), ("RKS", "XK"), ("UTO", ""), ("", "")]
)
def test_countries_by_the_letters_of_travel_documents(code: str, two: str) -> None:
    assert alpha_2(code) == two

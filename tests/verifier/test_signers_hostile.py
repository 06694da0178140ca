"""Lists of signers that are none: any bytes, and entries out of form."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.signer_lists import EDWARDS, P256, entry, written
from verifier import TrustListError
from verifier.signers import (
    SIGNERS_MAX_BYTES,
    Jwk,
    encode_signers,
    parse_signers,
)

VALID = encode_signers([entry(kinds=("test",)), entry(format="shc", certificate=None, jwk=Jwk(**P256))])


@given(st.data())
def test_any_bytes_are_a_list_or_a_trust_list_error(data: st.DataObject) -> None:
    changed = bytearray(VALID)
    for at in data.draw(st.lists(st.integers(0, len(changed) - 1), max_size=3)):
        changed[at] = data.draw(st.integers(0, 255))
    for candidate in (
        bytes(changed),
        bytes(changed[: data.draw(st.integers(0, len(changed)))]),
        data.draw(st.binary()),
    ):
        try:
            trust = parse_signers(candidate)
        except TrustListError:
            continue
        assert len(trust.signers()) + len(trust.unusable) == len(trust)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        b"[" * 100_000,
        b'{"version": 1}',
        b'{"version": 2, "signers": []}',
        b'{"version": 1, "signers": [], "more": 1}',
        b'{"version": 1, "signers": [7]}',
        b'{"version": 1, "signers": []}' + b" " * SIGNERS_MAX_BYTES,
        json.dumps({"version": 1, "signers": [{}] * 10_001}).encode(),
    ],
    ids=lambda data: data[:40].decode("latin-1").strip(),
)
def test_what_is_no_list(data: bytes) -> None:
    with pytest.raises(TrustListError):
        parse_signers(data)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kid": ""}, "kid"),
        ({"kid": "not base64"}, "kid"),
        ({"kid": base64.b64encode(bytes(65)).decode()}, "kid"),
        ({"format": "HCERT"}, "format"),
        ({"certificate": ""}, "certificate"),
        ({"certificate": base64.b64encode(bytes(16 * 1024 + 1)).decode()}, "certificate"),
        ({"certificate": None}, "a certificate or a jwk"),
        ({"jwk": P256}, "needs a certificate"),
        ({"jwk": P256, "certificate": "AAAA", "format": "shc"}, "not both"),
        ({"format": "shc", "jwk": P256 | {"d": P256["x"]}}, "unknown field `d`"),
        ({"format": "shc", "jwk": P256 | {"crv": "P-384"}}, "crv"),
        ({"format": "shc", "jwk": P256 | {"crv": "Ed25519"}}, "EC on P-256"),
        ({"format": "shc", "jwk": EDWARDS | {"y": EDWARDS["x"]}}, "OKP on Ed25519"),
        ({"format": "shc", "jwk": EDWARDS | {"x": "AAAA"}}, "`$.signers[0].jwk.x`"),
        ({"kinds": ["Test"]}, "kinds"),
        ({"kinds": ["test"] * 17}, "kinds"),
        ({"issuers": [" Lab"]}, "issuers"),
        ({"issuers": [""]}, "issuers"),
        ({"issuers": ["La\nb"]}, "issuers"),
        ({"areas": ["vn"]}, "areas"),
        ({"areas": ["VN-"]}, "areas"),
        ({"areas": ["VN\n"]}, "areas"),
        ({"areas": ["VN-1-2-3-4"]}, "areas"),
        ({"country": "Việt Nam"}, "country"),
        ({"name": "a\x1bb"}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"not_before": "2026-06-01T00:00:00"}, "in UTC"),
        ({"not_before": "2026-06-01T00:00:00+07:00"}, "in UTC"),
        ({"not_after": "tomorrow"}, "not_after"),
        ({"not_before": "2026-06-02T00:00:00Z", "not_after": "2026-06-01T00:00:00Z"}, "not_before is after"),
        ({"other": 1}, "unknown field `other`"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_entry_out_of_form_is_named(fields: dict[str, object], says: str) -> None:
    with pytest.raises(TrustListError) as caught:
        parse_signers(written(**fields))
    assert says in str(caught.value)
    assert "$.signers[0]" in str(caught.value)


def test_an_entry_without_its_needs_is_none() -> None:
    for missing in ("kid", "format"):
        fields = json.loads(written())
        del fields["signers"][0][missing]
        with pytest.raises(TrustListError, match=missing):
            parse_signers(json.dumps(fields).encode())

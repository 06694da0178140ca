"""The signed list of signers, as national gateways publish it."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.vectors import vectors
from tests.verifier.certificates import certificate
from verifier import TrustListError, parse_signed_list
from verifier.cose import Kid
from verifier.signed_list import Listed, read_signed_list


def signed_list(body: bytes) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(body, ec.ECDSA(hashes.SHA256())))
    line = base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return line + b"\n" + body, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def listed(der: bytes) -> dict[str, str]:
    return {"kid": base64.b64encode(b"12345678").decode(), "country": "VN", "rawData": base64.b64encode(der).decode()}


def test_a_signed_list() -> None:
    data, key = signed_list(json.dumps({"certificates": [listed(certificate())]}).encode())
    assert [signer.kid for signer in parse_signed_list(data, key).signers()] == [b"12345678"]


def test_the_entries_of_a_signed_list_as_they_stand() -> None:
    der = certificate()
    data, key = signed_list(json.dumps({"certificates": [{"kid": "?"}, listed(der)]}).encode())
    wrong, right = read_signed_list(data, key)
    assert isinstance(wrong, TrustListError)
    assert right == Listed(2, Kid(b"12345678"), "VN", der)


def test_one_unusable_entry_does_not_take_the_others_down() -> None:
    entries = [listed(b"broken"), {"kid": "?"}, 7, listed(certificate()), {"kid": "AAAA", "rawData": "é"}]
    data, key = signed_list(json.dumps({"certificates": entries}).encode())
    trust = parse_signed_list(data, key)
    assert len(trust) == 1
    assert [line.partition(":")[0] for line in trust.unusable] == ["entry 1", "entry 2", "entry 3", "entry 5"]


@pytest.mark.parametrize("body", [b"{}", b"[]", b"not json", b"\xff", b"[" * 100_000, b"", b'{"certificates": 7}'])
def test_a_signed_list_that_is_none(body: bytes) -> None:
    data, key = signed_list(body)
    with pytest.raises(TrustListError):
        parse_signed_list(data, key)


def test_a_changed_list_or_another_key_is_refused() -> None:
    data, key = signed_list(json.dumps({"certificates": []}).encode())
    with pytest.raises(TrustListError, match="signature is wrong"):
        parse_signed_list(data + b" ", key)
    with pytest.raises(TrustListError, match="signature is wrong"):
        parse_signed_list(data, signed_list(b"")[1])
    with pytest.raises(TrustListError, match="64 bytes"):
        parse_signed_list(data[4:], key)
    with pytest.raises(TrustListError, match="cannot be read"):
        parse_signed_list(data, b"no key")
    rsa_pem = (
        rsa.generate_private_key(65537, 2048).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(TrustListError, match="P-256"):
        parse_signed_list(data, rsa_pem)


def test_the_production_list_loads_whole() -> None:
    folder = vectors("production-de")
    data = (folder / "dsc-list.json").read_bytes()
    key = (folder / "dsc-list-signing-key.pem").read_bytes()
    trust = parse_signed_list(data, key)
    assert len(trust) == 829
    assert trust.unusable == ()
    with pytest.raises(TrustListError, match="signature is wrong"):
        parse_signed_list(data.replace(b'"country": "NL"', b'"country": "XX"', 1).replace(b'"NL"', b'"XX"', 1), key)

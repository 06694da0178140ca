"""Requests from strangers: one is right or refused, whatever its bytes are."""

import base64
import contextlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from centre.authority.request import CsrError, Request
from tests.centre.enrolling import csr, new_key

GOOD = csr(new_key())
DER = x509.load_pem_x509_csr(GOOD).public_bytes(serialization.Encoding.DER)


def pem(der: bytes) -> bytes:
    text = base64.encodebytes(der)
    return b"-----BEGIN CERTIFICATE REQUEST-----\n" + text + b"-----END CERTIFICATE REQUEST-----\n"


def test_a_good_one_gives_its_key_and_its_name() -> None:
    key = new_key()
    request = Request(csr(key, "gate-1"))
    assert request.key == key.public_key()
    assert request.name() == "gate-1"


def test_no_name_or_several_are_none() -> None:
    for names in ([], ["a", "b"]):
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name) for name in names])
        made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(new_key(), hashes.SHA256())
        assert not Request(made.public_bytes(serialization.Encoding.PEM)).name()


def test_a_name_that_is_no_text_is_none() -> None:
    key = new_key()
    asked = x509.load_pem_x509_csr(csr(key, "gate-1")).tbs_certrequest_bytes
    asked = asked.replace(b"\x0c\x06gate-1", b"\x03\x06\x00ate-1")  # a BIT STRING
    signature = key.sign(asked, ec.ECDSA(hashes.SHA256()))
    ecdsa_with_sha256 = bytes.fromhex("300a06082a8648ce3d040302")
    body = asked + ecdsa_with_sha256 + b"\x03" + bytes([len(signature) + 1, 0]) + signature
    assert not Request(pem(b"\x30\x81" + bytes([len(body)]) + body)).name()


def test_every_bit_of_what_is_signed_is_signed() -> None:
    signed = slice(3, 5 + DER[4])  # within the outer sequence's header; RFC 2986, section 4.2
    for bit in range(8 * signed.start, 8 * signed.stop):
        der = bytearray(DER)
        der[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CsrError) as told:
            Request(pem(bytes(der)))
        assert "\n" not in str(told.value)


@given(st.integers(0, len(DER) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_no_crash(place: int, flip: int) -> None:
    der = bytearray(DER)
    der[place] ^= flip
    with contextlib.suppress(CsrError):
        assert Request(pem(bytes(der))).key == Request(GOOD).key


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    for text in (data, pem(data), GOOD[:60] + data + GOOD[60:]):
        with contextlib.suppress(CsrError):
            Request(text)


@pytest.mark.parametrize("key", [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256K1())])
def test_other_keys_are_refused(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    made = builder.sign(key, hashes.SHA256() if isinstance(key, ec.EllipticCurvePrivateKey) else None)
    with pytest.raises(CsrError, match="not ECDSA P-256"):
        Request(made.public_bytes(serialization.Encoding.PEM))


def test_a_huge_one_is_refused_before_it_is_read() -> None:
    with pytest.raises(CsrError, match="over 8192 bytes"):
        Request(GOOD + b" " * 8192)

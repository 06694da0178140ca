"""What is read of certificates and requests from anywhere: understood, or refused as none; never a crash."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from provisioning.identity.keys import (
    CertificateError,
    fingerprint,
    holder,
    is_due,
    new_key,
    own_certificate,
    pinned_ca,
    request,
    request_fits,
)
from tests.provisioning.fake_centre import Authority

AUTHORITY = Authority()
KEY = new_key()
REQUEST = request(KEY, "gate-1")
OWN = AUTHORITY.sign_request(REQUEST, "gate-1")
NOW = datetime.now(UTC)
VERSION = bytes.fromhex("a003020102")  # [0] INTEGER 2: X.509's version 3


def pem(der: bytes, what: str = "CERTIFICATE") -> bytes:
    return f"-----BEGIN {what}-----\n{base64.encodebytes(der).decode()}-----END {what}-----\n".encode()


def changed(der: bytes, place: int, byte: int) -> bytes:
    place %= len(der)
    return der[:place] + bytes([byte]) + der[place + 1 :]


def der_of(certificate: bytes) -> bytes:
    return x509.load_pem_x509_certificate(certificate).public_bytes(Encoding.DER)


def test_a_version_that_is_none_is_no_certificate() -> None:
    der = der_of(AUTHORITY.pem)
    with pytest.raises(CertificateError, match="no-certificate"):
        pinned_ca(pem(changed(der, der.index(VERSION) + 4, 91)), AUTHORITY.fingerprint, NOW)


@given(st.integers(0, 2**16), st.integers(0, 255))
def test_any_changed_byte_is_refused_or_understood(place: int, byte: int) -> None:
    own = pem(changed(der_of(OWN), place, byte))
    csr = x509.load_pem_x509_csr(REQUEST).public_bytes(Encoding.DER)
    request_fits(pem(changed(csr, place, byte), "CERTIFICATE REQUEST"), KEY, "gate-1")
    for read in (
        lambda: pinned_ca(pem(changed(der_of(AUTHORITY.pem), place, byte)), AUTHORITY.fingerprint, NOW),
        lambda: own_certificate(own, KEY, AUTHORITY.pem, "gate-1", NOW),
        lambda: holder(own),
        lambda: is_due(own, NOW),
    ):
        try:
            read()
        except CertificateError as error:
            assert error.code  # noqa: PT017 - what is no certificate is refused; anything else fails the test


def test_the_fingerprint_is_the_whole_certificates() -> None:
    assert fingerprint(x509.load_pem_x509_certificate(AUTHORITY.pem)) == AUTHORITY.fingerprint

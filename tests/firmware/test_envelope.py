"""Who signed, and whether anybody may: the envelope's certificates."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from firmware import envelope
from firmware.envelope import Authority, SignatureError, Signer, SigningError, load_certificates
from tests.firmware.wire_messages import PKI, parts
from tests.firmware.wire_messages import envelope as envelope_of
from tests.pki import NOW, PEM, PLAIN, Pki

SIGNER = PKI.signer("gate-1")
MESSAGE = SIGNER.sign("batch", b"payload")
MAX_BYTES = 4096
DER = serialization.Encoding.DER


def opened(authority: Authority, message: bytes = MESSAGE, at: datetime | None = NOW) -> envelope.Signed:
    return authority.open(message, "batch", at, MAX_BYTES)


def test_it_tells_who_signed_what() -> None:
    signed = opened(PKI.authority)
    assert (signed.payload, signed.name) == (b"payload", "gate-1")
    assert signed.serial == PKI.identity("gate-1")[1].serial_number


def test_what_is_for_one_purpose_is_for_no_other() -> None:
    with pytest.raises(SignatureError, match="wrong"):
        PKI.authority.open(MESSAGE, "ack", NOW, MAX_BYTES)


def test_another_authority_is_not_trusted_and_one_of_two_is() -> None:
    with pytest.raises(SignatureError, match="another authority"):
        opened(Pki().authority)
    assert opened(Authority([Pki().certificate, PKI.certificate])).name == "gate-1"


def test_a_certificate_counts_in_its_time_only_where_that_is_asked() -> None:
    authority = PKI.authority
    for at in (datetime(2020, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)):
        with pytest.raises(SignatureError, match="over"):
            opened(authority, at=at)
    assert opened(authority, at=None).name == "gate-1"


def test_a_certificate_revoked_meanwhile_is_refused_though_it_was_good_before() -> None:
    authority = PKI.authority
    serial = opened(authority).serial
    authority.revoked = frozenset({serial})
    with pytest.raises(SignatureError, match="revoked"):
        opened(authority)


def test_a_device_issues_no_certificates() -> None:
    key, certificate = PKI.identity("gate-1")
    own = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "centre.evil")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(certificate.subject).public_key(own.public_key())
    builder = builder.serial_number(7).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    forged = Signer(own, builder.sign(key, hashes.SHA256()))
    with pytest.raises(SignatureError):
        opened(PKI.authority, forged.sign("batch", b"payload"))


@pytest.mark.parametrize("usage", [ExtendedKeyUsageOID.SERVER_AUTH, None])
@pytest.mark.parametrize("name", ["gate-1", "centre.hospital.vn"])
def test_a_server_that_is_called_like_a_device_or_collector_signs_nothing(
    name: str, usage: x509.ObjectIdentifier | None
) -> None:
    server = Signer(*PKI.issued(name, usage))
    with pytest.raises(SignatureError, match="no device's and no collector's"):
        opened(PKI.authority, server.sign("batch", b"payload"))


def test_a_key_of_another_kind_signs_nothing() -> None:
    certificate = PKI._certificate("gate-1", X25519PrivateKey.generate().public_key(), ExtendedKeyUsageOID.CLIENT_AUTH)
    protected, *others = parts(MESSAGE)
    own = PKI.identity("gate-1")[1].public_bytes(DER)
    assert own in protected
    headers = cbor2.loads(protected)
    headers = {label: certificate.public_bytes(DER) if value == own else value for label, value in headers.items()}
    with pytest.raises(SignatureError, match="not ECDSA P-256"):
        opened(PKI.authority, envelope_of([cbor2.dumps(headers, canonical=True), *others]))


@pytest.mark.parametrize("name", [b"\x03\x06\x00ate-1", b"\x0c\x06\xffate-1", b"\x1e\x06gate-1"])
def test_a_strangers_certificate_with_a_name_that_is_none_is_refused(name: bytes) -> None:
    own = PKI.identity("gate-1")[1].public_bytes(DER)
    strange = own.replace(b"\x0c\x06gate-1", name)  # a text of another type: `cryptography` raises a TypeError for one
    assert MESSAGE.count(own) == 1 != own.count(strange)
    with pytest.raises(SignatureError):
        opened(PKI.authority, MESSAGE.replace(own, strange))


@pytest.mark.parametrize("names", [[], ["gate-1", "gate-2"]])
def test_a_certificate_has_one_name(names: list[str], tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(PKI.certificate.subject)
    builder = builder.public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    certificate = builder.sign(PKI.key, hashes.SHA256())
    with pytest.raises(ValueError, match="common name"):
        Signer(key, certificate)
    paths = tmp_path / "device.pem", tmp_path / "device.key"
    for path, content in zip(paths, (certificate.public_bytes(PEM), key.private_bytes(*PLAIN)), strict=True):
        path.write_bytes(content)
    with pytest.raises(SigningError, match="enrol anew"):
        Signer.load(*paths)


def test_certificates_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "SIGNERS_MAX", 2)
    authority = PKI.authority
    for name in ("gate-1", "gate-2", "gate-3", "gate-1"):
        assert opened(authority, PKI.signer(name).sign("batch", b"")).name == name
        assert len(authority._known) <= 2


def test_keys_come_from_files_that_fit(tmp_path: Path) -> None:
    folder = PKI.files(tmp_path, "gate-1")
    signer = Signer.load(folder / "device.pem", folder / "device.key")
    assert opened(Authority.load(folder / "ca.pem"), signer.sign("batch", b"payload")).name == "gate-1"


def test_files_that_do_not_fit_are_told(tmp_path: Path) -> None:
    folder = PKI.files(tmp_path, "gate-1")
    other = PKI.files(tmp_path / "other", "gate-2")
    (tmp_path / "large").write_bytes(bytes(70_000))
    key = ec.generate_private_key(ec.SECP384R1())
    (tmp_path / "p384.key").write_bytes(key.private_bytes(*PLAIN))
    for certificate, private in (
        (folder / "device.pem", other / "device.key"),
        (folder / "device.pem", folder / "absent.key"),
        (folder / "device.pem", folder / "device.pem"),
        (folder / "device.pem", folder / "batches.key"),
        (folder / "device.pem", tmp_path / "p384.key"),
        (folder / "device.pem", tmp_path / "large"),
        (folder / "device.key", folder / "device.key"),
    ):
        with pytest.raises(SigningError) as caught:
            Signer.load(certificate, private)
        assert "\n" not in str(caught.value)
    with pytest.raises(SigningError):
        load_certificates(tmp_path / "large")
    assert PKI.certificate.public_bytes(PEM) == (folder / "ca.pem").read_bytes()

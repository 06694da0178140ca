"""The trust folder: what is read from it, and every way in which it can be wrong."""

import base64
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from firmware import rule_folder
from firmware.trust_folder import LIST_KEY, REVOKED, SIGNED_LIST, TrustFolderError, load_certificate, load_trust
from firmware.trust_store import SIGNERS
from provisioning.issuer import DemoIssuer
from tests.simulators.lx1 import Lx1Issuer
from tests.vectors import vectors
from verifier.revocation import uci_hash
from verifier.signers import encode_signers

AT = datetime(2026, 6, 1, tzinfo=UTC)
ISSUER = DemoIssuer(AT)
HASH = uci_hash("URN:UVCI:01:VN:GONE#A")


def pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def sign_list(folder: Path, body: bytes) -> None:
    """Write a list of signers and the key that it is signed with."""
    key = ec.generate_private_key(ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(body, ec.ECDSA(hashes.SHA256())))
    line = base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    (folder / SIGNED_LIST).write_bytes(line + b"\n" + body)
    (folder / LIST_KEY).write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def listed(*issuers: DemoIssuer) -> bytes:
    entries = [
        {
            "kid": base64.b64encode(issuer.kid).decode(),
            "country": issuer.country,
            "rawData": base64.b64encode(issuer.certificate_der).decode(),
        }
        for issuer in issuers
    ]
    return json.dumps({"certificates": entries}).encode()


def kids(folder: Path) -> set[bytes]:
    return {signer.kid for signer in load_trust(folder).signers.signers()}


def test_an_empty_folder_trusts_nobody_and_revokes_nothing(tmp_path: Path) -> None:
    trust = load_trust(tmp_path)
    assert (len(trust.signers), trust.demo) == (0, False)
    assert not trust.revocations.sets


def test_certificates_of_every_name_and_form(tmp_path: Path) -> None:
    issuers = [DemoIssuer(AT) for _ in range(6)]
    names = ("a.der", "b.cer", "c.crt", "d.pem", "e.PEM", "f.der")
    for number, (name, issuer) in enumerate(zip(names, issuers, strict=True)):
        der = issuer.certificate_der
        (tmp_path / name).write_bytes(der if number % 2 else b"\n" + pem(der))  # the form does not follow the name
    (tmp_path / "README.txt").write_text("not a certificate", "ascii")
    (tmp_path / "der").write_text("nor this", "ascii")
    assert kids(tmp_path) == {issuer.kid for issuer in issuers}
    assert load_trust(tmp_path).demo


def test_a_certificate_in_base64_as_test_suites_carry_it(tmp_path: Path) -> None:
    for text in (base64.b64encode(ISSUER.certificate_der), base64.encodebytes(ISSUER.certificate_der)):
        (tmp_path / "signer.cer").write_bytes(text)
        assert kids(tmp_path) == {ISSUER.kid}


def test_a_signed_list_and_certificates_beside_it(tmp_path: Path) -> None:
    one, two, three = (DemoIssuer(AT) for _ in range(3))
    sign_list(tmp_path, listed(one, two))
    (tmp_path / "three.der").write_bytes(three.certificate_der)
    assert kids(tmp_path) == {one.kid, two.kid, three.kid}


def test_an_entry_of_the_list_that_cannot_be_used_is_told_and_costs_no_other(tmp_path: Path) -> None:
    body = json.loads(listed(ISSUER))
    body["certificates"].insert(0, {"kid": "AAAA", "rawData": base64.b64encode(b"no certificate").decode()})
    body["certificates"].insert(0, "nonsense")
    sign_list(tmp_path, json.dumps(body).encode())
    (tmp_path / "single.der").write_bytes(DemoIssuer(AT).certificate_der)
    trust = load_trust(tmp_path)
    assert len(trust.signers) == 2
    assert [line.partition(":")[0] for line in trust.signers.unusable] == ["entry 1", "entry 2"]


def test_the_list_of_a_real_nation() -> None:
    trust = load_trust(vectors("production-de"))
    assert (len(trust.signers), trust.signers.unusable, trust.demo) == (829, (), False)


def test_revocations_of_every_kind(tmp_path: Path) -> None:
    lists = {"uci": [HASH.hex()], "country_uci": [HASH.hex().upper()], "signature": [HASH.hex()] * 2}
    (tmp_path / REVOKED).write_text(json.dumps(lists), "ascii")
    revocations = load_trust(tmp_path).revocations
    assert [(each.kind, each.kid, len(each), HASH in each) for each in revocations.sets] == [
        (kind, b"", 1, True) for kind in ("uci", "country-uci", "signature")
    ]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nonsense",
        "[]",
        "null",
        '{"uci": "00"}',
        '{"uci": [5]}',
        '{"uci": ["xyz"]}',
        '{"uci": ["00"]}',
        f'{{"uci": ["{HASH.hex()}00"]}}',
        f'{{"UCI": ["{HASH.hex()}"]}}',
        '{"uci": ["\\ud800"]}',
        '{"uci": ["\xff"]}',
        '{"uci": ' + "[" * 100_000,
        '{"more": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
def test_revocations_that_cannot_be_read_stop_the_start(tmp_path: Path, content: str) -> None:
    (tmp_path / REVOKED).write_bytes(content.encode("latin-1"))
    with pytest.raises(TrustFolderError, match=REVOKED):
        load_trust(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ISSUER.certificate_der[:-1]],
)
def test_a_certificate_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.pem").write_bytes(content)
    with pytest.raises(TrustFolderError, match=r"bad\.pem: .*; it must hold one X\.509 certificate"):
        load_trust(tmp_path)


def test_a_private_key_is_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(TrustFolderError, match=r"key\.pem"):
        load_certificate(tmp_path / "key.pem")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("none", "file", "none/below", "x" * 300, "zero\0byte"):
        with pytest.raises(TrustFolderError, match="put the trust list's files there"):
            load_trust(tmp_path / name)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.der").mkdir()
    with pytest.raises(TrustFolderError, match=r"folder\.der: Is a directory"):
        load_trust(tmp_path)
    with pytest.raises(TrustFolderError, match=r"none\.der: No such file"):
        load_certificate(tmp_path / "none.der")


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "lost.crt").symlink_to(tmp_path / "nowhere")
    with pytest.raises(TrustFolderError, match=r"lost\.crt: No such file"):
        load_trust(tmp_path)
    (tmp_path / "lost.crt").unlink()
    (tmp_path / REVOKED).symlink_to(tmp_path / "nowhere")
    with pytest.raises(TrustFolderError, match=REVOKED):  # not: nothing is revoked
        load_trust(tmp_path)


def test_a_link_of_the_list_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / SIGNED_LIST).symlink_to(tmp_path / "nowhere")
    with pytest.raises(TrustFolderError, match=SIGNED_LIST):
        load_trust(tmp_path)


def test_a_file_of_unreasonable_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_folder, "FILE_MAX_BYTES", len(ISSUER.certificate_der) - 1)
    (tmp_path / "large.der").write_bytes(ISSUER.certificate_der)
    with pytest.raises(TrustFolderError, match=r"large\.der: larger than \d+ bytes"):
        load_trust(tmp_path)


def test_a_list_without_its_key(tmp_path: Path) -> None:
    sign_list(tmp_path, listed(ISSUER))
    (tmp_path / LIST_KEY).unlink()
    with pytest.raises(TrustFolderError, match=LIST_KEY):
        load_trust(tmp_path)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"certificates": 5}', b"[" * 100_000])
def test_a_list_that_is_signed_and_none(tmp_path: Path, body: bytes) -> None:
    sign_list(tmp_path, body)
    with pytest.raises(TrustFolderError, match=f"{SIGNED_LIST}: the list of signers cannot be read"):
        load_trust(tmp_path)


def test_a_list_that_was_changed(tmp_path: Path) -> None:
    sign_list(tmp_path, listed(ISSUER))
    path = tmp_path / SIGNED_LIST
    path.write_bytes(path.read_bytes().replace(b'"VN"', b'"VM"'))
    with pytest.raises(TrustFolderError, match="the list's signature is wrong"):
        load_trust(tmp_path)


def test_another_lists_key(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    sign_list(other, listed(ISSUER))
    sign_list(tmp_path, listed(ISSUER))
    shutil.copy(other / LIST_KEY, tmp_path)
    with pytest.raises(TrustFolderError, match="the list's signature is wrong"):
        load_trust(tmp_path)


@pytest.mark.parametrize("key", [b"", b"nonsense", pem(ISSUER.certificate_der)])
def test_a_list_key_that_is_none(tmp_path: Path, key: bytes) -> None:
    sign_list(tmp_path, listed(ISSUER))
    (tmp_path / LIST_KEY).write_bytes(key)
    with pytest.raises(TrustFolderError, match=SIGNED_LIST):
        load_trust(tmp_path)


def test_signers_of_any_format_beside_single_certificates(tmp_path: Path) -> None:
    permits = Lx1Issuer()
    (tmp_path / "demo.der").write_bytes(ISSUER.certificate_der)
    (tmp_path / SIGNERS).write_bytes(encode_signers([permits.entry()]))
    signers = load_trust(tmp_path).signers
    assert signers.by_kid(permits.kid, "lx1")
    assert signers.by_kid(ISSUER.kid)
    (tmp_path / SIGNERS).write_bytes(b"{}")
    with pytest.raises(TrustFolderError, match=SIGNERS):
        load_trust(tmp_path)

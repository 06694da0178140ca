"""Signers from certificates, signed lists, JWK sets and DID documents: whole, bounded, never a private key."""

import base64
import contextlib
import os
import shutil
import warnings
from collections import Counter
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from centre.trust import importing, signer_files
from centre.trust.did_sources import did_document as read_did
from centre.trust.home import TrustHome
from centre.trust.importing import TrustImportError
from centre.trust.jwk_sources import jwk_set as read_set
from centre.trust.signer_draft import read_draft
from centre.trust.signer_entries import Format, Found, Scope
from centre.trust.signer_files import _signers
from centre.trust.signer_sources import certificates
from centre.trust.signer_sources import signed_list as read_list
from tests.centre.trust_import_site import (
    DID,
    ISSUER,
    certificate,
    did_document,
    jwk,
    jwk_set,
    listed,
    new_key,
    pem,
    refused,
    results,
    run,
    signed_list,
    trust_home,
    written,
)
from tests.vectors import dgc_files, vectors
from verifier.signers import SignerEntry

CARDS = Scope(issuers=(ISSUER,))
KEY, OTHER = new_key(), new_key()
DER = certificate(KEY)


@pytest.fixture
def home(tmp_path: Path) -> TrustHome:
    return trust_home(tmp_path)


def test_the_german_list_is_taken_whole(home: TrustHome) -> None:
    folder = vectors("production-de")
    line = ("add-key", "--list", folder / "dsc-list.json", "--list-key", folder / "dsc-list-signing-key.pem")
    assert results(run(home, *line)) == [
        {"added": 829, "replaced": 0, "known": 0, "removed": 0, "left_out": 0, "signers": 829}
    ]
    draft = read_draft(home)
    assert {one.format for one in draft} == {"hcert"}
    assert "DE" in {one.country for one in draft}
    assert sum(_badly_encoded(one) for one in draft) == 6
    (again,) = results(run(home, *line))
    assert (again["known"], again["added"]) == (829, 0)


def _badly_encoded(one: SignerEntry) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            return x509.load_der_x509_certificate(one.certificate or b"").extensions is None
    except ValueError:
        return True


def test_a_changed_list_is_refused(home: TrustHome, tmp_path: Path) -> None:
    data, public = signed_list(KEY, listed(DER))
    key = written(tmp_path, "key.pem", public)
    changed = written(tmp_path, "list.json", data.replace(b'"VN"', b'"DE"'))
    refused(run(home, "add-key", "--list", changed, "--list-key", key), 65, "signature is wrong")
    refused(run(home, "add-key", "--list", changed), 2, "go together")
    refused(run(home, "add-key", changed), 65, "give it with --list")
    assert read_draft(home) == []


def test_single_keys_of_a_list_that_sign_no_passes_are_left_out(home: TrustHome, tmp_path: Path) -> None:
    others = [listed(certificate(new_key(ec.SECP384R1()))), listed(b"no certificate"), listed(DER) | {"kid": "?"}]
    data, public = signed_list(KEY, *others, listed(DER))
    line = ("--list", written(tmp_path, "l", data), "--list-key", written(tmp_path, "k", public))
    done = run(home, "add-key", *line)
    *left_out, counts = results(done)
    assert (counts["added"], counts["left_out"], len(left_out)) == (1, 3, 3)
    assert "entry 1: a key on curve secp384r1 signs no hcert" in done.stderr
    data, public = signed_list(KEY, *others)
    written(tmp_path, "l", data)
    refused(run(home, "add-key", *line), 65, "no signer to trust")


def test_what_a_publisher_withdrew_is_removed(home: TrustHome, tmp_path: Path) -> None:
    single = written(tmp_path, "single.pem", pem(certificate(OTHER, "Lab 7")))
    results(run(home, "add-key", single))
    gone, stays = certificate(name="gone"), certificate(name="stays")
    for entries in ((gone, stays), (stays,)):
        data, public = signed_list(KEY, *map(listed, entries))
        line = ("--list", written(tmp_path, "l", data), "--list-key", written(tmp_path, "k", public))
        told = results(run(home, "add-key", *line))
    assert told[0]["change"] == "removed"
    assert told[-1] == {"added": 0, "replaced": 0, "known": 1, "removed": 1, "left_out": 0, "signers": 2}
    assert {one.name.partition(" ")[0] for one in read_draft(home)} == {"CN=Lab", "signed"}


@pytest.mark.parametrize(
    ("data", "count"),
    [
        pytest.param(DER, 1, id="der"),
        pytest.param(pem(DER), 1, id="pem"),
        pytest.param(base64.encodebytes(DER), 1, id="base64"),
        pytest.param(b"a bundle\n" + pem(DER) + pem(certificate()), 2, id="several"),
    ],
)
def test_certificates_in_every_form(data: bytes, count: int) -> None:
    found = certificates(data, Scope())
    assert len(found.entries) == count
    first = found.entries[0]
    assert (first.certificate, first.format, first.country, first.name) == (DER, "hcert", "VN", "CN=DSC 1")
    assert len(first.kid) == 8


def test_certificates_of_member_states_are_taken() -> None:
    texts = {case["TESTCTX"].get("CERTIFICATE") for _, case in dgc_files()} - {None, ""}
    refused_for = Counter(fault for fault in map(_fault, texts) if fault is not None)
    assert len(texts) > 40
    assert refused_for == {"a key on curve secp384r1 signs no hcert": 1}  # ES 401-403: labelled ES256


def _fault(text: str) -> str | None:
    try:
        return None if certificates(text.encode(), Scope()).entries else "none"
    except TrustImportError as error:
        return str(error)


def test_a_folder_of_certificates(home: TrustHome, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    written(folder, "a.der", DER)
    written(folder, "b.pem", pem(certificate()))
    written(folder, "notes.md", b"not looked at")
    (counts,) = results(run(home, "add-key", folder))
    assert counts["added"] == 2
    written(folder, "c.crt", b"broken")
    refused(run(home, "add-key", folder), 65, "c.crt: no certificate")
    shutil.rmtree(folder)
    folder.mkdir()
    refused(run(home, "add-key", folder), 66, "no file in it ends in")
    refused(run(home, "add-key", tmp_path / "none"), 66, "none")


def test_a_country_written_out_is_left_out(home: TrustHome, tmp_path: Path) -> None:
    with warnings.catch_warnings(action="ignore"):
        der = certificate(country="Viet Nam")
    results(run(home, "add-key", written(tmp_path, "a.der", der)))  # and warns of nothing
    assert [(one.country, one.name) for one in read_draft(home)] == [("", "CN=DSC 1")]


def test_the_scope_is_bound_and_the_same_key_again_is_replaced(home: TrustHome, tmp_path: Path) -> None:
    file = written(tmp_path, "a.pem", pem(DER))
    results(run(home, "add-key", file))
    scope = ("--kind", "test", "--area", "VN-SG", "--issuer", "Lab 7", "--from", "2026-01-01", "--until", "2026-12-31")
    told = results(run(home, "add-key", file, *scope))
    assert told[0]["change"] == "replaced"
    assert told[1] == {"added": 0, "replaced": 1, "known": 0, "removed": 0, "left_out": 0, "signers": 1}
    (one,) = read_draft(home)
    assert (one.kinds, one.areas, one.issuers) == (("test",), ("VN-SG",), ("Lab 7",))
    assert (str(one.not_before), str(one.not_after)) == ("2026-01-01 00:00:00+00:00", "2026-12-31 23:59:59+00:00")
    assert one.signer().kinds == {"test"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--kind", "vacination"), "--kind: vacination is none of"),
        (("--area", "vn_sg"), "--area: vn_sg"),
        (("--issuer", " x"), "--issuer"),
        (("--format", "dcc"), "--format: dcc is none of"),
        (("--from", "yesterday"), "--from: yesterday"),
        (("--from", "20260131"), "--from: 20260131"),
        (("--until", "9999-12-31T23:59:59-12:00"), "--until"),
        (("--from", "2026-12-31", "--until", "2026-01-01"), "--from is after --until"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1].strip(),
)
def test_wrong_options(home: TrustHome, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    refused(run(home, "add-key", written(tmp_path, "a.der", DER), *arguments), 2, told)
    refused(run(home, "add-key", *arguments), 2, "name FILE")


@pytest.mark.parametrize(
    ("key", "of", "good"),
    [
        (ed25519.Ed25519PrivateKey.generate(), "lx1", True),
        (ed25519.Ed25519PrivateKey.generate(), "hcert", False),
        (rsa.generate_private_key(65537, 2048), "hcert", True),
        (rsa.generate_private_key(65537, 2048), "lx1", False),
        (rsa.generate_private_key(65537, 1024), "hcert", False),  # noqa: S505 - as weak as it may be
        (new_key(ec.SECP384R1()), "vds-nc", True),
        (new_key(ec.SECP384R1()), "hcert", False),
    ],
    ids=["ed25519-lx1", "ed25519-hcert", "rsa-hcert", "rsa-lx1", "weak", "p384-vds-nc", "p384-hcert"],
)
def test_which_key_signs_what(key: ec.EllipticCurvePrivateKey, of: Format, good: bool) -> None:  # noqa: FBT001
    der = certificate(key)
    if good:
        assert certificates(der, Scope(format=of)).entries[0].format == of
    else:
        with pytest.raises(TrustImportError, match="sign"):
            certificates(der, Scope(format=of))


def test_a_private_key_is_refused_loudly(home: TrustHome, tmp_path: Path) -> None:
    private = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    refused(run(home, "add-key", written(tmp_path, "a.pem", pem(DER) + private)), 65, "a PRIVATE key is in it")
    for name, data in (
        ("set.json", jwk_set(jwk(KEY), jwk(OTHER, d="x"))),
        ("did.json", did_document(KEY).replace(b'"kty"', b'"d": "x", "kty"')),
    ):
        refused(run(home, "add-key", written(tmp_path, name, data), "--issuer", DID), 65, "a PRIVATE key is in it")
    assert read_draft(home) == []


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"{}", "neither certificate"),
        (b'{"keys": [', "no JSON"),
        (b'{"keys": [], "keys": []}', "'keys' stands twice"),
        (b'{"keys": NaN}', "no JSON"),
        (b'{"keys": {}}', "no JWK set"),
        (b'{"keys": [1]}', "no JWK set"),
        (b'{"keys": [{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}", "recursion"),
        (b'{"id": 1, "verificationMethod": []}', "no DID document"),
        (b'{"verificationMethod": [{}]}', "no DID document"),
        (b'{"keys": "\xff"}', "JWK set|JSON"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "PEM without usable"),
        (b"-----BEGIN NOTHING", "PEM without usable"),
        (b"", "no certificate"),
        (b"\x30\x84\xff\xff\xff\xff", "no certificate"),
    ],
    ids=["{}", "cut", "twice", "nan", "object", "int", "deep", "id", "method", "utf8", "pem", "begin", "none", "der"],
)
def test_hostile_files_are_told(data: bytes, told: str) -> None:
    with pytest.raises(TrustImportError, match=told):
        _signers(data, CARDS)


def test_a_format_that_needs_more_is_told(home: TrustHome, tmp_path: Path) -> None:
    file = written(tmp_path, "a.der", DER)
    refused(run(home, "add-key", file, "--format", "lx1"), 65, "a signer of lx1 needs kinds")
    results(run(home, "add-key", file, "--format", "lx1", "--kind", "vehicle"))
    card = written(tmp_path, "set.json", jwk_set(jwk(KEY)))
    refused(run(home, "add-key", card, "--issuer", ISSUER, "--format", "hcert"), 65, "needs a certificate")


def test_huge_files_and_too_many_are_refused(home: TrustHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signer_files, "FILE_MAX_BYTES", 10)
    file = written(tmp_path, "a.der", DER)
    refused(run(home, "add-key", file), 66, "larger than 10 bytes")
    monkeypatch.setattr(importing, "FILES_MAX", 1)
    refused(run(home, "add-key", file, file), 65, "over 1 files")
    os.mkfifo(tmp_path / "pipe.der")
    monkeypatch.undo()
    refused(run(home, "add-key", tmp_path / "pipe.der"), 66, "is no file")


READERS = {
    "certificates": lambda data: certificates(data, Scope()),
    "list": lambda data: read_list(data, signed_list(KEY)[1], Scope()),
    "set": lambda data: read_set(data, CARDS),
    "did": lambda data: read_did(data, Scope()),
    "any": lambda data: _signers(data, CARDS),
}


@pytest.mark.parametrize("reader", READERS)
@given(
    data=st.binary(max_size=100)
    | st.builds(lambda at, byte: DER[:at] + byte + DER[at + 1 :], st.integers(0, 400), st.binary(max_size=2))
)
def test_any_bytes_are_signers_or_told(reader: str, data: bytes) -> None:
    with contextlib.suppress(TrustImportError):
        assert isinstance(READERS[reader](data), Found)

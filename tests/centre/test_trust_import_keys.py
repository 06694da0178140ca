"""Signers from JWK sets and DID documents: whose, with which name, never a wrong or a private key."""

import base64
import json
from pathlib import Path

import pytest

from centre.trust.did_sources import did_document as read_did
from centre.trust.home import TrustHome
from centre.trust.importing import TrustImportError
from centre.trust.jwk_sources import jwk_set as read_set
from centre.trust.signer_draft import read_draft
from centre.trust.signer_entries import Scope
from centre.trust.signer_files import _signers
from tests.centre.trust_import_site import (
    DID,
    ISSUER,
    base64url,
    certificate,
    did_document,
    jwk,
    jwk_set,
    new_key,
    refused,
    results,
    run,
    trust_home,
    written,
)
from tests.vectors import vectors

CARDS = Scope(issuers=(ISSUER,))
KEY, OTHER = new_key(), new_key()
DER = certificate(KEY)


@pytest.fixture
def home(tmp_path: Path) -> TrustHome:
    return trust_home(tmp_path)


def test_an_issuers_set(home: TrustHome, tmp_path: Path) -> None:
    chain = {"x5c": [base64.b64encode(DER).decode()]}
    data = jwk_set(jwk(KEY), jwk(OTHER), jwk(KEY, **chain), {"kty": "RSA", "n": "AQAB", "e": "AQAB"})
    file = written(tmp_path, "jwks.json", data)
    refused(run(home, "add-key", file), 65, "give one --issuer")
    *_, counts = results(run(home, "add-key", file, "--issuer", ISSUER))
    assert (counts["added"], counts["left_out"]) == (2, 1)
    draft = read_draft(home)
    assert [base64url(one.kid) for one in draft] == [jwk(KEY)["kid"], jwk(OTHER)["kid"]]
    assert {(one.format, one.issuers) for one in draft} == {("shc", (ISSUER,))}
    written(tmp_path, "jwks.json", jwk_set(jwk(OTHER)))
    assert results(run(home, "add-key", file, "--issuer", ISSUER))[-1]["removed"] == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kid": "x"}, "not the RFC 7638 thumbprint"),
        ({"crv": "P-384"}, "no EC key on P-256"),
        ({"use": "enc"}, "use or alg"),
        ({"alg": "ES384"}, "use or alg"),
        ({"x": "AA"}, "not 32 bytes in base64url"),
        ({"x": jwk(KEY)["x"] + "="}, "not 32 bytes in base64url"),
        ({"x": 1}, "not 32 bytes in base64url"),
        ({"y": jwk(OTHER)["y"]}, "no point on P-256"),
        ({"x5c": []}, "no chain"),
        ({"x5c": ["?"]}, "cannot be read"),
        ({"x5c": [base64.b64encode(certificate(OTHER)).decode()]}, "of another key"),
    ],
    ids=["kid", "crv", "use", "alg", "short", "padded", "number", "off-curve", "no-chain", "broken-chain", "chain"],
)
def test_a_key_of_a_set_that_is_wrong_is_left_out(change: dict[str, object], told: str) -> None:
    found = read_set(jwk_set(jwk(OTHER), jwk(KEY) | change), CARDS)
    assert len(found.entries) == 1
    (why,) = found.left_out
    assert why.startswith("key 2: ")
    assert told in why


def test_the_thumbprint_is_that_of_rfc_7638_only_in_its_one_form() -> None:
    x = jwk(KEY)["x"]
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = x[:-1] + last[last.index(x[-1]) ^ 1]  # its unused last bit set: the same bytes, another thumbprint
    assert "base64url" in read_set(jwk_set(jwk(KEY, x=other)), CARDS).left_out[0]


def test_the_nz_document(home: TrustHome) -> None:
    file = vectors("nzcp/valid/did.json")
    (counts,) = results(run(home, "add-key", file))
    assert counts["added"] == 1
    (one,) = read_draft(home)
    did = "did:web:nzcp.covid19.health.nz"
    assert (one.kid, one.format, one.issuers) == (b"key-1", "nzcp", (did,))
    assert one.jwk is not None
    assert one.jwk.x == json.loads(vectors("nzcp/valid/jwk.json").read_text())["x"]
    refused(run(home, "add-key", file, "--issuer", DID), 65, f"it is {did}'s")


def test_only_keys_that_may_make_assertions_sign(home: TrustHome) -> None:
    found = read_did(did_document(KEY, OTHER, assertionMethod=["#key-2"]), Scope())
    assert [one.kid for one in found.entries] == [b"key-2"]
    assert "may not sign passes" in found.left_out[0]
    within = json.loads(did_document(KEY))["verificationMethod"]
    found = read_did(did_document(OTHER, verificationMethod=[], assertionMethod=within), Scope())
    assert [one.kid for one in found.entries] == [b"key-1"]
    assert home.draft.is_dir()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"controller": "did:web:other"}, "another's key"),
        ({"id": "did:web:other#key-1"}, "another's key"),
        ({"id": f"{DID}#" + "k" * 33}, "no key identifier"),
        ({"type": "Ed25519VerificationKey2018"}, "no JsonWebKey2020"),
        ({"publicKeyJwk": None}, "no JsonWebKey2020"),
        ({"publicKeyJwk": {"kty": "OKP"}}, "no EC key"),
    ],
    ids=["controller", "owner", "long", "type", "none", "okp"],
)
def test_a_method_that_is_wrong_is_left_out(change: dict[str, object], told: str) -> None:
    (method,) = json.loads(did_document(KEY))["verificationMethod"]
    method |= change
    found = read_did(did_document(verificationMethod=[method], assertionMethod=[method["id"]]), Scope())
    assert found.entries == ()
    assert told in found.left_out[0]


def test_another_did_method_is_refused() -> None:
    with pytest.raises(TrustImportError, match="only did:web"):
        read_did(did_document(KEY, id="did:key:x"), Scope())


def test_too_many_keys_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, data in (("jwk", jwk_set(jwk(KEY), jwk(OTHER))), ("did", did_document(KEY, OTHER))):
        monkeypatch.setattr(f"centre.trust.{module}_sources.KEYS_MAX", 1)
        with pytest.raises(TrustImportError, match="over 1 keys"):
            _signers(data, CARDS if module == "jwk" else Scope())

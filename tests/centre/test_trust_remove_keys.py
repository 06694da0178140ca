"""Signers taken out of the draft, and drafts that cannot be worked on."""

import base64
from pathlib import Path

import pytest

from centre.trust.home import TrustHome
from centre.trust.signer_draft import read_draft
from centre.trust.signer_entries import Scope
from centre.trust.signer_sources import certificates
from tests.centre.trust_import_site import (
    DID,
    base64url,
    certificate,
    did_document,
    listed,
    new_key,
    refused,
    results,
    run,
    signed_list,
    trust_home,
)
from tests.centre.trust_revocation_site import written

KEY, OTHER = new_key(), new_key()
DER = certificate(KEY)


@pytest.fixture
def home(tmp_path: Path) -> TrustHome:
    return trust_home(tmp_path)


def test_keys_are_removed_by_kid_in_every_form(home: TrustHome, tmp_path: Path) -> None:
    kid = certificates(DER, Scope()).entries[0].kid
    file = written(tmp_path, "a.der", DER)
    for text in (kid.hex(), base64.b64encode(kid).decode(), base64url(kid)):  # after --: it may begin with a dash
        results(run(home, "add-key", file))
        (told,) = results(run(home, "remove-key", "--", text))
        assert (told["change"], told["kid"], told["name"]) == ("removed", kid.hex(), "CN=DSC 1")
        assert read_draft(home) == []
    refused(run(home, "remove-key", kid.hex()), 69, "no such signer")


def test_a_kid_of_several_issuers_is_removed_for_one(home: TrustHome, tmp_path: Path) -> None:
    other = did_document(OTHER).replace(DID.encode(), b"did:web:other")
    for name, data in (("a.json", did_document(KEY)), ("b.json", other)):
        results(run(home, "add-key", written(tmp_path, name, data)))
    results(run(home, "remove-key", "key-1", "--issuer", DID))
    assert [one.issuers for one in read_draft(home)] == [("did:web:other",)]


def test_without_a_repository_nothing_is_done(tmp_path: Path) -> None:
    nowhere = TrustHome(tmp_path / "nowhere")
    file = written(tmp_path, "a.der", DER)
    for line in (("add-key", file), ("remove-key", "00"), ("revoke", file)):
        refused(run(nowhere, *line), 78, "run greengate-centre trust init")


def test_a_draft_that_rotted_is_told(home: TrustHome, tmp_path: Path) -> None:
    (home.draft / "signers.json").write_text("{}")
    refused(run(home, "add-key", written(tmp_path, "a.der", DER)), 78, "bring back a copy")


def test_two_at_once_are_told(home: TrustHome, tmp_path: Path) -> None:
    file = written(tmp_path, "a.der", DER)
    with home.alone():
        refused(run(home, "add-key", file), 75, "try again")


def test_a_removed_key_that_a_list_brings_back_is_named(home: TrustHome, tmp_path: Path) -> None:
    data, public = signed_list(new_key(), listed(DER), listed(certificate()))
    line = ("add-key", "--list", written(tmp_path, "l.json", data), "--list-key", written(tmp_path, "l.pem", public))
    assert len(results(run(home, *line))) == 1
    kid = certificates(DER, Scope()).entries[0].kid.hex()
    results(run(home, "remove-key", kid))
    named, counts = results(run(home, *line))
    assert (named["change"], named["kid"], counts["added"]) == ("added", kid, 1)

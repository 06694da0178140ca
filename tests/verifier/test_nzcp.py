"""NZ COVID Passes: the published ones, those of an issuer of ours, and every faulty one."""

import json
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.ecdsa import with_other_s
from tests.simulators.nzcp import NzcpIssuer, bytes_of, credential, subject, text_of
from tests.vectors import vectors
from verifier import Accepted, Refused, Revocations, TrustList, Undecided, Verifier
from verifier.documents import nzcp
from verifier.documents.document import Document, Holder
from verifier.layers import Layer, Outcome
from verifier.reasons import Reason, RefusedError
from verifier.revocation import PlainSet, uci_hash
from verifier.signers import Jwk, SignerEntry

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
PUBLISHED_AT = datetime(2022, 1, 1, tzinfo=UTC)
DID = "did:web:nzcp.covid19.health.nz"
ISSUER = NzcpIssuer(AT)
VARIANTS = list(ISSUER.variants())


def judging(*issuers: NzcpIssuer, sets: tuple[PlainSet, ...] = ()) -> Verifier:
    return Verifier(TrustList(issuer.trust_entry().signer() for issuer in issuers), Revocations(sets))


VERIFIER = judging(ISSUER)


def published(name: str) -> str:
    return (vectors("nzcp") / name).read_text(encoding="utf-8").strip()


def published_key(**changes: Any) -> Verifier:  # noqa: ANN401 - fields of any sort
    jwk = Jwk(**json.loads(published("valid/jwk.json")))
    fields = {"kid": b"key-1", "format": "nzcp", "jwk": jwk, "issuers": (DID,), "country": "NZ"}
    return Verifier(TrustList([SignerEntry(**(fields | changes)).signer()]), Revocations())


def test_the_published_pass() -> None:
    verdict = published_key().verify(published("valid/nzcp.txt"), PUBLISHED_AT)
    assert isinstance(verdict, Accepted)
    document: Document = verdict.document
    assert (document.format, document.kinds, document.country) == ("nzcp", ("vaccination",), "NZ")
    assert document.holder == Holder(family="Sparrow", given="Jack", birth_date="1960-04-16")
    entry = {"tg": "840539006", "co": "NZ", "is": DID, "ci": "urn:uuid:60a4f54d-4e30-4332-be33-ad78b1eafa4b"}
    assert document.payload == {
        "ver": "nzcp",
        "nam": {"fn": "Sparrow", "gn": "Jack"},
        "dob": "1960-04-16",
        "v": [entry],
    }


def test_what_is_no_pass_at_all() -> None:
    with pytest.raises(RefusedError, match="begin"):
        nzcp.unprefixed("HC1:")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("invalid/nzcp-expired-payload.txt", Reason.EXPIRED), ("invalid/nzcp-modified-sig.txt", Reason.BAD_SIGNATURE)],
)
def test_the_published_passes_that_are_not_valid(name: str, reason: Reason) -> None:
    assert published_key().verify(published(name), PUBLISHED_AT).reason == reason


def test_the_published_pass_in_other_hands() -> None:
    """The specification's other examples: a key that is another, one that is not there, one of another issuer."""
    text = published("valid/nzcp.txt")
    assert judging(ISSUER).verify(text, PUBLISHED_AT).reason == Reason.BAD_SIGNATURE
    assert published_key(kid=b"key-2").verify(text, PUBLISHED_AT).reason == Reason.UNKNOWN_ISSUER
    assert published_key(issuers=("did:web:example.nz",)).verify(text, PUBLISHED_AT).reason == Reason.OUTSIDE_SCOPE
    assert published_key(areas=("AU",)).verify(text, PUBLISHED_AT).reason == Reason.OUTSIDE_SCOPE
    assert published_key(kinds=("test",)).verify(text, PUBLISHED_AT).reason == Reason.WRONG_KEY_USAGE
    assert published_key().verify(text, datetime(2021, 1, 1, tzinfo=UTC)).reason == Reason.NOT_YET_VALID


@pytest.mark.parametrize(("name", "text", "reason"), VARIANTS, ids=[name for name, _, _ in VARIANTS])
def test_faulty_passes_get_their_reason(name: str, text: str, reason: str) -> None:
    verdict = VERIFIER.verify(text, AT)
    assert isinstance(verdict, Refused | Undecided), name
    assert verdict.reason == reason
    assert VERIFIER.examine(text, AT).verdict == verdict
    assert not {"Jack", "Sparrow", "1960-04-16"} & set(verdict.detail.split())


def test_the_names_of_faulty_passes_are_all_different() -> None:
    assert len(ISSUER.faulty()) == len(VARIANTS)


def test_every_layer_of_a_good_pass_is_told() -> None:
    told = VERIFIER.examine(ISSUER.issue(), AT)
    assert list(told.layers)[:4] == [Layer.UNPREFIX, Layer.BASE32, Layer.COSE, Layer.CWT]
    assert set(told.layers.values()) == {Outcome.OK}


def test_a_holder_of_one_name() -> None:
    verdict = VERIFIER.verify(ISSUER.issue(vc=credential(credentialSubject=subject(familyName=None))), AT)
    assert isinstance(verdict, Accepted)
    assert verdict.document.holder == Holder(given="Jack", birth_date="1960-04-16")


def test_a_revoked_pass() -> None:
    named = uci_hash("urn:uuid:60a4f54d-4e30-4332-be33-ad78b1eafa4b")
    for kid, revoked in ((b"", True), (b"key-1", True), (b"key-2", False)):
        sets = (PlainSet("uci", kid, frozenset({named})),)
        assert (judging(ISSUER, sets=sets).verify(ISSUER.issue(), AT).reason == Reason.REVOKED) is revoked


def test_two_issuers_call_their_keys_alike() -> None:
    other = NzcpIssuer(AT, "did:web:other.example")
    both = judging(ISSUER, other)
    assert isinstance(both.verify(ISSUER.issue(), AT), Accepted)
    assert isinstance(both.verify(other.issue(), AT), Accepted)
    assert both.verify(other.issue(iss=ISSUER.did), AT).reason == Reason.OUTSIDE_SCOPE


def test_the_other_signature_that_verifies_is_the_same_pass() -> None:
    text = ISSUER.issue()
    protected, unprotected, payload, signature = cbor2.loads(bytes_of(text)).value
    other = text_of(cbor2.dumps([protected, unprotected, payload, with_other_s(signature)]))
    one, same = VERIFIER.verify(text, AT), VERIFIER.verify(other, AT)
    assert isinstance(same, Accepted)
    assert same.identity == one.identity


@given(st.text(max_size=60) | st.text(alphabet="ABCDEF234567/", max_size=60))
def test_any_text_gets_a_verdict(text: str) -> None:
    for prefix in ("NZCP:/", "NZCP:/1/"):
        assert isinstance(VERIFIER.verify(prefix + text, AT), Refused | Undecided)


cbor_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(-3, 10) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(cbor_values, st.sampled_from(["claims", "vc", "credentialSubject", "@context", "type", "version", "dob", "cti"]))
def test_any_signed_claims_get_a_verdict(value: Any, place: str) -> None:  # noqa: ANN401 - CBOR holds anything
    claims = ISSUER.claims()
    held: Any = claims["vc"]
    changed = {
        "claims": value,
        "vc": claims | {"vc": value},
        "cti": claims | {7: value},
        "dob": claims | {"vc": held | {"credentialSubject": held["credentialSubject"] | {"dob": value}}},
    }
    text = ISSUER.text(cbor2.dumps(changed.get(place, claims | {"vc": held | {place: value}})))
    assert isinstance(VERIFIER.verify(text, AT), Accepted | Refused | Undecided)

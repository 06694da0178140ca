"""ICAO VDS-NC seals as their issuers make them, every faulty one, and whose certificates count."""

import json
import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.ecdsa import base64url, with_other_s
from tests.simulators.vds_nc import AuthorityKey, SealKind, VdsNcIssuer, document_types
from tests.simulators.vds_nc_faulty import FaultyVdsNcIssuer
from verifier import Accepted, Refused, Revocations, Signer, TrustList, Undecided, Verifier
from verifier import base64url as strict_base64url
from verifier.documents.document import Document, Holder
from verifier.layers import Layer, Outcome
from verifier.reasons import Reason
from verifier.revocation import PlainSet, country_uci_hash, uci_hash

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ISSUER = FaultyVdsNcIssuer(AT)
VARIANTS = list(ISSUER.variants())


def judging(*signers: Signer, sets: tuple[PlainSet, ...] = ()) -> Verifier:
    return Verifier(TrustList(signers), Revocations(sets))


VERIFIER = judging(ISSUER.trust_entry().signer())


def test_a_vaccination() -> None:
    verdict = VERIFIER.verify(ISSUER.issue(), AT)
    assert isinstance(verdict, Accepted)
    document: Document = verdict.document
    assert (document.format, document.kinds, document.country) == ("vds-nc", ("vaccination",), "AU")
    assert document.holder == Holder("CITIZEN", "JANE SUE", birth_date="1961-05-15", document_digits="941262")
    codes = {"vp": "29061000087103", "mp": "EU/1/21/1529", "ma": "ORG-100001699"}
    entry = {"tg": "840539006", "ci": "VB0009990012", "dn": 2, "dt": "2026-05-12", "co": "AU"}
    assert document.payload == {
        "ver": "vds-nc",
        "nam": {"fn": "CITIZEN", "gn": "JANE SUE"},
        "dob": "1961-05-15",
        "v": [entry | codes],
    }
    assert (verdict.claims.issued_s, verdict.claims.expires_s) == (None, None)


def test_a_test() -> None:
    verdict = VERIFIER.verify(ISSUER.issue("test"), AT)
    assert isinstance(verdict, Accepted)
    entry = {"tg": "840539006", "ci": "U01932", "tt": "LP6464-4", "tr": "260415000", "tc": "General Hospital"}
    assert verdict.document.payload["t"] == [entry | {"co": "AU", "sc": "2026-06-01T06:00:00+00:00"}]
    assert verdict.document.kinds == ("test",)


@pytest.mark.parametrize(("name", "text", "reason"), VARIANTS, ids=[name for name, _, _ in VARIANTS])
def test_faulty_seals_get_their_reason(name: str, text: str, reason: str) -> None:
    verdict = VERIFIER.verify(text, AT)
    assert isinstance(verdict, Refused | Undecided), name
    assert verdict.reason == reason
    assert VERIFIER.examine(text, AT).verdict == verdict
    assert not {"CITIZEN", "JANE", "1961-05-15", "PA0941262"} & set(verdict.detail.split())


def test_the_names_of_faulty_seals_are_all_different() -> None:
    assert len(ISSUER.faulty()) == len(VARIANTS)


def test_every_layer_of_a_good_seal_is_told() -> None:
    told = VERIFIER.examine(ISSUER.issue(), AT)
    assert list(told.layers)[:2] == [Layer.JSON, Layer.PAYLOAD]
    assert set(told.layers.values()) == {Outcome.OK}


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
@pytest.mark.parametrize("authority", ["P-256", "P-521", "RSA", "RSA-PSS"])
def test_every_algorithm_under_every_authority(alg: str, authority: AuthorityKey) -> None:
    issuer = VdsNcIssuer(AT, alg, authority=authority)
    assert isinstance(judging(issuer.trust_entry().signer()).verify(issuer.issue(), AT), Accepted)
    if authority.startswith("RSA"):
        same_name = VdsNcIssuer(AT, authority=authority)
        assert judging(issuer.trust_entry().signer()).verify(same_name.issue(), AT).reason == Reason.UNKNOWN_ISSUER


def test_an_authority_with_a_weak_key_vouches_for_nobody() -> None:
    issuer = VdsNcIssuer(AT, authority="RSA", rsa_bits=1024)
    assert judging(issuer.trust_entry().signer()).verify(issuer.issue(), AT).reason == Reason.UNKNOWN_ISSUER


def test_an_authority_with_another_kind_of_key_vouches_for_nobody() -> None:
    issuer, other = VdsNcIssuer(AT), VdsNcIssuer(AT, authority="RSA")
    assert judging(other.trust_entry().signer()).verify(issuer.issue(), AT).reason == Reason.UNKNOWN_ISSUER
    assert judging(issuer.trust_entry().signer()).verify(other.issue(), AT).reason == Reason.UNKNOWN_ISSUER


class OddlyNamedIssuer(VdsNcIssuer):
    """Its signer's own name has a country of other than two letters, of which reading it warns."""

    def _named(self, name: str) -> x509.Name:
        country = self.country if "Authority" in name else "AUSTRALIA"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, country, _validate=False)])


def test_a_signer_counts_whatever_its_own_name_is() -> None:
    issuer = OddlyNamedIssuer(AT)
    assert isinstance(judging(issuer.trust_entry().signer()).verify(issuer.issue(), AT), Accepted)


def test_an_authority_of_no_country_vouches_for_nobody_unless_its_entry_says_for_whom() -> None:
    stateless = replace(ISSUER.trust_entry().signer(), country="")
    assert judging(stateless).verify(ISSUER.issue(), AT).reason == Reason.UNKNOWN_ISSUER
    for bound in (replace(stateless, areas=frozenset({"AU"})), replace(stateless, issuers=frozenset({"AUS"}))):
        assert isinstance(judging(bound).verify(ISSUER.issue(), AT), Accepted)


def test_an_authority_may_write_its_country_in_small_letters() -> None:
    entry = ISSUER.trust_entry(country="")
    small = replace(entry.signer(), country="au")
    assert isinstance(judging(small).verify(ISSUER.issue(), AT), Accepted)


def test_another_way_to_write_the_same_json_is_the_same_seal() -> None:
    text = ISSUER.issue()
    seal = json.loads(text)
    turned = {"sig": dict(reversed(seal["sig"].items())), "data": dict(reversed(seal["data"].items()))}
    padded = seal | {"sig": {name: value + "=" * (-len(value) % 4) for name, value in seal["sig"].items()}}
    padded["sig"]["alg"] = seal["sig"]["alg"]
    identity = VERIFIER.verify(text, AT).identity
    for other in (json.dumps(turned, indent=2), " " + text + "\n", json.dumps(padded), text.replace("2}", "2.0}")):
        same = VERIFIER.verify(other, AT)
        assert isinstance(same, Accepted)
        assert same.identity == identity


def test_the_other_signature_that_verifies_is_the_same_seal() -> None:
    text = ISSUER.issue()
    seal = json.loads(text)
    other_signature = with_other_s(strict_base64url.decode(seal["sig"]["sigvl"]))
    other = json.dumps(seal | {"sig": seal["sig"] | {"sigvl": base64url(other_signature)}})
    one, same = VERIFIER.verify(text, AT), VERIFIER.verify(other, AT)
    assert isinstance(same, Accepted)
    assert same.identity == one.identity


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kinds": ("test",)}, Reason.WRONG_KEY_USAGE),
        ({"issuers": ("NZL",)}, Reason.OUTSIDE_SCOPE),
        ({"issuers": ("AUS",)}, Reason.VALID),
        ({"areas": ("NZ",)}, Reason.OUTSIDE_SCOPE),
        ({"areas": ("NZ", "AU")}, Reason.VALID),
        ({"country": ""}, Reason.VALID),
        ({"country": "NZ"}, Reason.OUTSIDE_SCOPE),
        ({"not_after": AT - timedelta(days=1)}, Reason.SIGNER_NOT_VALID),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_authority_vouches_within_what_the_list_allows_it(changes: dict[str, Any], reason: Reason) -> None:
    signer = ISSUER.trust_entry(**changes).signer()
    assert judging(signer).verify(ISSUER.issue(), AT).reason == reason


def test_the_kinds_of_a_certificate_are_those_of_its_document_types() -> None:
    issuer = VdsNcIssuer(AT)
    for types, kinds in ((("NT", "NV"), {"vaccination", "test"}), (("NV",), {"vaccination"}), (("P<", "NT"), {"test"})):
        issuer.certificate = issuer.certified(issuer.key, "Signer", types=types)
        for kind in ("vaccination", "test"):
            verdict = judging(issuer.trust_entry().signer()).verify(issuer.issue(kind), AT)
            assert isinstance(verdict, Accepted) is (kind in kinds)


def test_extensions_that_an_end_entity_may_have() -> None:
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
         "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    held = x509.KeyUsage(digital_signature=True, **usage), document_types("NV")
    issuer = VdsNcIssuer(AT)
    issuer.certificate = issuer.certified(issuer.key, "Signer", ca=False, extensions=held)
    assert isinstance(judging(issuer.trust_entry().signer()).verify(issuer.issue(), AT), Accepted)


def test_authorities_of_one_name_are_told_apart_by_their_keys() -> None:
    older, newer = VdsNcIssuer(AT), VdsNcIssuer(AT)
    both = judging(older.trust_entry().signer(), newer.trust_entry().signer())
    assert isinstance(both.verify(older.issue(), AT), Accepted)
    assert isinstance(both.verify(newer.issue(), AT), Accepted)
    assert judging().verify(older.issue(), AT).reason == Reason.NO_TRUST_LIST


def test_a_seal_is_revoked_whosever_set_names_it() -> None:
    for kind, named in (
        ("uci", uci_hash("VB0009990012")),
        ("country-uci", country_uci_hash("AU", "VB0009990012")),
        ("country-uci", country_uci_hash("AUS", "VB0009990012")),
    ):
        sets = (PlainSet(kind, b"whoever", frozenset({named})),)
        verifier = judging(ISSUER.trust_entry().signer(), sets=sets)
        assert verifier.verify(ISSUER.issue(), AT).reason == Reason.REVOKED
        assert isinstance(verifier.verify(ISSUER.issue("test"), AT), Accepted)
        assert isinstance(verifier.verify(ISSUER.issue(uvci=None), AT), Accepted)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(json_values, st.sampled_from(["vaccination", "test"]), st.data())
def test_any_signed_data_gets_a_verdict(value: Any, kind: SealKind, data: st.DataObject) -> None:  # noqa: ANN401 - JSON holds anything
    """A value anywhere in the message, from all of it to a field of a dose."""
    signed: Any = {"data": ISSUER.data(kind)}
    held = signed
    while True:
        place = data.draw(st.sampled_from(list(held) if isinstance(held, dict) else range(len(held))))
        if not isinstance(held[place], dict | list) or data.draw(st.booleans()):
            break
        held = held[place]
    held[place] = value
    assert isinstance(VERIFIER.verify(ISSUER.text(signed["data"]), AT), Accepted | Refused | Undecided)


@given(json_values, st.sampled_from(["alg", "cer", "sigvl"]))
def test_any_seal_gets_a_verdict(value: Any, member: str) -> None:  # noqa: ANN401 - JSON holds anything
    assert isinstance(VERIFIER.verify(ISSUER.text(ISSUER.data(), **{member: value}), AT), Refused | Undecided)


@given(st.binary(max_size=80))
def test_any_certificate_gets_a_verdict(der: bytes) -> None:
    assert isinstance(VERIFIER.verify(ISSUER.text(ISSUER.data(), cer=base64url(der)), AT), Refused | Undecided)

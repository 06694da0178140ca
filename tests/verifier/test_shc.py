"""SMART Health Cards as their issuers make them, and every faulty one."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.ecdsa import base64url, with_other_s
from tests.simulators.nzcp import NzcpIssuer
from tests.simulators.shc import HEALTH_CARD, ShcIssuer, bundle, deflated, dose, jws_of, numeric, observation, patient
from tests.simulators.shc_faulty import FaultyShcIssuer
from verifier import Accepted, Examination, Refused, Revocations, TrustList, Undecided, Verifier
from verifier import base64url as strict_base64url
from verifier.documents import shc
from verifier.documents.document import Document, Holder
from verifier.layers import Layer, Outcome
from verifier.reasons import Reason, RefusedError
from verifier.revocation import PlainSet, shc_rid_hash

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ISSUER = FaultyShcIssuer(AT)
VARIANTS = list(ISSUER.variants())
DOSES = ISSUER.resources("vaccination")


def judging(*issuers: ShcIssuer | NzcpIssuer, sets: tuple[PlainSet, ...] = ()) -> Verifier:
    return Verifier(TrustList(issuer.trust_entry().signer() for issuer in issuers), Revocations(sets))


VERIFIER = judging(ISSUER)


def card_of(*resources: dict[str, Any], **credential: Any) -> str:  # noqa: ANN401 - any JSON
    subject = {"fhirVersion": "4.0.1", "fhirBundle": bundle(*resources)}
    return ISSUER.issue(vc={"type": [HEALTH_CARD], "credentialSubject": subject} | credential)


def payload_of(text: str) -> dict[str, Any]:
    verdict = VERIFIER.verify(text, AT)
    assert isinstance(verdict, Accepted), verdict.reason
    return dict(verdict.document.payload)


def test_what_is_no_card_at_all() -> None:
    with pytest.raises(RefusedError, match="begin"):
        shc.unprefixed("HC1:")


@given(st.text(alphabet=st.characters(min_codepoint=45, max_codepoint=127), min_size=1))
def test_pairs_of_digits_come_back(text: str) -> None:
    assert shc.characters(numeric(text)[5:]) == text


def test_a_vaccination() -> None:
    verdict = VERIFIER.verify(ISSUER.issue(), AT)
    assert isinstance(verdict, Accepted)
    document: Document = verdict.document
    assert (document.format, document.kinds, document.country) == ("shc", ("vaccination",), "")
    assert document.holder == Holder(family="Nguyễn", given="Văn An", birth_date="1990-02-03")
    entry = {"tg": "840539006", "is": ISSUER.url, "vp": "1119349007", "mp": "EU/1/20/1528", "ma": "ORG-100030215"}
    assert document.payload == {
        "ver": "shc",
        "nam": {"fn": "Nguyễn", "gn": "Văn An"},
        "dob": "1990-02-03",
        "v": [entry | {"dn": 2, "dt": "2026-05-12"}],
    }
    assert "Nguyễn" not in repr(document.payload and verdict.reason)


def test_a_test() -> None:
    sampled_at = (AT - timedelta(hours=6)).isoformat()
    entry = {"tg": "840539006", "is": ISSUER.url, "tt": "LP6464-4", "sc": sampled_at, "tr": "260415000"}
    assert payload_of(ISSUER.issue("test"))["t"] == [entry | {"tc": "ABC General Hospital"}]


@pytest.mark.parametrize(("name", "text", "reason"), VARIANTS, ids=[name for name, _, _ in VARIANTS])
def test_faulty_cards_get_their_reason(name: str, text: str, reason: str) -> None:
    verdict = VERIFIER.verify(text, AT)
    assert isinstance(verdict, Refused | Undecided), name
    assert verdict.reason == reason
    assert VERIFIER.examine(text, AT).verdict == verdict
    assert not {"Nguyễn", "1990", "issuer.example"} & set(verdict.detail.split())


def test_the_names_of_faulty_cards_are_all_different() -> None:
    assert len(ISSUER.faulty()) == len(VARIANTS)


def test_every_layer_of_a_good_card_is_told() -> None:
    told = VERIFIER.examine(ISSUER.issue(), AT)
    assert list(told.layers) == [
        Layer.UNPREFIX, Layer.NUMERIC, Layer.JSON, Layer.JWS, Layer.COMPRESSION, Layer.PAYLOAD, Layer.KEY,
        Layer.KEYUSAGE, Layer.SIGNATURE, Layer.TIME, Layer.REVOCATION,
    ]  # fmt: skip
    assert set(told.layers.values()) == {Outcome.OK}


def test_a_card_holds_from_nbf_to_exp() -> None:
    now_s = AT.timestamp()
    for claims in ({"nbf": now_s}, {"nbf": now_s, "exp": now_s}, {"nbf": int(now_s), "exp": now_s + 0.5}):
        assert isinstance(VERIFIER.verify(ISSUER.issue(**claims), AT), Accepted)


@pytest.mark.parametrize(
    ("doses", "entry"),
    [
        ([dose("2026-05-12", "207")], ("EU/1/20/1507", 1, "2026-05-12")),
        ([dose("2026-05-12", "207"), dose("2026-01-12")], ("EU/1/20/1507", 2, "2026-05-12")),
        ([*[dose("2026-01-12")] * 2, dose("2026-05-12T10:00:00+07:00")], ("EU/1/20/1528", 2, "2026-05-12")),
        ([dose("2026-01"), dose("2026-01-12")], ("EU/1/20/1528", 1, "2026-01-12")),
        ([dose("2025"), dose("2026-01-12")], ("EU/1/20/1528", 2, "2026-01-12")),
        ([dose("2026-01-12"), dose("2026-05-12", status="not-done")], ("EU/1/20/1528", 1, "2026-01-12")),
        ([dose("2026-01-12"), dose("2026-05-12", "140")], ("EU/1/20/1528", 1, "2026-01-12")),
        ([dose("2026-01-12", "510")], ("BBIBP-CorV", 1, "2026-01-12")),
        ([dose("2026-01-12", "213")], (None, 1, "2026-01-12")),
        ([*DOSES, observation("2026-05-31")], ("EU/1/20/1528", 2, "2026-05-12")),
    ],
    ids=["one", "the newest", "twice the same day", "a month of a day", "years", "not done", "influenza", "other list",
         "product not known", "a test beside"],
)  # fmt: skip
def test_the_newest_dose_and_how_many(doses: list[dict[str, Any]], entry: tuple[str | None, int, str]) -> None:
    (found,) = payload_of(card_of(patient(), *doses))["v"]
    assert (found.get("mp"), found["dn"], found["dt"]) == entry
    assert "sd" not in found


@pytest.mark.parametrize(
    ("found", "result"),
    [
        ("260415000", "260415000"),
        ("260385009", "260415000"),
        ("10828004", "260373001"),
        ("419984006", "419984006"),
        ("1", None),
    ],
)
def test_results_of_tests(found: str, result: str | None) -> None:
    tests = [observation("2026-05-31T08:00:00Z", "94558-4", found), observation("2026-05-30T08:00:00Z")]
    (entry,) = payload_of(card_of(patient(), *tests))["t"]
    assert (entry["tt"], entry["sc"], entry.get("tr")) == ("LP217198-3", "2026-05-31T08:00:00Z", result)


def test_results_that_contradict_each_other_are_none() -> None:
    both = {"coding": [{"system": "http://snomed.info/sct", "code": code} for code in ("260415000", "260373001")]}
    (entry,) = payload_of(card_of(patient(), observation("2026-05-31", valueCodeableConcept=both)))["t"]
    assert "tr" not in entry


@pytest.mark.parametrize(
    ("person", "named"),
    [
        ({"name": [{"family": " Anyperson ", "given": ["John", "B."]}, {"family": "Other"}]}, ("Anyperson", "John B.")),
        ({"name": [{"text": "Nguyễn Văn An"}]}, ("", "Nguyễn Văn An")),
        ({"name": [{"family": "Anyperson", "text": "John Anyperson"}]}, ("Anyperson", "")),
        ({"name": [{"given": "John"}]}, ("", "")),
        ({"name": "John"}, ("", "")),
        ({"name": [1, {"family": 2, "given": [3, "B."]}]}, ("", "B.")),
        ({}, ("", "")),
    ],
    ids=["usual", "one text", "text beside", "given no list", "name no list", "wrong types", "none"],
)
def test_holders(person: dict[str, Any], named: tuple[str, str]) -> None:
    verdict = VERIFIER.verify(card_of({"resourceType": "Patient"} | person, *DOSES), AT)
    assert verdict.document is not None
    assert verdict.document.holder == Holder(*named)
    assert "dob" not in verdict.document.payload


@pytest.mark.parametrize("born", ["1990", "1990-02", "1990-02-03", "03.02.1990"])
def test_birth_dates(born: str) -> None:
    assert payload_of(card_of(patient(birthDate=born), *DOSES)).get("dob") == (born if "." not in born else None)


def test_a_revoked_card() -> None:
    credential = ISSUER.claims()["vc"]
    sets = tuple(PlainSet("shc-rid", kid, frozenset({shc_rid_hash("0Ab-_9")})) for kid in (ISSUER.kid, b"others"))
    for rid, revoked in (("0Ab-_9", True), ("0Ab-_8", False), ("0Ab-_9+", False), (9, False), (None, False)):
        text = ISSUER.issue(vc=credential | {"rid": rid})
        assert (judging(ISSUER, sets=sets[:1]).verify(text, AT).reason == Reason.REVOKED) is revoked
        assert isinstance(judging(ISSUER, sets=sets[1:]).verify(text, AT), Accepted), "another signer's set"


def test_the_other_signature_that_verifies_is_the_same_card() -> None:
    text = ISSUER.issue()
    signing_input, _, signature = jws_of(text).rpartition(".")
    other = numeric(f"{signing_input}.{base64url(with_other_s(strict_base64url.decode(signature)))}")
    one, same = VERIFIER.verify(text, AT), VERIFIER.verify(other, AT)
    assert isinstance(same, Accepted)
    assert same.identity == one.identity


def test_a_key_of_another_format_with_the_same_kid_signs_no_cards() -> None:
    forger = ShcIssuer(AT, ISSUER.url)
    other = NzcpIssuer(AT, kid=forger.kid)
    other.key = forger.key
    assert judging(ISSUER, other).verify(forger.issue(), AT).reason == Reason.UNKNOWN_ISSUER


def test_of_two_signers_of_one_kid_each_is_tried() -> None:
    twin = ShcIssuer(AT, "https://twin.example")
    twin.kid = ISSUER.kid
    assert isinstance(judging(ISSUER, twin).verify(twin.issue(), AT), Accepted)
    assert judging(ISSUER, twin).verify(twin.issue(iss=ISSUER.url), AT).reason == Reason.OUTSIDE_SCOPE


@given(st.text(max_size=60) | st.text(alphabet="0123456789/", max_size=60))
def test_any_digits_get_a_verdict(text: str) -> None:
    assert isinstance(VERIFIER.verify("shc:/" + text, AT), Refused | Undecided)


@given(st.text(max_size=60) | st.text(alphabet="eyJ0.{}_-", max_size=60))
def test_any_jws_gets_a_verdict(text: str) -> None:
    encoded = "shc:/" + "".join(f"{(ord(character) - 45) % 100:02}" for character in text)
    assert isinstance(VERIFIER.examine(encoded, AT), Examination)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(json_values, st.sampled_from(["claims", "vc", "credentialSubject", "fhirBundle", "entry"]))
def test_any_signed_claims_get_a_verdict(value: Any, place: str) -> None:  # noqa: ANN401 - JSON holds anything
    claims = ISSUER.claims()
    subject = claims["vc"]["credentialSubject"]
    holding = {
        "vc": claims,
        "credentialSubject": claims["vc"],
        "fhirBundle": subject,
        "entry": subject["fhirBundle"],
    }
    if place in holding:
        holding[place][place] = value
    text = numeric(ISSUER.jws(deflated(json.dumps(value if place == "claims" else claims).encode())))
    assert isinstance(VERIFIER.verify(text, AT), Accepted | Refused | Undecided)


@given(json_values, st.data())
def test_any_signed_resources_get_a_verdict(value: Any, data: st.DataObject) -> None:  # noqa: ANN401 - JSON holds anything
    resources = [patient(), data.draw(st.sampled_from([dose("2026-05-12"), observation("2026-05-31")])).copy()]
    changed = data.draw(st.sampled_from(resources))
    field = data.draw(st.sampled_from(list(changed)))
    nested = data.draw(
        st.sampled_from([value, [value], {"coding": value}, {"coding": [value]}, {"coding": [{"code": value}]}])
    )
    changed[field] = nested
    assert isinstance(VERIFIER.verify(card_of(*resources), AT), Accepted | Refused | Undecided)

"""Signed permits as their issuers make them, and what rules see of them."""

import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.lx1 import KIND_NAMES, PERMIT, Algorithm, KindName, Lx1Issuer, encoded, message_of, text_of
from verifier import Accepted, Refused, Revocations, TrustList, Verifier
from verifier.documents import lx1
from verifier.documents.document import Document, Holder
from verifier.documents.lx1_fields import HOURS_MAX
from verifier.documents.lx1_kinds import Declaration, LabTest, Travel, Vehicle
from verifier.reasons import Reason, RefusedError
from verifier.revocation import PlainSet, lx1_hash
from verifier.revocation_set import Kind

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ISSUER = Lx1Issuer(seed="tests")
HOLDER = Holder(family_standard="NGUYEN", given_standard="VAN<AN", birth_date="1990-02-03", document_digits="4567")
NAMED = {"ver": "lx1", "nam": {"fnt": "NGUYEN", "gnt": "VAN<AN"}, "dob": "1990-02-03"}


def permit_of(claims: dict[int, Any]) -> lx1.Permit:
    return lx1.parse(lx1.claims(encoded(claims)))


def permit(kind: KindName, **fields: Any) -> lx1.Permit:  # noqa: ANN401 - any CBOR
    return permit_of(ISSUER.claims(kind, AT, **fields))


def judging(issuer: Lx1Issuer, *sets: PlainSet, **entry: Any) -> Verifier:  # noqa: ANN401 - fields of any sort
    return Verifier(TrustList([issuer.entry(**entry).signer()]), Revocations(sets))


@pytest.mark.parametrize("kind", KIND_NAMES)
@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_a_permit_of_each_kind_is_accepted(algorithm: Algorithm, kind: KindName) -> None:
    issuer = Lx1Issuer(algorithm)
    verdict = judging(issuer).verify(issuer.issue(kind, AT), AT)
    assert isinstance(verdict, Accepted)
    document: Document = verdict.document
    assert (document.format, document.kinds, document.country) == ("lx1", (kind,), "VN")
    assert document.holder == (None if kind == "vehicle" else HOLDER)


def test_a_vehicle() -> None:
    found = permit("vehicle")
    assert found.entry == Vehicle(
        "51C12345", lx1_word("tractor"), "0301234567", ("QL1A", "QL51"), 2, lx1_word("essential"), ((1320, 300),)
    )
    fields = {"plate": "51C12345", "class": "tractor", "carrier": "0301234567", "route": ["QL1A", "QL51"], "crew": 2}
    more = {"goods": "essential", "hours": [[1320, 300]]}
    assert found.payload == {"ver": "lx1", "vehicle": [fields | more]}
    assert permit("vehicle", f14=None, f15=None).payload == {"ver": "lx1", "vehicle": [fields]}


def lx1_word(text: str) -> Any:  # noqa: ANN401 - a type of its own in the code
    return text


def test_a_person_on_the_way() -> None:
    found = permit("travel")
    assert found.entry == Travel(lx1_word("work"), "0312345678", ("VN-SG", "VN-43"), ((300, 1200),))
    fields = {"purpose": "work", "employer": "0312345678", "areas": ["VN-SG", "VN-43"], "hours": [[300, 1200]]}
    assert found.payload == NAMED | {"travel": [fields]}
    assert permit("travel", f15=None, f20=None, f22=None).payload == NAMED | {"travel": [{"purpose": "work"}]}


def test_a_declaration() -> None:
    found = permit("declaration")
    assert found.entry == Declaration(AT - timedelta(hours=2), lx1_word("none"), ("VN-SG",))
    fields = {"declared_at": "2026-06-01T10:00:00Z", "risk": "none"}
    assert found.payload == NAMED | {"declaration": [fields | {"areas": ["VN-SG"]}]}
    assert permit("declaration", f22=None).payload == NAMED | {"declaration": [fields]}


def test_a_test_is_as_in_a_health_certificate() -> None:
    found = permit("test")
    laboratory = "Viện Pasteur TP. Hồ Chí Minh"
    hours = timedelta(hours=1)
    word = lx1_word
    assert found.entry == LabTest(word("pcr"), AT - 30 * hours, word("not-detected"), laboratory, AT - 24 * hours)
    fields = {
        "tg": "840539006",
        "tt": "LP6464-4",
        "sc": "2026-05-31T06:00:00Z",
        "tr": "260415000",
        "tc": laboratory,
        "co": "VN",
        "is": "VN-SG",
    }
    assert found.payload == NAMED | {"t": [fields | {"dr": "2026-05-31T12:00:00Z"}]}
    assert permit("test", f42=None).payload == NAMED | {"t": [fields]}


@pytest.mark.parametrize(("number", "code"), [(1, "LP6464-4"), (2, "LP217198-3")])
def test_methods_of_tests(number: int, code: str) -> None:
    assert permit("test", f40=number).payload["t"][0]["tt"] == code


@pytest.mark.parametrize(("number", "code"), [(0, "260415000"), (1, "260373001"), (2, "419984006")])
def test_results_of_tests(number: int, code: str) -> None:
    assert permit("test", f43=number).payload["t"][0]["tr"] == code


@pytest.mark.parametrize(
    ("issuer", "country"),
    [
        ("VN-SG", "VN"),
        ("VN", "VN"),
        ("LA-VT", "LA"),
        ("VN-SG-26740", "VN"),
        ("VN-SG-760-26740", "VN"),
        ("Trung tâm Y tế", ""),
        ("BV-CHORAY", ""),  # a hospital; codes of ISO 3166-2 have three characters behind the hyphen at most
        ("VN-SG-1-2-3", ""),
        ("VNSG", ""),
        ("vn", ""),
    ],
)
def test_the_country_is_that_of_an_issuer_that_is_an_area(issuer: str, country: str) -> None:
    found = permit_of(ISSUER.claims("test", AT) | {1: issuer})
    assert found.country == country
    (entry,) = found.payload["t"]
    assert (entry.get("co", ""), entry["is"]) == (country, issuer)


@pytest.mark.parametrize("date", ["1990", "1990-12", "1992-02-29", "0001-01-01"])
def test_dates_of_birth_may_be_in_part(date: str) -> None:
    holder = permit("travel", f1={1: "N", 2: "A", 3: date}).holder
    assert holder is not None
    assert (holder.birth_date, holder.document_digits) == (date, "")


def test_some_people_have_one_name() -> None:
    found = permit("travel", f1={1: "TRAN", 3: "1987"})
    assert found.holder == Holder(family_standard="TRAN", birth_date="1987")
    assert found.payload["nam"] == {"fnt": "TRAN"}


@pytest.mark.parametrize(
    "spans",
    [[[0, 1440]], [[1439, 0]], [[1440, 1]], [[0, 1]] * HOURS_MAX],
    ids=["all day", "to midnight", "from midnight", "four"],
)
def test_hours_up_to_their_bounds(spans: list[list[int]]) -> None:
    entry = permit("vehicle", f15=spans).entry
    assert isinstance(entry, Vehicle)
    assert entry.hours == tuple((from_min, to_min) for from_min, to_min in spans)


# --- the envelope


@pytest.mark.parametrize("packed", [False, True])
def test_compressed_or_not_it_is_the_same_permit(packed: bool) -> None:  # noqa: FBT001 - a case of two
    message = ISSUER.message(encoded(ISSUER.claims("vehicle", AT)))
    verdicts = [judging(ISSUER).verify(text_of(message, packed=one), AT) for one in (packed, not packed)]
    assert isinstance(verdicts[0], Accepted)
    assert verdicts[0] == verdicts[1]


def test_the_largest_permit_keeps_the_bound_of_all_claims() -> None:
    holder = {1: "A" * 39, 2: "B" * 39, 3: "1990-02-03", 4: "123456"}
    areas = [f"ABCDEFGH-IJKLMNOP-QRSTUVWX-{number:08}" for number in range(16)]
    hours = [[1000 + minute, 1300] for minute in range(4)]
    claims = ISSUER.claims("travel", AT, f1=holder, f15=hours, f20="x" * 60, f22=areas) | {1: "x" * 120}
    claims |= dict.fromkeys((4, 5, 6), 253_402_300_799)
    payload = encoded(claims)
    assert len(payload) == 975 <= lx1.PAYLOAD_MAX_BYTES
    assert permit_of(claims).kinds == ("travel",)


@pytest.mark.parametrize(("area", "reason"), [("VN-SG", Reason.VALID), ("VN-HN", Reason.OUTSIDE_SCOPE)])
@pytest.mark.parametrize("kind", ["vehicle", "travel"])
def test_a_commune_is_an_area_and_no_organisation(kind: KindName, area: str, reason: Reason) -> None:
    commune = Lx1Issuer(issuer="VN-SG-26740")
    text = commune.issue(kind, AT, **({"f22": [f"{area}-1"]} if kind == "travel" else {}))
    assert judging(commune, issuers=(), areas=(area,)).verify(text, AT).reason is reason


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"areas": ("VN",)}, Reason.VALID),
        ({"areas": ("VN-SG",)}, Reason.VALID),
        ({"areas": ("VN-HN",)}, Reason.OUTSIDE_SCOPE),
        ({"issuers": ("VN-HN",)}, Reason.OUTSIDE_SCOPE),
        ({"kinds": ("test", "travel")}, Reason.WRONG_KEY_USAGE),
        ({"not_before": AT + timedelta(seconds=1)}, Reason.SIGNER_NOT_VALID),
    ],
    ids=["country", "area", "other area", "other name", "other kinds", "not yet a signer"],
)
def test_a_signer_s_entry_binds(entry: dict[str, Any], reason: Reason) -> None:
    assert judging(ISSUER, **entry).verify(ISSUER.issue("vehicle", AT), AT).reason is reason


@pytest.mark.parametrize(
    ("kind", "kid", "revoked"), [("lx1", b"", True), ("lx1", ISSUER.kid, True), ("lx1", b"other", False)]
)
def test_revocation_is_by_the_hash_of_the_identifier(kind: Kind, kid: bytes, revoked: bool) -> None:  # noqa: FBT001 - a case
    claims = ISSUER.claims("vehicle", AT)
    revoked_set = PlainSet(kind, kid, frozenset({lx1_hash(claims[7])}))
    verdict = judging(ISSUER, revoked_set).verify(ISSUER.text(claims), AT)
    assert isinstance(verdict, Refused if revoked else Accepted)
    assert verdict.reason is (Reason.REVOKED if revoked else Reason.VALID)


# --- any content


cbor_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats() | st.text(max_size=8) | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(-3, 45) | st.text(max_size=2), inner, max_size=4)
    ),
    max_leaves=10,
)


def reason_of(claims: Any) -> Reason:  # noqa: ANN401 - any CBOR
    try:
        permit_of(claims)
    except RefusedError as error:
        return error.reason
    return Reason.VALID


@given(cbor_values)
def test_any_signed_claims_give_a_permit_or_a_reason(value: object) -> None:
    good = ISSUER.claims("travel", AT)
    named = good[PERMIT] | {1: value, 15: value, 20: value}
    assert reason_of(value) is Reason.BAD_CWT
    for claims in (good | {PERMIT: value}, good | {PERMIT: named}):
        assert reason_of(claims) in {Reason.VALID, Reason.BAD_CWT, Reason.BAD_PAYLOAD}


@given(st.sampled_from(KIND_NAMES), st.integers(0, 45), cbor_values)
def test_any_field_of_any_content_is_read_or_refused(kind: KindName, number: int, value: object) -> None:
    good = ISSUER.claims(kind, AT)
    changed = good | {PERMIT: good[PERMIT] | {number: value}}
    assert reason_of(changed) in {Reason.VALID, Reason.BAD_CWT, Reason.BAD_PAYLOAD}


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    for run in (lx1.message, lx1.claims, lambda data: lx1.message(lx1.cose_bytes(data))):
        with pytest.raises(RefusedError):
            run(data)
    with pytest.raises(RefusedError):
        lx1.message(lx1.cose_bytes(zlib.compress(data)))


@given(st.integers(0), st.integers(0, 7), st.sampled_from(KIND_NAMES))
def test_a_flipped_bit_is_never_accepted(place: int, bit: int, kind: KindName) -> None:
    message = bytearray(message_of(ISSUER.issue(kind, AT)))
    message[place % len(message)] ^= 1 << bit
    assert isinstance(judging(ISSUER).verify(text_of(bytes(message)), AT), Refused)


@pytest.mark.parametrize(
    "value", ["\nQZQZ", ["qzqz"], [["qzqz", 1]], {"qzqz": 1}], ids=["text", "array", "span", "map"]
)
@pytest.mark.parametrize("number", [10, 12, 13, 15, 16])
def test_what_is_wrong_is_told_without_what_stands_there(number: int, value: object) -> None:
    with pytest.raises(RefusedError) as refused:
        permit("vehicle", **{f"f{number}": value})
    assert "qzqz" not in str(refused.value).lower()
    assert f"({number})" in refused.value.detail

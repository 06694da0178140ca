"""One rule: what is read, what is refused and why, and what becomes of it on a kiosk."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.rule_files import AT, LANE, YES, Shown, contained, rule_body
from verifier.rule import ALL_KINDS, HEALTH, WORDS_MAX_CHARACTERS, RulesError, Words, parse_rule, rule_of, words_of
from verifier.rule_file import NATION, SITE, Scope
from verifier.rules import RuleSet

DAY = timedelta(days=1)


def test_a_rule() -> None:
    scope = Scope(("VN-SG",), ("venue",))
    rule = parse_rule(contained(rule_body(Version="2.10.3"), number=7, scope=scope))
    assert (rule.id, rule.role, rule.version, rule.number) == ("VR-VN-0001", NATION, (2, 10, 3), 7)
    assert (rule.type, rule.country, rule.region, rule.scope) == ("Acceptance", "VN", None, scope)
    assert rule.kinds == {"vaccination"}
    assert rule.words == Words("Theo VR-VN-0001", "As VR-VN-0001 has it")
    assert rule.test({}) is True
    assert rule.problem is None


@pytest.mark.parametrize(
    ("kind", "kinds"),
    [
        pytest.param("General", HEALTH, id="General"),
        *(
            pytest.param(name, {name.lower()}, id=name)
            for name in ("Test", "Recovery", "Vehicle", "Travel", "Declaration")
        ),
    ],
)
def test_the_type_of_certificate_says_which_documents(kind: str, kinds: frozenset[str]) -> None:
    assert parse_rule(contained(rule_body(CertificateType=kind))).kinds == kinds


def test_the_narrower_time_of_body_and_container_holds() -> None:
    wide = rule_body(ValidFrom="2021-01-01T07:00:00+07:00", ValidTo="2040-01-01T00:00:00Z")
    narrow = rule_body(ValidFrom="2026-06-01T00:00:00Z", ValidTo="2026-06-02T00:00:00Z")
    outer, inner = parse_rule(contained(wide)), parse_rule(contained(narrow))
    assert (outer.valid_from, outer.valid_to) == (AT - 9 * DAY, AT + 9 * DAY)
    assert (inner.valid_from, inner.valid_to) == (AT.replace(hour=0), AT.replace(hour=0) + DAY)
    assert parse_rule(contained(wide)._replace(valid_to=None)).valid_to == datetime(2040, 1, 1, tzinfo=UTC)
    assert [inner.in_force(AT.replace(hour=0) + n * DAY) for n in (-1, 0, 1, 2)] == [False, True, True, False]


def test_a_region_that_is_the_country_is_none() -> None:
    assert parse_rule(contained(rule_body(Region="VN"))).region is None
    assert parse_rule(contained(rule_body(Region=""))).region is None
    assert parse_rule(contained(rule_body(Region="VN-SG"))).region == "VN-SG"
    assert parse_rule(contained(rule_body(Region="SH", Country="DE"))).region == "DE-SH"
    assert parse_rule(contained(rule_body(Region=None))).region is None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"Identifier": "VR-VN-0001", "Engine": "JSONLOGIC"}, "the Engine 'JSONLOGIC' is not known; this is CERTLOGIC"),
    ({"EngineVersion": "3.0.0"}, "the EngineVersion 3.0.0 is newer than 2.x"),
    ({"EngineVersion": "1.3"}, "$.EngineVersion"),
    ({"SchemaVersion": "2.0.0"}, "the SchemaVersion 2.0.0 is not known; 1.x is"),
    ({"Version": "1"}, "$.Version"),
    ({"Version": "1.0.0-rc1"}, "$.Version"),
    ({"Version": "1.0.9999999"}, "$.Version"),
    ({"Country": "vn"}, "$.Country"),
    ({"Region": "sg"}, "$.Region"),
    ({"Type": "BoosterNotification"}, "$.Type"),
    ({"CertificateType": "Identity"}, "$.CertificateType"),
    ({"Description": []}, "$.Description"),
    ({"Description": [{"lang": "vi", "desc": "a" * 1001}]}, "$.Description"),
    ({"Description": [{"lang": "vi", "desc": "a"}] * 33}, "$.Description"),
    ({"Description": [{"lang": "vi"}]}, "$.Description"),
    ({"ValidFrom": "2021-06-01"}, "$.ValidFrom"),
    ({"ValidFrom": "2021-06-01T00:00:00"}, "$.ValidFrom"),
    ({"ValidTo": None}, "$.ValidTo"),
    ({"ValidTo": "2021-05-31T00:00:00Z"}, "ValidTo is before ValidFrom"),
    ({"AffectedFields": ["v.0"] * 257}, "$.AffectedFields"),
    ({"hash": "1be3603a"}, "hash"),
    ({"Logic": {"xor": [1, 2]}}, "Logic: "),
    ({"Logic": {"===": [1]}}, "Logic: "),
]


@pytest.mark.parametrize(("fields", "says"), WRONG, ids=range(len(WRONG)))
def test_a_rule_out_of_form_says_what_is_wrong(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(RulesError) as caught:
        parse_rule(contained(rule_body() | fields))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", sorted(rule_body()))
def test_nothing_may_be_missing(missing: str) -> None:
    body = {name: value for name, value in rule_body().items() if name != missing}
    with pytest.raises(RulesError, match=missing):
        parse_rule(contained(rule_body())._replace(body=body))


def test_the_identifier_is_the_containers() -> None:
    with pytest.raises(RulesError, match="the Identifier 'VR-VN-0001' is not the file's id 'OTHER'"):
        parse_rule(contained(rule_body())._replace(id="OTHER"))


def test_a_profile_is_no_rule() -> None:
    with pytest.raises(RulesError, match="a profile, not a rule"):
        parse_rule(contained(rule_body())._replace(kind="profile"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
FIELDS = st.dictionaries(st.sampled_from([*sorted(rule_body()), "Region", "hash"]), json_values)
BODIES = json_values | FIELDS.map(lambda changed: rule_body() | changed)


@given(BODIES)
def test_any_body_is_a_rule_or_a_rules_error_and_on_a_kiosk_always_a_rule(body: object) -> None:
    file = contained(rule_body())._replace(body=body)
    made = rule_of(file)
    assert (made.id, made.role) == (file.id, file.role)
    if made.problem is not None:
        with pytest.raises(RulesError):
            parse_rule(file)
        assert RuleSet([file], {}).judged(Shown(), LANE, AT).result in {"undecided", "none"}


@pytest.mark.parametrize(
    ("body", "country", "kinds", "type_", "version"),
    [
        (rule_body(Engine="X", Version="3.0.0"), "VN", {"vaccination"}, "Acceptance", (3, 0, 0)),
        (rule_body(Engine="X", Type="Invalidation"), "VN", {"vaccination"}, "Invalidation", (1, 0, 0)),
        (rule_body(Engine="X", Type="Advice"), "VN", {"vaccination"}, None, (1, 0, 0)),
        (rule_body(Country=None, CertificateType="Boat", Version="new"), None, ALL_KINDS, "Acceptance", None),
        ("no map", None, ALL_KINDS, None, None),
    ],
    ids=["engine", "invalidation", "type", "unreadable fields", "no map"],
)
def test_what_cannot_be_used_is_undecided_where_it_would_have_applied(
    body: Any,  # noqa: ANN401 - a body is any JSON
    country: str | None,
    kinds: frozenset[str],
    type_: str | None,
    version: tuple[int, int, int] | None,
) -> None:
    rule = rule_of(contained(rule_body())._replace(body=body))
    assert rule.problem is not None
    assert (rule.country, rule.kinds, rule.type, rule.words) == (country, kinds, type_, None)
    assert rule.version == version or (version is None and rule.version > (10**6,) * 3)
    assert (rule.valid_from, rule.valid_to) == (AT - 9 * DAY, AT + 9 * DAY)


@pytest.mark.parametrize(
    ("descriptions", "words"),
    [
        ([("vi", "một"), ("en", "one"), ("de", "eins")], Words("một", "one")),
        ([("en", "one")], None),
        ([("vi", "một")], None),
        ([("vi", " \u202e "), ("en", "one")], None),
        (
            [("vi", "mo\u0323\u0302t\u0301 \u202e hai\r\n\tba "), ("en", "o\x00ne")],
            Words("mộ\u0074\u0301 hai ba", "o ne"),
        ),
    ],
    ids=["both", "no Vietnamese", "no English", "nothing to see", "one line"],
)
def test_words_are_in_both_languages_or_none(descriptions: list[tuple[str, str]], words: Words | None) -> None:
    assert words_of(descriptions) == words


@given(st.text(), st.text())
def test_words_are_one_bounded_printable_line(vi: str, en: str) -> None:
    words = words_of([("vi", vi), ("en", en)])
    for text in words or ():
        assert text
        assert text.isprintable()
        assert len(text) <= WORDS_MAX_CHARACTERS


def test_long_words_are_cut() -> None:
    words = words_of([("vi", "a" * WORDS_MAX_CHARACTERS), ("en", "ab " * 300)])
    assert words is not None
    assert words.vi == "a" * WORDS_MAX_CHARACTERS
    assert words.en.endswith("ab…")


def test_a_sites_rule_is_read_like_any() -> None:
    assert parse_rule(contained(rule_body(Logic=YES), role=SITE)).role == SITE

"""Which rules apply to a document, and what they say together."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.verifier.rule_files import AT, LANE, NEITHER, NO, SAIGON, YES, Shown, contained, rule_body
from verifier.cose import Kid
from verifier.cwt import Claims
from verifier.rule import Words
from verifier.rule_file import NATION, SITE, Role, RuleFile, Scope
from verifier.rules import FUTURE_DATE, Place, RuleSet, RulesVerdict
from verifier.trust import Signer

DAY = timedelta(days=1)
SHOWN = Shown()
OWN = "future-date"


def applying(
    *files: RuleFile,
    shown: Shown = SHOWN,
    place: Place = LANE,
    at: Any = AT,  # noqa: ANN401 - a datetime, as given
) -> list[str]:
    return [rule.id for rule in RuleSet(files, {}).rules_for(shown, place, at)]


def judged(*files: RuleFile, shown: Shown = SHOWN, place: Place = LANE) -> RulesVerdict:
    return RuleSet(files, {}).judged(shown, place, AT)


def one(name: str = "A", role: Role = NATION, logic: object = YES, **fields: object) -> RuleFile:
    return contained(rule_body(name, Logic=logic, **fields), role)


@pytest.mark.parametrize(
    ("fields", "applies"),
    [
        ({}, True),
        ({"Country": "DE"}, False),
        ({"Type": "Invalidation", "Country": "DE"}, True),
        ({"Type": "Invalidation", "Country": "VN"}, False),
        ({"CertificateType": "General"}, True),
        ({"CertificateType": "Test"}, False),
        ({"Region": "VN"}, True),
        ({"Region": "VN-SG"}, True),
        ({"Region": "VN-HN"}, False),
        ({"Region": "SG"}, True),
        ({"Region": "HN"}, False),
        ({"Region": ""}, True),
        ({"Region": "VN-SG-26740"}, False),
        ({"ValidFrom": "2026-06-01T12:00:00Z"}, True),
        ({"ValidFrom": "2026-06-01T12:00:01Z"}, False),
        ({"ValidTo": "2026-06-01T12:00:00Z"}, True),
        ({"ValidTo": "2026-06-01T11:59:59Z"}, False),
    ],
    ids=str,
)
def test_rules_are_chosen_by_country_type_kind_region_and_date(fields: dict[str, object], applies: bool) -> None:  # noqa: FBT001 - a table's column
    assert applying(one(**fields)) == [OWN, *(["A"] if applies else [])]


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        (Scope(), True),
        (Scope(("VN",)), True),
        (Scope(("VN-HN", "VN-SG")), True),
        (Scope(("VN-HN",)), False),
        (Scope(("VN-SG-26740",)), False),
        (Scope((), ("staff", "venue")), True),
        (Scope((), ("staff",)), False),
        (Scope(("VN-HN",), ("venue",)), False),
    ],
    ids=str,
)
def test_rules_are_chosen_by_the_containers_scope(scope: Scope, applies: bool) -> None:  # noqa: FBT001 - a table's column
    assert applying(contained(rule_body("A"), scope=scope)) == [OWN, *(["A"] if applies else [])]


def test_a_lane_without_an_area_has_every_areas_rules() -> None:
    files = [contained(rule_body("A", Region="VN-HN"), scope=Scope(("VN-HN",))), contained(rule_body("B"))]
    assert applying(*files, place=LANE._replace(area="")) == [OWN, "A", "B"]
    assert applying(*files) == [OWN, "B"]


@pytest.mark.parametrize(
    ("kinds", "applies"),
    [
        (("vaccination",), [OWN, "G", "V"]),
        (("vaccination", "test"), [OWN, "G", "T", "V"]),
        (("vehicle",), [OWN, "L"]),
        (("identity",), []),
        (("boat",), []),
    ],
    ids=str,
)
def test_general_rules_are_about_health_documents(kinds: tuple[str, ...], applies: list[str]) -> None:
    rules = {"G": "General", "L": "Vehicle", "T": "Test", "V": "Vaccination"}
    files = [one(name, CertificateType=kind) for name, kind in rules.items()]
    assert applying(*files, shown=Shown(kinds=kinds)) == (applies or [OWN])


def test_a_document_of_no_known_country_has_no_invalidation_rules() -> None:
    files = [one("A"), one("I", Type="Invalidation", Country="DE")]
    assert applying(*files, shown=Shown(country="DE")) == [OWN, "A", "I"]
    assert applying(*files, shown=Shown(country="")) == [OWN, "A"]
    assert applying(*files, shown=Shown(country="FR")) == [OWN, "A"]


def newest_of(*files: RuleFile) -> list[tuple[Role, int]]:
    return [(rule.role, rule.number) for rule in RuleSet(files, {}).rules_for(SHOWN, LANE, AT)[1:]]


def version(body: str, number: int, role: Role = NATION, days: tuple[int, int] = (-9, 9)) -> RuleFile:
    return contained(rule_body(Version=body), role, number, days=days)


def test_the_newest_version_counts_the_bodys_before_the_containers() -> None:
    assert newest_of(version("1.9.0", 2), version("1.10.0", 1)) == [(NATION, 1)]
    assert newest_of(version("1.0.0", 2), version("1.0.0", 1)) == [(NATION, 2)]
    assert newest_of(version("1.0.0", 1), version("2.0.0", 2, days=(1, 2))) == [(NATION, 1)]
    assert newest_of(version("1.0.0", 1), version("2.0.0", 2, days=(-2, -1))) == [(NATION, 1)]


@pytest.mark.parametrize("logics", [(YES, NO), (NO, YES)], ids=["last", "first"])
def test_of_two_files_of_one_version_both_count(logics: tuple[object, object]) -> None:
    assert judged(*(one(logic=logic) for logic in logics)).result == "failed"


def test_no_role_displaces_anothers_rule() -> None:
    files = [version("9.0.0", 9, SITE), version("9.0.0", 9, SAIGON), version("1.0.0", 1), version("1.0.0", 1, SAIGON)]
    assert newest_of(*files) == [(NATION, 1), (SAIGON, 9), (SITE, 9)]


def test_a_newer_version_replaces_an_older_one_wherever_that_held() -> None:
    old, new = version("1.0.0", 1), contained(rule_body(Version="2.0.0", Country="DE"), number=2)
    assert newest_of(old, new) == []


def test_a_newer_version_that_cannot_be_used_is_undecided_not_the_older_one() -> None:
    found = judged(one(logic=YES), contained(rule_body("A", Engine="NEW", Version="2.0.0"), number=2))
    assert (found.result, found.ids) == ("undecided", ("A",))
    assert judged(one(logic=NO), contained(rule_body("A", Version=None), number=2)).result == "undecided"


def test_the_choice_changes_with_time_at_the_moment_that_a_rule_names() -> None:
    rules = RuleSet([version("1.0.0", 1), version("2.0.0", 2, days=(1, 2))], {})
    tick = timedelta(microseconds=1)

    def number(at: Any) -> int | None:  # noqa: ANN401 - a datetime
        chosen = rules.rules_for(SHOWN, LANE, at)[1:]
        return chosen[0].number if chosen else None

    moments = [DAY - tick, DAY, 2 * DAY, 2 * DAY + tick, 9 * DAY, 9 * DAY + tick, -9 * DAY, -9 * DAY - tick, DAY]
    assert [number(AT + moment) for moment in moments] == [1, 2, 2, 1, 1, None, 1, None, 2]


def test_a_rule_without_an_end_holds_to_the_end_of_the_calendar() -> None:
    endless = rule_body("A", Engine="NEW")
    rules = RuleSet([contained(endless)._replace(valid_to=None)], {})
    assert len(rules.rules_for(SHOWN, LANE, AT.replace(year=9999))) == 2


def test_profiles_among_the_files_are_left_out() -> None:
    assert RuleSet([one()._replace(kind="profile")], {}).rules == ()


@pytest.mark.parametrize(
    ("logics", "result", "ids"),
    [
        ([], "none", ()),
        ([YES], "passed", ()),
        ([YES, YES], "passed", ()),
        ([YES, NO], "failed", ("B",)),
        ([YES, NEITHER], "undecided", ("B",)),
        ([NO, NEITHER, NO], "failed", ("A", "C")),
        ([NEITHER, YES, {"+": [1, 1]}], "undecided", ("A", "C")),
        ([YES, {"plusTime": [{"var": "payload.ver"}, 1, "day"]}], "undecided", ("B",)),
        ([YES, {"after": [{"plusTime": [{"var": "payload.ver"}, 1, "day"]}, {"plusTime": ["2021-01-01", 1, "day"]}]}],
            "undecided", ("B",)),
    ],
    ids=range(9),
)  # fmt: skip
def test_the_worst_answer_holds(logics: list[object], result: str, ids: tuple[str, ...]) -> None:
    found = judged(
        *(one(name, logic=logic) for name, logic in zip("ABC", logics, strict=False)), shown=Shown({"ver": "x"})
    )
    assert (found.result, found.ids) == (result, ids)


def test_every_rules_answer_can_be_asked_for() -> None:
    files = [one("A"), one("B", logic=NO), one("C", logic=NEITHER), contained(rule_body("D", EngineVersion="9.0.0"))]
    outcomes = RuleSet(files, {}).outcomes(SHOWN, LANE, AT)
    assert [(found.rule.id, found.answer) for found in outcomes] == [
        (OWN, "passed"),
        ("A", "passed"),
        ("B", "failed"),
        ("C", "undecided"),
        ("D", "undecided"),
    ]
    assert [bool(found.detail) for found in outcomes] == [False, False, False, True, True]
    assert "neither true nor false" in outcomes[3].detail
    assert "EngineVersion 9.0.0" in outcomes[4].detail


def test_an_invalidation_rule_alone_is_no_acceptance_rule() -> None:
    invalidation = {"Type": "Invalidation", "Country": "DE"}
    assert judged(one(**invalidation)).result == "none"
    assert judged(one(logic=NO, **invalidation)) == RulesVerdict("failed", ("A",), Words("Theo A", "As A has it"))


def test_an_identifier_of_two_roles_is_named_once_the_nations_words_first() -> None:
    english = [{"lang": "en", "desc": "no Vietnamese"}]
    found = judged(
        one("B", SITE, NO), one("A", SITE, NO), one("A", SAIGON, NO), one("A", NATION, NO, Description=english)
    )
    assert (found.result, found.ids) == ("failed", ("A", "B"))
    assert found.words == Words("Theo A", "As A has it")
    assert judged(one("A", NATION, NO, Description=english)).words is None


def test_a_role_counts_rules_of_its_own_and_above_only() -> None:
    by_site, by_province, by_nation = (judged(one(role=role)) for role in (SITE, SAIGON, NATION))
    assert [by_nation.seen_by(role) for role in (NATION, SAIGON, SITE)] == ["passed"] * 3
    assert [by_province.seen_by(role) for role in (NATION, SAIGON, SITE)] == ["none", "passed", "passed"]
    assert [by_site.seen_by(role) for role in (NATION, SAIGON, SITE)] == ["none", "none", "passed"]
    assert [judged(one(role=SITE, logic=NO)).seen_by(role) for role in (NATION, SITE)] == ["failed", "failed"]
    assert judged().seen_by(SITE) == "none"


def test_another_provinces_rules_are_none_of_a_provinces() -> None:
    by_other = judged(one(role=Role("province-vn-hn")), place=LANE._replace(area=""))
    assert [by_other.seen_by(role) for role in (SAIGON, SITE)] == ["none", "passed"]


@pytest.mark.parametrize(("logic", "result"), [(YES, "undecided"), (NO, "failed")], ids=["passed", "failed"])
def test_nobody_counts_from_a_date_in_part(logic: object, result: str) -> None:
    shown = Shown({"v": [{"dt": "2025-11"}]})
    assert judged(one(logic=logic), shown=shown).result == result
    assert judged(shown=shown).result == "none"


@pytest.mark.parametrize("files", [[], [one()], [one(logic=NEITHER)]], ids=["no rules", "passed", "undecided"])
def test_what_is_dated_in_the_future_fails_whatever_the_rules(files: list[RuleFile]) -> None:
    found = judged(*files, shown=Shown({"v": [{"dt": "2026-06-03"}]}))
    assert (found.result, found.ids, found.words) == ("failed", (OWN,), FUTURE_DATE.words)


KEY = ec.derive_private_key(7, ec.SECP256R1()).public_key()
SIGNER = Signer.from_key(KEY, Kid(bytes(range(8))), "FR", "shc", ("vaccination",))


def test_a_document_that_names_no_country_is_of_its_signers() -> None:
    rules = RuleSet([one(logic=NO, Type="Invalidation", Country="FR")], {})
    silent = Shown(country="")
    assert rules.judged(silent, LANE, AT).result == "none"
    assert rules.judged(silent, LANE, AT, signer=SIGNER).ids == ("A",)
    assert rules.judged(SHOWN, LANE, AT, signer=SIGNER).result == "none"
    assert [found.rule.id for found in rules.outcomes(silent, LANE, AT, signer=SIGNER)] == [OWN, "A"]


EXTERNAL = [
    ("validationClock", {"not-after": [{"plusTime": [{"var": "external.validationClock"}, 0, "day"]},
                                       {"plusTime": ["2026-06-01T12:00:00Z", 0, "day"]}]}),
    ("valueSets", {"in": ["b", {"var": "external.valueSets.letters"}]}),
    ("countryCode", {"===": [{"var": "external.countryCode"}, "VN"]}),
    ("region", {"===": [{"var": "external.region"}, "VN-SG"]}),
    ("issuerCountryCode", {"===": [{"var": "external.issuerCountryCode"}, "DE"]}),
    ("kid", {"===": [{"var": "external.kid"}, "AAECAwQFBgc="]}),
    ("iat", {"not-after": [{"plusTime": [{"var": "external.iat"}, 1, "day"]},
                           {"plusTime": ["1970-01-02T00:00:01Z", 0, "day"]}]}),
    ("exp", {"after": [{"plusTime": [{"var": "external.exp"}, 0, "day"]}, {"plusTime": ["1970-01-01", 0, "day"]}]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "logic"), EXTERNAL, ids=[name for name, _ in EXTERNAL])
def test_what_is_known_beside_the_document(name: str, logic: object) -> None:
    rules = RuleSet([one(logic=logic)], {"letters": frozenset("ab")})
    claims = Claims("DE", 1, 2, {})
    assert rules.judged(SHOWN, LANE, AT, claims, SIGNER).result == "passed"
    if name in {"iat", "exp"}:
        for odd in (Claims("DE", None, None, {}), Claims("DE", 1e300, 1e18, {}), None):
            assert rules.judged(SHOWN, LANE, AT, odd).result == "undecided"

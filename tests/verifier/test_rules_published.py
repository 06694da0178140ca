"""Rules that states have published: all are taken, and say on a document what their authors expect."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioning.issuer import demo_entry
from tests.vectors import vectors
from tests.verifier.rule_files import AT, Shown, contained
from verifier.rule import HEALTH
from verifier.rules import Place, RuleSet
from verifier.value_sets import ValueSets

KINDS = {
    "Vaccination": ("vaccination",),
    "Test": ("test",),
    "Recovery": ("recovery",),
    "General": tuple(sorted(HEALTH)),
}
KNOWN_INPUTS = {"validationClock", "valueSets"}


def in_container(body: dict[str, Any]) -> Any:  # noqa: ANN401 - a rule file
    """Return the container around a published rule; whoever hands rules out adds its hash to it."""
    rule = {name: value for name, value in body.items() if name != "hash"}
    return contained(rule)._replace(valid_from=datetime(2021, 1, 1, tzinfo=UTC), valid_to=None)


@pytest.fixture(scope="module")
def production() -> RuleSet:
    bodies = json.loads(vectors("production-de/eu-rules.json").read_text("utf-8"))
    assert len(bodies) == 271
    return RuleSet(map(in_container, bodies), production_sets())


def production_sets() -> ValueSets:
    sets = json.loads(vectors("production-de/eu-value-sets.json").read_text("utf-8"))
    return {one["valueSetId"]: frozenset(one["valueSetValues"]) for one in sets}


def test_every_production_rule_is_taken(production: RuleSet) -> None:
    assert len(production.rules) == 271
    assert [rule.id for rule in production.rules if rule.problem] == []


def pass_of(kind: str, at: datetime, **entry: object) -> Shown:
    """Return the demonstration issuer's pass of that moment."""
    names = {"fn": "Nguyễn", "gn": "Văn An", "fnt": "NGUYEN", "gnt": "VAN<AN"}
    fields = demo_entry(kind, "VN", at) | entry
    payload = {"ver": "1.3.0", "nam": names, "dob": "1990-01-01", kind: [fields]}
    return Shown(payload, {"v": ("vaccination",), "t": ("test",), "r": ("recovery",)}[kind], "VN")


WINTER = datetime(2023, 2, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("country", ["CZ", "CY", "SK", "FI", "DE", "FR"])
@pytest.mark.parametrize("kind", ["v", "t", "r"])
def test_strict_countries_take_a_good_pass(production: RuleSet, country: str, kind: str) -> None:
    shown = pass_of(kind, WINTER)
    found = production.judged(shown, Place(country, "", "venue"), WINTER)
    assert found.result == "passed", found.ids


@pytest.mark.parametrize(
    ("kind", "entry", "failed"),
    [
        ("v", {"mp": "Unheard-of"}, "VR-CY-0001"),
        ("v", {"dn": 1}, "VR-CY-0005"),
        ("t", {"tr": "260373001"}, "TR-CY-0004"),
        ("t", {"sc": (WINTER - timedelta(days=9)).isoformat()}, "TR-CY"),
        ("t", {"sc": (WINTER + timedelta(hours=1)).isoformat()}, "future-date"),
        ("v", {"dt": "2023-03-01"}, "future-date"),
        ("r", {"fr": "2021-03-01"}, "RR-CY"),
    ],
    ids=["product", "one dose", "positive", "old", "future test", "future dose", "old recovery"],
)
def test_a_strict_country_refuses(production: RuleSet, kind: str, entry: dict[str, object], failed: str) -> None:
    found = production.judged(pass_of(kind, WINTER, **entry), Place("CY", "", "venue"), WINTER)
    assert found.result == "failed"
    assert any(name.startswith(failed) for name in found.ids), found.ids


def test_germanys_invalidation_rule_finds_its_issuers(production: RuleSet) -> None:
    taken_back = pass_of("v", WINTER, ci="URN:UVCI:01DE/A80013335/X#A")
    place = Place("VN", "", "venue")
    assert production.judged(taken_back, place, WINTER).result == "none"
    found = production.judged(Shown(taken_back.payload, taken_back.kinds, "DE"), place, WINTER)
    assert (found.result, found.ids) == ("failed", ("IR-DE-0001",))


def test_a_country_without_rules_is_neither_yes_nor_no(production: RuleSet) -> None:
    assert production.judged(pass_of("v", WINTER), Place("VN", "VN-SG", "venue"), WINTER).result == "none"


def test_a_rule_that_names_an_engine_of_its_own_is_judged_by_what_it_uses(production: RuleSet) -> None:
    togo = Place("TG", "", "venue")
    assert production.judged(pass_of("t", WINTER), togo, WINTER).result == "passed"
    old = pass_of("t", WINTER, sc=(WINTER - timedelta(days=9)).isoformat())
    assert production.judged(old, togo, WINTER).ids == ("GR-TG-0001",)


def national_rules() -> list[Path]:
    folder = Path(vectors("business-rules"))
    return sorted(path for path in folder.glob("*/*/rule.json"))


def test_national_rules_say_of_their_own_cases_what_is_expected() -> None:
    cases = others = 0
    for path in national_rules():
        body = json.loads(path.read_text("utf-8"))
        file = in_container(body | {"ValidFrom": "2021-01-01T00:00:00Z", "ValidTo": "2099-01-01T00:00:00Z"})
        for case in sorted((path.parent / "tests").glob("*.json")):
            wanted = json.loads(case.read_text("utf-8"))
            if not wanted["external"].keys() <= KNOWN_INPUTS:
                others += 1  # GR-..-0001's cases lay the value sets bare, as the gateway never does
                continue
            cases += 1
            assert answer_of(file, body, wanted) is wanted["expected"], f"{path.parent.name} {case.name}"
    assert (cases, others) == (580, 4)


def answer_of(file: Any, body: dict[str, Any], case: dict[str, Any]) -> bool | None:  # noqa: ANN401 - a rule file
    sets = {name: frozenset(codes) for name, codes in case["external"]["valueSets"].items()}
    at = datetime.fromisoformat(case["external"].get("validationClock", AT.isoformat()))
    shown = Shown(case["payload"], KINDS[body["CertificateType"]], body["Country"])
    outcome = RuleSet([file], sets).outcomes(shown, Place(body["Country"], "", "venue"), at)[1]
    return {"passed": True, "failed": False, "undecided": None}[outcome.answer]

"""CertLogic against what others publish: the specification's suite, national rules with cases, rules in production."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vectors import VECTORS, vectors
from verifier.certlogic import compiled, evaluate, problem_of

Case = tuple[str, Any, Any, Any]  # name, expression, data, expected


def suite_cases() -> Iterator[Case]:
    """Yield every assertion of the suite; a case holds its expression, or each assertion its own."""
    for path in sorted((VECTORS / "certlogic").glob("*.json")):
        suite = json.loads(path.read_text())
        for number, case in enumerate(suite["cases"]):
            for place, assertion in enumerate(case["assertions"]):
                expression = assertion.get("certLogicExpression", case.get("certLogicExpression"))
                yield f"{path.stem}-{number}-{place}", expression, assertion["data"], assertion["expected"]


def rule_folders() -> list[Path]:
    return sorted(path.parent for path in (VECTORS / "business-rules").glob("*/*/rule.json"))


def same(left: object, right: object) -> bool:
    """Compare as JSON does: true is not 1."""
    return json.dumps(left) == json.dumps(right)


@pytest.mark.parametrize("case", list(suite_cases()), ids=lambda case: case[0])
def test_suite_of_the_specification(case: Case) -> None:
    _, expression, data, expected = case
    assert problem_of(expression) is None
    assert same(evaluate(expression, data), expected)


def test_the_suite_is_whole() -> None:
    vectors("certlogic")
    assert len(list(suite_cases())) == 196


@pytest.mark.parametrize("folder", rule_folders(), ids=lambda folder: folder.name)
def test_published_rules_decide_as_their_cases_say(folder: Path) -> None:
    rule = compiled(json.loads((folder / "rule.json").read_text())["Logic"])
    cases = sorted((folder / "tests").glob("*.json"))
    for path in cases:
        case = json.loads(path.read_text())
        data = {"payload": case.get("payload"), "external": case["external"]}
        assert rule(data) is case["expected"], path.name


def test_there_are_published_rules() -> None:
    vectors("business-rules")
    assert len(rule_folders()) == 92


@pytest.mark.parametrize(
    ("name", "count"),
    [("eu-rules", 271), ("domestic-rules", 15), ("eu-booster-rules", 2)],
    ids=str,
)
def test_rules_in_production_load(name: str, count: int) -> None:
    rules = json.loads((vectors("production-de") / f"{name}.json").read_text())
    assert len(rules) == count
    for rule in rules:
        assert problem_of(rule["Logic"]) is None, rule["Identifier"]
        compiled(rule["Logic"])

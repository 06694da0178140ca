"""`greengate rules check`: what is wrong in files of rules, profiles and value sets, and where."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.provisioning.command import Done
from tests.provisioning.rules_site import VENUE, rules
from tests.vectors import vectors
from tests.verifier.rule_files import contained, encoded, rule_body
from verifier.rule_file import Scope

SETS = {"version": 1, "sets": {"country-2-codes": ["VN"]}}
EU_SET = {"valueSetId": "country-2-codes", "valueSetValues": {"VN": {}}}
PROFILE = {
    "id": "venue",
    "version": 1,
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_to": None,
    "scope": {},
    "profile": VENUE,
}
DOCS = Path(__file__).parents[2] / "docs"


def check(tmp_path: Path, content: object, *options: str) -> Done:
    path = tmp_path / "given.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return rules("check", "--json", *options, path)


@pytest.mark.parametrize(
    ("content", "sort", "name"),
    [
        (encoded(contained(rule_body())), "rule", "VR-VN-0001"),
        (PROFILE, "profile", "venue"),
        (rule_body("VR-DE-0001"), "rule", "VR-DE-0001"),
        ([rule_body("VR-DE-0001")], "rule", "VR-DE-0001"),
        (SETS, "value-sets", "value-sets"),
        (EU_SET, "value-sets", "country-2-codes"),
        ([EU_SET], "value-sets", "country-2-codes"),
    ],
    ids=["container", "profile", "bare", "list", "ours", "eu", "eu-list"],
)
def test_what_is_right_is_said(tmp_path: Path, content: object, sort: str, name: str) -> None:
    done = check(tmp_path, content)
    assert done.code == 0
    assert done.result == {"file": str(tmp_path / "given.json"), "sort": sort, "name": name, "right": True}


@pytest.mark.parametrize(
    ("content", "name", "why"),
    [
        (rule_body("A", Logic={"and": [True, {"xor": []}]}), "A", "Logic: /and/1: unknown operator 'xor'"),
        ([rule_body("A"), 5], "2", "not an object"),
        ({}, "1", "Version"),
        ("a text", "1", "not an object"),
        (PROFILE | {"profile": VENUE | {"country": "Viet Nam"}}, "venue", "country"),
        (PROFILE | {"id": 5}, "", "id"),
        (PROFILE | {"rule": {}}, "venue", "not both"),
        ({"version": 1, "sets": {"a": [1]}}, "value-sets", "sets"),
        (EU_SET | {"valueSetValues": 1}, "country-2-codes", "not a value set"),
        ([], "", "an empty list"),
        (encoded(contained(rule_body("A") | {"Type": "x"})), "A", "Type"),
    ],
    ids=["operator", "number", "nothing", "text", "profile", "id", "both", "codes", "values", "none", "type"],
)
def test_what_is_wrong_is_named_with_where(tmp_path: Path, content: Any, name: str, why: str) -> None:  # noqa: ANN401 - JSON
    done = check(tmp_path, content)
    assert done.code == 1
    wrong = done.results[-1]
    assert (wrong["name"], wrong["right"]) == (name, False)
    assert why in wrong["problem"]


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", 65), (b"{", 65), (b"\xff", 65), (b"[" * 100_000, 65), (b" " * (16 * 1024 * 1024 + 1), 65)],
    ids=["empty", "cut", "bytes", "deep", "large"],
)
def test_what_is_no_json_is_told(tmp_path: Path, data: bytes, code: int) -> None:
    done = check(tmp_path, data)
    assert (done.code, done.result["sort"], done.result["right"]) == (code, "file", False)


def test_a_file_that_cannot_be_opened_does_not_hide_the_others(tmp_path: Path) -> None:
    good = tmp_path / "good.json"
    good.write_text(json.dumps(SETS))
    done = rules("check", tmp_path / "none.json", good)
    assert (done.code, len(done.err.splitlines()), len(done.out.splitlines())) == (66, 1, 1)
    assert done.err.startswith(f"✗ {tmp_path}/none.json: the file cannot be read: No such file")


def test_a_province_speaks_for_itself_only(tmp_path: Path) -> None:
    nations = encoded(contained(rule_body()))
    own = encoded(contained(rule_body(), scope=Scope(areas=("VN-SG",))))
    assert check(tmp_path, nations).code == 0
    assert "speaks for itself only" in check(tmp_path, nations, "--province", "vn-sg").result["problem"]
    assert check(tmp_path, own, "--province", "VN-SG").code == 0
    assert check(tmp_path, own, "--province", "../x").code == 2


def test_a_file_commands_no_terminal(tmp_path: Path) -> None:
    path = tmp_path / "given.json"
    path.write_text(json.dumps(rule_body("\x1b]0;owned\x07")))
    done = rules("check", path)
    assert done.code == 1
    assert not {"\x1b", "\x07"} & set(done.err)


def test_the_examples_of_the_project_are_right() -> None:
    files = [*sorted((DOCS / "rules").glob("*/*.json")), *sorted((DOCS / "profiles").glob("*.json"))]
    done = rules("check", *files)
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == len(files)


def test_what_is_in_production_is_right() -> None:
    done = rules("check", "--json", vectors("production-de/eu-rules.json"), vectors("production-de/eu-value-sets.json"))
    assert (done.code, [one["name"] for one in done.results if not one["right"]]) == (0, [])

"""Rules and profiles at the centre: checked before they are taken, and imported as the EU's members publish them."""

import json
from pathlib import Path
from typing import Any

import pytest

from drivers.fetcher.simulated import SimulatedFetcher
from firmware.sync import check_usable
from firmware.sync_store import opened
from firmware.sync_update import Update
from firmware.trust_store import load_current
from tests.centre.trust_commands_site import Centre
from tests.centre.trust_site import names, rule
from tests.vectors import vectors
from tests.verifier.rule_files import rule_body
from verifier.value_sets import encode_value_sets

SETS = {"version": 1, "sets": {"country-2-codes": ["DE", "VN"]}}
EU_SET = {"valueSetId": "covid-19-lab-result", "valueSetDate": "2021-04-27", "valueSetValues": {"260415000": {}}}


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    made = Centre(tmp_path)
    made.run("init")
    return made


def given(centre: Centre, content: object, name: str = "given.json") -> Path:
    return centre.given(name, json.dumps(content).encode())


def drafted(centre: Centre) -> set[str]:
    return {name for name in names(centre.home.draft) if name.startswith(("rules", "profiles", "value"))}


# --- add-rules


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"Logic": {"and": [True, {"xor": [1, 2]}]}}, "Logic: /and/1: unknown operator 'xor'"),
        ({"Identifier": "OTHER"}, "is not the file's id"),
        ({"CertificateType": "Passport"}, "CertificateType"),
    ],
    ids=["operator", "identifier", "type"],
)
def test_a_rule_that_no_kiosk_can_evaluate_is_refused_with_where(
    centre: Centre, changed: dict[str, Any], why: str
) -> None:
    body = rule_body("VN-TEST-72H") | changed
    assert why in centre.refused("add-rules", centre.given("rule.json", rule(rule=body)), code=65)
    assert drafted(centre) == set()


def test_a_rule_for_a_time_to_come_that_kiosks_would_take_for_the_older_one_is_refused(centre: Centre) -> None:
    def versioned(number: int, version: str, since: str) -> Path:
        body = rule_body("VN-TEST-72H") | {"Version": version}
        return centre.given("rule.json", rule(rule=body, version=number, valid_from=since))

    centre.run("add-rules", versioned(1, "2.0.0", "2021-01-01T00:00:00Z"))
    later = "2099-01-01T00:00:00Z"
    assert "older than 2.0.0" in centre.refused("add-rules", versioned(2, "1.9.0", later), code=65)
    centre.run("add-rules", versioned(2, "2.0.0", later))


def test_a_profile_that_names_what_is_not_known_is_refused_with_what_is(centre: Centre) -> None:
    body = {"title": {"vi": "a", "en": "a"}, "country": "VN", "all": [{"any": [{"document": "passport"}]}]}
    path = centre.given("profile.json", rule("profile", id="venue", profile=body))
    said = centre.refused("add-rules", path, "--profile", code=65)
    assert "document 'passport' is not known; known: vaccination," in said
    shouting = centre.given("profile.json", rule("profile", id="VENUE"))
    assert "small letters" in centre.refused("add-rules", shouting, "--profile", code=65)


def test_the_examples_of_the_project_are_taken(centre: Centre) -> None:
    docs = Path(__file__).parents[2] / "docs"
    centre.run("add-rules", *sorted((docs / "rules").glob("*/*.json")))
    centre.run("add-rules", "--profile", *sorted((docs / "profiles").glob("*.json")))
    assert "profiles/nation/green-lane.json" in drafted(centre)


# --- import-rules


def test_a_list_of_rules_is_taken_once(centre: Centre) -> None:
    path = given(centre, [rule_body("GR-DE-0001", Country="DE", hash="ab"), rule_body("GR-FR-0001", Country="FR")])
    assert centre.json("import-rules", path) == {
        "new": 2, "known": 0, "older": 0, "left_out": 0, "of_other_countries": 0,
    }  # fmt: skip
    assert centre.json("import-rules", path)["known"] == 2
    assert drafted(centre) == {"rules/nation/GR-DE-0001.json", "rules/nation/GR-FR-0001.json"}


def test_a_newer_version_takes_the_place_and_an_older_one_does_not(centre: Centre) -> None:
    versions = [rule_body(Version=version) for version in ("1.1.0", "1.0.9", "1.0.10")]
    assert centre.json("import-rules", given(centre, versions))["new"] == 3
    held = json.loads((centre.home.draft / "rules/nation/VR-VN-0001.json").read_text())
    assert held["version"] == 1_001_000
    assert centre.json("import-rules", given(centre, versions[1]))["older"] == 1


def test_one_for_a_time_to_come_lies_beside_the_one_in_force(centre: Centre) -> None:
    later = rule_body(Version="1.1.0", ValidFrom="2029-06-01T00:00:00Z")
    centre.run("import-rules", given(centre, [later, rule_body()]))
    assert drafted(centre) == {"rules/nation/VR-VN-0001.json", "rules/nation/VR-VN-0001@1001000.json"}


def test_only_the_countries_that_are_named(centre: Centre) -> None:
    rules = [rule_body("GR-DE-0001", Country="DE"), rule_body("GR-FR-0001", Country="FR", Logic={"xor": []})]
    done = centre.json("import-rules", given(centre, rules), "--country", "DE")
    assert (done["new"], done["of_other_countries"], done["left_out"]) == (1, 1, 0)
    assert "two capital letters" in centre.refused("import-rules", given(centre, rules), "--country", "de", code=2)


def test_what_cannot_be_used_is_named_and_the_others_are_taken(centre: Centre) -> None:
    changed = rule_body("GR-DE-0001", Logic={"===": [1, 3]})
    centre.run("import-rules", given(centre, rule_body("GR-DE-0001")))
    wrong = [rule_body("GR-DE-0002", Logic={"xor": []}), 5, changed, rule_body("GR-DE-0003")]
    done = centre.run("import-rules", given(centre, wrong), code=65)
    lines = done.stderr.splitlines()
    assert [line.partition("given.json: ")[2].partition(":")[0] for line in lines] == [
        "GR-DE-0002", "rule 2", "GR-DE-0001",
    ]  # fmt: skip
    assert "left_out 3" in done.stdout
    assert "rules/nation/GR-DE-0003.json" in drafted(centre)


def test_of_a_folder_the_rules_in_their_own_folders_are_taken_and_not_their_tests(centre: Centre) -> None:
    folder = centre.folder / "DE" / "GR-DE-0001"
    (folder / "tests").mkdir(parents=True)
    (folder / "rule.json").write_text(json.dumps(rule_body("GR-DE-0001")))
    (folder / "tests/test001.json").write_text('{"payload": {}}')
    assert centre.json("import-rules", centre.folder / "DE")["new"] == 1


def test_of_a_folder_of_files_all_are_taken(centre: Centre) -> None:
    folder = centre.folder / "rules"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps([rule_body("GR-DE-0001")]))
    (folder / "b.json").write_text(json.dumps(rule_body("GR-DE-0002")))
    assert centre.json("import-rules", folder)["new"] == 2


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", 65), (b'{"a": 1, "a": 2}', 65), (b"[" * 100_000, 65), (None, 66)],
    ids=["empty", "twice", "deep", "none"],
)
def test_a_file_that_is_none_is_told(centre: Centre, data: bytes | None, code: int) -> None:
    path = centre.folder / "none.json" if data is None else centre.given("given.json", data)
    for command in ("import-rules", "set-value-sets"):
        assert str(path) in centre.refused(command, path, code=code)


def test_without_a_repository_nothing_is_imported(tmp_path: Path) -> None:
    empty = Centre(tmp_path)
    path = given(empty, [rule_body()])
    for command in ("import-rules", "set-value-sets"):
        assert "has no trust repository" in empty.refused(command, path, code=78)


def test_a_draft_that_cannot_be_read_is_no_rules_fault(centre: Centre) -> None:
    (centre.home.draft / "rules").write_text("no folder")
    assert "check the folder" in centre.refused("import-rules", given(centre, [rule_body()]), code=73)


# --- set-value-sets


def test_value_sets_are_the_eus_or_ours_and_take_the_place_of_those_before(centre: Centre) -> None:
    ours = given(centre, SETS, "ours.json")
    assert centre.json("set-value-sets", ours) == {"new": True, "sets": 1, "codes": 2}
    assert centre.json("set-value-sets", ours)["new"] is False
    both = centre.json("set-value-sets", ours, given(centre, [EU_SET], "eu.json"))
    assert (both["sets"], both["codes"]) == (2, 3)
    assert centre.json("set-value-sets", given(centre, EU_SET, "eu.json"))["sets"] == 1
    assert (centre.home.draft / "value-sets.json").read_bytes() == encode_value_sets(
        {"covid-19-lab-result": frozenset({"260415000"})}
    )
    assert "value-sets.json" in centre.json("status", code=1)["draft"]  # nothing is published yet


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"version": 2, "sets": {}}, "version"),
        ([EU_SET, EU_SET], "is there twice"),
        ([rule_body()], "not a value set"),
        ({"valueSetId": "a", "valueSetValues": {"x" * 81: {}}}, "not a file of value sets"),
        (5, "not a file of value sets"),
    ],
    ids=["version", "twice", "a-rule", "a-long-code", "a-number"],
)
def test_what_are_no_value_sets_is_told(centre: Centre, content: object, why: str) -> None:
    assert why in centre.refused("set-value-sets", given(centre, content), code=65)
    assert drafted(centre) == set()


def test_a_set_in_two_files_is_told(centre: Centre) -> None:
    one, two = given(centre, EU_SET, "one.json"), given(centre, EU_SET, "two.json")
    assert "two.json: the value set covid-19-lab-result is in another" in centre.refused(
        "set-value-sets", one, two, code=65
    )


def test_a_draft_with_damaged_value_sets_is_not_published(centre: Centre) -> None:
    (centre.home.draft / "value-sets.json").write_text("{}")
    assert "value-sets.json" in centre.refused("publish", code=65)


# --- published, and brought to a kiosk


def synced(centre: Centre, kiosk: Path) -> Any:  # noqa: ANN401 - what a kiosk trusts
    """Bring what is published to a kiosk's store, and open it."""
    repo = centre.home.repo
    published = {path.relative_to(repo).as_posix(): path.read_bytes() for path in repo.rglob("*") if path.is_file()}
    kiosk.mkdir(exist_ok=True)
    with opened(kiosk) as store:
        Update(store, SimulatedFetcher(published), (repo / "root.json").read_bytes(), check_usable).run()
    return load_current(kiosk)


def test_they_reach_a_kiosks_store(centre: Centre, tmp_path: Path) -> None:
    centre.run("import-rules", given(centre, [rule_body("GR-DE-0001")], "rules.json"))
    centre.run("set-value-sets", given(centre, SETS, "sets.json"))
    centre.run("add-rules", "--profile", centre.given("profile.json", rule("profile", id="venue")))
    centre.run("publish")
    trust = synced(centre, tmp_path / "kiosk")
    assert [one.id for one in trust.rules.rules] == ["GR-DE-0001"]
    assert (tmp_path / "kiosk/current/value-sets.json").read_bytes() == encode_value_sets(
        {"country-2-codes": frozenset({"DE", "VN"})}
    )
    assert centre.json("status")["draft"] == []


def test_what_is_in_production_reaches_a_kiosks_store(centre: Centre, tmp_path: Path) -> None:
    done = centre.json("import-rules", vectors("production-de/eu-rules.json"))
    assert (done["new"], done["left_out"]) == (271, 0)
    assert centre.json("set-value-sets", vectors("production-de/eu-value-sets.json"))["sets"] == 9
    assert centre.json("set-value-sets", vectors("valuesets"))["sets"] == 9
    centre.run("publish")
    trust = synced(centre, tmp_path / "kiosk")
    assert len(trust.rules.rules) == 271
    assert [one.id for one in trust.rules.rules if one.problem is not None] == []


def test_what_members_test_by_is_taken(centre: Centre) -> None:
    assert centre.json("import-rules", vectors("business-rules"))["new"] == 92

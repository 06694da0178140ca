"""`greengate rules list`: the rules of all roles, in force or why not."""

from pathlib import Path

import pytest

from tests.firmware.site import make_site
from tests.provisioning.command import Done, greengate
from tests.provisioning.rules_site import OF_SAIGON, broken, elsewhere, rules, trust
from tests.verifier.rule_files import AT, SAIGON, contained, encoded, rule_body
from verifier.rule_file import SITE

HERE = ("--at", AT.isoformat())


def listed(folder: Path, *arguments: str | Path) -> dict[tuple[str, str], str]:
    done = rules("list", "--json", "--trust", folder, *HERE, *arguments)
    assert done.code == 0
    return {(one["id"], one["version"]): one["state"] for one in done.results}


def test_each_rule_is_in_force_or_says_why_not(tmp_path: Path) -> None:
    folder = trust(
        tmp_path,
        contained(rule_body("A")),
        contained(rule_body("B"), days=(1, 9)),
        contained(rule_body("C"), days=(-9, -1)),
        contained(rule_body("D", Region="VN-43")),
        elsewhere("E", areas=("VN-43", "VN-44")),
        elsewhere("F", lanes=("staff",)),
        elsewhere("G", areas=("VN-43", "VN-SG"), lanes=("venue",)),
        broken("H"),
        contained(rule_body("A"), SAIGON, scope=OF_SAIGON),
    )
    newer = contained(rule_body("A", Version="1.0.1"), number=2)
    (folder / "current/rules/nation/A@2.json").write_bytes(encoded(newer))
    assert listed(folder, "--lane", "venue", "--area", "VN-SG-1") == {
        ("A", "1.0.0"): "in-force",  # the province's, of its own role
        ("A", "1.0.1"): "in-force",
        ("B", "1.0.0"): "not-yet",
        ("C", "1.0.0"): "over",
        ("D", "1.0.0"): "other-area",
        ("E", "1.0.0"): "other-area",
        ("F", "1.0.0"): "other-lane",
        ("G", "1.0.0"): "in-force",
        ("H", "1"): "unusable",
    }
    states = [one["state"] for one in rules("list", "--json", "--trust", folder, *HERE).results if one["id"] == "A"]
    assert states == ["replaced", "in-force", "in-force"]
    assert set(listed(folder).values()) == {"in-force", "not-yet", "over", "unusable"}  # any lane, any area


def test_the_result_is_as_documented(tmp_path: Path) -> None:
    one = rules("list", "--json", "--trust", trust(tmp_path, contained(rule_body())), *HERE).result
    assert one.keys() == {
        "id", "version", "number", "role", "type", "country", "region", "kinds", "areas", "lanes", "valid_from",
        "valid_to", "state", "problem", "description",
    }  # fmt: skip
    assert (one["role"], one["type"], one["kinds"]) == ("nation", "Acceptance", ["vaccination"])
    assert one["description"] == {"vi": "Theo VR-VN-0001", "en": "As VR-VN-0001 has it"}


@pytest.mark.parametrize(("lang", "says"), [("vi", "chưa có hiệu lực"), ("en", "not yet in force")])
def test_people_get_a_table_in_their_language(tmp_path: Path, lang: str, says: str) -> None:
    folder = trust(tmp_path, contained(rule_body(), days=(1, 9)), broken())
    out = " ".join(greengate("rules", "list", "--trust", folder, *HERE, "--lang", lang).out.split())
    assert says[:8] in out
    assert "VR-VN-0001" in out
    assert "✗" in out
    assert "EngineVersion" in out


def test_only_a_country_s(tmp_path: Path) -> None:
    folder = trust(tmp_path, contained(rule_body("A")), contained(rule_body("B", Country="DE")))
    assert set(listed(folder, "--country", "DE")) == {("B", "1.0.0")}


def test_a_site_has_rules_of_its_own(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "rules").mkdir(parents=True)
    (site / "rules/own.json").write_bytes(encoded(contained(rule_body("OWN"), SITE)))
    done = rules("list", "--json", "--trust", trust(tmp_path / "trust"), "--site", site, *HERE)
    assert [one["role"] for one in done.results] == ["nation", "province-vn-sg", "site"]


def test_none_at_all_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = rules("list", "--trust", tmp_path / "empty")
    assert (done.code, done.out) == (0, "there are no rules\n")
    assert rules("list", "--trust", tmp_path / "empty", "--json").out == ""


def test_without_options_it_looks_at_the_device(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    folder = site.config.trust.folder / "rules/nation"
    folder.mkdir(parents=True)
    (folder / "VR-VN-0001.json").write_bytes(encoded(contained(rule_body())))
    done = rules("list", "--json", "--config", site.config_path, *HERE)
    assert [one["id"] for one in done.results] == ["VR-VN-0001"]


def _failed(done: Done) -> tuple[int, int]:
    assert "error" in done.results[-1]
    return done.code, len(done.err.splitlines())


def test_what_cannot_be_looked_at_is_told_on_one_line(tmp_path: Path) -> None:
    assert _failed(rules("list", "--json", "--trust", tmp_path / "none")) == (66, 1)
    assert _failed(rules("list", "--json", "--trust", tmp_path, "--at", "noon")) == (2, 1)
    assert _failed(rules("list", "--json", "--config", tmp_path / "none.toml")) == (78, 1)
    (tmp_path / "rules/nation").mkdir(parents=True)
    (tmp_path / "rules/nation/A.json").write_text("{}")
    assert _failed(rules("list", "--json", "--trust", tmp_path)) == (66, 1)

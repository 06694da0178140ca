"""`greengate rules evaluate`: which rules apply to a pass, what each says, and what the lane still wants."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioning.issuer import DemoIssuer
from tests.provisioning.command import Done, greengate, picture
from tests.provisioning.rules_site import GONE, GOOD, ISSUER, PERMIT, PERMITS, PLATE, broken, rules, trust
from tests.simulators import identity
from tests.verifier.rule_files import AT, contained, rule_body

NIGHT = AT.replace(hour=20)  # 03:00 in Viet Nam: within the permit's hours


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return trust(tmp_path / "trust")


def evaluate(folder: Path, lane: str, *arguments: str | Path, at: Any = AT) -> Done:  # noqa: ANN401 - a time
    return rules("evaluate", "--trust", folder, "--lane", lane, "--at", at.isoformat(), *arguments)


def answer(folder: Path, lane: str, *arguments: str | Path, at: Any = AT) -> tuple[int, str, str]:  # noqa: ANN401 - as above
    done = evaluate(folder, lane, "--json", *arguments, at=at)
    return done.code, done.results[-1]["answer"], done.results[-1]["reason"]


def test_the_result_is_as_documented(folder: Path) -> None:
    done = evaluate(folder, "venue", "--json", GOOD)
    document, lane = done.results
    assert done.code == 0
    assert document.keys() == {"code", "kind", "country", "verdict", "reason", "trusted", "result", "rules"}
    assert (document["code"], document["kind"], document["trusted"]) == ("hcert", "vaccination", True)
    assert document["result"] == {"VN": "passed"}
    assert [(one["id"], one["role"], one["answer"]) for one in document["rules"]] == [
        ("future-date", "own", "passed"),
        ("VR-VN-0001", "nation", "passed"),
        ("VR-VN-0002", "province-vn-sg", "passed"),
    ]
    assert document["rules"][1].keys() == {
        "id", "version", "role", "type", "answer", "detail", "description", "fields", "for",
    }  # fmt: skip
    assert document["rules"][2]["description"] == {"vi": "Only in English", "en": "Only in English"}
    assert lane == {
        "lane": "venue", "at": "2026-06-01T12:00:00Z", "answer": "complete", "reason": "valid", "whose": None,
        "trusted": True, "missing": [], "plate_missing": False,
    }  # fmt: skip


def test_values_are_shown_only_where_somebody_wants_them(folder: Path) -> None:
    fields = evaluate(folder, "venue", "--json", GOOD).results[0]["rules"][1]
    assert fields["fields"] == ["v.0.dn", "nam.fnt", "v.9.x"]
    assert "values" not in fields
    hidden, shown = (evaluate(folder, "venue", *options, GOOD).out for options in ((), ("--show-values",)))
    assert "NGUYEN" not in hidden
    assert "nam.fnt=NGUYEN" in "".join(shown.split())
    values = evaluate(folder, "venue", "--json", "--show-values", GOOD).results[0]["rules"][1]["values"]
    assert values == {"v.0.dn": 2, "nam.fnt": "NGUYEN", "v.9.x": None}


def test_a_rule_that_fails_says_what_it_demands(folder: Path) -> None:
    once = ISSUER.issue({"dn": 1})
    assert answer(folder, "venue", once) == (1, "refused", "rule-failed")
    out = evaluate(folder, "venue", once).out
    assert "✗ failed" in out
    assert "As VR-VN-0001" in out
    assert "lane venue: refused (rule-failed: vaccination certificate)" in " ".join(out.split())


def test_a_rule_that_cannot_be_evaluated_is_undecided_with_why(tmp_path: Path) -> None:
    folder = trust(tmp_path, contained(rule_body()), broken(), contained(rule_body("C", Logic={"var": "payload.x"})))
    assert answer(folder, "venue", GOOD) == (3, "undecided", "rule-undecided")
    details = {one["id"]: one["detail"] for one in evaluate(folder, "venue", "--json", GOOD).results[0]["rules"]}
    assert details["VR-VN-0001"] == ""
    assert "EngineVersion" in details["VR-VN-0009"]
    assert "neither true nor false" in details["C"]


@pytest.mark.parametrize(
    ("text", "reason", "code"),
    [
        (DemoIssuer(AT).issue(), "unknown-issuer", 1),
        (ISSUER.issue(expires=AT - timedelta(hours=1)), "expired", 1),
        (ISSUER.issue({"ci": GONE}), "revoked", 1),
    ],
    ids=["unknown", "expired", "revoked"],
)
def test_a_pass_that_is_not_accepted_is_read_all_the_same_and_said_so(
    folder: Path, text: str, reason: str, code: int
) -> None:
    done = evaluate(folder, "venue", "--json", text)
    assert (done.code, done.results[0]["reason"], done.results[0]["trusted"]) == (code, reason, False)
    assert (done.results[1]["answer"], done.results[1]["trusted"]) == ("complete", False)
    assert done.results[0]["result"] == {"VN": "passed"}
    out = " ".join(evaluate(folder, "venue", text).out.split())
    assert f"not accepted: the gate answers refused ({reason})" in out
    assert "yet the gate does not let it through" in out


def test_without_anybody_to_trust_it_is_undecided(tmp_path: Path, folder: Path) -> None:
    plain = tmp_path / "plain"
    for kind in ("rules", "profiles"):
        shutil.copytree(folder / "current" / kind, plain / kind)
    assert answer(plain, "venue", GOOD) == (3, "complete", "valid")


def test_what_is_missing_is_named(folder: Path) -> None:
    lane = ("--road", "QL1A", "--plate", PLATE)
    assert answer(folder, "green-lane", *lane, PERMIT, at=NIGHT) == (3, "missing", "documents-missing")
    done = evaluate(folder, "green-lane", "--json", *lane, PERMIT, at=NIGHT).results[-1]
    assert (done["missing"], done["plate_missing"]) == ([["vaccination"]], False)
    out = evaluate(folder, "green-lane", "--road", "QL1A", PERMIT, at=NIGHT).out
    assert "Still missing: vaccination certificate" in out
    assert "Waiting for the plate" in out
    assert "VN has no acceptance rule for this kind" in " ".join(out.split())
    assert answer(folder, "green-lane", *lane, PERMIT, GOOD, at=NIGHT) == (0, "complete", "valid")
    waiting = answer(folder, "green-lane", "--road", "QL1A", PERMIT, GOOD, at=NIGHT)
    assert waiting == (3, "missing", "plate-missing")


@pytest.mark.parametrize(
    ("options", "at", "reason"),
    [
        (("--road", "QL51", "--plate", "51C99999"), NIGHT, "plate-mismatch"),
        (("--road", "QL2"), NIGHT, "wrong-route"),
        (("--road", "QL1A"), AT, "outside-hours"),
    ],
    ids=["plate", "route", "hours"],
)
def test_what_is_wrong_with_a_permit_is_told(folder: Path, options: tuple[str, ...], at: object, reason: str) -> None:
    assert answer(folder, "green-lane", *options, PERMIT, at=at) == (1, "refused", reason)
    assert evaluate(folder, "green-lane", "--json", *options, PERMIT, at=at).results[-1]["whose"] == "vehicle"


def test_of_two_holders_nothing_is_put_together(folder: Path) -> None:
    other = PERMITS.issue("test", AT)
    assert answer(folder, "venue", GOOD, other)[1:] == ("undecided", "two-holders")


def test_where_an_identity_has_to_be_proven_staff_are_waited_for(folder: Path) -> None:
    card = identity.cccd(identity.Person("Nguyễn Văn An", AT.date().replace(year=1990, month=1, day=1)))
    assert answer(folder, "staff", GOOD, card) == (3, "staff-needed", "staff-needed")
    assert evaluate(folder, "staff", "--json", GOOD, card).results[1]["trusted"] is True


def test_a_code_of_which_nothing_is_wanted_is_attendance(folder: Path) -> None:
    assert answer(folder, "gate", identity.cccd()) == (3, "attendance", "attendance")


def test_what_is_no_document_is_said(folder: Path) -> None:
    assert answer(folder, "venue", "https://example.org/") == (3, "undecided", "online-only")
    assert "no document that can be read" in evaluate(folder, "venue", "https://example.org/").out
    assert answer(folder, "venue", "HC1:") == (1, "refused", "bad-compression")
    assert answer(folder, "venue", GOOD, "https://example.org/") == (0, "complete", "valid")


def test_a_lane_that_nobody_wrote_a_profile_for_is_undecided_and_the_rules_are_told(folder: Path) -> None:
    done = evaluate(folder, "elsewhere", "--json", GOOD)
    assert (done.code, done.results[-1]["reason"]) == (3, "profile-missing")
    assert len(done.results[0]["rules"]) == 3


def test_a_picture_of_several(folder: Path, tmp_path: Path) -> None:
    path = picture(tmp_path / "pass.png", GOOD)
    assert answer(folder, "venue", path) == (0, "complete", "valid")
    assert evaluate(folder, "venue", tmp_path / "none.png").code == 66


def test_a_lane_has_to_be_named(folder: Path) -> None:
    done = rules("evaluate", "--trust", folder, "--json", GOOD)
    assert (done.code, done.result["code"]) == (2, "lane-needed")


def test_in_vietnamese(folder: Path) -> None:
    out = rules("evaluate", "--lang", "vi", "--trust", folder, "--lane", "venue", "--at", AT.isoformat(), GOOD).out
    assert "làn venue: đủ giấy tờ" in out
    assert "✓ đạt" in out


def test_a_damaged_store_is_told_on_one_line(folder: Path) -> None:
    path = next((folder / "current/revocations").glob("*.set"))
    data = bytearray(path.read_bytes())
    data[4100] ^= 1
    path.write_bytes(data)
    for command in (evaluate(folder, "venue", "--json", GOOD), _explained(folder), _batch(folder)):
        assert len(command.err.splitlines()) <= 1
        assert command.code in {65, 66}
        assert "error" in command.results[-1]


def _explained(folder: Path) -> Done:
    return greengate("explain", "--json", "--trust", folder, "--at", AT.isoformat(), GOOD)


def _batch(folder: Path) -> Done:
    return greengate("explain", "--batch", "--trust", folder, "--at", AT.isoformat(), given=f'{{"text": "{GOOD}"}}')

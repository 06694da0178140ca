"""The demonstration's offices and lane: permits that a verifier takes, and rules as they could be published."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioning.demo_lane import lay_lane
from provisioning.demo_office import DemoOffice, Kind
from verifier import Accepted, Refused, Revocations, TrustList, Verifier
from verifier.profile import parse_profile
from verifier.rule import parse_rule
from verifier.rule_file import NATION, parse_rule_file, parse_rule_file_at
from verifier.signers import encode_signers, parse_signers

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[2] / "docs" / "rules" / "vietnam-2021"
HOLDER = {1: "NGUYEN", 2: "VAN<AN", 3: "1990-01-01"}
AT_S = int(AT.timestamp())
CONTENTS: dict[Kind, dict[int, Any]] = {
    "vehicle": {10: "51C12345", 11: 2, 12: "0301234567", 13: ["QL1A"], 14: 1, 16: 2},
    "travel": {1: HOLDER, 21: 1, 22: ["VN-SG"]},
    "declaration": {1: HOLDER, 30: AT_S - 60, 31: 0},
    "test": {1: HOLDER, 40: 1, 41: AT_S - 3600, 43: 0, 44: "Cong Xanh demo lab"},
}
KINDS = tuple(CONTENTS)


def trusting(*offices: DemoOffice) -> TrustList:
    return parse_signers(encode_signers(office.entry() for office in offices))


@pytest.mark.parametrize("kind", KINDS)
def test_its_permits_of_every_kind_are_accepted(kind: Kind) -> None:
    office = DemoOffice(AT, "VN-SG", (kind,))
    verdict = Verifier(trusting(office), Revocations()).verify(office.issue(kind, CONTENTS[kind]), AT)
    assert isinstance(verdict, Accepted)
    assert verdict.document.kinds == (kind,)
    assert verdict.document.country == "VN"


def test_it_signs_only_what_it_is_listed_for_and_each_permit_is_another() -> None:
    laboratory = DemoOffice(AT, "Cong Xanh demo lab", ("test",))
    verifier = Verifier(trusting(laboratory), Revocations())
    verdict = verifier.verify(laboratory.issue("vehicle", CONTENTS["vehicle"]), AT)
    assert isinstance(verdict, Refused)
    assert verdict.reason == "wrong-key-usage"
    one, other = (verifier.verify(laboratory.issue("test", CONTENTS["test"]), AT) for _ in range(2))
    assert one.identity != other.identity
    late = verifier.verify(laboratory.issue("test", CONTENTS["test"]), AT + timedelta(days=8))
    assert late.reason == "expired"


def test_a_list_with_its_entry_is_a_demonstration_s() -> None:
    office = DemoOffice(AT, "VN-SG", ("vehicle",))
    trust = trusting(office)
    assert trust.demo
    (signer,) = trust.signers()
    assert (signer.demo, signer.kid, signer.format) == (True, office.kid, "lx1")
    assert office.entry().jwk is None  # a bare key would not say whose it is


def test_its_lane_s_rules_and_profile_are_as_they_could_be_published(tmp_path: Path) -> None:
    lay_lane(tmp_path, AT)
    found = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.json")}
    files = {path: parse_rule_file_at(data, path) for path, data in found.items()}
    rules = [parse_rule(file) for file in files.values() if file.kind == "rule"]
    (profile,) = [parse_profile(file) for file in files.values() if file.kind == "profile"]
    assert profile.role == NATION
    examples = {
        rule.words
        for path in EXAMPLES.glob("*.json")
        if (rule := parse_rule(parse_rule_file(path.read_bytes(), NATION)))
    }
    assert {rule.words for rule in rules} <= examples
    assert all(re.fullmatch("DEMO-[A-Z0-9-]+", rule.id) and rule.in_force(AT) for rule in rules)

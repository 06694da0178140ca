"""A green lane from the offices' keys to the light: a nation, a transport office, a laboratory, a province, lorries."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.trust.offices import GreenLane, Office
from tests.trust.world import ISSUER, Centre
from tests.verifier.rule_files import encoded, rule_body
from verifier.rule_file import Role, RuleFile, Scope

DOCS = Path(__file__).parents[2] / "docs"
PLATE = "51C-123.45"
AMBER, GREEN, RED = "next-document", "accepted", "refused"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
VACCINES = {"in": [{"var": "payload.v.0.mp"}, {"var": "external.valueSets.vaccines-vn"}]}


def rule(name: str, kind: str, logic: Any, words: str, *areas: str) -> RuleFile:  # noqa: ANN401 - CertLogic
    texts = [{"lang": "vi", "desc": words}, {"lang": "en", "desc": words}]
    body = rule_body(name, CertificateType=kind, Description=texts, ValidTo="2099-01-01T00:00:00Z", Logic=logic)
    return RuleFile("rule", Role("nation"), name, 9, SINCE, None, Scope(areas), body)


def within(hours: int) -> dict[str, Any]:
    sampled = {"plusTime": [{"var": "payload.t.0.sc"}, hours, "hour"]}
    return {"not-after": [{"plusTime": [{"var": "external.validationClock"}, 0, "hour"]}, sampled]}


class Land:
    """A nation whose lanes know its offices, its province, and lanes in two provinces."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nation, self.province = Centre(folder / "nation"), Centre(folder / "sg")
        self.transport = Office(folder / "transport", "VN-SG")
        self.laboratory = Office(folder / "laboratory", "Trung tâm Y tế Quận 1")
        self.saigon, self.hanoi = (GreenLane(folder / area, area) for area in ("VN-SG", "VN-HN"))

    def begin(self) -> None:
        """Have the nation trust both offices, rule what is asked for, and let the province speak for itself."""
        nation, province, transport, laboratory = self.nation, self.province, self.transport, self.laboratory
        for office in (transport, laboratory):
            office.begin()
        nation.quick("init")
        nation.quick("add-key", nation.given("issuer.der", ISSUER.certificate_der))
        bound = ("--format", "lx1", "--issuer")
        nation.quick("add-key", transport.certificate, *bound, "VN-SG", "--area", "VN-SG", "--kind", "vehicle")
        nation.quick("add-key", laboratory.certificate, *bound, laboratory.issuer, "--kind", "test")
        vaccines = rule("VR-VN-MP", "Vaccination", VACCINES, "Not a vaccine")
        examples = sorted((DOCS / "rules" / "vietnam-2021").glob("*.json"))
        nation.quick("add-rules", *examples, nation.given("v.json", encoded(vaccines)))
        sets = {"version": 1, "sets": {"vaccines-vn": ["EU/1/20/1528"]}}
        nation.quick("set-value-sets", nation.given("sets.json", json.dumps(sets).encode()))
        nation.quick("add-rules", "--profile", DOCS / "profiles" / "green-lane.json")
        province.quick("init", "--province", "vn-sg")
        self.decree(rule("SG-NOTHING", "Declaration", {"===": [1, 1]}, "Nothing", "VN-SG"))
        nation.quick("delegate", "vn-sg", "--key", province.home / "trust" / "keys" / "province-vn-sg-1.pub")
        self.publish()

    def publish(self) -> None:
        """Publish what the nation and the province have in their drafts, and bring it to the lanes."""
        self.province.quick("publish", "--province", "vn-sg", "--to", self.province.web)
        self.nation.quick("publish", "--to", self.nation.web, "--take", self.province.web)
        for lane in (self.saigon, self.hanoi):
            lane.kiosk.take(self.nation.web)

    def decree(self, *files: RuleFile) -> None:
        """Put rules or profiles of the province's into its draft."""
        for file in files:
            path = self.province.given(f"{file.id}.json", encoded(file))
            profile = ("--profile",) if file.kind == "profile" else ()
            self.province.quick("add-rules", "--province", "vn-sg", *profile, path)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Land:
    made = Land(tmp_path_factory.mktemp("land"))
    made.begin()
    return made


@pytest.fixture
def land(begun: Land, tmp_path: Path) -> Land:
    """Return a land of a test's own, on its first day."""
    shutil.copytree(begun.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Land(tmp_path)


def test_lorry_by_lorry_until_a_permit_is_revoked(land: Land) -> None:
    permit, test = land.transport.vehicle(PLATE), land.laboratory.test(20)
    other_driver = land.laboratory.test(20, family="Trần", given="Thị Bình", born="1985-05-05")
    with land.saigon.at_work() as lorries:
        assert lorries.come(permit, plate=PLATE) == (
            AMBER, "documents-missing", "Still missing: test result or vaccination certificate",
        )  # fmt: skip
        assert not lorries.lamps.green
        assert lorries.come(permit, test, plate="51c 12345")[:2] == (GREEN, "valid")
        assert lorries.lamps.green
        assert lorries.come(test, permit)[:2] == (AMBER, "plate-missing")
        assert lorries.come((permit, test), plate=PLATE)[:2] == (GREEN, "valid")
        assert lorries.come(permit, ISSUER.issue(), plate=PLATE)[:2] == (GREEN, "valid")
        assert lorries.come(permit, plate="51C-999.99")[:2] == (RED, "plate-mismatch")
        assert lorries.come((permit, test, other_driver), plate=PLATE)[:2] == ("undecided", "two-holders")
        old = land.laboratory.test(80)
        assert lorries.come(permit, old, plate=PLATE) == (
            RED,
            "rule-failed",
            "Test older than 72 hours. Please see staff",
        )
        other_product = ISSUER.issue({"mp": "UNHEARD-OF"})
        assert lorries.come(permit, other_product, plate=PLATE) == (
            RED,
            "rule-failed",
            "Not a vaccine. Please see staff",
        )
        assert not lorries.lamps.green

        stolen = land.nation.folder / "stolen.txt"
        land.transport.run("revoke", "--plate", PLATE, "--to", stolen)
        assert lorries.come(permit, test, plate=PLATE)[:2] == (GREEN, "valid")  # nobody here knows of it yet
        land.nation.run("revoke", "--format", "lx1", stolen)
        land.publish()
        lorries.settle()
        assert lorries.come(permit, test, plate=PLATE)[:2] == (AMBER, "documents-missing")  # the test's own set
        assert lorries.come(permit, plate=PLATE)[:2] == (RED, "revoked")
        assert lorries.come(land.transport.vehicle("50H-678.90"), test, plate="50H67890")[:2] == (GREEN, "valid")


def test_a_laboratory_s_key_signs_no_vehicle_permit_and_a_transport_office_s_no_test(land: Land) -> None:
    with land.saigon.at_work() as lorries:
        permit, test = land.laboratory.vehicle(PLATE), land.transport.test(20)
        assert lorries.come(permit, plate=PLATE)[:2] == (RED, "wrong-key-usage")
        assert lorries.come(test)[:2] == (RED, "wrong-key-usage")


def test_a_province_tightens_in_its_own_area_alone(land: Land) -> None:
    land.decree(rule("SG-24H", "Test", within(24), "Older than 24 hours", "VN-SG"))
    land.publish()
    permit, test, fresh = land.transport.vehicle(PLATE), land.laboratory.test(30), land.laboratory.test(20)
    with land.saigon.at_work() as lorries:
        assert lorries.come(permit, test, plate=PLATE) == (RED, "rule-failed", "Older than 24 hours. Please see staff")
        assert lorries.come(permit, fresh, plate=PLATE)[:2] == (GREEN, "valid")
    with land.hanoi.at_work() as lorries:
        assert lorries.come(permit, test, plate=PLATE)[:2] == (GREEN, "valid")


def test_a_province_cannot_loosen(land: Land) -> None:
    easy = json.loads((DOCS / "profiles" / "green-lane.json").read_bytes())["profile"]
    easy["all"] = easy["all"][:1]
    lax = RuleFile("profile", Role("nation"), "green-lane", 9, SINCE, None, Scope(("VN-SG",)), easy)
    land.decree(rule("TR-VN-0002", "Test", within(720), "Older than a month", "VN-SG"), lax)
    land.publish()
    permit, old = land.transport.vehicle(PLATE), land.laboratory.test(80)
    with land.saigon.at_work() as lorries:
        assert lorries.come(permit, plate=PLATE)[:2] == (AMBER, "documents-missing")
        assert lorries.come(permit, old, plate=PLATE) == (
            RED,
            "rule-failed",
            "Test older than 72 hours. Please see staff",
        )


def test_a_province_s_profile_asks_for_more(land: Land) -> None:
    more = json.loads((DOCS / "profiles" / "green-lane.json").read_bytes())["profile"]
    more["all"] = [{"any": [{"document": "declaration", "without_rules": "accepted"}]}]
    land.decree(RuleFile("profile", Role("nation"), "green-lane", 1, SINCE, None, Scope(("VN-SG",)), more))
    land.publish()
    permit, test = land.transport.vehicle(PLATE), land.laboratory.test(20)
    with land.saigon.at_work() as lorries:
        assert lorries.come(permit, test, plate=PLATE) == (
            AMBER, "documents-missing", "Still missing: health declaration",
        )  # fmt: skip
    with land.hanoi.at_work() as lorries:
        assert lorries.come(permit, test, plate=PLATE)[:2] == (GREEN, "valid")

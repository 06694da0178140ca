"""The examples in docs/rules and docs/profiles: as they would be published, and what they say of signed documents."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firmware.trust_data import Trust
from firmware.trust_switch import Trusted
from provisioning.demo_office import DemoOffice
from provisioning.issuer import DemoIssuer
from tests.firmware.judged import judge
from verifier import Accepted, Revocations, Signer, TrustList, Verifier
from verifier.profile import Profiles, parse_profile
from verifier.profile_checks import Lane
from verifier.rule import parse_rule
from verifier.rule_file import NATION, SITE, RuleFile, parse_rule_file
from verifier.rules import Place, RuleSet

DOCS = Path(__file__).parents[1] / "docs"
RULES = sorted((DOCS / "rules").rglob("*.json"))
PROFILES = sorted((DOCS / "profiles").rglob("*.json"))
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
ISSUER = DemoIssuer(AT)
LABORATORY = DemoOffice(AT, "Trung tâm Y tế", ("test", "declaration"))
TRANSPORT = DemoOffice(AT, "VN-SG", ("vehicle",))
SIGNERS = TrustList(
    [Signer.from_der(ISSUER.certificate_der), *(one.entry().signer() for one in (LABORATORY, TRANSPORT))]
)
AN = {1: "NGUYEN", 2: "VAN<AN", 3: "1990-01-01"}  # whom the demonstration issuer's passes name
CARD = "079090000001||Nguyễn Văn An|01011990|Nam|Quận 1|01012022"
NONE: tuple[str, ...] = ()


def file_of(path: Path) -> RuleFile:
    return parse_rule_file(path.read_bytes(), NATION)


RULE_SET = RuleSet([file_of(path) for path in RULES], {})


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
@pytest.mark.parametrize("role", [NATION, SITE])
def test_each_rule_can_be_published_under_its_name(path: Path, role: Any) -> None:  # noqa: ANN401 - a role
    rule = parse_rule(parse_rule_file(path.read_bytes(), role))
    assert rule.id == path.stem
    assert rule.words is not None


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("role", [NATION, SITE])
def test_each_profile_can_be_published_under_its_name(path: Path, role: Any) -> None:  # noqa: ANN401 - a role
    file = parse_rule_file(path.read_bytes(), role)
    assert file.id == path.stem
    assert parse_profile(file).items


def dcc(kind: str, **entry: object) -> str:
    """Return a health certificate that was issued long enough ago to be about anything."""
    return ISSUER.issue(entry, kind=kind)


def health(*, hours: float, result: int = 0, resulted_hours: float | None = None) -> str:
    """Return an LX1 test whose sample is so many hours old."""
    content = {1: AN, 40: 1, 41: _seconds(hours), 43: result, 44: LABORATORY.name}
    return LABORATORY.issue("test", content if resulted_hours is None else content | {42: _seconds(resulted_hours)})


def declaration(*, hours: float, risk: int = 0) -> str:
    return LABORATORY.issue("declaration", {1: AN, 30: _seconds(hours), 31: risk})


def permit(plate: str = "51C12345") -> str:
    return TRANSPORT.issue("vehicle", {10: plate, 11: 2, 12: "0301234567", 13: ["QL1A"], 16: 2})


def _seconds(hours: float) -> int:
    return int((AT - timedelta(hours=hours)).timestamp())


def ago(hours: float) -> str:
    return (AT - timedelta(hours=hours)).isoformat()


def day(days: int) -> str:
    return (AT - days * DAY).date().isoformat()


JUST_OVER = 72 + 1 / 3600
CASES: list[tuple[str, str, tuple[str, ...]]] = [
    ("dcc test 72 h", dcc("t", sc=ago(72)), NONE),
    ("dcc test over 72 h", dcc("t", sc=ago(JUST_OVER)), ("TR-VN-0002",)),
    ("dcc test positive", dcc("t", tr="260373001"), ("TR-VN-0001",)),
    ("lx1 test 72 h", health(hours=72), NONE),
    ("lx1 test over 72 h", health(hours=JUST_OVER), ("TR-VN-0002",)),
    ("lx1 result 72 h", health(hours=90, resulted_hours=72), NONE),
    ("lx1 result over 72 h", health(hours=90, resulted_hours=JUST_OVER), ("TR-VN-0002",)),
    ("lx1 test positive", health(hours=9, result=1), ("TR-VN-0001",)),
    ("lx1 test inconclusive", health(hours=9, result=2), ("TR-VN-0001",)),
    ("dose 14 days ago", dcc("v", dt=day(14)), NONE),
    ("dose 13 days ago", dcc("v", dt=day(13)), ("VR-VN-0002",)),
    ("dose 1 of 2", dcc("v", dn=1), ("VR-VN-0001",)),
    ("dose 364 days ago", dcc("v", dt=day(364)), NONE),
    ("dose a year ago", dcc("v", dt=day(365)), NONE),
    ("dose over a year ago", dcc("v", dt=day(366)), ("VR-VN-0003",)),
    ("recovered 179 days ago", dcc("r", fr=day(179)), NONE),
    ("recovered 181 days ago", dcc("r", fr=day(181)), ("RR-VN-0001",)),
    ("declared 24 h ago", declaration(hours=24), NONE),
    ("declared before", declaration(hours=24 + 1 / 3600), ("DR-VN-0002",)),
    ("declared exposed", declaration(hours=1, risk=1), ("DR-VN-0001",)),
]


@pytest.mark.parametrize(("text", "failed"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_the_rules_say_of_a_signed_document(text: str, failed: tuple[str, ...]) -> None:
    accepted = Verifier(SIGNERS, Revocations()).verify(text, AT)
    assert isinstance(accepted, Accepted)
    found = RULE_SET.judged(accepted.document, Place("VN", "VN-SG", "venue"), AT, accepted.claims)
    assert (found.result, found.ids) == ("failed" if failed else "passed", failed)


def test_180_days_end_at_viet_nams_midnight() -> None:
    accepted = Verifier(SIGNERS, Revocations()).verify(dcc("r", fr=day(180)), AT)
    assert isinstance(accepted, Accepted)
    midnight = AT.replace(hour=17)
    for at, result in ((midnight - SECOND, "passed"), (midnight, "failed")):
        assert RULE_SET.judged(accepted.document, Place("VN", "VN-SG", "venue"), at).result == result


@pytest.mark.parametrize(
    ("profile", "texts", "answer"),
    [
        ("venue", (dcc("v"),), "valid"),
        ("venue", (dcc("r"),), "valid"),
        ("venue", (health(hours=20),), "valid"),
        ("venue", (health(hours=80),), "rule-failed"),
        ("venue", (health(hours=80), dcc("v")), "valid"),  # enough is enough
        ("venue", (permit(),), "not-asked-for"),
        ("green-lane", (permit(),), "documents-missing"),
        ("green-lane", (dcc("v"),), "documents-missing"),
        ("green-lane", (permit(), dcc("v")), "plate-missing"),
        ("green-lane", (permit(), health(hours=80)), "rule-failed"),
        ("staff", (dcc("v"),), "staff-needed"),
        ("staff", (dcc("v"), CARD), "staff-needed"),
        ("staff", (CARD,), "documents-missing"),
    ],
)  # fmt: skip
def test_what_the_profiles_ask_for(profile: str, texts: tuple[str, ...], answer: str) -> None:
    profiles = Profiles(file_of(path) for path in PROFILES)
    trust = Trust(SIGNERS, Revocations(), RULE_SET, profiles)
    trusted = Trusted(trust, Lane("VN-SG", frozenset({"QL1A"})), profile)
    assert trusted.profile_problem(AT) is None
    assert judge(texts, trusted, AT).reason == answer

"""Papers for lanes: permits, tests and identity codes of several people, and lanes that ask for them by real rules."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from firmware.checkin import CheckIn
from firmware.detail_names import Detail
from firmware.trust_data import Trust
from firmware.trust_switch import Trusted
from tests.firmware.lane import ISSUER, NOW, Lane
from tests.simulators.identity import Person, cccd
from tests.simulators.lx1 import Lx1Issuer, seconds
from tests.verifier.profiles import requiring
from verifier import Revocations
from verifier.profile import Profiles
from verifier.profile_checks import Lane as Place
from verifier.rule_file import NATION, RuleFile, Scope, parse_rule_file
from verifier.rules import RuleSet
from verifier.signers import SignerEntry, encode_signers, parse_signers

RULES = sorted((Path(__file__).parents[2] / "docs/rules/vietnam-2021").glob("*.json"))
PERMITS = Lx1Issuer()
AN = {1: "NGUYEN", 2: "VAN<AN", 3: "1990-02-03", 4: "4567"}
BINH = {1: "TRAN", 2: "THI<BINH", 3: "1985-05-05"}
CODE_OF_AN = cccd(Person("Nguyễn Văn An", datetime(1990, 2, 3).date(), "079090004567"))  # noqa: DTZ001 - a date
CODE_OF_BINH = cccd(Person("Trần Thị Bình", datetime(1985, 5, 5).date(), "079185000001"))  # noqa: DTZ001 - likewise
PLATE, OTHER_PLATE = "51C12345", "29H00007"
ALL_DAY = None
GREEN_LANE = requiring(
    {"document": "vehicle", "checks": ["route", "hours", "plate"], "without_rules": "accepted"},
    [{"document": "test"}, {"document": "vaccination"}],
)
STAFF = requiring({"document": "test"}, {"document": "identity", "proof": "officer"})
_SERIAL = iter(range(10**6))


def lab_test_of(holder: Mapping[int, str] = AN, hours: float = 24, result: int = 0) -> str:
    """Return a laboratory's test whose result is some hours old; result 1: detected."""
    at = NOW - timedelta(hours=hours)
    return PERMITS.issue("test", NOW, f1=holder, f41=seconds(at) - next(_SERIAL), f42=seconds(at), f43=result)


def permit_of(plate: str = PLATE, hours: list[list[int]] | None = ALL_DAY, route: tuple[str, ...] = ("QL1A",)) -> str:
    """Return a vehicle's permit."""
    return PERMITS.issue("vehicle", NOW, f10=plate, f15=hours, f13=list(route))


def declaration_of(holder: Mapping[int, str] = AN) -> str:
    return PERMITS.issue("declaration", NOW, f1=holder)


def judge_of(*bodies: Mapping[str, Any], more: Sequence[RuleFile] = ()) -> Trusted:
    """Return what judges at a lane on QL1A in Ho Chi Minh City, by these profiles, the nation's each."""
    hcert = SignerEntry(kid=ISSUER.kid, format="hcert", certificate=ISSUER.certificate_der)
    signers = parse_signers(encode_signers([hcert, PERMITS.entry()]))
    files = [*(parse_rule_file(path.read_bytes(), NATION) for path in RULES), *more]
    profiles = [
        RuleFile("profile", NATION if number == 0 else f"province-{number}", "default", 1, NOW, None, Scope(), body)
        for number, body in enumerate(bodies)
    ]
    trust = Trust(signers, Revocations(), RuleSet(files, {}), Profiles(profiles))
    return Trusted(trust, Place("VN-SG", frozenset({"QL1A"})))


def lane_of(*bodies: Mapping[str, Any], more: Sequence[RuleFile] = (), wanted: tuple[Detail, ...] = ()) -> Lane:
    """Return a lane in service that asks for this, by the nation's rules and some more."""
    lane = Lane(judge=judge_of(*bodies, more=more), wanted=wanted)
    lane.beat()
    lane.story.clear()
    return lane


NEXT = ("next-document", "documents-missing")
"""What a lane shows as long as something is missing: aspect and reason."""


def shown(lane: Lane) -> tuple[str, str]:
    """Return the aspect and the reason that are shown."""
    return lane.shown.aspect, lane.shown.reason


def answers(lane: Lane) -> list[tuple[str, str]]:
    """Return verdict and reason of all records."""
    return [(one.verdict, one.reason) for one in lane.checkins]


def only(lane: Lane) -> CheckIn:
    """Return the one record."""
    (checkin,) = lane.checkins
    return checkin

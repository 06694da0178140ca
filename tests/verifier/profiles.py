"""Profiles and what is shown to them, made for tests without signatures."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.verifier.rule_files import AT, EVERYWHERE, Shown
from verifier.cwt import Claims
from verifier.documents.document import Document, Holder
from verifier.documents.identity import IdentityCode
from verifier.documents.lx1 import Permit
from verifier.documents.lx1_kinds import Declaration, Travel, Vehicle
from verifier.profile import Profile, parse_profile
from verifier.profile_checks import Facts, Lane
from verifier.profile_judging import Presented
from verifier.reasons import Reason
from verifier.rule_file import NATION, Role, RuleFile, Scope
from verifier.rules import Result, RulesVerdict
from verifier.verdict import Accepted, Identity, Refused, Undecided

TITLE = {"vi": "Luồng xanh", "en": "Green lane"}
AN = Holder(family_standard="NGUYEN", given_standard="VAN<AN", birth_date="1990-01-01")
BINH = Holder(family_standard="TRAN", given_standard="BINH", birth_date="1985-05-05")
NOBODY = Holder()
LANE = Lane("VN-SG", frozenset({"QL1A"}))
FACTS = Facts(LANE, AT)
GREEN_LANE: dict[str, Any] = {
    "title": TITLE,
    "country": "VN",
    "all": [
        {"any": [{"document": "vehicle", "checks": ["route", "hours", "plate"], "without_rules": "accepted"}]},
        {"any": [{"document": "test"}, {"document": "vaccination"}]},
    ],
}


def requiring(*requirements: Mapping[str, Any] | list[Mapping[str, Any]], **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a profile's body: each requirement one item, or several of which one is enough."""
    wanted = [{"any": one if isinstance(one, list) else [one]} for one in requirements]
    return {"title": TITLE, "country": "VN", "all": wanted} | fields


def file_of(
    body: object,
    role: Role = NATION,
    name: str = "green-lane",
    version: int = 1,
    scope: Scope = EVERYWHERE,
    since: datetime = AT,
) -> RuleFile:
    """Return the container around a profile."""
    return RuleFile("profile", role, name, version, since, None, scope, body)


def profile_of(body: object, role: Role = NATION) -> Profile:
    return parse_profile(file_of(body, role))


def presented(document: Document, name: str, result: Result = "passed", role: Role = NATION) -> Presented:
    """Return a good document; `name` makes it another one than others."""
    accepting = frozenset({role}) if result == "passed" else frozenset[Role]()
    rules = RulesVerdict(result, ("VR-VN-0001",) if result in {"failed", "undecided"} else (), None, accepting)
    return Presented(Accepted(document, identity(name), Claims("VN", 0.0, None, {})), identity(name), {"VN": rules})


def refused(name: str = "expired", reason: Reason = Reason.EXPIRED, document: Document | None = None) -> Presented:
    return Presented(Refused(reason, "why", identity(name), document), identity(name))


def undecided(name: str = "later", reason: Reason = Reason.UNSUPPORTED_VERSION) -> Presented:
    return Presented(Undecided(reason, "why"), identity(name))


def code(holder: Holder = AN, name: str = "code") -> Presented:
    """Return an unsigned identity code."""
    document = IdentityCode("cccd", holder)
    return Presented(Undecided(Reason.UNSIGNED, "nobody signed it", None, document), identity(name))


def health(kind: str = "test", holder: Holder | None = AN, result: Result = "passed", name: str = "") -> Presented:
    return presented(Shown(kinds=(kind,), holder=holder), name or f"{kind} of {holder}, {result}", result)


def vehicle(
    plate: str = "51C12345",
    route: tuple[str, ...] = ("QL1A", "QL51"),
    hours: tuple[tuple[int, int], ...] = (),
    result: Result = "none",
) -> Presented:
    entry = Vehicle(plate, "lorry", "0301234567", route, 2, None, hours)
    return presented(Permit("VN-SG", None, entry), f"vehicle {plate} {route} {hours} {result}", result)


def travel(
    areas: tuple[str, ...] = ("VN-SG",), hours: tuple[tuple[int, int], ...] = (), holder: Holder = AN
) -> Presented:
    return presented(Permit("VN-SG", holder, Travel("work", None, areas, hours)), f"travel {areas} {hours}")


def declaration(areas: tuple[str, ...] = (), holder: Holder = AN) -> Presented:
    return presented(Permit("VN-SG", holder, Declaration(AT, "none", areas)), f"declaration {areas}")


def identity(name: str) -> Identity:
    return Identity(hashlib.sha256(name.encode()).digest())

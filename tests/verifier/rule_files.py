"""Files of rules and profiles, written for tests as their publishers write them, and documents to judge by them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from verifier.documents.document import FormatName, Holder
from verifier.rule_file import NATION, Role, RuleFile, Scope
from verifier.rules import Place

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
SAIGON = Role("province-vn-sg")
LANE = Place("VN", "VN-SG", "venue")
EVERYWHERE = Scope()
YES, NO, NEITHER = {"===": [1, 1]}, {"===": [1, 2]}, {"var": "payload.nothing"}


@dataclass(frozen=True)
class Shown:
    """A document as rules see it."""

    payload: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ("vaccination",)
    country: str = "DE"
    format: FormatName = "hcert"
    holder: Holder | None = None


def encoded(file: RuleFile) -> bytes:
    """Return the file of a rule or a profile."""
    about = {"id": file.id, "version": file.version, "valid_from": file.valid_from, "valid_to": file.valid_to}
    return msgspec.json.encode(about | {"scope": file.scope, file.kind: file.body})


def rule_body(name: str = "VR-VN-0001", **fields: object) -> dict[str, Any]:
    """Return a rule as the EU gateway writes it, that every vaccination passes; `fields` as in it."""
    return {
        "Identifier": name,
        "Type": "Acceptance",
        "Country": "VN",
        "Version": "1.0.0",
        "SchemaVersion": "1.0.0",
        "Engine": "CERTLOGIC",
        "EngineVersion": "0.7.5",
        "CertificateType": "Vaccination",
        "Description": [{"lang": "vi", "desc": f"Theo {name}"}, {"lang": "en", "desc": f"As {name} has it"}],
        "ValidFrom": "2021-06-01T00:00:00Z",
        "ValidTo": "2030-06-01T00:00:00Z",
        "AffectedFields": ["v.0"],
        "Logic": YES,
    } | fields


def contained(
    body: Mapping[str, Any],
    role: Role = NATION,
    number: int = 1,
    scope: Scope = EVERYWHERE,
    days: tuple[int, int] = (-9, 9),
) -> RuleFile:
    """Return the container around a rule, in force from some days before `AT` to some days after."""
    since, until = (AT + timedelta(days=day) for day in days)
    return RuleFile("rule", role, str(body["Identifier"]), number, since, until, scope, dict(body))

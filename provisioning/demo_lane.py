"""A green lane for demonstrations: its rules and its profile, as the nation would publish them, and where it lies.

The rules are three of those in docs/rules/vietnam-2021, under names of their own.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from verifier.rule_file import NATION, Kind, path_of

PROFILE = "green-lane"
AREA = "VN-SG"
ROAD = "QL1A"
_SINCE = timedelta(days=30)
_NOT_DETECTED = "260415000"  # SNOMED CT
_MOMENT = {"plusTime": [{"var": "external.validationClock"}, 0, "hour"]}

_RULES: dict[str, tuple[str, str, str, list[str], Mapping[str, Any]]] = {
    "DEMO-TEST-RESULT": (
        "Test",
        "Kết quả xét nghiệm không phải âm tính",
        "Test result is not negative",
        ["t.0.tr"],
        {"===": [{"var": "payload.t.0.tr"}, _NOT_DETECTED]},
    ),
    "DEMO-TEST-72H": (
        "Test",
        "Kết quả xét nghiệm đã quá 72 giờ",
        "Test older than 72 hours",
        ["t.0.sc"],
        {"not-after": [_MOMENT, {"plusTime": [{"var": "payload.t.0.sc"}, 72, "hour"]}]},
    ),
    "DEMO-DOSES": (
        "Vaccination",
        "Chưa tiêm đủ số mũi theo quy định",
        "Not enough doses",
        ["v.0.dn", "v.0.sd"],
        {">=": [{"var": "payload.v.0.dn"}, {"var": "payload.v.0.sd"}]},
    ),
}
"""By identifier: kind of certificate, what fails in both languages, fields, and what is asked."""

_PROFILE = {
    "title": {"vi": "Luồng xanh", "en": "Green lane"},
    "country": "VN",
    "all": [
        {
            "any": [
                {"document": "vehicle", "formats": ["lx1"], "checks": ["route", "hours"], "without_rules": "accepted"}
            ]
        },
        {"any": [{"document": "test"}, {"document": "vaccination"}]},
    ],
}


def lay_lane(trust: Path, at: datetime) -> None:
    """Write rules and profile into a folder of trust data, as of now (`at`, aware)."""
    for name in _RULES:
        _lay(trust, "rule", name, _rule(name, at), at)
    _lay(trust, "profile", PROFILE, _PROFILE, at)


def _rule(name: str, at: datetime) -> dict[str, Any]:
    kind, vi, en, fields, logic = _RULES[name]
    return {
        "Identifier": name,
        "Type": "Acceptance",
        "Country": "VN",
        "Version": "1.0.0",
        "SchemaVersion": "1.0.0",
        "Engine": "CERTLOGIC",
        "EngineVersion": "1.0.0",
        "CertificateType": kind,
        "Description": [{"lang": "vi", "desc": vi}, {"lang": "en", "desc": en}],
        "ValidFrom": _utc(at - _SINCE),
        "ValidTo": "2099-12-31T23:59:59Z",
        "AffectedFields": fields,
        "Logic": logic,
    }


def _lay(trust: Path, kind: Kind, name: str, body: Mapping[str, Any], at: datetime) -> None:
    path = trust / path_of(kind, NATION, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    container = {"id": name, "version": 1, "valid_from": _utc(at - _SINCE), "valid_to": None, "scope": {}}
    path.write_bytes(msgspec.json.encode(container | {kind: body}))


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

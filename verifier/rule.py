"""One rule as the EU gateway writes them (*Validation Rules*), inside the container of a rule file (`rule_file.py`).

    {"Identifier": "TR-VN-0001", "Type": "Acceptance", "Country": "VN", "Version": "1.0.0", "SchemaVersion": "1.0.0",
     "Engine": "CERTLOGIC", "EngineVersion": "1.0.0", "CertificateType": "Test", "AffectedFields": ["t.0.tr"],
     "Description": [{"lang": "vi", "desc": "Kết quả ..."}, {"lang": "en", "desc": "Test ..."}],
     "ValidFrom": "2021-10-01T00:00:00Z", "ValidTo": "2099-12-31T23:59:59Z", "Logic": {"===": [...]}}

Ours are three more types of certificate: Vehicle, Travel, Declaration. What cannot be used is not passed over on a
kiosk: `rule_of` makes a rule of it that is always undecided, where it would have applied as far as that can be read.
Whoever publishes rules calls `parse_rule`, and is told.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from verifier.areas import AREA_PATTERN, covers
from verifier.certlogic import CertLogicError, compiled, problem_of
from verifier.rule_file import Role, RuleFile, Scope

RuleType = Literal["Acceptance", "Invalidation"]
Version = tuple[int, int, int]
Test = Callable[[Mapping[str, Any]], Any]
"""What a rule asks of `payload` and `external`: true or false; raises CertLogicError."""

HEALTH = frozenset({"vaccination", "test", "recovery"})
"""The kinds that a rule for `General` is about."""
_KINDS = {"General": HEALTH} | {
    name: frozenset({name.lower()}) for name in ("Vaccination", "Test", "Recovery", "Vehicle", "Travel", "Declaration")
}
ALL_KINDS = frozenset[str]().union(*_KINDS.values())
ENGINE = "CERTLOGIC"
ENGINE_MAJOR_MAX = 2  # CertLogic is at 1.3, but rules in production say 2.0.1; what they use of it, `problem_of` checks
SCHEMA_MAJOR = 1  # of the health certificate's schema
WORDS_MAX_CHARACTERS = 120  # ours: what a screen shows in two lines
_DESCRIPTIONS_MAX, _DESCRIPTION_MAX_CHARACTERS = 32, 1000  # ours: published rules reach 6 and 362
_FIELDS_MAX = 256  # ours: published rules name up to 12
_UNKNOWN_VERSION = (sys.maxsize,) * 3  # counts as the newest
_VERSION = r"\A[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}\Z"
_COUNTRY = r"\A[A-Z]{2}\Z"
_REGION = rf"\A\Z|{AREA_PATTERN}"  # empty: as the gateway's programs write it where there is none


class RulesError(Exception):
    """A rule that cannot be used; the text says why."""


class Words(NamedTuple):
    """What a rule demands, for people; each one line of at most `WORDS_MAX_CHARACTERS` printable characters."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, ready to be asked.

    Attributes:
        id, role: Whose rule of which name; versions displace each other within one role.
        version, number: The body's version, and the container's.
        type: None where it cannot be read: either.
        country, region: Where it holds; None where it is not said, or cannot be read: anywhere.
        kinds: The kinds of documents that it is about.
        scope: Areas and lanes that its container names.
        valid_from, valid_to: Aware, both included; of body and container the narrower ones.
        words: None where it has no description in both languages.
        test: What it asks.
        problem: Why it cannot be used, None where it can.
    """

    id: str
    role: Role
    version: Version
    number: int
    type: RuleType | None
    country: str | None
    region: str | None
    kinds: frozenset[str]
    scope: Scope
    valid_from: datetime
    valid_to: datetime | None
    words: Words | None
    test: Test
    problem: str | None = None

    def in_force(self, at: datetime) -> bool:
        """Tell whether it holds at an aware time."""
        return self.valid_from <= at and (self.valid_to is None or at <= self.valid_to)


_SemVer = Annotated[str, Meta(pattern=_VERSION)]
_Time = Annotated[datetime, Meta(tz=True)]


class _Description(msgspec.Struct, forbid_unknown_fields=True):
    lang: Annotated[str, Meta(max_length=16)]
    desc: Annotated[str, Meta(max_length=_DESCRIPTION_MAX_CHARACTERS)]


class _Body(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, kw_only=True):
    identifier: str
    type: RuleType
    country: Annotated[str, Meta(pattern=_COUNTRY)]
    region: Annotated[str, Meta(pattern=_REGION)] | None = None
    version: _SemVer
    schema_version: _SemVer
    engine: str
    engine_version: _SemVer
    certificate_type: Literal["General", "Vaccination", "Test", "Recovery", "Vehicle", "Travel", "Declaration"]
    description: Annotated[tuple[_Description, ...], Meta(min_length=1, max_length=_DESCRIPTIONS_MAX)]
    valid_from: _Time
    valid_to: _Time
    affected_fields: Annotated[tuple[Annotated[str, Meta(max_length=128)], ...], Meta(max_length=_FIELDS_MAX)]
    logic: Any


def parse_rule(file: RuleFile) -> Rule:
    """Read the rule in a container.

    Raises:
        RulesError: It is none, or one that this program cannot evaluate.
    """
    body = _body(file)
    if body.identifier != file.id:
        raise RulesError(f"the Identifier {body.identifier[:64]!r} is not the file's id {file.id!r}; name both alike")
    _check_versions(body)
    if body.valid_to < body.valid_from:
        raise RulesError("ValidTo is before ValidFrom")
    if (problem := problem_of(body.logic)) is not None:
        raise RulesError(f"Logic: {problem}")
    return Rule(
        id=file.id,
        role=file.role,
        version=_version(body.version),
        number=file.version,
        type=body.type,
        country=body.country,
        region=_region(body),
        kinds=_KINDS[body.certificate_type],
        scope=file.scope,
        valid_from=max(file.valid_from, body.valid_from),
        valid_to=body.valid_to if file.valid_to is None else min(file.valid_to, body.valid_to),
        words=words_of((described.lang, described.desc) for described in body.description),
        test=compiled(body.logic),
    )


def rule_of(file: RuleFile) -> Rule:
    """Return the rule in a container, or where that cannot be used one that is always undecided."""
    try:
        return parse_rule(file)
    except RulesError as error:
        return _unusable(file, str(error))


def words_of(descriptions: Iterable[tuple[str, str]]) -> Words | None:
    """Return what a screen shows of descriptions (language, text), None where one of both languages has none."""
    found = {language: shown for language, text in descriptions if (shown := _shown(text))}
    return Words(found["vi"], found["en"]) if "vi" in found and "en" in found else None


def _body(file: RuleFile) -> _Body:
    if file.kind != "rule":
        raise RulesError(f"a {file.kind}, not a rule")
    try:
        return msgspec.convert(file.body, _Body)
    except msgspec.ValidationError as error:
        raise RulesError(f"not a rule as the EU gateway writes them: {error}") from None


def _check_versions(body: _Body) -> None:
    if body.engine != ENGINE:
        raise RulesError(f"the Engine {body.engine[:64]!r} is not known; this is {ENGINE}")
    if _version(body.engine_version)[0] > ENGINE_MAJOR_MAX:
        raise RulesError(f"the EngineVersion {body.engine_version} is newer than {ENGINE_MAJOR_MAX}.x")
    if _version(body.schema_version)[0] != SCHEMA_MAJOR:
        raise RulesError(f"the SchemaVersion {body.schema_version} is not known; {SCHEMA_MAJOR}.x is")


def _region(body: _Body) -> str | None:
    """Return the area that a rule is for; the gateway's members write `SH` of the country DE for what is DE-SH."""
    if not body.region or body.region == body.country:
        return None
    return body.region if covers((body.country,), body.region) else f"{body.country}-{body.region}"


def _version(text: str) -> Version:
    major, minor, patch = map(int, text.split("."))
    return major, minor, patch


def _unusable(file: RuleFile, problem: str) -> Rule:
    """Return a rule that is undecided wherever the body's readable parts let it apply."""
    body = file.body if isinstance(file.body, dict) else {}
    version, country, type_ = (_readable(body.get(name)) for name in ("Version", "Country", "Type"))
    return Rule(
        id=file.id,
        role=file.role,
        version=_version(version) if re.fullmatch(_VERSION, version) else _UNKNOWN_VERSION,
        number=file.version,
        type="Acceptance" if type_ == "Acceptance" else "Invalidation" if type_ == "Invalidation" else None,
        country=country if re.fullmatch(_COUNTRY, country) else None,
        region=None,
        kinds=_KINDS.get(_readable(body.get("CertificateType")), ALL_KINDS),
        scope=file.scope,
        valid_from=file.valid_from,
        valid_to=file.valid_to,
        words=None,
        test=_undecided(problem),
        problem=problem,
    )


def _undecided(problem: str) -> Test:
    def test(_data: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as every rule's test
        raise CertLogicError(problem)

    return test


def _readable(value: object) -> str:
    return value if isinstance(value, str) else ""


def _shown(text: str) -> str:
    """Return a text as one line of printable characters (no marks of direction), cut where it is too long."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text)).split())
    return plain if len(plain) <= WORDS_MAX_CHARACTERS else f"{plain[: WORDS_MAX_CHARACTERS - 1].rstrip()}…"

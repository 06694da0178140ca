"""Files of rules and profiles: who signed them, for which places, from when to when; what they say is not judged here.

    {"id": "VN-TEST-72H", "version": 3, "valid_from": "2026-01-01T00:00:00Z", "valid_to": null,
        "scope": {"areas": ["VN-SG"], "lanes": ["venue"]}, "rule": {...}}

A profile has `profile` in place of `rule`. An empty list in the scope sets no bound; lanes are named by their profile.
A file lies where its signer may write, and under its own name:

    rules/nation/<id>.json     rules/province/<code>/<id>.json     profiles/...     the one that is in force
    rules/nation/<id>@<version>.json                                                 beside it, for a time to come

What a province says is bounded by the role that signed it: it speaks for areas of its own only, and its identifiers
are its own, so that no version of it displaces another's. A site's files lie in a folder of the kiosk's own, in the
same container, and nobody signs them: they bind that kiosk alone.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple, NewType

import msgspec
from msgspec import Meta

from verifier.areas import AREA_PATTERN, area_of, covers, is_province

Role = NewType("Role", str)
"""Whose a file is: `nation` or `province-<code>`, who signed it, or `site`, in whose folder it lies."""
Kind = Literal["rule", "profile"]

NATION = Role("nation")
SITE = Role("site")
"""Whoever runs the kiosk; may name any area."""
RULE_FILE_MAX_BYTES = 64 * 1024  # ours: the largest published rule has 5 KB
BODY_MAX_DEPTH = 64  # ours: published rules reach 40; whoever evaluates one calls itself as deep
_VERSION_MAX = 2**53 - 1  # what every reader of JSON can hold: RFC 8259, section 6
_PROVINCE_PREFIX = "province-"
_ID = r"[A-Za-z0-9]([A-Za-z0-9_-]{0,62}[A-Za-z0-9])?"
_PATH = re.compile(
    rf"(?P<kind>rule|profile)s/(nation|province/(?P<province>[^/]*))/(?P<id>{_ID})(@(?P<version>[1-9][0-9]{{0,15}}))?\.json",
    re.ASCII,
)

_Area = Annotated[str, Meta(pattern=AREA_PATTERN)]
_Lane = Annotated[str, Meta(pattern=r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=48)]


class RuleFileError(Exception):
    """A file of rules that cannot be used; the text says why."""


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a file holds: areas with all within, and lanes by their profile's name; empty: all that its role has."""

    areas: Annotated[tuple[_Area, ...], Meta(max_length=256)] = ()
    lanes: Annotated[tuple[_Lane, ...], Meta(max_length=64)] = ()


class Place(NamedTuple):
    """What a path says of the file there; `version` is None where the file's name has none."""

    kind: Kind
    role: Role
    id: str
    version: int | None


class RuleFile(NamedTuple):
    """A rule or profile with what surrounds it. Times are UTC, both included; `body` is any JSON."""

    kind: Kind
    role: Role
    id: str
    version: int
    valid_from: datetime
    valid_to: datetime | None
    scope: Scope
    body: Any

    def in_force(self, at: datetime) -> bool:
        """Tell whether it holds at an aware time."""
        return self.valid_from <= at and (self.valid_to is None or at <= self.valid_to)


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    id: Annotated[str, Meta(pattern=rf"\A{_ID}\Z")]
    version: Annotated[int, Meta(ge=1, le=_VERSION_MAX)]
    valid_from: datetime
    valid_to: datetime | None
    scope: Scope
    rule: Any = msgspec.UNSET
    profile: Any = msgspec.UNSET

    def __post_init__(self) -> None:
        """Check what belongs together."""
        if (self.rule is msgspec.UNSET) == (self.profile is msgspec.UNSET):
            raise ValueError("a file has a rule or a profile, not both")
        for time in (self.valid_from, self.valid_to):
            if time is not None and time.utcoffset() != timedelta(0):
                raise ValueError("times are in UTC, such as 2026-01-01T00:00:00Z")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")


def province_of(role: str) -> str | None:
    """Return the code of the province whose role it is, None for the nation's.

    Raises:
        RuleFileError: It is no role that signs rules.
    """
    if role == NATION:
        return None
    code = role.removeprefix(_PROVINCE_PREFIX)
    if code == role or not is_province(code):
        raise RuleFileError(f"{role[:64]!r} is no role: nation, or province- and a code such as vn-sg")
    return code


def role_of(province: str | None) -> Role:
    """Return the role of a province by its code, the nation's for None.

    Raises:
        RuleFileError: It is no code of a province.
    """
    if province is None:
        return NATION
    if not is_province(province):
        raise RuleFileError(f"{province[:64]!r} is no province's code; write it as vn-sg")
    return Role(_PROVINCE_PREFIX + province)


def path_of(kind: Kind, role: Role, name: str, version: int | None = None) -> str:
    """Return where a file lies; with its version beside the one in force."""
    province = province_of(role)
    folder = "nation" if province is None else f"province/{province}"
    return f"{kind}s/{folder}/{name}{'' if version is None else f'@{version}'}.json"


def place_of(path: str) -> Place | None:
    """Return what a path says of the file there, None where no rule or profile may lie."""
    match = _PATH.fullmatch(path)
    if match is None or (match["province"] is not None and not is_province(match["province"])):
        return None
    kind: Kind = "rule" if match["kind"] == "rule" else "profile"
    version = int(match["version"]) if match["version"] else None
    return Place(kind, role_of(match["province"]), match["id"], version)


def role_of_path(path: str) -> Role:
    """Return the role that signs what lies at a path.

    Raises:
        RuleFileError: No rule or profile may lie there.
    """
    place = place_of(path)
    if place is None:
        raise RuleFileError(f"{path[:200]!r} is no place for a rule or a profile")
    return place.role


def parse_rule_file(data: bytes, role: Role) -> RuleFile:
    """Read a file of a rule or a profile of a role.

    Raises:
        RuleFileError: It is none, breaks a bound, or a province's holds for other areas than its own.
    """
    province = None if role == SITE else province_of(role)
    if len(data) > RULE_FILE_MAX_BYTES:
        raise RuleFileError(f"larger than {RULE_FILE_MAX_BYTES} bytes")
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RuleFileError(f"not a rule or a profile: {error}") from None
    kind: Kind = "profile" if file.rule is msgspec.UNSET else "rule"
    body = file.profile if file.rule is msgspec.UNSET else file.rule
    if _deeper(body, BODY_MAX_DEPTH):
        raise RuleFileError(f"the {kind} is nested deeper than {BODY_MAX_DEPTH}")
    _check_scope(file.scope, province)
    return RuleFile(kind, role, file.id, file.version, file.valid_from, file.valid_to, file.scope, body)


def parse_rule_file_at(data: bytes, path: str) -> RuleFile:
    """Read the file at a path.

    Raises:
        RuleFileError: As `parse_rule_file`, or the path names another kind, identifier or version.
    """
    file = parse_rule_file(data, role_of_path(path))
    if path not in {path_of(file.kind, file.role, file.id), path_of(file.kind, file.role, file.id, file.version)}:
        raise RuleFileError(f"{path} holds the {file.kind} {file.id} of version {file.version}; name it after that")
    return file


def newest(files: Iterable[RuleFile], at: datetime) -> tuple[RuleFile, ...]:
    """Return the files in force, of each rule and profile of each role the newest version, or all that claim to be."""
    in_force = [file for file in files if file.in_force(at)]
    newest_of: dict[tuple[Kind, Role, str], int] = {}
    for file in in_force:
        key = (file.kind, file.role, file.id)
        newest_of[key] = max(file.version, newest_of.get(key, 0))
    return tuple(file for file in in_force if file.version == newest_of[file.kind, file.role, file.id])


def _check_scope(scope: Scope, province: str | None) -> None:
    if province is None:
        return
    own = area_of(province)
    if not scope.areas or not all(covers((own,), area) for area in scope.areas):
        raise RuleFileError(f"a province speaks for itself only: name {own}, or areas within, as the scope's areas")


def _deeper(body: object, depth: int) -> bool:
    """Tell whether JSON is nested deeper, without calling itself."""
    level = [body]
    for _ in range(depth + 1):
        level = [inner for one in level for inner in _within(one)]
        if not level:
            return False
    return True


def _within(one: object) -> Iterable[object]:
    if isinstance(one, dict):
        return one.values()
    return one if isinstance(one, list) else ()

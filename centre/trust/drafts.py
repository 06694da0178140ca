"""The draft: what the next publication makes, in the formats in which it is published.

draft/signers.json, freshness.json              whom to trust, and for how long
draft/value-sets.json                           the codes that rules compare with, where there are any
draft/rules/..., draft/profiles/...             the nation's, and below province/<code>/ a province's own
draft/delegations.json                          whose keys speak for which province
settings.json                                   for how long each role's metadata is signed
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from centre.files import PUBLIC, make_folder, write_whole
from centre.output import EX_DATA, EX_UNAVAILABLE, EX_USAGE
from centre.trust.home import TrustError, TrustHome, read_bounded, writing
from centre.trust.roles import DAYS, RoleKeys
from verifier.areas import is_province
from verifier.freshness import DEFAULT_FRESHNESS, FRESHNESS_MAX_BYTES, FreshnessError, encode_freshness, parse_freshness
from verifier.profile import ProfileError, parse_profile
from verifier.rule import RulesError, parse_rule, rule_of
from verifier.rule_file import (
    NATION,
    RULE_FILE_MAX_BYTES,
    Kind,
    Role,
    RuleFile,
    RuleFileError,
    parse_rule_file,
    parse_rule_file_at,
    path_of,
    province_of,
)
from verifier.signers import SIGNERS_MAX_BYTES, encode_signers, read_entries
from verifier.trust import TrustListError
from verifier.value_sets import VALUE_SETS_MAX_BYTES, ValueSetsError, parse_value_sets

SIGNERS, FRESHNESS, VALUE_SETS = "signers.json", "freshness.json", "value-sets.json"
DELEGATIONS = "delegations.json"
SMALL_MAX_BYTES = 1024 * 1024  # ours: a nation of 64 provinces, 16 keys each, has 300 KB
PROVINCES_MAX = 128  # ours
RULES_MAX = 1000  # of one role: a kiosk takes no more of a province (firmware/sync_metadata.py)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

T = TypeVar("T")


class OlderError(TrustError):
    """A rule or a profile of which the draft has a newer version."""


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """For how many days each role's metadata is signed."""

    version: Literal[1]
    days: dict[str, int]


class _Delegations(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    version: Literal[1]
    provinces: dict[str, RoleKeys]


class Draft:
    """The draft of a home. Whatever cannot be read or written raises TrustError."""

    def __init__(self, home: TrustHome) -> None:
        """Look at a home."""
        self._home = home
        self.folder = home.draft

    def begin(self, days: dict[str, int], offline_max_days: int | None) -> None:
        """Lay what a nation begins with; what is there stays."""
        fresh = DEFAULT_FRESHNESS
        try:
            if offline_max_days is not None:
                fresh = msgspec.structs.replace(fresh, offline_max_days=offline_max_days)
            freshness = encode_freshness(fresh)
        except (FreshnessError, ValueError) as error:
            raise TrustError(f"--offline-days: {error}", EX_DATA) from None
        self._new(FRESHNESS, freshness)
        self._new(SIGNERS, encode_signers([]))
        write_settings(self._home.settings, days)

    def checked(self) -> dict[str, bytes]:
        """Return the nation's files by their paths, each one such as kiosks can use."""
        return {
            SIGNERS: self._checked(SIGNERS, SIGNERS_MAX_BYTES, _check_signers),
            FRESHNESS: self._checked(FRESHNESS, FRESHNESS_MAX_BYTES, parse_freshness),
            **self.value_sets(),
            **self.rules(NATION),
        }

    def value_sets(self) -> dict[str, bytes]:
        """Return the file of value sets by its path, nothing where there is none."""
        if not (self.folder / VALUE_SETS).exists():
            return {}
        return {VALUE_SETS: self._checked(VALUE_SETS, VALUE_SETS_MAX_BYTES, parse_value_sets)}

    def set_value_sets(self, data: bytes) -> bool:
        """Take a file of value sets in place of the one before; return whether it is another one."""
        if self.value_sets().get(VALUE_SETS) == data:
            return False
        self._write(VALUE_SETS, data)
        return True

    def rules(self, role: Role) -> dict[str, bytes]:
        """Return a role's rules and profiles by their paths."""
        return {path: self._rule(path) for path in self._paths(role)}

    def add_rule(
        self, data: bytes, role: Role, kind: Kind, name: Path | str, now: datetime
    ) -> tuple[RuleFile, str] | None:
        """Take a rule or a profile that kiosks can use; return it and its path, None where it is there already.

        One for a time to come lies beside the one that is in force until then.
        """
        file = _usable(data, role, kind, name)
        before = self._versions(role, kind, file.id)
        if data in before.values():
            return None
        newest = max((parse_rule_file(one, role).version for one in before.values()), default=0)
        if file.version <= newest:
            said = f"{name}: version {file.version} is not newer than {newest}: give it the next"
            raise (TrustError if file.version == newest else OlderError)(said, EX_DATA)
        later = bool(before) and file.valid_from > now
        if later and kind == "rule":
            _check_displaces(file, [parse_rule_file(one, role) for one in before.values()], name)
        path = path_of(kind, role, file.id, file.version if later else None)
        self._write(path, data)
        if not later:
            self._remove(one for one in before if one != path)
        return file, path

    def remove_rule(self, role: Role, kind: Kind, name: str) -> list[str]:
        """Remove every version of a rule or a profile; return their paths."""
        found = list(self._versions(role, kind, name)) if _ID.fullmatch(name) else []
        if not found:
            raise TrustError(
                f"{name[:64]!a}: no such {kind} in the draft: see greengate-centre trust status", EX_UNAVAILABLE
            )
        self._remove(found)
        return found

    def provinces(self) -> dict[str, RoleKeys]:
        """Return whose keys speak for which province."""
        path = self.folder / DELEGATIONS
        if not path.exists():
            return {}
        found = decoded(path, _Delegations).provinces
        if not all(is_province(code) for code in found):
            raise TrustError(f"{path} names what is no province: bring it from a backup")
        return found

    def delegate(self, code: str, keys: RoleKeys) -> bool:
        """Let keys speak for a province, in place of those before; return whether that is new."""
        found = self.provinces()
        if found.get(code) == keys:
            return False
        for other, theirs in found.items():
            if other != code and keys.keys.keys() & theirs.keys.keys():
                raise TrustError(f"{code}: this is {other}'s key: each province has keys of its own", EX_USAGE)
        found[code] = keys
        if len(found) > PROVINCES_MAX:
            raise TrustError(f"more than {PROVINCES_MAX} provinces", EX_DATA)
        self._write(DELEGATIONS, msgspec.json.encode(_Delegations(1, found)))
        return True

    def _versions(self, role: Role, kind: Kind, name: str) -> dict[str, bytes]:
        here = re.compile(re.escape(path_of(kind, role, name).removesuffix(".json")) + r"(@[0-9]+)?\.json")
        return {path: self._rule(path) for path in self._paths(role) if here.fullmatch(path)}

    def _rule(self, path: str) -> bytes:
        return self._checked(path, RULE_FILE_MAX_BYTES, partial(parse_rule_file_at, path=path))

    def _paths(self, role: Role) -> list[str]:
        """Return what lies in a role's folders; a file that an editor hides is none of it."""
        found = list(self._listed(province_of(role)))
        if len(found) > RULES_MAX:
            raise TrustError(f"{self.folder}: more than {RULES_MAX} rules and profiles of {role}: remove some", EX_DATA)
        return found

    def _listed(self, code: str | None) -> Iterator[str]:
        for kind in ("rules", "profiles"):
            folder = self.folder / kind / ("nation" if code is None else f"province/{code}")
            with writing(folder):
                names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
            below = folder.relative_to(self.folder).as_posix()
            yield from (f"{below}/{name}" for name in names if not name.startswith("."))

    def _checked(self, path: str, max_bytes: int, check: Callable[[bytes], object]) -> bytes:
        place = self.folder / path
        data = read_bounded(place, max_bytes)
        try:
            check(data)
        except (TrustListError, FreshnessError, RuleFileError, ValueSetsError) as error:
            raise TrustError(f"{place}: {error}", EX_DATA) from None
        return data

    def _new(self, path: str, data: bytes) -> None:
        if not (self.folder / path).exists():
            self._write(path, data)

    def _write(self, path: str, data: bytes) -> None:
        place = self.folder / path
        with writing(place):
            make_folder(place.parent, 0o755)
            write_whole(place, data, PUBLIC)

    def _remove(self, paths: Iterator[str] | list[str]) -> None:
        with writing(self.folder):
            for path in paths:
                (self.folder / path).unlink(missing_ok=True)


def _check_displaces(file: RuleFile, before: Iterable[RuleFile], name: Path | str) -> None:
    """Check that kiosks, which look at a rule's own version first, will take it for newer than those it lies beside.

    Raises: TrustError.
    """
    newest = max(rule_of(one).version for one in before)
    if parse_rule(file).version < newest:
        wanted = ".".join(map(str, newest))
        raise TrustError(f"{name}: its Version is older than {wanted}, which kiosks would keep: raise it", EX_DATA)


def _usable(data: bytes, role: Role, kind: Kind, name: Path | str) -> RuleFile:
    """Return a rule or a profile that can be evaluated.

    Raises: TrustError.
    """
    try:
        file = parse_rule_file(data, role)
        if file.kind != kind:
            raise TrustError(
                f"{name} is a {file.kind}: add it {'with' if kind == 'rule' else 'without'} --profile", EX_DATA
            )
        if kind == "rule":
            parse_rule(file)
        else:
            parse_profile(file)
    except (RuleFileError, RulesError, ProfileError) as error:
        raise TrustError(f"{name}: {error}", EX_DATA) from None
    return file


def read_settings(path: Path) -> Settings:
    """Return for how long each role's metadata is signed; what was not set at the begin is as it comes.

    Raises: TrustError.
    """
    days = decoded(path, Settings).days if path.exists() else {}
    return Settings(1, DAYS | days)


def write_settings(path: Path, days: dict[str, int]) -> None:
    """Write for how long each role's metadata is signed, where nobody did.

    Raises: TrustError.
    """
    if not path.exists():
        with writing(path):
            write_whole(path, msgspec.json.encode(Settings(1, days)), PUBLIC)


def offline_days(freshness: bytes) -> int:
    """Return for how many days kiosks may be offline at most.

    Raises: TrustError.
    """
    try:
        return parse_freshness(freshness).offline_max_days
    except FreshnessError as error:
        raise TrustError(f"{FRESHNESS} that is published: {error}") from None


def decoded(path: Path, as_type: type[T]) -> T:
    """Return a small file of ours.

    Raises: TrustError.
    """
    try:
        return msgspec.json.decode(read_bounded(path, SMALL_MAX_BYTES), type=as_type)
    except msgspec.MsgspecError as error:
        raise TrustError(f"{path}: {error}: bring it from a backup") from None


def _check_signers(data: bytes) -> Any:  # noqa: ANN401 - only that it raises nothing counts
    return encode_signers(read_entries(data))

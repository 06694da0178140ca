"""What a lane requires, as data: all of (any of ...) documents, each with checks; here it is read and chosen.

    {"title": {"vi": "Luồng xanh", "en": "Green lane"}, "country": "VN",
     "all": [{"any": [{"document": "vehicle", "checks": ["route", "hours", "plate"], "without_rules": "accepted"}]},
             {"any": [{"document": "test"}, {"document": "vaccination"}]},
             {"any": [{"document": "identity", "proof": "officer"}]}]}

It lies in a file of `verifier.rule_file`, under its lane's name. Whoever signs one - the nation, a province, a site -
can only tighten: each is judged by itself (`verifier.profile_judging`), and the worst answer holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, cast, get_args

import msgspec
from msgspec import Meta

from verifier.areas import area_of, covers
from verifier.documents.document import IDENTITY, FormatName
from verifier.reasons import Reason
from verifier.rule_file import SITE, Role, RuleFile, Scope, newest, province_of

Check = Literal["route", "hours", "plate", "area"]
WithoutRules = Literal["undecided", "refused", "accepted"]
Proof = Literal["none", "officer"]

CHECKS: dict[str, tuple[Check, ...]] = {  # what can be held against the lane, by kind of document
    "vehicle": ("route", "hours", "plate"),
    "travel": ("area", "hours"),
    "declaration": ("area",),
}
IDENTITY_FORMATS: tuple[FormatName, ...] = ("qrqg", "cccd", "bhyt")
SIGNED_FORMATS = tuple(name for name in get_args(FormatName) if name not in IDENTITY_FORMATS)
SIGNED_KINDS = ("vaccination", "recovery", "test", "vehicle", "travel", "declaration")
KINDS = (*SIGNED_KINDS, IDENTITY)
REQUIREMENTS_MAX = 8  # ours: a record names eight kinds; nobody shows more in one stop
ALTERNATIVES_MAX = 16  # ours: each kind, some of them twice
WINDOW_S = 30
_WINDOW_S = (5, 300)  # ours: shorter nobody finds the next document; longer another person stands there
_TITLE_MAX_CHARS = 80  # ours: one line on a screen
_NAME = r"\A[a-z0-9]+(-[a-z0-9]+)*\Z"


class ProfileError(Exception):
    """A profile that cannot be used; the text names what is unknown or wrong, and what is known."""


class Item(NamedTuple):
    """One document that would do: its kind, in one of some formats (none: in any)."""

    document: str
    formats: tuple[FormatName, ...] = ()
    checks: tuple[Check, ...] = ()
    without_rules: WithoutRules = "undecided"
    proof: Proof = "none"


Requirement = tuple[Item, ...]
"""Documents of which one is enough."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What one signing role requires at a lane.

    Attributes:
        role: Who requires it; rules of lower roles alone do not stand for rules of its own.
        title: In Vietnamese and in English.
        country: Whose acceptance rules count; a province's is its own.
        all: Every one of these must be met.
        window_s: How long documents that are shown one after another count together.
        same_holder: Whether all documents that name somebody must name the same one.
        attendance: Whether an unsigned code, of which nothing else is required, is recorded as attendance.
    """

    role: Role
    title: tuple[str, str]
    country: str
    all: tuple[Requirement, ...]
    window_s: int = WINDOW_S
    same_holder: bool = True
    attendance: bool = False

    @property
    def items(self) -> tuple[Item, ...]:
        """Return all documents that it asks for, in its order."""
        return tuple(item for requirement in self.all for item in requirement)

    @property
    def heeds_identity(self) -> bool:
        """Tell whether it has a use for unsigned identity codes."""
        return self.attendance or any(item.document == IDENTITY for item in self.items)


BUILT_IN = Profile(SITE, ("Bất kỳ giấy tờ có chữ ký", "Any signed document"), "VN", (tuple(
    Item(kind, without_rules="accepted") for kind in SIGNED_KINDS
),))  # fmt: skip
"""For a plain folder without profiles, as on a desk: any one signed document."""


class _Title(msgspec.Struct, forbid_unknown_fields=True):
    vi: Annotated[str, Meta(min_length=1, max_length=_TITLE_MAX_CHARS)]
    en: Annotated[str, Meta(min_length=1, max_length=_TITLE_MAX_CHARS)]

    def __post_init__(self) -> None:
        """Check that both are one line that can be shown."""
        if not (self.vi.isprintable() and self.en.isprintable()):
            raise ValueError("a title is one line of printable characters")


class _Item(msgspec.Struct, forbid_unknown_fields=True):
    document: str
    formats: Annotated[tuple[str, ...], Meta(max_length=len(get_args(FormatName)))] = ()
    checks: Annotated[tuple[str, ...], Meta(max_length=len(get_args(Check)))] = ()
    without_rules: str | None = None
    proof: str = "none"


class _Requirement(msgspec.Struct, forbid_unknown_fields=True):
    any: Annotated[tuple[_Item, ...], Meta(min_length=1, max_length=ALTERNATIVES_MAX)]


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    title: _Title
    country: Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")]
    all: Annotated[tuple[_Requirement, ...], Meta(max_length=REQUIREMENTS_MAX)]
    without_rules: str = "undecided"
    window_s: Annotated[int, Meta(ge=_WINDOW_S[0], le=_WINDOW_S[1])] = WINDOW_S
    same_holder: bool = True
    attendance: bool = False


_Name = Annotated[str, Meta(pattern=_NAME, max_length=48)]  # as the configuration's `profile.name`


def parse_profile(file: RuleFile) -> Profile:
    """Read the profile in a file.

    Raises:
        ProfileError: It is none, breaks a bound, or names what this program does not know.
    """
    if file.kind != "profile":
        raise ProfileError(f"{file.id} is a rule, not a profile")
    try:
        msgspec.convert(file.id, _Name)
    except msgspec.ValidationError:
        raise ProfileError(f"{file.id}: a lane names its profile in small letters, such as green-lane") from None
    try:
        body = msgspec.convert(file.body, _Body)
    except msgspec.ValidationError as error:
        raise ProfileError(f"{file.id}: {error}") from None
    _check_country(file, body.country)
    if not body.all and not body.attendance:
        raise ProfileError(f"{file.id}: requires nothing: name documents in all, or set attendance")
    default = _known(file, "without_rules", body.without_rules, get_args(WithoutRules))
    return Profile(
        file.role,
        (body.title.vi, body.title.en),
        body.country,
        tuple(tuple(_item(file, item, default) for item in one.any) for one in body.all),
        body.window_s,
        body.same_holder,
        body.attendance,
    )


def _check_country(file: RuleFile, country: str) -> None:
    """Check that a province names its own country: with another's, the nation's acceptance rules would not count."""
    province = None if file.role == SITE else province_of(file.role)
    if province is not None and not covers((country,), area_of(province)):
        own = area_of(province).partition("-")[0]
        raise ProfileError(f"{file.id}: country {country!r}: a province's profile names its own, {own!r}")


def _item(file: RuleFile, item: _Item, default: str) -> Item:
    kind = _known(file, "document", item.document, KINDS)
    formats = IDENTITY_FORMATS if kind == IDENTITY else SIGNED_FORMATS
    without = default if item.without_rules is None else item.without_rules
    return Item(
        kind,
        tuple(cast(FormatName, _known(file, f"format of {kind}", name, formats)) for name in item.formats),
        tuple(cast(Check, _known(file, f"check of {kind}", name, CHECKS.get(kind, ()))) for name in item.checks),
        cast(WithoutRules, _known(file, "without_rules", without, get_args(WithoutRules))),
        cast(Proof, _known(file, f"proof of {kind}", item.proof, get_args(Proof) if kind == IDENTITY else ("none",))),
    )


def _known(file: RuleFile, what: str, name: str, known: tuple[str, ...]) -> str:
    if name not in known:
        raise ProfileError(f"{file.id}: {what} {name[:64]!r} is not known; known: {', '.join(known) or 'none'}")
    return name


class Profiles:
    """All profiles that a device has; which of them hold at a lane is found when it is asked for.

    A site's own counts beside a nation's or province's only where what is trusted came signed (`signed`); in a plain
    folder without any profile, the built-in one holds.
    """

    def __init__(self, files: Iterable[RuleFile] = (), *, signed: bool = False) -> None:
        """Take files of profiles; others are left out."""
        self._signed = signed
        self._files: dict[str, list[RuleFile]] = {}
        for file in files:
            if file.kind == "profile":
                self._files.setdefault(file.id, []).append(file)
        self._parsed: dict[int, Profile | ProfileError] = {}  # by id(): two files may bear one version

    def chosen(self, name: str, area: str | None, at: datetime) -> tuple[Profile, ...] | Reason:
        """Return the profiles of a name that hold in an area at a time; a reason where nothing can be judged by them.

        In an area of None, every scope holds.
        """
        found = [file for file in newest(self._files.get(name, ()), at) if holds_in(file.scope, name, area)]
        if not self._files and not self._signed:
            return (BUILT_IN,)
        if not found or (self._signed and all(file.role == SITE for file in found)):
            return Reason.PROFILE_MISSING
        parsed = [self._of(file) for file in found]
        profiles = tuple(profile for profile in parsed if isinstance(profile, Profile))
        return profiles if len(profiles) == len(parsed) else Reason.PROFILE_UNUSABLE

    def problems(self, name: str) -> tuple[str, ...]:
        """Return what is wrong with the files of a name, whenever they hold."""
        parsed = [self._of(file) for file in self._files.get(name, ())]
        return tuple(str(one) for one in parsed if isinstance(one, ProfileError))

    def _of(self, file: RuleFile) -> Profile | ProfileError:
        if id(file) not in self._parsed:
            try:
                self._parsed[id(file)] = parse_profile(file)
            except ProfileError as error:
                self._parsed[id(file)] = error
        return self._parsed[id(file)]


def holds_in(scope: Scope, name: str, area: str | None) -> bool:
    """Tell whether a scope has a lane in it, by its profile's name and its area (None: not said, so in any)."""
    areas, lanes = scope.areas, scope.lanes
    return (not areas or area is None or covers(areas, area)) and (not lanes or name in lanes)

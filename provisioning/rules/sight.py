"""What a lane judges by, at a time: of the device that this is, or as the options say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from drivers.clock import open_clock
from firmware import rule_folder
from firmware.config import ConfigError, load_config
from firmware.trust_folder import Trust, TrustFolderError
from firmware.trust_store import current_of
from provisioning.batch import moment_of
from provisioning.exits import Exit
from provisioning.layout import Layout
from provisioning.talk import Talk
from provisioning.trust_named import load_named
from verifier.profile_checks import Lane
from verifier.rule import Rule, Words
from verifier.rule_file import Role, RuleFile
from verifier.rules import Place

TOPIC = "rules"
_CURE = "name a folder with trust data"
_Key = tuple[Role, str, int]

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The device's configuration; else the appliance's.")
]
TrustDir = Annotated[
    Path | None, typer.Option("--trust", metavar="DIR", help="Trust data of this folder; else the device's.")
]
SiteDir = Annotated[Path | None, typer.Option("--site", metavar="DIR", help="A site's own rules and profiles.")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="ISO 8601 (UTC where no zone is said); else now.")]
LaneName = Annotated[str | None, typer.Option("--lane", metavar="NAME", help="A lane, by its profile's name.")]
AreaCode = Annotated[str | None, typer.Option("--area", metavar="CODE", help="Where the lane lies, such as VN-SG.")]
Roads = Annotated[list[str] | None, typer.Option("--road", metavar="NAME", help="A road of the lane's; repeatable.")]


@dataclass(frozen=True, slots=True)
class Named:
    """What the options name; None where they do not."""

    config: Path | None
    trust: Path | None
    site: Path | None
    at: str | None
    lane: str | None
    area: str | None
    roads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """What a lane judges by.

    Attributes:
        trust: Signers, revocations, rules and profiles.
        lane: Where it lies.
        profile: The name of what it requires, None where no lane is meant.
        at: The moment, with a time zone.
        bodies: Rules as they were published.
    """

    trust: Trust
    lane: Lane
    profile: str | None
    at: datetime
    bodies: Mapping[_Key, Mapping[str, Any]]

    def place(self, country: str) -> Place:
        """Return where a document is shown, for a country's acceptance rules."""
        return Place(country, self.lane.area or "", self.profile or "")

    def described(self, rule: Rule) -> Words | None:
        """Return what a rule demands, whole; None where it does not say."""
        listed = self._body(rule).get("Description")
        texts = {one["lang"]: one["desc"] for one in listed} if rule.problem is None and listed else {}
        if not texts:
            return rule.words
        any_ = texts.get("en") or next(iter(texts.values()))
        return Words(texts.get("vi", any_), any_)

    def fields(self, rule: Rule) -> tuple[str, ...]:
        """Return the fields of a document that a rule says it looks at."""
        return tuple(self._body(rule).get("AffectedFields", ())) if rule.problem is None else ()

    def _body(self, rule: Rule) -> Mapping[str, Any]:
        return self.bodies.get((rule.role, rule.id, rule.number), {})


def sight_of(named: Named, talk: Talk) -> Sight:
    """Load what the options name; where they name no trust data, what the configuration does.

    Raises: typer.Exit(2) for a time that is none, (66) where trust data cannot be used, (78) where it is the
        configuration.
    """
    at = _moment(named.at, talk)
    if named.trust is None or named.config is not None:
        named = _configured(named, talk)
    folder = named.trust or Path()
    try:
        trust = load_named(folder, named.site)
        files = _files(folder, named.site)
    except TrustFolderError as error:
        talk.fail(Exit.NO_INPUT, "trust-unusable", why=str(error))
    bodies = {(file.role, file.id, file.version): file.body for file in files if file.kind == "rule"}
    return Sight(trust, Lane(named.area, frozenset(named.roads)), named.lane, at, bodies)


def _moment(text: str | None, talk: Talk) -> datetime:
    if text is None:
        return open_clock("system").now()
    try:
        return moment_of(text)
    except ValueError:
        talk.fail(Exit.USAGE, "no-time", text=text)


def _configured(named: Named, talk: Talk) -> Named:
    """Return what the options name, and of the configuration what they leave open."""
    try:
        config = load_config(named.config or Layout().config)
    except ConfigError as error:
        talk.fail(Exit.CONFIG, "config-unusable", why=str(error))
    return Named(
        named.config,
        named.trust or config.trust.folder,
        named.site or config.profile.folder,
        named.at,
        named.lane or config.profile.name,
        named.area or config.area,
        named.roads or config.device.roads,
    )


def _files(folder: Path, site: Path | None) -> tuple[RuleFile, ...]:
    """Return the files that rules and profiles came from. Raises: TrustFolderError."""
    store = current_of(folder)
    signed = rule_folder.signed_files(folder if store is None else folder / "stores" / store, _CURE)
    return (*signed, *(rule_folder.site_files(site) if site is not None else ()))

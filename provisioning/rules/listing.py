"""`greengate rules list`: the rules of all roles, in force or why not."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, NamedTuple

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from provisioning.exits import emit
from provisioning.rules.sight import (
    TOPIC,
    AreaCode,
    At,
    ConfigFile,
    LaneName,
    Named,
    Sight,
    SiteDir,
    TrustDir,
    sight_of,
)
from provisioning.talk import JsonOption, LangOption, Talk
from provisioning.words import plain
from verifier.areas import covers
from verifier.rule import Rule, Words

State = Literal["in-force", "not-yet", "over", "replaced", "other-lane", "other-area", "unusable"]
_SIGNS: dict[State, tuple[str, str]] = {  # a sign of its own shape beside each colour
    "in-force": ("✓", "green"),
    "unusable": ("✗", "red"),
}
_OTHERWISE = ("-", "dim")

Country = Annotated[str | None, typer.Option("--country", metavar="CC", help="Only rules of this country.")]


class Listed(NamedTuple):
    """A rule, and whether it holds at the lane and time."""

    rule: Rule
    state: State
    words: Words | None


def list_rules(
    trust: TrustDir = None,
    site: SiteDir = None,
    at: At = None,
    country: Country = None,
    lane: LaneName = None,
    area: AreaCode = None,
    config: ConfigFile = None,
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """List the rules of nation, province and site, with which are in force at a time and a lane, or why not.

    Example: greengate rules list --trust /var/lib/greengate/trust --at 2021-10-15 --lane venue

    A rule that cannot be used is not passed over: where it would apply, documents are undecided.

    Exit codes: 0 done, 2 wrong usage, 66 the trust data cannot be used, 78 the configuration cannot be used.
    """
    talk = Talk(TOPIC, lang, as_json=as_json)
    sight = sight_of(Named(config, trust, site, at, lane, area), talk)
    found = [one for one in listed(sight) if country is None or one.rule.country in {None, country}]
    if as_json:
        for one in found:
            emit(_as_result(one))
    elif found:
        Console().print(_table(found, talk))
    else:
        talk.say("no-rules")


def listed(sight: Sight) -> Iterator[Listed]:
    """Give all rules with how each is at a lane and time, the nation's first."""
    rules = sight.trust.rules.rules
    newest = {(rule.role, rule.id): rule for rule in rules if rule.in_force(sight.at)}  # of each the newest comes last
    for rule in rules:
        yield Listed(rule, _state(rule, newest.get((rule.role, rule.id)), sight), sight.described(rule))


def _state(rule: Rule, newest: Rule | None, sight: Sight) -> State:
    if rule.valid_from > sight.at:
        return "not-yet"
    if not rule.in_force(sight.at):
        return "over"
    if rule is not newest:
        return "replaced"
    if rule.scope.lanes and sight.profile is not None and sight.profile not in rule.scope.lanes:
        return "other-lane"
    if sight.lane.area and not all(covers(some, sight.lane.area) for some in _bounds(rule)):
        return "other-area"
    return "in-force" if rule.problem is None else "unusable"


def _bounds(rule: Rule) -> Iterator[tuple[str, ...]]:
    """Give the areas that a rule is bound to, by its body and by its container; each has to cover the lane's."""
    if rule.region is not None:
        yield (rule.region,)
    if rule.scope.areas:
        yield rule.scope.areas


def _as_result(one: Listed) -> dict[str, Any]:
    rule = one.rule
    return {
        "id": rule.id,
        "version": version_of(rule),
        "number": rule.number,
        "role": rule.role,
        "type": rule.type,
        "country": rule.country,
        "region": rule.region,
        "kinds": sorted(rule.kinds),
        "areas": rule.scope.areas,
        "lanes": rule.scope.lanes,
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
        "state": one.state,
        "problem": rule.problem,
        "description": None if one.words is None else one.words._asdict(),
    }


def _table(found: Iterable[Listed], talk: Talk) -> Table:
    table = Table(box=None)
    for heading in ("id", "version", "role", "kinds", "state", "words"):
        table.add_column(talk.text(f"head-{heading}"), overflow="fold")
    for one in found:
        sign, colour = _SIGNS.get(one.state, _OTHERWISE)
        table.add_row(
            one.rule.id,
            version_of(one.rule),
            one.rule.role,
            ", ".join(sorted(one.rule.kinds)),
            Text(f"{sign} {talk.text(f'state-{one.state}')}", style=colour),
            Text(plain(one.rule.problem or (getattr(one.words, talk.lang) if one.words else ""))),
        )
    return table


def version_of(rule: Rule) -> str:
    """Return a rule's version as it is written; of one that cannot be read its container's."""
    return str(rule.number) if rule.problem is not None else ".".join(map(str, rule.version))

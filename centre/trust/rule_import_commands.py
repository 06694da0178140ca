"""`greengate-centre trust import-rules` and `set-value-sets`: what the EU gateway's members publish, into the draft."""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from centre.output import EX_DATA, EX_USAGE, HOME, Home, Json, out, progress
from centre.trust.drafts import Draft, OlderError
from centre.trust.home import TrustError, TrustHome
from centre.trust.importing import shown
from centre.trust.options import trust_told
from centre.trust.rule_sources import Source, Taken, read_value_sets, rules_in, usable
from drivers.clock import open_clock
from verifier.rule_file import NATION
from verifier.value_sets import parse_value_sets

Sources = Annotated[list[Path], typer.Argument(metavar="FILE|DIR...", help="Rules as published, or their folder.")]
Countries = Annotated[
    list[str] | None, typer.Option("--country", metavar="CC", help="Only rules of this country; repeatable.")
]
Sets = Annotated[list[Path], typer.Argument(metavar="FILE|DIR...", help="Value sets as published, or their folder.")]


def import_rules(files: Sources, country: Countries = None, home: Home = HOME, *, json: Json = False) -> None:
    """Take rules as the EU gateway's members publish them into the nation's draft, for the next `trust publish`.

    A file is one rule or a list of rules; of a folder the rule.json in it and below, or else its JSON files. Each keeps
    its identifier, times and version: 1.2.3 counts as 1002003, so that what was taken before is known, and what is
    older does not come back. A rule that cannot be used is named and left out, and the others are taken.

    Invalidation rules count for passes that their country issued, acceptance rules for lanes whose profile has their
    country. With others they must all pass: none loosens another.

    Example: greengate-centre trust import-rules eu-rules.json --country DE --country FR

    Exit codes: 0 done, or all there already; 2 wrong usage; 65 a file is none, or rules in it were left out; 66 one
    cannot be opened; 73 the draft cannot be written; 75 another command works on it; 78 no trust repository.
    """
    now = open_clock("system").now()
    trust = TrustHome(home)
    with trust_told(json=json):
        countries = _countries(country or [])
        trust.there()
        sources = rules_in(files)
        wanted = [source for source in sources if source.of(countries)]
        taken, refused = _usable(wanted)
        with trust.alone():
            counts = _take(Draft(trust), taken, refused, now, json=json)
    for line in refused:
        _complain(line, json=json)
    out(counts | {"left_out": len(refused), "of_other_countries": len(sources) - len(wanted)}, json=json)
    if refused:
        raise typer.Exit(EX_DATA)


def set_value_sets(files: Sets, home: Home = HOME, *, json: Json = False) -> None:
    """Set the codes that rules compare with (countries, vaccines, tests), for the next `trust publish`.

    Taken are the EU's value sets, one or a list of them in a file, or {"version": 1, "sets": {"NAME": ["CODE", ...]}}.
    All that is given together takes the place of what was there. They are the nation's alone.

    Example: greengate-centre trust set-value-sets valuesets/

    Exit codes: 0 done, or there already; 2 wrong usage; 65 no value sets; 66 a file cannot be opened; 73 the draft
    cannot be written; 75 another command works on it; 78 no trust repository.
    """
    trust = TrustHome(home)
    with trust_told(json=json):
        trust.there()
        data = read_value_sets(files)
        with trust.alone():
            new = Draft(trust).set_value_sets(data)
    sets = parse_value_sets(data)
    out({"new": new, "sets": len(sets), "codes": sum(map(len, sets.values()))}, json=json)


def _countries(named: list[str]) -> frozenset[str]:
    """Return country codes. Raises: TrustError."""
    for one in named:
        if not re.fullmatch(r"[A-Z]{2}", one):
            raise TrustError(f"--country: {shown(one)}: two capital letters, such as DE", EX_USAGE)
    return frozenset(named)


def _usable(sources: list[Source]) -> tuple[list[Taken], list[str]]:
    """Return the rules that can be used, of one identifier the newest last, and a line for each that cannot."""
    taken, refused = [], []
    for source in sources:
        try:
            taken.append(usable(source))
        except TrustError as error:
            refused.append(str(error))
    return sorted(taken, key=lambda one: (one.rule.id, one.rule.number)), refused


def _take(draft: Draft, rules: list[Taken], refused: list[str], now: datetime, *, json: bool) -> dict[str, int]:
    """Take rules; return how many are new, known and older than what is there.

    Raises: TrustError of the draft itself; what is wrong with a rule is put beside what was refused.
    """
    counts = {"new": 0, "known": 0, "older": 0}
    with progress("rules", len(rules), json=json) as advance:
        for one in rules:
            try:
                added = draft.add_rule(one.data, NATION, "rule", one.source.name, now)
                counts["known" if added is None else "new"] += 1
            except OlderError:
                counts["older"] += 1
            except TrustError as error:
                if error.code != EX_DATA:
                    raise
                refused.append(str(error))
            advance(1)
    return counts


def _complain(line: str, *, json: bool) -> None:
    if json:
        out({"error": line}, json=True)
    typer.echo(shown(line), err=True)

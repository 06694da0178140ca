"""`greengate-centre trust add-rules` and `remove-rules`: rules and profiles of the draft."""

from pathlib import Path
from typing import Annotated

import typer

from centre.output import HOME, Home, Json, out, progress
from centre.trust.drafts import Draft
from centre.trust.home import TrustHome, read_bounded
from centre.trust.options import Province, code_of, trust_told
from centre.trust.provincial import read_province
from drivers.clock import open_clock
from verifier.rule_file import RULE_FILE_MAX_BYTES, Kind, Role, role_of

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Rules, each a file.")]
IsProfile = Annotated[bool, typer.Option("--profile", help="Profiles, not rules.")]


def add_rules(
    files: Files, province: Province = None, home: Home = HOME, *, profile: IsProfile = False, json: Json = False
) -> None:
    """Take rules, or profiles, into the draft; the next `trust publish` carries them to every kiosk.

    Each is checked as kiosks will read it: what cannot be evaluated is refused with what is wrong in it. No rule and no
    profile loosens another: those of the nation, the province and the site must all be met, so that a province's can
    only tighten.

    A version has to be newer than what the draft has of its identifier. One whose `valid_from` is to come lies beside
    the one in force until then. A province's hold for its own areas only. All of the files are taken, or up to the
    first that is refused.

    Example: greengate-centre trust add-rules entry-test-72h.json

    Example: greengate-centre trust add-rules --profile green-lane.json

    Exit codes: 0 done, or there already; 2 wrong usage; 65 no rule that can be used, or not newer; 66 a file cannot be
    opened; 73 the draft cannot be written; 75 another command works on it; 78 the home has no trust repository.
    """
    kind: Kind = "profile" if profile else "rule"
    now = open_clock("system").now()
    trust = TrustHome(home)
    with trust_told(json=json), trust.alone(), progress("adding", len(files), json=json) as advance:
        role = _role(trust, province)
        for file in files:
            data = read_bounded(file, RULE_FILE_MAX_BYTES)
            added = Draft(trust).add_rule(data, role, kind, file, now)
            found = {"file": str(file), "new": added is not None}
            out(found if added is None else found | {"id": added[0].id, "path": added[1]}, json=json)
            advance(1)


def remove_rules(
    name: Annotated[str, typer.Argument(metavar="ID", help="The rule's identifier.")],
    province: Province = None,
    home: Home = HOME,
    *,
    profile: IsProfile = False,
    json: Json = False,
) -> None:
    """Take a rule, or a profile, out of the draft, with all of its versions; kiosks drop it after `trust publish`.

    Example: greengate-centre trust remove-rules ENTRY-TEST-72H

    Exit codes: 0 done; 2 wrong usage; 69 there is none; 73 the draft cannot be written; 75 another command works on
    it; 78 the home has no trust repository.
    """
    trust = TrustHome(home)
    with trust_told(json=json), trust.alone():
        removed = Draft(trust).remove_rule(_role(trust, province), "profile" if profile else "rule", name)
        out({"id": name, "removed": len(removed)}, json=json)


def _role(trust: TrustHome, province: str | None) -> Role:
    """Return whose rules are meant.

    Raises: TrustError where the home is not theirs.
    """
    code = code_of(province)
    if code is None:
        trust.there()
    else:
        read_province(trust, code)
    return role_of(code)

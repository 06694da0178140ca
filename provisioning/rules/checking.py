"""`greengate rules check`: can kiosks use these files of rules, profiles and value sets, or what is wrong with them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from provisioning.exits import Exit, emit
from provisioning.rules.sight import TOPIC
from provisioning.talk import JsonOption, LangOption, Talk
from provisioning.words import plain
from verifier.gateway import VALUE_SET_ID, contained, value_sets_of
from verifier.profile import ProfileError, parse_profile
from verifier.rule import RulesError, parse_rule
from verifier.rule_file import NATION, Role, RuleFileError, parse_rule_file, role_of
from verifier.value_sets import ValueSetsError, parse_value_sets

FILE_MAX_BYTES = 16 * 1024 * 1024  # ours: a union's 271 rules take 517 KB
_WRONG = (RulesError, RuleFileError, ProfileError, ValueSetsError)
_CONTAINED = {"rule", "profile"}

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Rules, profiles and value sets, JSON.")]
Province = Annotated[
    str | None, typer.Option("--province", metavar="CODE", help="They are a province's, such as vn-sg.")
]


class Checked(NamedTuple):
    """What a file holds: what sort of thing, of which name, and what is wrong with it, None where nothing is."""

    sort: str
    name: str
    problem: str | None = None


def check(
    files: Files,
    province: Province = None,
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Check files of rules, profiles and value sets: with their container, or rules and sets as the EU publishes them.

    Example: greengate rules check test-72h.json green-lane.json eu-rules.json

    Each is looked at as a kiosk does; what is wrong is named with where it is. Rules and sets may come as lists.

    Exit codes: 0 all is right, 1 something is wrong, 2 wrong usage, 65 a file is no JSON, 66 one cannot be opened.
    """
    talk = Talk(TOPIC, lang, as_json=as_json)
    try:
        role = NATION if province is None else role_of(province.lower())
    except RuleFileError as error:
        talk.fail(Exit.USAGE, "no-province", why=str(error))
    code = max((_check(path, role, talk) for path in files), default=Exit.OK)
    raise typer.Exit(code)


def _check(path: Path, role: Role, talk: Talk) -> Exit:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        _tell(path, Checked("file", "", error.strerror or str(error)), talk)
        return Exit.NO_INPUT
    if len(data) > FILE_MAX_BYTES:
        _tell(path, Checked("file", "", talk.text("too-large", most=FILE_MAX_BYTES)), talk)
        return Exit.DATA
    try:
        found = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _tell(path, Checked("file", "", talk.text("no-json", why=str(error))), talk)
        return Exit.DATA
    results = list(_checked(found, data, role))
    for one in results:
        _tell(path, one, talk)
    return Exit.REFUSED if any(one.problem is not None for one in results) else Exit.OK


def _checked(found: Any, data: bytes, role: Role) -> Iterator[Checked]:  # noqa: ANN401 - any JSON
    """Give what a file holds: one thing, or a list of rules or of value sets."""
    if found == []:
        yield Checked("rule", "", "an empty list")
    elif isinstance(found, list):
        for number, one in enumerate(found, start=1):
            yield _bare(one, f"{number}")
    elif isinstance(found, dict) and _CONTAINED & found.keys():
        yield _container(found, data, role)
    elif isinstance(found, dict) and "sets" in found:
        yield _of("value-sets", "value-sets", lambda: parse_value_sets(data))
    else:
        yield _bare(found, "1")


def _container(found: Mapping[str, Any], data: bytes, role: Role) -> Checked:
    sort = "profile" if "profile" in found else "rule"
    name = found.get("id")

    def parsed() -> None:
        file = parse_rule_file(data, role)
        if file.kind == "rule":
            parse_rule(file)
        else:
            parse_profile(file)

    return _of(sort, name if isinstance(name, str) else "", parsed)


def _bare(one: Any, number: str) -> Checked:  # noqa: ANN401 - any JSON
    if not isinstance(one, dict):
        return Checked("rule", number, "not an object")
    if VALUE_SET_ID in one:
        return _of("value-sets", str(one[VALUE_SET_ID]), lambda: value_sets_of([one]))
    name = one.get("Identifier")
    return _of("rule", name if isinstance(name, str) else number, lambda: contained(one))


def _of(sort: str, name: str, parse: Callable[[], object]) -> Checked:
    try:
        parse()
    except _WRONG as error:
        return Checked(sort, name, str(error))
    return Checked(sort, name)


def _tell(path: Path, one: Checked, talk: Talk) -> None:
    if talk.as_json:
        emit({"file": str(path), "sort": one.sort, "name": one.name, "right": one.problem is None} | _why(one))
        return
    sign = "✓" if one.problem is None else "✗"
    what = " ".join(filter(None, (talk.text(f"sort-{one.sort}"), one.name)))
    end = f": {one.problem}" if one.problem is not None else ""
    typer.echo(plain(f"{sign} {path}: {what}{end}"), err=one.problem is not None)


def _why(one: Checked) -> dict[str, str]:
    return {} if one.problem is None else {"problem": one.problem}

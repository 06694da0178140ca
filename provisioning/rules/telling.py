"""What rules and profiles said, in the two forms that people and scripts read."""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from firmware.judging import missing_words, name_of
from firmware.texts import Words, load_texts
from provisioning.exits import Exit
from provisioning.rules.asking import Answer, Asked
from provisioning.rules.listing import version_of
from provisioning.rules.sight import Sight
from provisioning.talk import Talk
from provisioning.words import plain
from verifier import Reason, Refused
from verifier.documents.document import Document
from verifier.profile_judging import Attendance, Complete, Failed, Missing, StaffNeeded
from verifier.reasons import UNDECIDED_REASONS
from verifier.rules import Answer as RuleAnswer
from verifier.rules import RuleOutcome

_SIGNS: Mapping[str, tuple[str, str]] = {  # a sign of its own shape beside each colour
    "passed": ("✓", "green"),
    "complete": ("✓", "green"),
    "failed": ("✗", "red"),
    "refused": ("✗", "red"),
    "undecided": ("?", "yellow"),
    "missing": ("…", "yellow"),
    "staff-needed": ("…", "yellow"),
    "attendance": ("-", "dim"),
}
_EXITS: Mapping[str, Exit] = {"complete": Exit.OK, "refused": Exit.REFUSED}
_ABSENT = object()


def exit_of(answer: Answer, found: Sequence[Asked]) -> Exit:
    """Return what a script learns: success only where the gate would accept it all, signatures too."""
    code = _EXITS.get(_named(answer)[0], Exit.UNDECIDED)
    doubtful = _untrusted(found)
    if code != Exit.OK or not doubtful:
        return code
    return Exit.REFUSED if any(isinstance(one.verdict, Refused) for one in doubtful) else Exit.UNDECIDED


def asked_result(one: Asked, sight: Sight, *, values: bool) -> dict[str, Any]:
    """Return the result object of one document."""
    outcomes = [(country, outcome) for country, some in one.outcomes.items() for outcome in some]
    return {
        "code": one.code.name,
        "kind": None if one.document is None else one.document.kinds[0],
        "country": None if one.document is None else one.document.country,
        "verdict": name_of(one.verdict),
        "reason": one.verdict.reason,
        "trusted": one.trusted,
        "result": None if one.shown is None else {country: rules.result for country, rules in one.shown.rules.items()},
        "rules": [
            _rule(outcome, one.document, sight, values=values) | {"for": country} for country, outcome in outcomes
        ],
    }


def answer_result(answer: Answer, found: Sequence[Asked], sight: Sight) -> dict[str, Any]:
    """Return the result object of the lane's profiles."""
    name, reason = _named(answer)
    missing = answer if isinstance(answer, Missing) else None
    return {
        "lane": sight.profile,
        "at": sight.at,
        "answer": name,
        "reason": reason,
        "whose": _whose(answer),
        "trusted": not _untrusted(found),
        "missing": [] if missing is None else missing.what,
        "plate_missing": missing is not None and missing.plate,
    }


def show_asked(one: Asked, sight: Sight, talk: Talk, *, values: bool) -> None:
    """Draw what rules say of one document in the terminal."""
    console = Console()
    kind = talk.text("no-document") if one.document is None else _kind(talk, one.document.kinds[0])
    console.print(Text(f"{one.code.name}: {kind}", style="bold"))
    doubted = bool(one.outcomes) and not one.trusted
    said = talk.text("not-trusted" if doubted else "layers", verdict=name_of(one.verdict), reason=one.verdict.reason)
    console.print(Text(f"! {said}", style="yellow") if doubted else Text(f"  {said}"))
    if one.outcomes:
        console.print(_table(one, sight, talk, values=values))
    for country, rules in one.shown.rules.items() if one.shown is not None else ():
        if rules.result == "none":
            console.print(Text(f"  {talk.text('no-acceptance', country=country)}"))


def show_answer(answer: Answer, found: Sequence[Asked], sight: Sight, talk: Talk) -> None:
    """Draw what the lane's profiles say."""
    name, reason = _named(answer)
    sign, colour = _SIGNS[name]
    kind = _whose(answer)
    whose = f": {_kind(talk, kind)}" if kind else ""
    console = Console()
    said = talk.text(f"answer-{name}", lane=sight.profile or "")
    console.print(Text(f"{sign} {said} ({reason}{whose})", style=f"bold {colour}"))
    for words in _words_of(answer, reason):
        console.print(Text(f"  {_in(talk, words)}"))
    if isinstance(answer, Complete) and _untrusted(found):
        console.print(Text(f"! {talk.text('not-accepted')}", style="bold yellow"))


def _words_of(answer: Answer, reason: Reason) -> list[Words]:
    """Return what a screen says of an answer: of one that waits, all that it waits for."""
    words = load_texts()
    if not isinstance(answer, Missing):
        return [words[reason]]
    documents = [missing_words(answer.what, words)] if answer.what else []
    return [*documents, *([words[Reason.PLATE_MISSING]] if answer.plate else [])]


def _untrusted(found: Sequence[Asked]) -> list[Asked]:
    """Return the documents that the gate itself would not accept, whatever the rules say."""
    return [one for one in found if one.shown is not None and not one.trusted]


def _whose(answer: Answer) -> str | None:
    """Return the kind of the document that something is wrong with."""
    document = answer.whose.document if isinstance(answer, Failed) else None
    return None if document is None else document.kinds[0]


def _kind(talk: Talk, kind: str) -> str:
    return _in(talk, load_texts()[f"kind-{kind}"])


def _table(one: Asked, sight: Sight, talk: Talk, *, values: bool) -> Table:
    table = Table(box=None)
    for heading in ("id", "version", "role", "answer", "words", "looks-at"):
        table.add_column(talk.text(f"head-{heading}"), overflow="fold")
    for outcome in (outcome for some in one.outcomes.values() for outcome in some):
        sign, colour = _SIGNS[outcome.answer]
        words = sight.described(outcome.rule)
        said = [getattr(words, talk.lang)] if words else []
        fields = _fields(outcome, one.document, sight, values=values)
        table.add_row(
            outcome.rule.id,
            version_of(outcome.rule),
            outcome.rule.role,
            Text(f"{sign} {talk.text(f'rule-{outcome.answer}')}", style=colour),
            Text(plain(": ".join([*said, *([outcome.detail] if outcome.detail else [])]))),
            Text(plain(", ".join(name if value is _ABSENT else f"{name}={value}" for name, value in fields.items()))),
        )
    return table


def _rule(outcome: RuleOutcome, document: Document | None, sight: Sight, *, values: bool) -> dict[str, Any]:
    rule, words = outcome.rule, sight.described(outcome.rule)
    answer: RuleAnswer = outcome.answer
    said = {
        "id": rule.id,
        "version": version_of(rule),
        "role": rule.role,
        "type": rule.type,
        "answer": answer,
        "detail": outcome.detail,
        "description": None if words is None else words._asdict(),
        "fields": sight.fields(rule),
    }
    return said | ({"values": _fields(outcome, document, sight, values=True)} if values else {})


def _fields(outcome: RuleOutcome, document: Document | None, sight: Sight, *, values: bool) -> dict[str, Any]:
    """Return the fields that a rule looks at, with their values where these are to be shown."""
    payload = document.payload if document is not None and values else None
    return {name: _ABSENT if payload is None else _value(payload, name) for name in sight.fields(outcome.rule)}


def _value(payload: Any, path: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what is at a path such as v.0.dn, None where nothing is."""
    value = payload
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, Sequence) and not isinstance(value, str) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return msgspec.to_builtins(value, enc_hook=str)


def _named(answer: Answer) -> tuple[str, Reason]:
    """Return an answer's name and reason."""
    match answer:
        case Reason():
            return "undecided" if answer in UNDECIDED_REASONS else "refused", answer
        case Complete():
            return "complete", Reason.VALID
        case StaffNeeded():
            return "staff-needed", Reason.STAFF_NEEDED
        case Attendance():
            return "attendance", Reason.ATTENDANCE
        case Missing():
            return "missing", Reason.DOCUMENTS_MISSING if answer.what else Reason.PLATE_MISSING
        case Failed():
            return answer.verdict, answer.reason
        case _:
            assert_never(answer)


def _in(talk: Talk, words: Words) -> str:
    return words.vi if talk.lang == "vi" else words.en

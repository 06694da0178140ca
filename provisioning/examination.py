"""What a code is and what was found of it, in the two forms that people and scripts read."""

from datetime import datetime
from typing import Any, NamedTuple, get_args

from rich.console import Console
from rich.table import Table
from rich.text import Text

from firmware.judging import NO_PASS
from firmware.texts import load_texts
from provisioning.document_fields import Shown, fields_of, shown_fields
from provisioning.exits import Exit
from provisioning.words import phrases, plain
from verifier import Accepted, Examination, Outcome, Refused, Undecided, Verifier
from verifier.documents.document import FormatName
from verifier.formats import FORMATS
from verifier.recognise import Recognised, recognise

TOPIC = "explain"
_SIGNS = {  # a sign of its own shape beside each colour
    Outcome.OK: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.SKIPPED: ("-", "dim"),
}
_VERDICTS = {
    Accepted: ("accepted", Exit.OK, "✓", "green"),
    Refused: ("refused", Exit.REFUSED, "✗", "red"),
    Undecided: ("undecided", Exit.UNDECIDED, "?", "yellow"),
}


class Explained(NamedTuple):
    """A code: what it was recognised as, and every layer's outcome."""

    code: Recognised
    examination: Examination

    @property
    def exit_code(self) -> Exit:
        """Return what a script learns from the verdict."""
        return _VERDICTS[type(self.examination.verdict)][1]

    @property
    def beside_the_point(self) -> bool:
        """Tell whether it is no document at all: a poster, a parcel, a link; a gate ignores it beside documents."""
        return self.examination.verdict.reason in NO_PASS


def explained(verifier: Verifier, text: str, at: datetime) -> Explained:
    """Examine a text of any kind at an aware time.

    Raises: RevocationSetError.
    """
    return Explained(recognise(text), verifier.examine(text, at))


def as_result(one: Explained) -> dict[str, Any]:
    """Return the result object: verdict, reason, layers, details of what failed, the document, and what it is."""
    code, examination = one
    document = examination.document
    read = code.kind in get_args(FormatName)
    return {
        "verdict": _VERDICTS[type(examination.verdict)][0],
        "reason": examination.verdict.reason,
        "layers": examination.layers,
        "details": examination.details,
        "document": None if document is None else fields_of(document),
        "format": code.kind if read else None,
        "code": code.name,
    }


def show(one: Explained, at: datetime) -> None:
    """Draw what was found in the terminal."""
    console = Console()
    code, examination = one
    verdict = examination.verdict
    name, _, sign, colour = _VERDICTS[type(verdict)]
    words = load_texts()[verdict.reason]
    console.print(Text(f"{sign} {name}: {verdict.reason}", style=f"bold {colour}"))
    console.print(f"  {words.vi}\n  {words.en}", highlight=False, markup=False)
    console.print(f"  {_name_of(code)}", highlight=False, markup=False)
    console.print(f"  judged at {at.isoformat()}", highlight=False)
    console.print(_layers(examination) if _has_layers(code) else f"  {_detail(verdict)}", markup=False, highlight=False)
    if examination.document is not None:
        shown = shown_fields(examination.document)
        console.print(Text(f"{shown.kind.vi} / {shown.kind.en}", style="bold"))
        console.print(_document(shown))


def _name_of(code: Recognised) -> str:
    """Return what a code is, in both languages, with its stable name."""
    name = phrases(TOPIC)[f"code-{code.name}"]
    return f"{name.vi} / {name.en} ({code.name})"


def _has_layers(code: Recognised) -> bool:
    return code.kind in FORMATS or code.kind == "unknown"


def _detail(verdict: Accepted | Refused | Undecided) -> str:
    return "" if isinstance(verdict, Accepted) else plain(verdict.detail)


def _layers(examination: Examination) -> Table:
    table = Table("layer", "result", box=None)
    table.add_column("what was found", overflow="fold")
    for layer, outcome in examination.layers.items():
        sign, colour = _SIGNS[outcome]
        table.add_row(layer, Text(f"{sign} {outcome}", style=colour), Text(plain(examination.details.get(layer, ""))))
    return table


def _document(shown: Shown) -> Table:
    """Draw a document's fields; a long name goes on in the next line, and is never cut."""
    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(overflow="fold", ratio=1)
    for label, value in shown.fields:
        table.add_row(Text(label), Text(plain(value)))
    return table

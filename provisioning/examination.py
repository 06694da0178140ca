"""An examination in the two forms that people and scripts read."""

from datetime import datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from firmware.texts import load_texts
from provisioning.exits import Exit
from provisioning.words import plain
from verifier import Accepted, Examination, HealthCertificate, Outcome, Refused, Undecided

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


def exit_code(examination: Examination) -> Exit:
    """Return what a script learns from the verdict."""
    return _VERDICTS[type(examination.verdict)][1]


def as_result(examination: Examination) -> dict[str, Any]:
    """Return the result object: verdict, reason, layers, details of what failed, and the document."""
    return {
        "verdict": _VERDICTS[type(examination.verdict)][0],
        "reason": examination.verdict.reason,
        "layers": examination.layers,
        "details": examination.details,
        "document": _as_document(examination.document),
    }


def _as_document(document: HealthCertificate | None) -> dict[str, Any] | None:
    if document is None:
        return None
    return {"kind": document.entry.kind, **msgspec.to_builtins(document)}


def show(examination: Examination, at: datetime) -> None:
    """Draw the examination in the terminal."""
    console = Console()
    name, _, sign, colour = _VERDICTS[type(examination.verdict)]
    words = load_texts()[examination.verdict.reason]
    console.print(Text(f"{sign} {name}: {examination.verdict.reason}", style=f"bold {colour}"))
    console.print(f"  {words.vi}\n  {words.en}", highlight=False, markup=False)
    console.print(f"  judged at {at.isoformat()}", highlight=False)
    table = Table("layer", "result", "what was found", box=None)
    for layer, outcome in examination.layers.items():
        sign, colour = _SIGNS[outcome]
        table.add_row(layer, Text(f"{sign} {outcome}", style=colour), Text(plain(examination.details.get(layer, ""))))
    console.print(table)
    if examination.document is not None:
        console.print(_document_table(examination.document))


def _document_table(document: HealthCertificate) -> Table:
    table = Table("document", document.entry.kind, box=None)
    fields = msgspec.to_builtins(document)
    for group in (fields | {"name": None, "entry": None}, fields["name"], fields["entry"]):
        for key, value in group.items():
            if value not in (None, ""):
                table.add_row(key.replace("_", " "), Text(plain(str(value))))
    return table

"""`greengate-centre permit issue`: permits from flags, or from a table."""

from pathlib import Path
from typing import Annotated, Any

import typer

from centre.output import EX_NO_INPUT, EX_USAGE, HOME, Home, Json, iso, out, progress
from centre.permits.checking import Checker
from centre.permits.encoding import KINDS
from centre.permits.fields import CLASSES, GOODS, METHODS, PURPOSES, RESULTS, RISKS, FieldError, wanted
from centre.permits.files import Printer
from centre.permits.home import PermitError, PermitHome
from centre.permits.issuing import Issued, Issuer
from centre.permits.keys import load
from centre.permits.ledger import Ledger
from centre.permits.options import Distance, Out, Pdf, Png, Svg, forms, warn
from centre.permits.table import FILE_MAX_BYTES, Row, parse
from centre.stopping import unbroken
from centre.trust.home import TrustHome, read_bounded
from centre.trust.importing import shown
from centre.trust.options import trust_told
from drivers.clock import open_clock

OTHERS_MAX = 3  # ours: numbers of permits in one line


def _flag(name: str, help_: str, metavar: str = "TEXT") -> Any:  # noqa: ANN401 - typer's own
    return typer.Option(f"--{name}", metavar=metavar, help=help_)


def _words(of: dict[str, int]) -> str:
    return ", ".join(of)


def issue(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help=f"{', '.join(KINDS)}.")] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="A table: the header names the flags below, and kind.")
    ] = None,
    plate: Annotated[str, _flag("plate", "vehicle: such as 51C-123.45.")] = "",
    class_: Annotated[str, _flag("class", f"vehicle: {_words(CLASSES)}.")] = "",
    carrier: Annotated[str, _flag("carrier", "vehicle: tax code, or a name of at most 30 bytes.")] = "",
    route: Annotated[str, _flag("route", "vehicle: roads or corridors, ; between them.")] = "",
    goods: Annotated[str, _flag("goods", f"vehicle: {_words(GOODS)}.")] = "",
    crew: Annotated[str, _flag("crew", "vehicle: how many, 1 to 99.", "N")] = "",
    hours: Annotated[str, _flag("hours", "vehicle, travel: 22:00-05:00, ; between them; else all day.")] = "",
    family: Annotated[str, _flag("family", "holder: family name; it is written as passports do.")] = "",
    given: Annotated[str, _flag("given", "holder: given names.")] = "",
    born: Annotated[str, _flag("born", "holder: 1990-01-31, 1990-01 or 1990.", "DATE")] = "",
    document: Annotated[str, _flag("document", "holder: the identity document's last 3 to 6 digits.")] = "",
    employer: Annotated[str, _flag("employer", "travel: at most 60 bytes.")] = "",
    purpose: Annotated[str, _flag("purpose", f"travel: {_words(PURPOSES)}.")] = "",
    areas: Annotated[str, _flag("areas", "travel, declaration: area codes, ; between them.")] = "",
    declared: Annotated[str, _flag("declared", "declaration: when.", "TIME")] = "",
    risk: Annotated[str, _flag("risk", f"declaration: {_words(RISKS)}.")] = "",
    method: Annotated[str, _flag("method", f"test: {_words(METHODS)}.")] = "",
    sampled: Annotated[str, _flag("sampled", "test: when.", "TIME")] = "",
    resulted: Annotated[str, _flag("resulted", "test: when the result was known.", "TIME")] = "",
    result: Annotated[str, _flag("result", f"test: {_words(RESULTS)}.")] = "",
    laboratory: Annotated[str, _flag("laboratory", "test: at most 60 bytes.")] = "",
    begins: Annotated[str, _flag("from", "When it begins to hold; else now.", "TIME")] = "",
    until: Annotated[str, _flag("until", "Until when it holds; of a day alone its end.", "TIME")] = "",
    days: Annotated[str, _flag("days", "Or for how many days from its begin.", "N")] = "",
    key: Annotated[
        str | None, typer.Option("--key", metavar="NAME", help="Which key signs; else the only one.")
    ] = None,
    folder: Out = Path(),
    distance_m: Distance = None,
    home: Home = HOME,
    *,
    png: Png = False,
    svg: Svg = False,
    pdf: Pdf = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also where a permit with the same fields is in force.")
    ] = False,
    json: Json = False,
) -> None:
    """Issue signed permits (LX1), one from flags or many from a table: all of them or none.

    Times without a zone are Viet Nam's. Each permit's text goes to a file in --out, PNG, SVG and PDF beside it where
    asked for. What names a person is kept nowhere else. The same command again gives the same permits and files, while
    they are in force: broken off anywhere, repeat it; for a second one say --again. A plate that has another permit at
    the same time is told.

    Example: greengate-centre permit issue vehicle --plate 51C123 --class car --carrier X --route QL1A --crew 2 --days 9

    Example: greengate-centre permit issue --csv permits.csv --out permits --pdf

    Exit codes: 0 done; 2 wrong usage; 65 a field is wrong, its line and column are named, or lanes would refuse a
    permit; 66 the table cannot be opened; 69 no such key, or what a PDF needs is not installed; 73 a file cannot be
    written; 75 another command works on it; 78 key, ledger or trust draft cannot be used; 130 stopped.
    """
    fields = {
        "plate": plate, "class": class_, "carrier": carrier, "route": route, "goods": goods, "crew": crew,
        "hours": hours, "family": family, "given": given, "born": born, "document": document, "employer": employer,
        "purpose": purpose, "areas": areas, "declared": declared, "risk": risk, "method": method, "sampled": sampled,
        "resulted": resulted, "result": result, "laboratory": laboratory, "from": begins, "until": until, "days": days,
    }  # fmt: skip
    with trust_told(json=json):
        rows = _rows(kind, csv, fields)
        printer = Printer.to(folder, {"txt", *forms(png=png, svg=svg, pdf=pdf)}, distance_m)
        _issue(rows, printer, key, home, again=again, json=json)


def _rows(kind: str | None, csv: Path | None, fields: dict[str, str]) -> list[Row]:
    given = sorted(f"--{name}" for name, text in fields.items() if text)
    if csv is not None and given:
        raise PermitError(f"{given[0]} does not go with --csv: make it a column", EX_USAGE)
    if kind is not None and kind not in KINDS:
        raise PermitError(f"{kind[:40]!a} is no kind of permit: {', '.join(KINDS)}", EX_USAGE)
    if csv is not None:
        try:
            return parse(_read(csv), kind)
        except PermitError as error:
            raise PermitError(f"{shown(csv)}: {error}", error.code) from None
    if kind is None:
        raise PermitError("give a KIND with its flags, or --csv FILE", EX_USAGE)
    try:
        return [Row(0, wanted(kind, fields))]
    except FieldError as error:
        raise PermitError(f"--{error}") from None


def _read(csv: Path) -> bytes:
    if not csv.is_file():
        raise PermitError("no such file: name the table", EX_NO_INPUT)
    return read_bounded(csv, FILE_MAX_BYTES)


def _issue(rows: list[Row], printer: Printer, name: str | None, home: Path, *, again: bool, json: bool) -> None:
    now, permits = open_clock("system").now(), PermitHome(home)
    key = load(permits, name)
    checker = Checker(key, TrustHome(home))
    if checker.trusted is False:
        warn(f"no lane takes permits of {key.name} yet: permit key export, then trust add-key and publish", json=json)
    with Ledger.open(permits) as ledger:
        with progress("signed", len(rows), json=json) as advance:
            issued = Issuer(key, checker, ledger).issue(rows, now, advance, again=again)
        with progress("files", len(issued), json=json) as advance:
            for one in issued:
                with unbroken():
                    _hand_out(one, printer, json=json)
                advance(1)


def _hand_out(issued: Issued, printer: Printer, *, json: bool) -> None:
    entry = issued.entry
    written = printer.write(issued.text)
    if issued.new and issued.others:
        numbers = ", ".join(one.identifier.hex() for one in issued.others[:OTHERS_MAX])
        warn(f"{entry.plate} has another permit at the same time: {numbers}: revoke what is not meant", json=json)
    if written.short:
        warn(f"{entry.plate or entry.kind}: a page of A4 is read from {written.reads_to_m} m, not more", json=json)
    out(
        {
            "line": issued.line or None,
            "id": entry.identifier.hex(),
            "state": "issued" if issued.new else "known",
            "kind": entry.kind,
            "plate": entry.plate,
            "from": iso(entry.times.begins),
            "until": iso(entry.times.ends),
            "files": [str(path) for path in written.paths] if json else ", ".join(map(str, written.paths)),
        },
        json=json,
    )

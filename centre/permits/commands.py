"""`greengate-centre permit`: signed permits (LX1), issued, listed, printed, revoked."""

from pathlib import Path
from typing import Annotated, Any

import typer

from centre.output import EX_UNAVAILABLE, EX_USAGE, HOME, Home, Json, iso, out, progress
from centre.permits import key_commands
from centre.permits.files import Printer
from centre.permits.home import PermitError, PermitHome
from centre.permits.issue_command import issue
from centre.permits.ledger import Entry, Ledger
from centre.permits.options import Distance, Out, Pdf, Png, Svg, forms, warn
from centre.permits.reading import plate_of
from centre.permits.revoking import Named, named, of_plate
from centre.permits.revoking import revoke as revoke_all
from centre.stopping import unbroken
from centre.trust.options import trust_told
from drivers.clock import open_clock

app = typer.Typer(help="Signed permits (LX1): issued, printed for the windscreen, revoked.", no_args_is_help=True)
app.add_typer(key_commands.app, name="key")
app.command("issue")(issue)

Plate = Annotated[str | None, typer.Option("--plate", metavar="PLATE", help="All permits of this plate.")]


@app.command("list")
def list_(plate: Plate = None, home: Home = HOME, *, json: Json = False) -> None:
    """List what was issued: waits (for its begin), valid, ended, revoked. What ended 90 days ago is forgotten.

    Example: greengate-centre permit list --plate 51C-123.45

    Exit codes: 0 done; 2 wrong usage; 78 the ledger cannot be used.
    """
    now = open_clock("system").now()
    with trust_told(json=json), Ledger.open(PermitHome(home)) as ledger:
        for entry in ledger.entries() if plate is None else ledger.of_plate(_plate(plate)):
            out(_shown(entry) | {"state": entry.state(now)}, json=json)


@app.command("print")
def print_(
    what: Annotated[
        list[str], typer.Argument(metavar="ID|FILE...", help="A permit's number or its begin; or a file with its text.")
    ],
    folder: Out = Path(),
    distance_m: Distance = None,
    home: Home = HOME,
    *,
    png: Png = False,
    svg: Svg = False,
    pdf: Pdf = False,
    json: Json = False,
) -> None:
    """Print permits again: a page of A4 each, or what the options name. `permit issue` does it right away.

    The text of a permit that names a person is not kept here: name the file that `permit issue` wrote.

    Example: greengate-centre permit print 0a1b2c3d --pdf --distance-m 1 --out permits

    Exit codes: 0 done; 2 wrong usage; 65 a file holds no permit; 69 no such permit, its text is not kept, or what a
    PDF needs is not installed; 73 a file cannot be written; 78 the ledger cannot be used.
    """
    with trust_told(json=json), Ledger.open(PermitHome(home)) as ledger:
        printer = Printer.to(folder, forms(png=png, svg=svg, pdf=pdf) or {"pdf"}, distance_m)
        permits = [(one, _text(one)) for one in named(ledger, what)]
        with progress("files", len(permits), json=json) as advance:
            for permit, text in permits:
                with unbroken():
                    _print(permit, text, printer, json=json)
                advance(1)


@app.command()
def revoke(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID|FILE...", help="A permit's number or its begin; or a file with texts or numbers."),
    ] = None,
    plate: Plate = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="Write a list for the nation's centre, which is elsewhere."),
    ] = None,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Revoke permits: lanes refuse them after the next `trust publish`. The same again changes nothing.

    The nation's centre takes a list that `--to` wrote with `trust revoke --format lx1`.

    Example: greengate-centre permit revoke 0a1b2c3d

    Example: greengate-centre permit revoke --plate 51C-123.45

    Exit codes: 0 done; 2 wrong usage; 65 a file holds no permit; 69 no such permit; 73 a file cannot be written; 78 no
    trust repository here and no --to, or a database cannot be used.
    """
    now = open_clock("system").now()
    with trust_told(json=json), Ledger.open(PermitHome(home)) as ledger:
        if (plate is None) == (not what):
            raise PermitError("name permits, or a --plate", EX_USAGE)
        permits = named(ledger, what) if what else of_plate(ledger, _plate(plate or ""), now)
        new = revoke_all(home, ledger, permits, now, to)
        for one in permits:
            out(
                {"id": one.identifier.hex(), "plate": one.entry.plate if one.entry else None, "state": "revoked"},
                json=json,
            )
        after = "publish" if to is None else f"revoke --format lx1 {to}"
        out({"revoked": len(permits), "new": new, "next": f"greengate-centre trust {after}"}, json=json)


def _plate(text: str) -> str:
    try:
        return plate_of(text)
    except ValueError as error:
        raise PermitError(f"--plate: {error}", EX_USAGE) from None


def _text(permit: Named) -> str:
    if permit.text is None:
        raise PermitError(
            f"{permit.identifier.hex()}: it names a person, and its text is not kept: name the file that permit issue"
            " wrote, or issue it anew",
            EX_UNAVAILABLE,
        )
    return permit.text


def _print(permit: Named, text: str, printer: Printer, *, json: bool) -> None:
    written = printer.write(text)
    if permit.entry is not None and permit.entry.revoked_at is not None:
        warn(f"{permit.identifier.hex()} is revoked: lanes refuse it", json=json)
    if written.short:
        warn(f"{permit.identifier.hex()}: a page of A4 is read from {written.reads_to_m} m, not more", json=json)
    size = {"module_mm": written.module_mm, "reads_to_m": written.reads_to_m}
    files = [str(path) for path in written.paths]
    out({"id": permit.identifier.hex(), "files": files if json else ", ".join(files)} | size, json=json)


def _shown(entry: Entry) -> dict[str, Any]:
    times = entry.times
    return {
        "id": entry.identifier.hex(),
        "kind": entry.kind,
        "plate": entry.plate,
        "kid": entry.kid.hex(),
        "issued": iso(times.issued_at),
        "from": iso(times.begins),
        "until": iso(times.ends),
    }

"""Options that several commands of `greengate-centre permit` share, and how they warn."""

from pathlib import Path
from typing import Annotated

import typer

from centre.output import out
from centre.permits.files import Form

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where files go; else the folder one is in.")]
Png = Annotated[bool, typer.Option("--png", help="The QR code as a picture.")]
Svg = Annotated[bool, typer.Option("--svg", help="The QR code as a drawing.")]
Pdf = Annotated[bool, typer.Option("--pdf", help="A page of A4 for the windscreen.")]
Distance = Annotated[
    float | None,
    typer.Option(
        "--distance-m", metavar="M", help="From how far the QR code is read on paper; else 1, or what A4 carries."
    ),
]


def forms(*, png: bool, svg: bool, pdf: bool) -> frozenset[Form]:
    """Return the forms that options ask for."""
    asked: dict[Form, bool] = {"png": png, "svg": svg, "pdf": pdf}
    return frozenset(form for form, wanted in asked.items() if wanted)


def warn(line: str, *, json: bool) -> None:
    """Tell something on standard error, and with --json as an object as well."""
    if json:
        out({"warning": line}, json=True)
    typer.echo(line, err=True)

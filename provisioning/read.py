"""`greengate read`: which symbols a picture holds."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.console import Console
from rich.progress import track

from drivers.clock import open_clock
from drivers.errors import DeviceError
from provisioning.exits import Exit, emit, fail
from provisioning.words import plain

_PROGRESS_FROM = 20  # pictures: from here on it takes about a second

Images = Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Pictures: PNG, JPEG or WebP.")]
Reader = Annotated[Literal["zxing", "pyzbar"], typer.Option(help="Which reader reads them.")]
Json = Annotated[bool, typer.Option("--json", help="One result object a line.")]


def read(
    images: Images,
    reader: Reader = "zxing",
    as_json: Json = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Tell which symbols pictures hold.

    Example: greengate read --json photo1.png photo2.jpg

    Exit codes: 0 every picture holds a symbol, 1 one holds none, 2 wrong usage, 66 one cannot be read, 69 the reader is
    not installed.
    """
    from drivers.symbols import open_symbol_reader  # noqa: PLC0415 - OpenCV loads only where pictures are read
    from drivers.symbols.pictures import load_luma  # noqa: PLC0415 - as above

    try:
        symbol_reader = open_symbol_reader(reader)
    except DeviceError as error:
        fail(Exit.UNAVAILABLE, str(error), as_json=as_json)
    clock = open_clock("system")
    code = Exit.OK
    few = len(images) < _PROGRESS_FROM
    for path in track(images, "reading", console=Console(stderr=True), disable=few, transient=True):
        started_ns = clock.monotonic_ns()
        try:
            symbols = symbol_reader.read(load_luma(path))
        except DeviceError as error:
            _report({"file": str(path), "error": str(error)}, as_json=as_json)
            code = Exit.NO_INPUT
            continue
        ms = round((clock.monotonic_ns() - started_ns) / 1e6, 1)
        _report({"file": str(path), "symbols": msgspec.to_builtins(symbols), "ms": ms}, as_json=as_json)
        if not symbols:
            code = max(code, Exit.REFUSED)
    raise typer.Exit(code)


def _report(result: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        emit(result)
    elif "error" in result:
        typer.echo(plain(str(result["error"])), err=True)
    else:
        symbols = result["symbols"]
        assert isinstance(symbols, list)  # noqa: S101 - made three lines above
        typer.echo(plain(f"{result['file']}: {len(symbols)} found in {result['ms']} ms"))
        for symbol in symbols:
            typer.echo(plain(f"  {symbol['format']} at {symbol['corners']}: {symbol['text']}"))

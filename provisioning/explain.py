"""`greengate explain`: every layer's result for one pass, for whoever asks why it is red."""

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from drivers.clock import open_clock
from drivers.errors import DeviceError
from firmware.trust_folder import Trust, TrustFolderError, load_certificate, load_trust
from provisioning.batch import judge_lines, moment_of
from provisioning.examination import as_result, exit_code, show
from provisioning.exits import Exit, emit, fail
from verifier import Revocations, TrustList, Verifier
from verifier.prefix import HC1

_INPUT_MAX_BYTES = 64 * 1024  # far more than any code holds
_FILE_NAME = re.compile(r"[^:|]*\.[a-z][a-z0-9]{1,4}", re.DOTALL | re.ASCII)  # no code's text looks like photo.png

Source = Annotated[
    str | None, typer.Argument(metavar="- | IMAGE | TEXT", help="A pass; - reads it from standard input.")
]
At = Annotated[
    str | None, typer.Option(metavar="TIME", help="Judge at this time, ISO 8601 (UTC where no zone is said).")
]
Dsc = Annotated[list[Path] | None, typer.Option(metavar="CERT", help="Trust only this signer, DER or PEM; repeatable.")]
TrustDir = Annotated[Path | None, typer.Option(metavar="DIR", help="Trust what this folder holds.")]
Batch = Annotated[bool, typer.Option("--batch", help="Judge a JSON object a line from standard input.")]
Json = Annotated[bool, typer.Option("--json", help="One result object a line.")]


def explain(
    source: Source = None,
    at: At = None,
    dsc: Dsc = None,
    trust: TrustDir = None,
    batch: Batch = False,  # noqa: FBT002 - typer makes a flag of it
    as_json: Json = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Tell every layer's result for one pass: why is it red?

    Example: greengate explain --trust /var/lib/greengate/trust photo.png

    A pass on the command line stays in the shell's history and in the list of processes: give a picture, or - .

    A line of --batch is {"text": "HC1:...", "at": "2021-06-01T12:00:00Z", "dsc": ["base64 DER", ...]}; "at" and
    "dsc" may be left out.

    Exit codes: 0 accepted, 1 refused, 3 undecided (with --batch: 0), 2 wrong usage, 65 not understood, 66 no such file.
    """
    trusted = _trusted(dsc or [], trust, as_json=as_json)
    moment = _moment(at, as_json=as_json)
    if batch:
        if source is not None:
            fail(Exit.USAGE, "--batch reads its passes from standard input; leave the argument out", as_json=as_json)
        raise typer.Exit(judge_lines(sys.stdin.buffer, trusted, moment))
    if source is None:
        fail(Exit.USAGE, "name a picture or a text, or - for standard input; see --help", as_json=as_json)
    code = Exit.OK
    for text in _texts(source, as_json=as_json):
        examination = Verifier(trusted.signers, trusted.revocations).examine(text, moment)
        if as_json:
            emit(as_result(examination))
        else:
            show(examination, moment)
        code = max(code, exit_code(examination))
    raise typer.Exit(code)


def _moment(text: str | None, *, as_json: bool) -> datetime:
    if text is None:
        return open_clock("system").now()
    try:
        return moment_of(text)
    except ValueError:
        fail(Exit.USAGE, f"--at {text}: not a time; write it as 2021-06-01T12:00:00Z", as_json=as_json)


def _trusted(certificates: list[Path], folder: Path | None, *, as_json: bool) -> Trust:
    try:
        found = load_trust(folder) if folder else Trust(TrustList(), Revocations())
        if certificates:  # then only these are trusted, whatever else the folder holds
            return Trust(TrustList(load_certificate(path) for path in certificates), found.revocations)
    except TrustFolderError as error:
        fail(Exit.NO_INPUT, str(error), as_json=as_json)
    return found


def _texts(source: str, *, as_json: bool) -> list[str]:
    if source == "-":
        return [_standard_input(as_json=as_json)]
    path = Path(source)
    if source.startswith(HC1) or not (_is_file(path) or _FILE_NAME.fullmatch(source)):
        return [source]
    return _in_picture(path, as_json=as_json)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a pass is no path: too long, or with a zero byte
        return False


def _standard_input(*, as_json: bool) -> str:
    data = sys.stdin.buffer.read(_INPUT_MAX_BYTES + 1)
    if len(data) > _INPUT_MAX_BYTES:
        fail(
            Exit.DATA, f"standard input holds more than {_INPUT_MAX_BYTES} bytes: no pass is that long", as_json=as_json
        )
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")  # the end of the line is the shell's, not the pass's
    except UnicodeDecodeError:
        fail(Exit.DATA, "standard input is not text; give a picture by its name", as_json=as_json)


def _in_picture(path: Path, *, as_json: bool) -> list[str]:
    from drivers.symbols import open_symbol_reader  # noqa: PLC0415 - OpenCV loads only where a picture is read
    from drivers.symbols.pictures import load_luma  # noqa: PLC0415 - as above

    try:
        symbols = open_symbol_reader("zxing").read(load_luma(path))
    except DeviceError as error:
        fail(Exit.NO_INPUT, str(error), as_json=as_json)
    if not symbols:
        fail(Exit.DATA, f"{path}: no QR code found; try a sharper or larger picture", as_json=as_json)
    texts = [symbol.text for symbol in symbols]
    return [text for text in texts if text.startswith(HC1)] or texts

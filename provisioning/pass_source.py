"""Where a command's passes come from: the command line, standard input, or a picture."""

import re
import sys
from pathlib import Path

from drivers.errors import DeviceError
from provisioning.exits import Exit, fail
from verifier.formats import FORMATS
from verifier.recognise import recognise

_INPUT_MAX_BYTES = 64 * 1024  # far more than any code holds
_FILE_NAME = re.compile(r"[^:|]*\.[a-z][a-z0-9]{1,4}", re.DOTALL | re.ASCII)  # no code's text looks like photo.png


def texts_of(source: str, *, as_json: bool) -> list[str]:
    """Return the texts of the codes that are meant: of a picture all, else the one text.

    Raises: typer.Exit(65) where there is none, (66) where a picture cannot be opened.
    """
    if source == "-":
        return [_standard_input(as_json=as_json)]
    path = Path(source)
    if recognise(source).kind in FORMATS or not (_is_file(path) or _FILE_NAME.fullmatch(source)):
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
    return list(dict.fromkeys(symbol.text for symbol in symbols))

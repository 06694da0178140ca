"""Pictures for a simulated camera: what is drawn is read again."""

from pathlib import Path

import pytest

from drivers.symbols import open_symbol_reader
from drivers.symbols.pictures import load_luma
from provisioning.pictures import MODULE_PX, QUIET, codes_png, png

LONG = "LX1:" + "0123456789" * 40


@pytest.mark.parametrize("texts", [("A",), ("A", LONG), (LONG, "b", "c|d")], ids=["one", "two", "three"])
def test_every_code_in_a_picture_is_read(tmp_path: Path, texts: tuple[str, ...]) -> None:
    path = tmp_path / "codes.png"
    path.write_bytes(codes_png(*texts))
    luma = load_luma(path)
    read = sorted(open_symbol_reader("zxing").read(luma), key=lambda symbol: texts.index(symbol.text))
    assert [symbol.text for symbol in read] == list(texts)
    margin = QUIET * MODULE_PX
    assert min(luma[:margin].min(), luma[-margin:].min(), luma[:, :margin].min(), luma[:, -margin:].min()) == 255


@pytest.mark.parametrize("side_px", [1, 7, 8, 200])
def test_an_empty_picture_is_white(tmp_path: Path, side_px: int) -> None:
    path = tmp_path / "white.png"
    path.write_bytes(png([[True] * side_px] * side_px))
    luma = load_luma(path)
    assert luma.shape == (side_px, side_px)
    assert luma.min() == 255


def test_rows_are_drawn_from_the_left(tmp_path: Path) -> None:
    path = tmp_path / "rows.png"
    rows = [[True, False, True, True, True, True, True, False, False], [False] + [True] * 8]
    path.write_bytes(png(rows))
    assert (load_luma(path) > 127).tolist() == rows

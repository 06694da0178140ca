"""`greengate read`: which symbols pictures hold."""

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest

import drivers.symbols
from drivers.errors import DeviceMissingError
from drivers.symbols.pictures import load_luma
from tests.drivers.symbol_pictures import aztec
from tests.provisioning.command import greengate, picture


@pytest.mark.parametrize("reader", ["zxing", "pyzbar"])
def test_the_result_is_as_documented(tmp_path: Path, reader: str) -> None:
    path = picture(tmp_path / "one.png", "HC1:6BF")
    done = greengate("read", "--json", "--reader", reader, path)
    assert done.code == 0
    assert list(done.result) == ["file", "symbols", "ms"]
    assert done.result["file"] == str(path)
    assert 0 < done.result["ms"] < 5000
    (symbol,) = done.result["symbols"]
    assert list(symbol) == ["text", "format", "corners"]
    assert (symbol["text"], symbol["format"]) == ("HC1:6BF", "QRCode")


def test_the_corners_go_clockwise_from_the_top_left(tmp_path: Path) -> None:
    path = picture(tmp_path / "one.png", "HC1:")
    (symbol,) = greengate("read", "--json", path).result["symbols"]
    height, width = load_luma(path).shape
    margin = 4 * 5  # modules of quiet zone, pixels a module
    ends = ((margin, margin), (width - margin, margin), (width - margin, height - margin), (margin, height - margin))
    for (x, y), (expected_x, expected_y) in zip(symbol["corners"], ends, strict=True):
        assert abs(x - expected_x) <= 6
        assert abs(y - expected_y) <= 6


def test_several_pictures_give_a_line_each_in_order(tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{name}.png", name) for name in ("one", "two", "three")]
    done = greengate("read", "--json", *paths)
    assert done.code == 0
    assert [result["file"] for result in done.results] == [str(path) for path in paths]
    assert [result["symbols"][0]["text"] for result in done.results] == ["one", "two", "three"]


def test_more_pictures_than_one_waits_for_in_silence(tmp_path: Path) -> None:
    path = picture(tmp_path / "one.png", "x")
    done = greengate("read", "--json", *[path] * 25)
    assert (done.code, len(done.results)) == (0, 25)


def test_another_kind_of_symbol(tmp_path: Path) -> None:
    path = tmp_path / "aztec.png"
    cv2.imwrite(str(path), aztec("LX1:"))
    (symbol,) = greengate("read", "--json", path).result["symbols"]
    assert (symbol["text"], symbol["format"]) == ("LX1:", "Aztec")


def test_a_picture_without_a_symbol_is_1_and_one_that_is_none_66(tmp_path: Path) -> None:
    good = picture(tmp_path / "good.png", "HC1:")
    grey = tmp_path / "grey.png"
    cv2.imwrite(str(grey), np.full((100, 100), 127, np.uint8))
    text = tmp_path / "text.png"
    text.write_text("not a picture", "ascii")
    done = greengate("read", "--json", good, grey)
    assert (done.code, done.results[1]["symbols"]) == (1, [])
    for order in ((grey, text, good), (text, grey)):  # the graver code wins, and the others are read all the same
        done = greengate("read", "--json", *order)
        assert (done.code, len(done.results)) == (66, len(order))
    assert str(text) in done.results[0]["error"]
    assert greengate("read", "--json", tmp_path / "none.png").code == 66
    assert greengate("read", "--json", tmp_path).code == 66


def test_people_get_lines(tmp_path: Path) -> None:
    good = picture(tmp_path / "good.png", "HC1:abc")
    done = greengate("read", good, tmp_path / "none.png")
    assert done.code == 66
    assert done.out.startswith(f"{good}: 1 found in ")
    assert "HC1:abc" in done.out
    assert "none.png" in done.err


def test_wrong_usage(tmp_path: Path) -> None:
    assert greengate("read").code == 2
    assert greengate("read", "--reader", "eyes", tmp_path / "x.png").code == 2


def test_a_reader_that_is_not_installed_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(kind: Literal["zxing", "pyzbar"]) -> None:
        raise DeviceMissingError(f"{kind} is not there", cure="apt-get install libzbar0")

    monkeypatch.setattr(drivers.symbols, "open_symbol_reader", missing)
    done = greengate("read", "--json", "--reader", "pyzbar", tmp_path / "x.png")
    assert (done.code, done.result["error"]) == (69, "pyzbar is not there (apt-get install libzbar0)")


def test_a_name_commands_no_terminal(tmp_path: Path) -> None:
    done = greengate("read", tmp_path / "x\x1b]0;owned\x07.png")
    assert done.code == 66
    assert done.err.rstrip("\n").isprintable()

"""Codes held beside a pass so that it is not seen."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.symbols import Symbol, SymbolReader, open_symbol_reader
from drivers.symbols.bounds import SYMBOLS_MAX
from firmware.messages import MAX_TEXTS
from firmware.reader import texts_of
from tests.drivers.symbol_pictures import qr

PASS = "HC1:6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDE"  # noqa: S105 - a health pass, not a password
READERS: dict[str, SymbolReader] = {kind: open_symbol_reader(kind) for kind in ("zxing", "pyzbar")}


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest) -> SymbolReader:
    return READERS[request.param]


def below(junk: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Draw a picture below others."""
    width = max(junk.shape[1], shown.shape[1])
    parts = [np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=255) for part in (junk, shown)]
    return np.pad(np.vstack(parts), 50, constant_values=255)


def row_of(texts: list[str]) -> np.ndarray:
    return np.hstack([qr(text, scale=3) for text in texts])


def texts(symbols: list[Symbol]) -> list[str]:
    return [symbol.text for symbol in symbols]


def test_ten_equal_codes_hide_no_pass(reader: SymbolReader) -> None:
    found = reader.read(below(row_of(["JUNK"] * 10), qr(PASS)))
    assert texts(found) == [PASS, "JUNK"]


def test_many_different_small_codes_hide_no_larger_pass(reader: SymbolReader) -> None:
    junk = np.vstack([row_of([f"J{row}{column}" for column in range(6)]) for row in range(4)])
    found = reader.read(below(junk, qr(PASS)))
    assert len(found) == SYMBOLS_MAX
    assert found[0].text == PASS


def test_twelve_larger_codes_hide_no_pass_from_the_gate(reader: SymbolReader) -> None:
    junk = np.vstack([np.hstack([qr(f"J{row}{column}", scale=8) for column in range(4)]) for row in range(3)])
    found = reader.read(below(junk, qr(PASS, scale=3)))
    assert found[-1].text == PASS
    assert texts_of(found)[0] == PASS
    assert len(texts_of(found)) == MAX_TEXTS


def test_of_equal_codes_the_largest_is_kept(reader: SymbolReader) -> None:
    (symbol,) = reader.read(below(qr(PASS, scale=3), qr(PASS, scale=6)))
    (left, top), _, (right, bottom), _ = symbol.corners
    side = qr(PASS, scale=6).shape[0]
    assert min(right - left, bottom - top) > side / 2

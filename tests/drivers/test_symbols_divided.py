"""Parts of a divided message: never given for the whole of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import segno
import zxingcpp

from drivers.symbols import open_symbol_reader
from drivers.symbols.divided import is_part
from tests.drivers.symbol_pictures import luma_of

TEXTS = {"alphanumeric": "HC1:ABC$%" * 60, "byte": "hc1:abc" * 60, "numeric": "1234567890" * 90}
TURNS = {"upright": lambda luma: luma, "mirrored": np.fliplr, "turned": np.rot90, "inverted": np.bitwise_not}


@pytest.mark.parametrize("version", [7, 10, 15, 27])
@pytest.mark.parametrize("level", ["l", "h"])
@pytest.mark.parametrize("mode", TEXTS)
def test_no_part_is_read_and_every_whole_code_is(version: int, level: str, mode: str) -> None:
    text, reader = TEXTS[mode], open_symbol_reader("zxing")
    options: dict[str, Any] = {"error": level, "mode": mode, "boost_error": False}
    whole = segno.make(text[:40], version=version, **options)
    assert [symbol.text for symbol in reader.read(luma_of(whole))] == [text[:40]]
    parts = list(segno.make_sequence(text, symbol_count=4, **options))
    assert [reader.read(luma_of(part)) for part in parts] == [[]] * 4


@pytest.mark.parametrize("turn", TURNS)
def test_however_a_part_is_held_it_is_one(turn: str) -> None:
    part = segno.make_sequence(TEXTS["alphanumeric"], symbol_count=3)[1]
    picture = np.ascontiguousarray(TURNS[turn](luma_of(part)))
    assert open_symbol_reader("zxing").read(picture) == []


@pytest.mark.parametrize("version", range(1, 41))
def test_no_whole_code_is_taken_for_a_part(version: int) -> None:
    picture = luma_of(segno.make("123", version=version, micro=False, boost_error=False))
    (code,) = zxingcpp.read_barcodes(picture)
    assert not is_part(code)


@dataclass
class _Untold:
    extra: dict[str, str]

    def to_image(self, **_: object) -> np.ndarray:
        return np.zeros((5, 5), np.uint8)


@pytest.mark.parametrize("extra", [{}, {"Version": "7", "DataMask": "1", "ECLevel": "L"}], ids=["old", "cut"])
def test_where_it_cannot_be_told_it_is_no_part(extra: dict[str, str]) -> None:
    assert not is_part(_Untold(extra))  # type: ignore[arg-type] # zxing-cpp's own cannot be made so

"""What every symbol reader promises: texts, places, and no exception whatever the pixels are."""

from __future__ import annotations

import sys
import time
import zlib
from itertools import pairwise

import numpy as np
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import DeviceMissingError
from drivers.symbols import ReaderKind, Symbol, SymbolReader, open_symbol_reader
from tests.drivers.symbol_pictures import aztec, luma_of, qr

TEXT = "HC1:6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDE"
NOISE = np.random.default_rng(7).integers(0, 256, (720, 1280), dtype=np.uint8)
READERS: dict[str, SymbolReader] = {kind: open_symbol_reader(kind) for kind in ("zxing", "pyzbar")}


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest) -> SymbolReader:
    return READERS[request.param]


@pytest.fixture
def zxing() -> SymbolReader:
    return READERS["zxing"]


def texts(symbols: list[Symbol]) -> list[str]:
    return [symbol.text for symbol in symbols]


def test_a_code_is_read_with_its_format_and_corners(reader: SymbolReader) -> None:
    picture = qr(TEXT)
    (symbol,) = reader.read(picture)
    assert (symbol.text, symbol.format) == (TEXT, "QRCode")
    near, far = 20, picture.shape[0] - 20
    assert symbol.corners == pytest.approx(np.array([(near, near), (far, near), (far, far), (near, far)]), abs=4)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_corners_of_a_turned_code_go_clockwise(reader: SymbolReader, quarters: int) -> None:
    (symbol,) = reader.read(np.rot90(qr(TEXT), quarters))
    points = [*symbol.corners, symbol.corners[0]]
    area = sum(x * y2 - x2 * y for (x, y), (x2, y2) in pairwise(points))
    assert symbol.text == TEXT
    assert area > 0, "clockwise, with y downward"


def test_several_codes_are_all_read(reader: SymbolReader) -> None:
    both = np.hstack([qr("HC1:ONE"), qr("HC1:TWO")])
    assert sorted(texts(reader.read(both))) == ["HC1:ONE", "HC1:TWO"]


def test_at_most_sixteen_codes_are_taken(reader: SymbolReader) -> None:
    poster = np.vstack([np.hstack([qr(f"HC1:{row}{column}") for column in range(5)]) for row in range(4)])
    assert len(reader.read(poster)) == 16


def test_the_longest_code_there_is_is_read(reader: SymbolReader) -> None:
    text = "HC1:" + "A" * 4292
    code = segno.make(text, version=40, error="l", mode="alphanumeric", boost_error=False)
    assert texts(reader.read(luma_of(code))) == [text]


@pytest.mark.parametrize("eci", [False, True])
def test_vietnamese_is_read_with_its_marks(reader: SymbolReader, *, eci: bool) -> None:
    text = "079085000001||Nguyễn Văn Ả|01021985|Nam|Phường Đa Kao, Quận 1"
    code = segno.make(text, encoding="utf-8", mode="byte", eci=eci)
    assert texts(reader.read(luma_of(code))) == [text]


@pytest.mark.parametrize(
    "content",
    [bytes(range(256)), bytes(range(128, 256)), zlib.compress(b"pass " * 20), NOISE.tobytes()[:200], b"a\x00b"],
    ids=["all", "high", "zlib", "random", "zero"],
)
def test_bytes_that_are_not_text_are_left_out_and_what_is_beside_them_is_not(
    reader: SymbolReader, content: bytes
) -> None:
    binary = luma_of(segno.make(content, mode="byte", micro=False))
    assert reader.read(binary) == []
    beside = np.full((max(binary.shape[0], 200), binary.shape[1] + 200), 255, np.uint8)
    beside[: binary.shape[0], : binary.shape[1]] = binary
    good = qr("HC1:GOOD")
    beside[: good.shape[0], binary.shape[1] : binary.shape[1] + good.shape[1]] = good
    assert texts(reader.read(beside)) == ["HC1:GOOD"]


def test_a_part_of_a_divided_code_raises_nothing(reader: SymbolReader) -> None:
    parts = segno.make_sequence(TEXT * 4, version=3)
    for picture in (luma_of(parts[0]), luma_of(parts[-1]), np.hstack([luma_of(part) for part in parts[:2]])):
        assert all(text in TEXT * 4 for text in texts(reader.read(picture)))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((0, 0), np.uint8),
        np.zeros((0, 640), np.uint8),
        np.zeros((480, 0), np.uint8),
        np.zeros(640, np.uint8),
        np.zeros((48, 64, 3), np.uint8),
        np.zeros((48, 64), np.uint16),
        np.zeros((48, 64), np.float32),
        np.zeros((48, 64), bool),
        np.zeros((1, 70_000), np.uint8),
        np.array(7, np.uint8),
        np.broadcast_to(np.uint8(0), (60_000, 60_000)),
        [[1, 2], [3, 4]],
        b"picture",
        None,
    ],
    ids=lambda wrong: f"{type(wrong).__name__}-{getattr(wrong, 'shape', '')}-{getattr(wrong, 'dtype', '')}",
)
def test_what_is_no_picture_is_a_value_error_that_says_why(reader: SymbolReader, wrong: object) -> None:
    with pytest.raises(ValueError, match="a picture"):
        reader.read(wrong)  # type: ignore[arg-type] # on purpose


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (3, 3), (1, 65_535), (65_535, 1), (7, 5000)])
def test_the_smallest_and_narrowest_pictures_hold_nothing(reader: SymbolReader, shape: tuple[int, int]) -> None:
    assert reader.read(np.zeros(shape, np.uint8)) == []


@pytest.mark.parametrize(
    "picture", [NOISE, (NOISE > 127).astype(np.uint8) * 255, np.kron(NOISE[:90, :160] & 255, np.ones((8, 8), np.uint8))]
)
def test_a_frame_of_noise_holds_nothing_and_takes_no_time(zxing: SymbolReader, picture: np.ndarray) -> None:
    started = time.thread_time()
    assert zxing.read(picture) == []
    assert time.thread_time() - started < 0.5


def test_finder_patterns_without_end_take_no_time(zxing: SymbolReader) -> None:
    finder = np.pad(qr(TEXT)[20:55, 20:55], 5, constant_values=255)
    started = time.thread_time()
    assert zxing.read(np.tile(finder, (16, 28))) == []
    assert time.thread_time() - started < 0.5


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(sorted(READERS)), width=st.integers(1, 90), data=st.binary(min_size=1, max_size=4000))
def test_no_pixels_raise_anything(kind: str, width: int, data: bytes) -> None:
    pixels = np.frombuffer(data * width, np.uint8).reshape(-1, width)
    assert isinstance(READERS[kind].read(pixels), list)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(READERS)),
    damage=st.lists(st.tuples(st.integers(0, 160), st.integers(0, 160), st.integers(1, 25), st.integers(0, 255))),
)
def test_a_damaged_code_reads_rightly_or_not_at_all(kind: str, damage: list[tuple[int, int, int, int]]) -> None:
    picture = qr(TEXT)
    for top, left, size, value in damage:
        picture[top : top + size, left : left + size] = value
    assert texts(READERS[kind].read(picture)) in ([TEXT], [])


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1, max_size=300))
def test_what_is_encoded_is_what_is_read(text: str) -> None:
    for reader in READERS.values():
        assert texts(reader.read(qr(text))) == [text]


def test_views_that_are_not_contiguous_are_read(reader: SymbolReader) -> None:
    doubled = np.kron(qr(TEXT), np.ones((2, 2), np.uint8))
    assert texts(reader.read(doubled[::2, ::2])) == [TEXT]
    assert texts(reader.read(np.asfortranarray(qr(TEXT)))) == [TEXT]


def test_reading_leaves_the_picture_as_it_was(reader: SymbolReader) -> None:
    picture = qr(TEXT)
    before = picture.copy()
    picture.flags.writeable = False
    reader.read(picture)
    assert np.array_equal(picture, before)


def test_zxing_reads_aztec_and_inverted_codes_and_large_modules(zxing: SymbolReader) -> None:
    assert [(symbol.text, symbol.format) for symbol in zxing.read(aztec(TEXT))] == [(TEXT, "Aztec")]
    assert texts(zxing.read(255 - qr(TEXT))) == [TEXT]
    assert texts(zxing.read(qr("HC1:LARGE", scale=40))) == ["HC1:LARGE"]


def test_zxing_takes_nothing_for_a_code_that_no_pass_is(zxing: SymbolReader) -> None:
    assert zxing.read(luma_of(segno.make_micro("1234"))) == []


@pytest.mark.parametrize(
    ("kind", "module", "library"),
    [("zxing", "zxingcpp", "zxing-cpp"), ("pyzbar", "pyzbar", "libzbar0")],
)
def test_a_missing_library_is_named(
    kind: ReaderKind, module: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, f"drivers.symbols.{'zxing' if kind == 'zxing' else 'zbar'}")
    monkeypatch.setitem(sys.modules, module, None)  # importing it then fails
    with pytest.raises(DeviceMissingError, match=library):
        open_symbol_reader(kind)

"""Pictures from files: transparency, depth, bounds, and files that lie."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import DeviceError
from drivers.symbols import open_symbol_reader
from drivers.symbols.pictures import FILE_MAX_BYTES, PictureError, decode_luma, load_luma

if TYPE_CHECKING:
    from pathlib import Path

RAMP = np.add.outer(np.arange(40, dtype=np.uint8) * 3, np.arange(60, dtype=np.uint8) * 2)


def encoded(suffix: str, picture: np.ndarray) -> bytes:
    return bytes(cv2.imencode(suffix, picture)[1])


def png(width: int, height: int, colour: int = 0, depth: int = 8, rows: bytes = b"") -> bytes:
    """Write a PNG by hand: its header may say what is not so."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_of_each_format_give_luminance(suffix: str, channels: int) -> None:
    picture = RAMP if channels == 1 else cv2.cvtColor(RAMP, cv2.COLOR_GRAY2BGR)
    luma = decode_luma(encoded(suffix, picture), "ramp")
    assert (luma.shape, luma.dtype, luma.flags.c_contiguous) == ((40, 60), np.uint8, True)
    assert np.abs(luma.astype(int) - RAMP).max() <= (0 if suffix == ".png" else 12)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_what_is_transparent_is_white(suffix: str) -> None:
    picture = np.zeros((4, 4, 4), np.uint8)  # black, and transparent but for one row
    picture[1, :, 3] = 255
    picture[2, :, 3] = 128
    luma = decode_luma(encoded(suffix, picture), "transparent")
    assert luma[0].min() >= 250
    assert luma[1].max() <= 5
    assert luma[2].mean() == pytest.approx(127, abs=6)


def test_a_code_on_transparent_ground_is_read(tmp_path: Path) -> None:
    path = tmp_path / "transparent.png"
    segno.make("HC1:CLEAR", micro=False).save(str(path), scale=5, dark="#123", light=None)
    assert [symbol.text for symbol in open_symbol_reader("zxing").read(load_luma(path))] == ["HC1:CLEAR"]


def test_grey_with_alpha_and_16_bits_are_read() -> None:
    grey_alpha = png(2, 1, colour=4, rows=b"\x00" + bytes([0, 255, 0, 0]))
    assert decode_luma(grey_alpha, "grey with alpha").tolist() == [[0, 255]]
    deep = png(2, 1, depth=16, rows=b"\x00" + bytes([0x80, 0x12, 0xFF, 0xFF]))
    assert decode_luma(deep, "16 bits").tolist() == [[128, 255]]


@pytest.mark.parametrize("name", ["png-named.jpg", "jpg-named.png", "without-a-suffix"])
def test_the_content_tells_the_format_not_the_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(encoded(".jpg" if name.startswith("jpg") else ".png", RAMP))
    assert load_luma(path).shape == (40, 60)


@pytest.mark.parametrize(
    ("width", "height"), [(0, 10), (10, 0), (65_536, 1), (1, 65_536), (20_000, 20_000), (2**31, 2**31)]
)
def test_a_header_beyond_the_bounds_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    with pytest.raises(PictureError, match=rf"liar: {width} x {height} px"):
        decode_luma(png(width, height), "liar")


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_the_bounds_hold_for_each_format(suffix: str) -> None:
    lossy = [cv2.IMWRITE_WEBP_QUALITY, 80] if suffix == ".webp" else []
    data = bytearray(cv2.imencode(suffix, RAMP, lossy)[1])
    if suffix == ".jpg":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", 60_000, 60_000)
    else:
        at = data.index(b"VP8 ") + 14
        data[at : at + 4] = struct.pack("<HH", 16_000, 16_000)
    with pytest.raises(PictureError, match="000 px"):
        decode_luma(bytes(data), "liar")


def test_lossless_and_extended_webp_are_measured() -> None:
    lossless = bytes(cv2.imencode(".webp", RAMP, [cv2.IMWRITE_WEBP_QUALITY, 101])[1])
    assert lossless[12:16] == b"VP8L"
    assert decode_luma(lossless, "lossless").shape == (40, 60)
    simple = encoded(".webp", RAMP)
    size = (59).to_bytes(3, "little") + (39).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size + simple[12:]
    assert decode_luma(b"RIFF" + struct.pack("<I", len(body)) + body, "extended").shape == (40, 60)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00", b"GIF89a" + bytes(50), b"II*\x00" + bytes(50), b"BM" + bytes(50), b"<svg/>", b"RIFF" + bytes(60)],
)
def test_other_formats_never_reach_a_decoder(data: bytes) -> None:
    with pytest.raises(PictureError, match="what: no PNG, JPEG or WebP"):
        decode_luma(data, "what")


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 400), flips=st.lists(st.tuples(st.integers(0, 399), st.integers(1, 255)), max_size=6))
def test_a_damaged_file_is_a_picture_or_a_picture_error(suffix: str, cut: int, flips: list[tuple[int, int]]) -> None:
    data = bytearray(encoded(suffix, RAMP))
    for at, flip in flips:
        data[at % len(data)] ^= flip
    with suppress(PictureError):
        luma = decode_luma(bytes(data[:cut] if cut % 2 else data), "damaged")
        assert (luma.ndim, luma.dtype) == (2, np.uint8)


def test_a_file_that_is_too_long_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.png"
    with path.open("wb") as file:
        file.truncate(FILE_MAX_BYTES * 100)  # sparse
    with pytest.raises(PictureError, match=f"over {FILE_MAX_BYTES} bytes"):
        load_luma(path)


@pytest.mark.parametrize("name", ["absent.png", "folder", "zero\0byte.png"])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(PictureError, match=name.split("\0", maxsplit=1)[0]) as caught:
        load_luma(tmp_path / name)
    assert isinstance(caught.value, DeviceError)
    assert caught.value.cure

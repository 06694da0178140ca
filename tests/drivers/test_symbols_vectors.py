"""The readers on pictures of the world: every DCC of the quality assurance set, photographs, DCCs in base64."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from drivers.symbols import ReaderKind, open_frame_reader, open_symbol_reader
from drivers.symbols.arms import IN_TURN
from drivers.symbols.pictures import PictureError, decode_luma, load_luma

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors"
QUALITY, TESTDATA, PHOTOS = (VECTORS / name for name in ("dcc-quality-assurance", "dgc-testdata", "photos"))

pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"the public test vectors are not at {VECTORS}")

UNREADABLE: dict[str, str] = {}  # of the quality assurance set: both readers read all 160


def pictures_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".png", ".jpg", ".jpeg"})


@pytest.mark.parametrize("kind", ["zxing", "pyzbar"])
def test_every_picture_of_the_quality_assurance_set_decodes(kind: ReaderKind) -> None:
    reader, paths = open_symbol_reader(kind), pictures_of(QUALITY)
    failed = {}
    for path in paths:
        texts = [symbol.text for symbol in reader.read(load_luma(path))]
        if len(texts) != 1 or not texts[0].startswith("HC1:"):
            failed[str(path.relative_to(QUALITY))] = texts
    assert len(paths) >= 160
    assert set(failed) == set(UNREADABLE), failed


def test_the_pictures_in_the_test_data_read_as_their_text() -> None:
    reader, checked, failed = open_symbol_reader("zxing"), 0, {}
    for path in sorted(TESTDATA.rglob("*.json")):
        case = json.loads(path.read_text(encoding="utf-8-sig"))
        expected = case.get("EXPECTEDRESULTS", {}).get("EXPECTEDPICTUREDECODE") if isinstance(case, dict) else None
        if not expected or not case.get("2DCODE"):
            continue
        checked += 1
        try:
            luma = decode_luma(base64.b64decode(case["2DCODE"]), path.name)
            texts = [symbol.text for symbol in reader.read(luma)]
        except (PictureError, ValueError) as error:
            texts = [str(error)]
        if texts != [case["PREFIX"]]:
            failed[str(path.relative_to(TESTDATA))] = texts
    assert checked >= 400
    assert failed == {}


@pytest.mark.parametrize(("kind", "floor"), [("zxing", 0.92), ("pyzbar", 0.70)])
def test_photographs_are_read_at_the_measured_rate(
    kind: ReaderKind, floor: float, record_property: pytest.RecordProperty
) -> None:
    reader = open_symbol_reader(kind)
    manifest = json.loads((PHOTOS / "manifest.json").read_text(encoding="utf-8"))
    read = 0
    for photo in manifest:
        texts = {_layout(symbol.text) for symbol in reader.read(load_luma(PHOTOS / photo["file"]))}
        read += {_layout(text) for text in photo["texts"]} <= texts
    record_property(f"photographs_read_{kind}", f"{read} of {len(manifest)}")
    assert read / len(manifest) >= floor


def test_the_pipeline_reads_more_photographs_than_zxing_and_zbar_together(
    record_property: pytest.RecordProperty,
) -> None:
    singles = [open_symbol_reader("zxing"), open_symbol_reader("pyzbar")]
    pipeline = open_frame_reader("pipeline", budget_ms=500, rescue_limit_ms=0)
    ours, union = 0, 0
    for photo in json.loads((PHOTOS / "manifest.json").read_text(encoding="utf-8")):
        luma, texts = load_luma(PHOTOS / photo["file"]), {_layout(text) for text in photo["texts"]}
        union += any(texts <= {_layout(symbol.text) for symbol in single.read(luma)} for single in singles)
        pipeline.forget()
        looks = (pipeline.read(luma).symbols for _ in IN_TURN)
        ours += texts <= {_layout(symbol.text) for symbol in next(filter(None, looks), [])}
    record_property("photographs_read_pipeline", f"{ours}, one of two others {union}")
    assert ours >= union


def _layout(text: str) -> str:
    return text.replace("\r\n", "\n").strip()

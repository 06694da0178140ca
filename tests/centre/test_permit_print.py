"""Printed permits: they read as what was issued, at the size that the distance needs, in both languages."""

import builtins
import re
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pypdfium2
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from centre.permits import pdf as pdf_module
from centre.permits.encoding import PermitTextError, Times, Unsigned, decode, encode
from centre.permits.files import Printer, name_of
from centre.permits.pdf import pdf
from centre.permits.sheet import Line, Words, sheet_of, shown_id
from centre.permits.symbol import (
    DOTS_PER_MM,
    VEHICLE_TEXT_MAX_CHARS,
    VEHICLE_VERSION_MAX,
    K,
    made,
    module_mm,
    reads_to_m,
    version_of,
)
from tests.centre.permit_site import ALL, AT, VEHICLE, Office, asked, flags, new_office

Picture = npt.NDArray[np.uint8]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    return new_office(tmp_path, monkeypatch)


def texts_in(picture: Picture) -> list[str]:
    # all formats find Micro QR codes and bar codes within a QR code now and then
    return [one.text for one in zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCodeModel2)]


def page(path: Path) -> tuple[Picture, str]:
    document = pypdfium2.PdfDocument(path)
    assert len(document) == 1
    first = document[0]
    assert (round(first.get_width()), round(first.get_height())) == (595, 842)
    words = first.get_textpage().get_text_bounded()
    return np.asarray(first.render(scale=2).to_numpy()), words


def drawn(svg: str) -> Picture:
    """Draw a path of strokes as the drawing has it: `M`, `m` move, `h` is a run of modules."""
    size = int(re.findall(r'viewBox="0 0 (\d+)', svg)[0]) if "viewBox" in svg else int(re.findall(r"h(\d+)v", svg)[0])
    picture = np.full((size, size), 255, np.uint8)
    path = re.findall(r'stroke="#000" d="([^"]+)"|class="qrline"[^>]* d="([^"]+)"', svg)[-1]
    x, y = 0.0, 0.0
    for letter, numbers in re.findall(r"([Mmh])([-\d. ]+)", "".join(path)):
        values = [float(number) for number in re.findall(r"-?\d*\.?\d+", numbers)]
        if letter == "h":
            picture[int(y), int(x) : int(x + values[0])] = 0
            x += values[0]
        else:
            x, y = (values[0], values[1]) if letter == "M" else (x + values[0], y + values[1])
    return np.asarray(cv2.resize(picture, None, fx=6, fy=6, interpolation=cv2.INTER_NEAREST), np.uint8)


@pytest.mark.parametrize("kind", ALL)
def test_each_form_reads_as_what_was_issued(office: Office, kind: str) -> None:
    told = office.issued(kind, "--png", "--svg", "--pdf")
    files = {Path(path).suffix: Path(path) for path in told["files"]}
    text = files[".txt"].read_text("ascii").strip()
    picture, words = page(files[".pdf"])
    assert texts_in(picture) == [text]
    assert texts_in(np.asarray(cv2.imread(str(files[".png"])), np.uint8)) == [text]
    assert texts_in(drawn(files[".svg"].read_text())) == [text]
    assert shown_id(bytes.fromhex(told["id"])) in words
    assert "Có giá trị / Valid" in words
    assert "22/11/2026 13:00" in words


@pytest.mark.parametrize("kind", ["vehicle", "travel"])
def test_the_longest_words_stay_on_the_page(office: Office, kind: str) -> None:
    told = office.issued(kind)
    permit = decode(next(office.out.glob("*.txt")).read_text())
    sheet = sheet_of(permit)
    areas = [f"VN-SG{n:03}-ABCDEFGH-ABCDEFGH" for n in range(16)]
    long = [*sheet.lines[:-2], Line(Words("Khu vực", "Areas"), " · ".join(areas)), sheet.lines[-1]]
    path = office.given(
        "a.pdf", pdf(sheet._replace(headline="W" * 80, lines=tuple(long)), made("A" * 311), module_mm(1.0))
    )
    picture, words = page(path)
    assert texts_in(picture) == ["A" * 311]
    assert all(area in words for area in areas)
    assert shown_id(bytes.fromhex(told["id"])) in words
    dark = np.argwhere(picture.min(axis=2) < 128)
    margin = round(9 / 25.4 * 144)
    assert dark.min() >= margin
    assert (dark.max(axis=0) <= np.array(picture.shape[:2]) - margin).all()


def test_what_is_not_said_is_left_out_but_for_the_hours(office: Office) -> None:
    told = office.issued("vehicle", "--pdf", hours="", goods="")
    words = page(Path(told["files"][-1]))[1]
    assert "cả ngày / all day" in words
    assert "Goods" not in words


def test_the_same_permit_prints_the_same(office: Office) -> None:
    told = office.issued("vehicle", "--pdf")
    (before,) = (path.read_bytes() for path in office.out.glob("*.pdf"))
    (printed,) = office.json("print", told["id"][:8], "--out", office.out)
    assert next(office.out.glob("*.pdf")).read_bytes() == before
    assert printed == {"id": told["id"], "files": told["files"][1:], "module_mm": 2.71, "reads_to_m": 1.0}


def test_a_page_says_from_how_far_it_is_read_at_most(office: Office) -> None:
    told = office.issued()
    *_, printed = office.json("print", told["id"], "--out", office.out, "--distance-m", "1.5")
    assert (printed["module_mm"], printed["reads_to_m"]) == (2.77, 1.0)
    done = office.run("print", told["id"], "--out", office.out, "--distance-m", "1.5")
    assert done.stderr == f"{told['id']}: a page of A4 is read from 1.0 m, not more\n"
    words = ("print", told["id"], "--out", office.out, "--distance-m", "1.5", "--svg")
    assert office.json(*words)[0]["module_mm"] == 4.06
    assert 'width="263.' in next(office.out.glob("*.svg")).read_text()
    issued = ("issue", "vehicle", *flags(VEHICLE), "--out", office.out, "--pdf", "--distance-m", "3")
    assert "51C12345: a page of A4 is read from 1.0 m, not more\n" in office.run(*issued).stderr


def test_a_revoked_permit_is_printed_with_a_warning(office: Office) -> None:
    told = office.issued()
    office.run("revoke", told["id"], "--to", office.folder / "list.txt")
    assert f"{told['id']} is revoked: lanes refuse it\n" in office.run("print", told["id"], "--out", office.out).stderr


def test_what_names_a_person_is_printed_from_its_file_alone(office: Office) -> None:
    told = office.issued("travel")
    assert "names a person, and its text is not kept" in office.refused(
        "print", told["id"], "--out", office.out, code=69
    )
    (file,) = office.out.glob("*.txt")
    (printed,) = office.json("print", file, "--out", office.out, "--png")
    assert [Path(path).name for path in printed["files"]] == [f"travel-{told['id'][:8]}.png"]


def test_sizes_are_those_that_the_distance_needs() -> None:
    assert pytest.approx(369.5, abs=0.1) == K
    assert module_mm(1.5) == pytest.approx(4.06, abs=0.01)
    assert reads_to_m(module_mm(0.7)) == pytest.approx(0.7)
    assert version_of("A" * VEHICLE_TEXT_MAX_CHARS) == VEHICLE_VERSION_MAX
    assert version_of("A" * (VEHICLE_TEXT_MAX_CHARS + 1)) == VEHICLE_VERSION_MAX + 1
    assert made("A").error == "M"


def test_a_picture_prints_at_its_size(office: Office) -> None:
    office.issued("vehicle", "--png")
    (path,) = office.out.glob("*.png")
    data = path.read_bytes()
    place = data.index(b"pHYs") + 4
    pixels_a_metre = int.from_bytes(data[place : place + 4], "big")
    across = cv2.imread(str(path)).shape[0]
    assert across / pixels_a_metre * 1000 == pytest.approx(65 * module_mm(1.0), rel=0.01)
    assert pixels_a_metre / 1000 == pytest.approx(DOTS_PER_MM, rel=0.02)


def test_a_missing_library_or_font_is_told_with_its_package(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    told = office.issued()
    words = ("print", told["id"], "--out", office.out)
    pdf_module._library.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(pdf_module, "FONTS", office.folder)
        assert "DejaVuSans.ttf: a PDF needs this font: apt install fonts-dejavu-core" in office.refused(*words, code=69)
    real = builtins.__import__

    def lacks(name: str, *rest: object, **more: object) -> object:
        if name.startswith("reportlab"):
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "__import__", lacks)
        assert "a PDF needs reportlab: apt install python3-reportlab" in office.refused(*words, code=69)
    assert office.run(*words, "--svg").exit_code == 0


def test_a_permit_without_a_name_of_its_own_has_a_sheet(office: Office) -> None:
    permit = decode(_text(office))
    sheet = sheet_of(permit)
    assert sheet.headline == "51C12345"
    assert (sheet.personal, name_of(permit).startswith("51C12345-")) == (False, True)
    assert [line.label.en for line in sheet.lines][:3] == ["Valid", "Vehicle", "Carrier"]


def test_printing_again_writes_over_a_file_that_was_cut(office: Office) -> None:
    text = _text(office)
    printer = Printer.to(office.out, {"txt"}, None)
    (path,) = printer.write(text).paths
    path.write_text("LX1:")
    assert printer.write(text).paths == (path,)
    assert path.read_text() == f"{text}\n"


def _text(office: Office) -> str:
    key, wanted = office.key(), asked()
    begins, ends = wanted.times(AT)
    permit = Unsigned(bytes(16), wanted.kind, key.issuer, Times(AT, begins, ends), wanted.content)
    return encode(permit, key.kid, key.private.sign)


# --- texts


def test_a_begin_that_lies_ahead_is_in_the_text(office: Office) -> None:
    key, wanted = office.key(), asked(**{"from": "2026-12-01"})
    begins, ends = wanted.times(AT)
    permit = Unsigned(bytes(16), wanted.kind, key.issuer, Times(AT, begins, ends), wanted.content)
    read = decode(encode(permit, key.kid, key.private.sign))
    assert (read.begins, read.ends, read.identifier, read.kid) == (begins, ends, bytes(16), key.kid)


@given(st.one_of(st.text(max_size=80), st.text("0123456789ABCDEF $%*+-./:", max_size=300).map("LX1:".__add__)))
def test_any_text_is_a_permit_or_told(text: str) -> None:
    with pytest.raises(PermitTextError, match="no permit's text"):
        decode(text)


def test_a_text_is_bounded() -> None:
    with pytest.raises(PermitTextError, match="at most 4296 characters"):
        decode("LX1:" + "A" * 4296)

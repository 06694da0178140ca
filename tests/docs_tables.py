"""Tables in the documents that other sources make: `python -m tests.docs_tables` writes them, a test compares."""

import math
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.docs_measured import measured
from tests.docs_text import PROJECT

WORDS = PROJECT / "provisioning/words/doctor.toml"
CURE = "-cure"


class View(NamedTuple):
    """A camera with a lens, and how wide it sees."""

    name: str
    horizontal_deg: float


def lens(sensor_mm: float, focal_mm: float) -> float:
    """Return the horizontal view of a lens before a sensor of a width, in degrees."""
    return math.degrees(2 * math.atan(sensor_mm / (2 * focal_mm)))


IMX477_MM, IMX296_MM = 4056 * 0.00155, 1456 * 0.00345  # pixels of 1.55 and 3.45 um, as the makers say
VIEWS = (  # Raspberry Pi's camera documentation; lenses by their focal length
    View("Camera Module 3", 66),
    View("Camera Module 3 Wide", 102),
    View("HQ Camera, 6 mm lens", lens(IMX477_MM, 6)),
    View("HQ Camera, 16 mm lens", lens(IMX477_MM, 16)),
    View("Global Shutter, 6 mm lens", lens(IMX296_MM, 6)),
    View("Global Shutter, 16 mm lens", lens(IMX296_MM, 16)),
)
READING_PX = (2, 3)  # of a module: where readers end, and where they read in poor light too
READING_CODES = tuple((mm, version) for mm in (25, 60) for version in (10, 15, 20))
READING_VIEWS = (View("54°", 54), View("60°", 60), View("66°", 66))
WIDTH_PX, CODE_MM, PX_A_MODULE, QUIET = 1280, 50, 3, 8
MODULES = (93, 81, 57)


def distances() -> Iterator[str]:
    """Give how far and how near each camera reads a code."""
    head = " | ".join(f"{modules} modules" for modules in MODULES)
    yield ""
    yield f"| camera | view | DCC, {head.replace('57', 'permit, 57')} | nearest (81) |"
    yield "|---|---|---|---|---|---|"
    for view in VIEWS:
        wide = 2 * math.tan(math.radians(view.horizontal_deg) / 2)  # of the picture, a unit away
        far = [WIDTH_PX * CODE_MM / (PX_A_MODULE * modules * wide) for modules in MODULES]
        near = CODE_MM * (81 + QUIET) / 81 / (wide * 9 / 16)
        cells = " | ".join(f"{mm / 10:.0f} cm" for mm in (*far, near))
        yield f"| {view.name} | {view.horizontal_deg:.0f}° | {cells} |"
    yield ""


def reading() -> Iterator[str]:
    """Give at what distance a code's modules have so many pixels."""
    yield ""
    yield f"| code | a module | {' | '.join(f'view {view.name}' for view in READING_VIEWS)} |"
    yield "|---|---|---|---|---|"
    for mm, version in READING_CODES:
        modules = 17 + 4 * version
        cells = (
            " / ".join(f"{_far_mm(mm / modules, view, px) / 10:.0f}" for px in READING_PX) + " cm"
            for view in READING_VIEWS
        )
        yield f"| {mm} mm, version {version} ({modules}) | {mm / modules:.2f} mm | {' | '.join(cells)} |"
    yield ""


def _far_mm(module_mm: float, view: View, px: float) -> float:
    """Return how far away a module has so many pixels, in the middle of the picture."""
    return WIDTH_PX * module_mm / (px * 2 * math.tan(math.radians(view.horizontal_deg) / 2))


def doctor() -> Iterator[str]:
    """Give each finding of `doctor` that has a cure, by the sections of its words."""
    text = WORDS.read_text()
    words = tomllib.loads(text)
    for section in re.split(r"^# (?=\w)", text, flags=re.MULTILINE)[1:]:
        codes = [code for code in re.findall(r"^\[([a-z0-9-]+)\]$", section, re.MULTILINE) if f"{code}{CURE}" in words]
        if not codes:
            continue
        title = section.partition("\n")[0].rstrip(".").lower()
        yield from ("", f"### doctor: {title}", "", "| code | says | cure |", "|---|---|---|")
        for code in codes:
            said, cure = words[code], words[f"{code}{CURE}"]
            yield f"| `{code}` | {_open(said['vi'])} · {_open(said['en'])} | {_open(cure['en'])} |"
    yield ""


TABLES: dict[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "cameras.md": ("reading", reading),
    "install.md": ("distances", distances),
    "reading.md": ("measured", measured),
    "troubleshoot.md": ("doctor", doctor),
}


def made(document: str, text: str) -> str:
    """Return a document's text with its table as it is to be."""
    name, rows = TABLES[document]
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = text.partition(begin)
    assert rest, f"{document} has no {begin}"
    return "\n".join([f"{before}{begin}", *rows(), f"{end}{rest.partition(end)[2]}"])


def _open(text: str) -> str:
    """Return a text with its values open, as it may stand in a table."""
    return re.sub(r"\{\w+\}", "…", text).replace("|", "\\|")


if __name__ == "__main__":
    for document in TABLES:
        path = PROJECT / "docs" / document
        path.write_text(made(document, path.read_text()))

"""Make wiring.svg of wiring.toml: boxes with pins, wires between them. `python docs/wiring.py` does it."""
# ruff: noqa: INP001 - a program beside the documents, no package

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
SOURCE, PICTURE = HERE / "wiring.toml", HERE / "wiring.svg"
HEAD, ROW, LEG = 30, 24, 14  # a box's title, a pin's row, what sticks out of the box
RESISTOR_X = 60  # from the pin, where a pull-down hangs
COLOURS = {
    "power": "#b26a00",
    "ground": "#424242",
    "signal": "#1565c0",
    "optional": "#1565c0",
    "red": "#c62828",
    "green": "#2e7d32",
    "amber": "#f9a825",
}

Point = tuple[int, int]
Table = dict[str, Any]


def picture(text: str) -> str:
    """Return the SVG of a description."""
    plan = tomllib.loads(text)
    width, height = plan["width"], plan["height"]
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="DejaVu Sans, sans-serif" font-size="13">',
        f"<title>{escape(plan['title'])}</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text((30, 32), plan["title"], 'font-size="17" font-weight="bold"'),
        *(line for wire in plan["wire"] for line in _wire(wire, _pins(plan["box"]))),
        *(line for box in plan["box"] for line in _box(box)),
        *(line for note in plan["note"] for line in _note(note)),
        *_legend(height),
        "</svg>",
        "",
    ])  # fmt: skip


def _pins(boxes: list[Table]) -> dict[str, Point]:
    """Return where each pin is: `id.3` is the third of a box that has pins on one side; `id.r3`, on its right."""
    places: dict[str, Point] = {}
    for box in boxes:
        for side, x in (("left", box["x"] - LEG), ("right", box["x"] + box["w"] + LEG)):
            for row, name in enumerate(box.get(side, []), 1):
                if name:
                    key = f"{box['id']}.{'r' if side == 'right' and 'left' in box else ''}{row}"
                    places[key] = (x, _row_y(box, row))
    return places


def _row_y(box: Table, row: int) -> int:
    return int(box["y"]) + HEAD + ROW * row - ROW // 2


def _box(box: Table) -> Iterator[str]:
    rows = max(len(box.get("left", [])), len(box.get("right", [])))
    x, y, w, h = box["x"], box["y"], box["w"], HEAD + ROW * rows + 4
    colour = box.get("colour", "#37474f")
    dash = ' stroke-dasharray="6 4"' if box.get("dashed") else ""
    line = f'rx="6" fill="#fafafa" stroke="{colour}" stroke-width="2"{dash}'
    yield f'<rect x="{x}" y="{y}" width="{w}" height="{h}" {line}/>'
    yield _text((x + 10, y + 20), box["title"], f'font-weight="bold" fill="{colour}"')
    for side, at, anchor, leg in (("left", x + 10, "start", x - LEG), ("right", x + w - 10, "end", x + w)):
        for row, name in enumerate(box.get(side, []), 1):
            if name:
                middle = _row_y(box, row)
                yield f'<path d="M{leg} {middle}h{LEG}" stroke="#37474f" stroke-width="2"/>'
                yield _text((at, middle + 4), name, f'text-anchor="{anchor}"')


def _wire(wire: Table, pins: dict[str, Point]) -> Iterator[str]:
    (x1, y1), (x2, y2), colour = pins[wire["from"]], pins[wire["to"]], COLOURS[wire["kind"]]
    dash = ' stroke-dasharray="6 4"' if wire["kind"] == "optional" else ""
    path = f"M{x1} {y1}H{wire['via']}V{y2}H{x2}"
    yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
    joints = [(wire["via"], y2)] if wire.get("joint") else []
    for x, y in ((x1, y1), (x2, y2), *joints):
        yield f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>'
    if "pull_down" in wire:
        yield from _pull_down((x1 + RESISTOR_X, y1), wire["pull_down"])


def _pull_down(at: Point, value: str) -> Iterator[str]:
    """Draw a resistor that hangs on a wire, down to ground."""
    x, y = at
    yield f'<circle cx="{x}" cy="{y}" r="3.5" fill="#424242"/>'
    yield (
        f'<path d="M{x} {y}v14M{x} {y + 42}v12M{x - 12} {y + 54}h24M{x - 8} {y + 59}h16M{x - 4} {y + 64}h8"'
        ' stroke="#424242" stroke-width="2"/>'
    )
    yield f'<rect x="{x - 6}" y="{y + 14}" width="12" height="28" fill="#fff" stroke="#424242" stroke-width="2"/>'
    yield _text((x + 14, y + 33), value)


def _note(note: Table) -> Iterator[str]:
    for row, line in enumerate(note["lines"]):
        yield _text((note["x"], note["y"] + 19 * row), line)


def _legend(height: int) -> Iterator[str]:
    x = 30
    for kind, colour in COLOURS.items():
        dash = ' stroke-dasharray="6 4"' if kind == "optional" else ""
        yield f'<path d="M{x} {height - 16}h26" stroke="{colour}" stroke-width="2"{dash}/>'
        yield _text((x + 32, height - 12), kind)
        x += 110


def _text(at: Point, text: str, more: str = "") -> str:
    return f'<text x="{at[0]}" y="{at[1]}" xml:space="preserve" {more}>{escape(text)}</text>'.replace(" >", ">")


if __name__ == "__main__":
    PICTURE.write_text(picture(SOURCE.read_text()))
    sys.stdout.write(f"{PICTURE.name} is made anew\n")

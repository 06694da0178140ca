"""Plots as SVG, made here: no script, no colour alone (each kind has a pattern and is named)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final, NamedTuple

from centre.collecting.store import Count
from centre.page.words import number, say
from firmware.checkin import VIET_NAM

HOUR_MS = 3_600_000
VERDICTS: Final = ("accepted", "refused", "undecided")
WIDTH, HEIGHT, RIGHT, TOP, BOTTOM = 960, 260, 64, 12, 44  # the scale is beside the latest hours
BARS_WIDTH = 400
STEPS = 4  # lines across, beside the bottom

PATTERNS = """<svg class="patterns" width="0" height="0" aria-hidden="true"><defs>
<pattern id="accepted" width="8" height="8" patternUnits="userSpaceOnUse">
<rect width="8" height="8" fill="#0b6b3a"/></pattern>
<pattern id="refused" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="6" height="6" fill="#fff"/><rect width="3" height="6" fill="#a3131c"/></pattern>
<pattern id="undecided" width="6" height="6" patternUnits="userSpaceOnUse">
<rect width="6" height="6" fill="#ffe9b0"/><circle cx="3" cy="3" r="1.6" fill="#5c4300"/></pattern>
</defs></svg>"""  # once in a page


class Bar(NamedTuple):
    """Hold one bar: its words, its length, and the kind that gives its pattern."""

    vi: str
    en: str
    length: int
    kind: str


def hours(counts: Iterable[Count], since_ms: int, steps: int) -> str:
    """Return check-ins by hour and verdict as stacked columns; the last one is the hour that goes on."""
    table = by_hour(counts, since_ms, steps)
    top = _ceiling(max(map(sum, table)))
    room_px, tall_px = (WIDTH - RIGHT) / steps, HEIGHT - TOP - BOTTOM
    parts = [_grid(top, tall_px)]
    for place, column in enumerate(table):
        x_px, bottom_px = place * room_px, float(HEIGHT - BOTTOM)
        for verdict, count in zip(VERDICTS, column, strict=True):
            if count:
                bar_px = max(1.0, count / top * tall_px)
                bottom_px -= bar_px
                parts.append(
                    _rect(x_px + 1, bottom_px, room_px - 2, bar_px, verdict, f"{number(count)} {say(verdict).line}")
                )
        if (label := _hour_label(since_ms + place * HOUR_MS)) is not None:
            parts.append(_hour_text(x_px, *label))
    title = "Lượt kiểm tra mỗi giờ, theo kết quả · Check-ins by hour and verdict"
    return _svg(WIDTH, HEIGHT, title, "".join(parts))


def bars(title: str, rows: Sequence[Bar]) -> str:
    """Return some numbers as bars across, each with its words and its number."""
    tall_px, top = 48, max((row.length for row in rows), default=0) or 1
    parts = []
    for place, row in enumerate(rows):
        y_px = place * tall_px
        words = f'<tspan lang="vi">{escape(row.vi)}</tspan> · <tspan lang="en">{escape(row.en)}</tspan>'
        parts.append(f'<text x="0" y="{y_px + 15}">{words}</text>')
        long_px = max(2.0 if row.length else 0.0, row.length / top * (BARS_WIDTH - 60))
        parts.append(_rect(0, y_px + 23, long_px, 15, row.kind, ""))
        parts.append(f'<text x="{long_px + 6:.1f}" y="{y_px + 36}" class="number">{number(row.length)}</text>')
    return _svg(BARS_WIDTH, tall_px * len(rows), title, "".join(parts))


def by_hour(counts: Iterable[Count], since_ms: int, steps: int) -> list[list[int]]:
    """Return a row for each hour: how many of each verdict, in the order of `VERDICTS`."""
    table = [[0] * len(VERDICTS) for _ in range(steps)]
    for count in counts:
        place = (count.begins_ms - since_ms) // HOUR_MS
        if 0 <= place < steps and count.verdict in VERDICTS:
            table[place][VERDICTS.index(count.verdict)] += count.count
    return table


def local(at_ms: int) -> datetime:
    """Return a time in Viet Nam."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(VIET_NAM)


def key(verdict: str) -> str:
    """Return a sample of a verdict's pattern, for a legend."""
    return f'<svg class="key" width="18" height="14" aria-hidden="true">{_rect(0, 0, 18, 14, verdict, "")}</svg>'


def _grid(top: int, tall_px: int) -> str:
    lines = []
    for step in range(STEPS + 1):
        y_px = HEIGHT - BOTTOM - tall_px * step / STEPS
        lines.append(f'<line x1="0" x2="{WIDTH - RIGHT}" y1="{y_px:.1f}" y2="{y_px:.1f}" class="grid"/>')
        lines.append(f'<text x="{WIDTH - RIGHT + 8}" y="{y_px + 4:.1f}">{number(top * step // STEPS)}</text>')
    return "".join(lines)


def _rect(x_px: float, y_px: float, wide_px: float, tall_px: float, kind: str, said: str) -> str:
    title = f"<title>{said}</title>" if said else ""
    place = f'x="{x_px:.1f}" y="{y_px:.1f}" width="{wide_px:.1f}" height="{tall_px:.1f}"'
    return f'<rect {place} fill="url(#{kind})" class="bar">{title}</rect>'


def _hour_label(at_ms: int) -> tuple[str, str] | None:
    at = local(at_ms)
    if at.hour % 6:
        return None
    return f"{at.hour:02d}:00", f"{at.day}/{at.month}" if at.hour == 0 else ""


def _hour_text(x_px: float, hour: str, day: str) -> str:
    y_px = HEIGHT - BOTTOM + 18
    return f'<text x="{x_px:.1f}" y="{y_px}">{hour}</text><text x="{x_px:.1f}" y="{y_px + 18}">{day}</text>'


def _ceiling(most: int) -> int:
    """Return a round number that is not below: the scale's end, divisible by `STEPS`."""
    unit = 1
    while True:
        for times in (4, 8, 12, 20, 40):
            if unit * times >= most:
                return unit * times
        unit *= 10


def _svg(width: int, height: int, title: str, content: str) -> str:
    box = f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" {box}>{content}</svg>'

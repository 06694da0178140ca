"""The status page as HTML, from a snapshot (pure). Everything that a device sent is escaped."""

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Final, NamedTuple
from urllib.parse import urlencode

from centre.page import plots
from centre.page.plots import HOUR_MS, PATTERNS, VERDICTS, Bar
from centre.page.snapshot import BACKLOG, HOURS, Snapshot
from centre.page.words import Words, ago, number, say
from centre.showing.fleet import STATES, DeviceView, State

ROWS = 50  # ours: devices on a page, however many there are
REFRESH_S = 60
PATTERN_OF: Final[dict[State, str]] = {"online": "accepted", "offline": "undecided", "silent": "refused"}
HEADINGS: Final = ("device", "state", "heard", "unsent", "fill", "trust", "stored", "missing", "look")
COUNTS: Final = {"unsent", "fill", "stored", "missing"}


class Asked(NamedTuple):
    """Hold what of the devices somebody wants to see."""

    page: int = 1
    prefix: str = ""
    follow: bool = False

    def link(self, page: int, *, follow: bool | None = None) -> str:
        """Return the address of another page of the same."""
        follow = self.follow if follow is None else follow
        wanted = {"device": self.prefix, "page": page if page > 1 else "", "refresh": "1" if follow else ""}
        return escape("/?" + urlencode({name: value for name, value in wanted.items() if value}))


def status_page(snapshot: Snapshot, asked: Asked) -> str:
    """Return the page."""
    found: Sequence[DeviceView] = snapshot.devices
    if asked.prefix:
        found = [view for view in found if view.name.startswith(asked.prefix)]
    pages = max(1, -(-len(found) // ROWS))
    asked = asked._replace(page=min(max(asked.page, 1), pages))
    first = (asked.page - 1) * ROWS
    sound = "sound" if snapshot.totals.sound else "unsound"
    sign = "✓" if snapshot.totals.sound else "▲"
    follow = say("hold" if asked.follow else "follow")
    return _template("page.html").substitute(
        refresh=f'<meta http-equiv="refresh" content="{REFRESH_S}">\n' if asked.follow else "",
        patterns=PATTERNS,
        at=f"{plots.local(snapshot.at_ms):%H:%M:%S %d/%m/%Y}",
        follow=f'<a href="{asked.link(asked.page, follow=not asked.follow)}">{follow.html}</a>',
        sound=sound,
        verdict=f'<span aria-hidden="true">{sign}</span> {say(sound).html}',
        advice="" if snapshot.totals.sound else f"<p>{say('advice').html}: <code>greengate-centre gaps</code></p>",
        figures=_figures(snapshot),
        legend="".join(f"<span>{plots.key(verdict)} {say(verdict).html}</span>" for verdict in VERDICTS),
        hours=plots.hours(snapshot.hours, snapshot.since_ms, HOURS),
        verdicts="".join(f'<th scope="col" class="count">{say(verdict).html}</th>' for verdict in VERDICTS),
        hour_rows=_hour_rows(snapshot),
        states=_states(snapshot),
        backlog=_backlog(snapshot.backlog),
        prefix=escape(asked.prefix),
        table=_table(found[first : first + ROWS], snapshot.at_ms),
        pages=_pages(asked, pages, len(found)),
    )


def away_page() -> str:
    """Return the page where the store cannot be read."""
    return _template("away.html").template


def _figures(snapshot: Snapshot) -> str:
    totals, now_ms = snapshot.totals, snapshot.at_ms
    oldest = say("none") if totals.oldest_unsent_ms is None else ago(totals.oldest_unsent_ms, now_ms)
    received = ago(totals.last_received_ms, now_ms)
    shown = (
        ("devices", number(totals.devices), None),
        ("today", number(snapshot.today), None),
        ("stored", number(totals.stored), None),
        ("received", escape(received.vi), Words("", received.en)),
        ("unsent", number(totals.unsent), Words(say("oldest", oldest.vi).vi, say("oldest", oldest.en).en)),
        ("missing", number(totals.missing), None),
        ("forked", number(totals.forked), None),
    )
    return "\n".join(
        f"<div><dt>{say(code).html}</dt><dd>{value}{f'<small>{small.html}</small>' if small else ''}</dd></div>"
        for code, value, small in shown
    )


def _hour_rows(snapshot: Snapshot) -> str:
    rows = []
    for place, column in enumerate(plots.by_hour(snapshot.hours, snapshot.since_ms, HOURS)):
        cells = "".join(f'<td class="count">{number(count)}</td>' for count in column)
        hour = f"{plots.local(snapshot.since_ms + place * HOUR_MS):%d/%m %H:00}"
        rows.append(f'<tr><th scope="row">{hour}</th>{cells}</tr>')
    return "\n".join(reversed(rows))


def _states(snapshot: Snapshot) -> str:
    counts = snapshot.totals.states
    return plots.bars(say("devices").line, [Bar(*say(one), counts[one], PATTERN_OF[one]) for one in STATES])


def _backlog(counts: Sequence[int]) -> str:
    bounds = zip(BACKLOG, [*(least - 1 for least in BACKLOG[1:]), None], strict=True)
    rows = [Bar(*_range(*bound), count, "accepted") for bound, count in zip(bounds, counts, strict=True)]
    return plots.bars(say("unsent").line, rows)


def _range(least: int, most: int | None) -> Words:
    between = f"{number(least)}-{number(most)}" if most else f"{number(least)}+"
    named = "0" if most == 0 else between
    return Words(f"{named} lượt chưa gửi", f"{named.replace('.', ',')} waiting")


def _table(devices: Iterable[DeviceView], now_ms: int) -> str:
    rows = [_row(view, now_ms) for view in devices]
    if not rows:
        return f"<p>{say('nobody').html}</p>"
    heads = (f'<th scope="col" role="columnheader"{_class(code)}>{say(code).html}</th>' for code in HEADINGS)
    head = f'<thead role="rowgroup"><tr role="row">{"".join(heads)}</tr></thead>'
    body = "\n".join(rows)
    return f'<table class="devices" role="table">\n{head}\n<tbody role="rowgroup">\n{body}\n</tbody>\n</table>'


def _row(view: DeviceView, now_ms: int) -> str:
    status = view.status
    troubles = [
        trouble for trouble in view.troubles(now_ms) if trouble not in {"silent", "offline"}
    ]  # its state says so
    look = "".join(f"<div>{say(trouble).html}</div>" for trouble in troubles)
    cells = {
        "state": say(view.state(now_ms)).html,
        "heard": ago(view.heard_ms, now_ms).html,
        "unsent": number(status.unsent) if status else "?",
        "fill": f"{status.fill_permille // 10} %" if status else "?",
        "trust": ago(status.trust_ms, now_ms).html if status and status.trust_ms is not None else "?",
        "stored": number(view.stored),
        "missing": number(view.missing),
        "look": look or "-",
    }
    shown = "".join(
        f'<td role="cell"{_class(code)} data-label="{escape(say(code).line)}">{cell}</td>'
        for code, cell in cells.items()
    )
    return f'<tr role="row"><th scope="row" role="rowheader">{escape(view.name)}</th>{shown}</tr>'


def _class(code: str) -> str:
    return ' class="count"' if code in COUNTS else ' class="look"' if code == "look" else ""


def _pages(asked: Asked, pages: int, devices: int) -> str:
    where = f"{say('page').vi} {number(asked.page)}/{number(pages)}, {number(devices)}"
    links = [f"<span>{where} {say('devices').html}</span>"]
    if asked.page > 1:
        links.append(f'<a rel="prev" href="{asked.link(asked.page - 1)}">{say("before").html}</a>')
    if asked.page < pages:
        links.append(f'<a rel="next" href="{asked.link(asked.page + 1)}">{say("after").html}</a>')
    return "".join(links)


@cache
def _template(name: str) -> Template:
    return Template(Path(__file__).with_name(name).read_text("utf-8"))

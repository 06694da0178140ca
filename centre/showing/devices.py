"""`greengate-centre devices`: how each device is, one a line."""

import csv
import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from centre.collecting.store import Store
from centre.output import EX_UNAVAILABLE, EX_USAGE, Json, out, refuse
from centre.showing.cells import safe
from centre.showing.fleet import DeviceView, State, read_fleet
from centre.showing.reports import ReportError, tell_report
from centre.showing.words import DAY_MS, ago, counted, iso_ms, plain
from centre.store_option import ConfigFile, Where, opened
from drivers.clock import open_clock
from firmware.checkin import milliseconds

SilentDays = Annotated[float | None, typer.Option("--silent", metavar="DAYS", min=0, help="Not heard for so long.")]
Only = Annotated[State | None, typer.Option("--state", help="In this state only.")]
Troubled = Annotated[bool, typer.Option("--troubled", help="With something to look at only.")]
Reported = Annotated[str | None, typer.Option("--report", metavar="NAME", help="Show what this device reported last.")]
Csv = Annotated[bool, typer.Option("--csv", help="Comma-separated values, with a header.")]


def devices(
    store: Where = None,
    config: ConfigFile = None,
    silent: SilentDays = None,
    state: Only = None,
    report: Reported = None,
    *,
    troubled: Troubled = False,
    csv_: Csv = False,
    json: Json = False,
) -> None:
    """List the devices that ever sent anything: when each was heard, what waits on it, how full its journal is.

    What waits, how full, and when the trust was issued by which it judges is what the device said last. A device is
    online where its status says so and came in the last 15 minutes, silent where nothing of it came for a day.
    Registered devices that never sent are in `device list`.

    --report shows instead what one device answered last to `greengate-centre command NAME report`.

    Example: greengate-centre devices --store centre.db --silent 2

    Exit codes: 0 done; 2 wrong usage; 66 no such store; 69 that device never reported; 73 standard output cannot be
    written; 78 the store or the configuration cannot be used.
    """
    if csv_ and json:
        refuse("Give either --csv or --json.", EX_USAGE, json=json)
    now_ms = milliseconds(open_clock("system").now())
    with opened(store, config, json=json) as found:
        if report is not None:
            _report(found, report, json=json)
            return
        views = read_fleet(found)
    chosen = [
        view
        for view in views
        if (silent is None or view.heard_ms is None or now_ms - view.heard_ms > silent * DAY_MS)
        and (state is None or view.state(now_ms) == state)
        and (not troubled or view.troubles(now_ms))
    ]
    if csv_:
        _table([_fields(view, now_ms) for view in chosen])
        return
    for view in chosen:
        if json:
            out(_fields(view, now_ms), json=True)
        else:
            typer.echo(_line(view, now_ms))


def _report(store: Store, name: str, *, json: bool) -> None:
    found = store.report(name)
    if found is None:
        why = f"{plain(name)} never reported: greengate-centre command NAME report asks it to"
        refuse(why, EX_UNAVAILABLE, json=json)
    try:
        tell_report(found, json=json)
    except ReportError as error:
        refuse(error, EX_UNAVAILABLE, json=json)


def _fields(view: DeviceView, now_ms: int) -> dict[str, Any]:
    status = view.status
    return {
        "device": view.name,
        "state": view.state(now_ms),
        "last_heard": iso_ms(view.heard_ms),
        "unsent": status and status.unsent,
        "oldest_unsent": iso_ms(status.oldest_ms) if status else None,
        "journal_fill": None if status is None else status.fill_permille / 1000,
        "version": (status and status.version) or None,
        "trust_issued": iso_ms(status.trust_ms) if status else None,
        "stored": view.stored,
        "missing": view.missing,
        "troubles": list(view.troubles(now_ms)),
    }


def _table(rows: Iterable[dict[str, Any]]) -> None:
    names = tuple(_fields(DeviceView(""), 0))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([safe(" ".join(value) if isinstance(value, list) else value) for value in row.values()])


def _line(view: DeviceView, now_ms: int) -> str:
    status = view.status
    said = "never said how it is"
    if status is not None:
        waits = f", the oldest recorded {ago(status.oldest_ms, now_ms)}" if status.oldest_ms is not None else ""
        version = f", version {plain(status.version)}" if status.version else ""
        trust = f", trust issued {ago(status.trust_ms, now_ms)}" if status.trust_ms is not None else ""
        said = f"{status.unsent:,} unsent{waits}, journal {status.fill_permille / 10:.0f} % full{version}{trust}"
    look = f"; look at: {', '.join(view.troubles(now_ms))}" if view.troubles(now_ms) else ""
    heard = f"heard {ago(view.heard_ms, now_ms)}"
    return f"{view.name}: {view.state(now_ms)}, {heard}, {counted(view.stored, 'check-in')} stored, {said}{look}"

"""`greengate-centre status`: the whole fleet in some lines."""

from datetime import datetime
from typing import Any

import typer

from centre.collecting.store import Store
from centre.output import EX_UNSOUND, Json, out
from centre.showing.fleet import Totals, counts_today, read_fleet, totals
from centre.showing.words import ago, counted, iso_ms
from centre.store_option import ConfigFile, Where, opened
from drivers.clock import open_clock
from firmware.checkin import milliseconds


def status(store: Where = None, config: ConfigFile = None, *, json: Json = False) -> None:
    """Say how the fleet is: devices, check-ins, what is missing, what waits on devices.

    A device is online where its status says so and came in the last 15 minutes, silent where nothing of it came
    for a day.

    Example: greengate-centre status --store centre.db

    Exit codes: 0 all sound; 1 something is missing, broken or in conflict (`gaps` says what); 2 wrong usage; 66 no such
    store; 78 the store or the configuration cannot be used.
    """
    at = open_clock("system").now()
    with opened(store, config, json=json) as found:
        summary, today = _read(found, at)
    if json:
        out(_fields(summary, today), json=True)
    else:
        typer.echo("\n".join(_lines(summary, today, milliseconds(at))))
    if not summary.sound:
        raise typer.Exit(EX_UNSOUND)


def _read(store: Store, at: datetime) -> tuple[Totals, int]:
    return totals(read_fleet(store), milliseconds(at)), counts_today(store, at)


def _fields(summary: Totals, today: int) -> dict[str, Any]:
    return {
        "devices": summary.devices,
        **{str(state): count for state, count in summary.states.items()},
        "stored": summary.stored,
        "today": today,
        "last_received": iso_ms(summary.last_received_ms),
        "missing": summary.missing,
        "devices_with_gaps": summary.gapped,
        "devices_forked": summary.forked,
        "unsent": summary.unsent,
        "oldest_unsent": iso_ms(summary.oldest_unsent_ms),
        "sound": summary.sound,
    }


def _lines(summary: Totals, today: int, now_ms: int) -> list[str]:
    states = ", ".join(f"{count:,} {state}" for state, count in summary.states.items())
    received = ago(summary.last_received_ms, now_ms)
    lines = [
        f"devices        {summary.devices:,}: {states}",
        f"check-ins      {summary.stored:,} stored, {today:,} of today; the last came {received}",
        f"not sent yet   {_waiting(summary, now_ms)}",
    ]
    if summary.sound:
        return [*lines, "gaps           none: nothing is missing, nothing is in conflict"]
    gaps = f"{counted(summary.gapped, 'device')} with {summary.missing:,} missing, {summary.forked:,} in conflict"
    return [*lines, f"gaps           {gaps}: greengate-centre gaps says which"]


def _waiting(summary: Totals, now_ms: int) -> str:
    if not summary.unsent:
        return "none, as the devices said last"
    return (
        f"{summary.unsent:,}, as the devices said last; the oldest was recorded {ago(summary.oldest_unsent_ms, now_ms)}"
    )

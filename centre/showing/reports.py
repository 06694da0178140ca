"""What a device reported of itself, for people and scripts."""

from typing import Any

import msgspec
import typer

from centre.output import out
from centre.showing.words import iso_ms, plain
from firmware.wire_device import Report


class ReportError(Exception):
    """A report that cannot be shown: what is wrong and what to do, on one line."""


def tell_report(report: Report, *, json: bool) -> None:
    """Print a report. Raises: ReportError for one that is no JSON object."""
    try:
        content: Any = msgspec.json.decode(report.json)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ReportError(f"{report.device} reported what is no JSON object: update its software")
    if json:
        out({"event": "report", "device": report.device, "at": iso_ms(report.at_ms), "report": content}, json=True)
    else:
        lines = msgspec.json.format(msgspec.json.encode(content)).decode().split("\n")
        typer.echo("\n".join(map(plain, lines)))

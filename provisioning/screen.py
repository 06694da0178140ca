"""What `greengate run` shows in a terminal: lamps, reasons, health, and what arrives at the centre."""

import time
from collections import deque
from typing import Any, Protocol

import msgspec
import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from firmware.config import Config
from firmware.messages import Aspect, Event, Shown
from firmware.panel_state import PanelState
from firmware.signalling import RESTING, Light, lamps_at
from firmware.texts import load_texts
from provisioning.exits import emit

_RECENT = 8
_SIGNS: dict[Aspect, tuple[str, str]] = {  # a sign of its own shape beside each colour
    "ready": ("·", "dim"),
    "accepted": ("✓", "bold green"),
    "refused": ("✗", "bold red"),
    "undecided": ("?", "bold yellow"),
    "next-document": ("+", "bold yellow"),
    "attendance": ("≡", "bold"),
    "identify": ("○", "bold blue"),
    "out-of-service": ("■", "bold red"),
}


class Screen(Protocol):
    """Shows what happens; called from one thread at a time."""

    def told(self, event: Event) -> None:
        """Take an event of the gate's."""
        ...

    def changed(self, program: str, change: str) -> None:
        """Take a program's change: started, ready, ended, killed."""
        ...

    def centre(self, event: dict[str, Any]) -> None:
        """Take an event of the centre's collector."""
        ...

    def turn(self) -> None:
        """Draw what time alone changes."""
        ...

    def close(self) -> None:
        """Give the terminal back."""
        ...


class JsonScreen:
    """One JSON object a line."""

    def told(self, event: Event) -> None:
        """Print the event as it came."""
        emit(event)

    def changed(self, program: str, change: str) -> None:
        """Print the change."""
        emit({"type": "program", "program": program, "change": change})

    def centre(self, event: dict[str, Any]) -> None:
        """Print what the centre reports."""
        emit({"type": "centre", **event})

    def turn(self) -> None:
        """Do nothing: only events are lines."""

    def close(self) -> None:
        """Do nothing."""


class LineScreen:
    """One line an event, where the output is no terminal."""

    def __init__(self) -> None:
        self._stored = 0

    def told(self, event: Event) -> None:
        """Print what is shown to the holder; health goes unsaid."""
        if isinstance(event, Shown) and event.aspect != "ready":
            typer.echo(_line(event))

    def changed(self, program: str, change: str) -> None:
        """Print the change."""
        typer.echo(f"{program}: {change}")

    def centre(self, event: dict[str, Any]) -> None:
        """Print how many check-ins have arrived."""
        if event.get("event") == "batch-stored":
            self._stored += event["new"]
            typer.echo(f"centre: {self._stored} check-ins stored")

    def turn(self) -> None:
        """Do nothing: only events are lines."""

    def close(self) -> None:
        """Do nothing."""


class LiveScreen:
    """The terminal as the kiosk's face: lamps drawn, reason large, health below."""

    def __init__(self, config: Config, console: Console, notes: list[str]) -> None:
        self._config = config
        self._notes = notes
        self._state = PanelState(load_texts()["gate-away"])
        self._since_ns = time.monotonic_ns()
        self._programs: dict[str, str] = {}
        self._recent: deque[Shown] = deque(maxlen=_RECENT)
        self._stored: int | None = None
        self._live = Live(console=console, auto_refresh=False, screen=False)
        self._live.start()

    def told(self, event: Event) -> None:
        """Take an event of the gate's."""
        now_ns = time.monotonic_ns()
        self._state = self._state.told(event, now_ns)
        if isinstance(event, Shown):
            self._since_ns = now_ns
            if event.aspect not in RESTING:
                self._recent.append(event)

    def changed(self, program: str, change: str) -> None:
        """Take a program's change."""
        self._programs[program] = change

    def centre(self, event: dict[str, Any]) -> None:
        """Count what has arrived."""
        self._stored = (self._stored or 0) + (event["new"] if event.get("event") == "batch-stored" else 0)

    def turn(self) -> None:
        """Draw."""
        self._live.update(self._drawn(), refresh=True)

    def close(self) -> None:
        """Leave the last picture standing."""
        self._live.stop()

    def _drawn(self) -> RenderableType:
        device = self._config.device
        now_ns = time.monotonic_ns()
        shown, advised = self._state.to_show(now_ns), self._state.to_advise(now_ns)
        sign, style = _SIGNS[shown.aspect]
        face = Group(
            self._lamps(shown, now_ns),
            Text.assemble("   ", (f" {shown.plate} ", "bold reverse")) if shown.plate else Text(),
            Text(f"{sign}  {shown.vi}", style=style),
            Text(f"   {shown.en}"),
            Text(f"   {shown.reason}", style="dim"),
            *([Text(f"   {advised.vi} · {advised.en}")] if advised.hint else []),
        )
        title = f"Cổng Xanh · {device.name} · {device.site}, lane {device.lane}"
        return Group(Panel(face, title=title, width=78), self._history(), *map(Text, self._lines(now_ns)))

    def _lamps(self, shown: Shown, now_ns: int) -> Text:
        has_amber = self._config.signal.amber_pin is not None
        lamps = lamps_at(Light(shown.aspect, self._since_ns, shown.until_ns), now_ns, has_amber=has_amber)
        red = ("  ● ĐỎ RED  ", "bold white on red") if lamps.red else ("  ○ đỏ red  ", "dim")
        green = ("  ● XANH GREEN  ", "bold white on green") if lamps.green else ("  ○ xanh green  ", "dim")
        amber = ("  ● VÀNG AMBER  ", "bold black on yellow") if lamps.amber else ("  ○ vàng amber  ", "dim")
        return Text.assemble(red, "   ", green, *(("   ", amber) if has_amber else ()))

    def _history(self) -> Table:
        table = Table("", "verdict", "reason", "frame to light", box=None, padding=(0, 2))
        for shown in self._recent:
            sign, style = _SIGNS[shown.aspect]
            total = shown.timings_ms.get("total")
            table.add_row(
                Text(sign, style=style), shown.verdict or "", shown.reason, "" if total is None else f"{total:.1f} ms"
            )
        return table

    def _lines(self, now_ns: int) -> list[str]:
        lines = ["programs: " + ", ".join(f"{name} {change}" for name, change in self._programs.items())]
        if (health := self._state.to_tell(now_ns)) is not None:
            lines += [f"! {notice.vi} · {notice.en}" for notice in health.notices]
            lines.append(f"unsent: {health.unsent}")
        if self._stored is not None:
            lines.append(f"at the centre: {self._stored} check-ins")
        return [*lines, *self._notes]


def _line(shown: Shown) -> str:
    total = shown.timings_ms.get("total")
    took = "" if total is None else f", {total:.1f} ms from frame to light"
    plate = f" [{shown.plate}]" if shown.plate else ""
    return f"{_SIGNS[shown.aspect][0]} {shown.aspect} ({shown.reason}):{plate} {shown.vi} / {shown.en}{took}"


def is_drawn(*, as_json: bool) -> bool:
    """Return whether the whole terminal is drawn."""
    return not as_json and Console().is_terminal


def open_screen(config: Config, notes: list[str], *, as_json: bool) -> Screen:
    """Choose how to show: JSON lines, plain lines, or the whole terminal where there is one."""
    if as_json:
        return JsonScreen()
    console = Console()
    if not console.is_terminal:
        for note in notes:
            typer.echo(note)
        return LineScreen()
    return LiveScreen(config, console, notes)


def centre_event(line: bytes) -> dict[str, Any]:
    """Read one line of the collector's report; what is no object says nothing."""
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}

"""What `greengate read` tells of a frame: an object for scripts, a line for people, a summary at the end."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from drivers.symbols import Seen, Symbol
from provisioning.exits import Exit, emit
from provisioning.talk import Talk
from provisioning.words import plain

_NAME_MAX, _TEXT_MAX, _ARM_WIDTH = 40, 72, 10  # characters of a line for people


@dataclass(frozen=True, slots=True)
class Answer:
    """What a frame gave, and how long that took from having the frame."""

    file: str
    seen: Seen
    ms: float
    at_s: float = 0.0  # since the first frame was due
    dropped: bool = False  # a newer frame was there before anybody looked at this one


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that gave no frame."""

    file: str
    error: str


class Report:
    """Tell each frame as soon as it is answered, count them, and sum up."""

    def __init__(self, talk: Talk, names: Sequence[str]) -> None:
        """Align lines for people by the names that will come."""
        self._talk = talk
        self._width = min(_NAME_MAX, max(len(plain(Path(name).name)) for name in names))
        self._frames, self._read, self._dropped, self._faults = 0, 0, 0, 0
        self._first_s: float | None = None

    def stills(self, told: Iterable[Answer | Fault]) -> Exit:
        """Tell of pictures that have nothing to do with one another: each is to hold a symbol."""
        self._tell(told)
        if self._frames > 1:
            self._sum_up("counted", frames=self._frames, read=self._read)
        return self._exit(whole=self._read == self._frames)

    def run(self, told: Iterable[Answer | Fault]) -> Exit:
        """Tell of one camera's frames: one of them is to hold a symbol."""
        self._tell(told)
        if self._first_s is None:
            self._sum_up("counted-none", frames=self._frames, dropped=self._dropped)
        else:
            counts = {"frames": self._frames, "read": self._read, "dropped": self._dropped}
            self._sum_up("counted-dropped", **counts, seconds=f"{self._first_s:.2f}")
        return self._exit(whole=self._read > 0)

    def _tell(self, told: Iterable[Answer | Fault]) -> None:
        for one in told:
            self._count(one)
            if self._talk.as_json:
                emit(as_object(one))
            elif isinstance(one, Fault):
                typer.echo(plain(one.error), err=True)
            else:
                typer.echo(self._line(one))

    def _count(self, told: Answer | Fault) -> None:
        if isinstance(told, Fault):
            self._faults += 1
            return
        self._frames += 1
        self._dropped += told.dropped
        self._read += bool(told.seen.symbols)
        if told.seen.symbols and self._first_s is None:
            self._first_s = told.at_s

    def _sum_up(self, code: str, **values: object) -> None:
        if not self._talk.as_json:
            typer.echo(self._talk.text(code, **values))

    def _exit(self, *, whole: bool) -> Exit:
        if self._faults:
            return Exit.NO_INPUT
        return Exit.OK if whole else Exit.REFUSED

    def _line(self, answer: Answer) -> str:
        name = plain(Path(answer.file).name)
        shown = name if len(name) <= self._width else f"{name[: self._width - 1]}…"
        arm = answer.seen.arm or "-"
        return f"{shown:<{self._width}}  {answer.ms:>7.1f} ms  {arm:<{_ARM_WIDTH}}  {self._what(answer)}"

    def _what(self, answer: Answer) -> str:
        if answer.dropped:
            return self._talk.text("dropped")
        if not answer.seen.symbols:
            return self._talk.text(f"hint-{answer.seen.hint}" if answer.seen.hint else "not-read")
        return " | ".join(f"{symbol.format} {self._text(symbol)}" for symbol in answer.seen.symbols)

    def _text(self, symbol: Symbol) -> str:
        if not symbol.text:
            return self._talk.text("no-text", bytes=len(symbol.data))
        text = plain(symbol.text)
        return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}… ({len(text)})"


def as_object(told: Answer | Fault) -> dict[str, Any]:
    """Return the object that stands for a frame in JSON."""
    if isinstance(told, Fault):
        return {"file": told.file, "error": told.error}
    seen = told.seen
    found = {
        "file": told.file,
        "symbols": [_symbol(symbol) for symbol in seen.symbols],
        "hint": seen.hint,
        "ms": round(told.ms, 1),
        "arm": seen.arm,
    }
    return found | {"dropped": True} if told.dropped else found


def _symbol(symbol: Symbol) -> dict[str, Any]:
    found = {"text": symbol.text, "format": symbol.format, "corners": symbol.corners}
    return found if symbol.text else found | {"base64": base64.b64encode(symbol.data).decode("ascii")}

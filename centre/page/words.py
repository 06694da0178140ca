"""What the page says, in both languages: Vietnamese, and English beside it."""

import tomllib
from functools import cache
from html import escape
from pathlib import Path
from typing import NamedTuple

from centre.showing.words import elapsed


class Words(NamedTuple):
    """Hold a text in both languages."""

    vi: str
    en: str

    @property
    def html(self) -> str:
        """Return both, the English marked as such."""
        return f'{escape(self.vi)} <span lang="en" class="en">{escape(self.en)}</span>'

    @property
    def line(self) -> str:
        """Return both as plain text."""
        return f"{self.vi} · {self.en}"


def say(code: str, n: object = "") -> Words:
    """Return what a code says, with its number."""
    words = _words()[code]
    return Words(*(text.replace("{n}", str(n)) for text in words))


def number(count: int) -> str:
    """Return a number as Vietnamese is written."""
    return f"{count:,}".replace(",", ".")


def ago(at_ms: int | None, now_ms: int) -> Words:
    """Return how long ago a time was."""
    if at_ms is None:
        return say("never")
    count, unit = elapsed(now_ms - at_ms)
    return say(unit, count)


@cache
def _words() -> dict[str, Words]:
    text = Path(__file__).with_name("words.toml").read_text("utf-8")
    return {code: Words(**both) for code, both in tomllib.loads(text).items()}

"""The words on the device, keyed by reason code: `texts.toml`, Vietnamese and English."""

import tomllib
from pathlib import Path
from typing import NamedTuple

import msgspec

_FILE = Path(__file__).with_name("texts.toml")


class Words(NamedTuple):
    """One text in both languages."""

    vi: str
    en: str

    def filled(self, **values: object) -> "Words":
        """Return the text with its `{n}` and the like replaced."""
        return Words(self.vi.format(**values), self.en.format(**values))


def load_texts() -> dict[str, Words]:
    """Return all texts by code."""
    tables = msgspec.convert(tomllib.loads(_FILE.read_text("utf-8")), dict[str, dict[str, str]])
    return {code: Words(table["vi"], table["en"]) for code, table in tables.items()}

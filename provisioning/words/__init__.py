"""What the commands say, in Vietnamese and English: texts are data, one TOML file a topic."""

import functools
import os
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Literal

import msgspec

Lang = Literal["vi", "en"]
COMMON = "common"
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # locale(7): the first that is set counts


class Phrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text in both languages; `{name}` stands for a value."""

    vi: str
    en: str

    def filled(self, lang: Lang, values: Mapping[str, object]) -> str:
        """Return it in a language, with its values. Raises: KeyError for a value that is missing."""
        shown = {name: value if isinstance(value, int | float) else plain(str(value)) for name, value in values.items()}
        return (self.vi if lang == "vi" else self.en).format_map(shown)


def plain(text: str) -> str:
    """Return a text in one line that commands no terminal: a device, a card or a broker may have chosen it."""
    return "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else character.encode("unicode_escape").decode("ascii")


@functools.cache
def phrases(topic: str) -> dict[str, Phrase]:
    """Return a topic's texts and the common ones, by code."""
    found: dict[str, Phrase] = {}
    for name in (COMMON, topic):
        text = resources.files(__name__).joinpath(f"{name}.toml").read_text("utf-8")
        found |= msgspec.convert(tomllib.loads(text), dict[str, Phrase])
    return found


def locale_lang(environment: Mapping[str, str] = os.environ) -> Lang:
    """Return the language of the locale: Vietnamese where it says so, else English."""
    chosen = next((environment[name] for name in _VARIABLES if environment.get(name)), "")
    return "vi" if re.split(r"[_.@]", chosen)[0] == "vi" else "en"

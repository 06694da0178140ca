"""Every key of the configuration as data: what firmware/config.py takes, and the words about it."""

import difflib
import functools
import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
from msgspec import NODEFAULT
from msgspec.inspect import (
    BoolType,
    FloatType,
    IntType,
    LiteralType,
    Metadata,
    StrType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from firmware.config import Config
from provisioning.words import Lang

WORDS = "config-keys.toml"


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key is, in both languages, and its unit where it has one."""

    vi: str
    en: str
    unit: str | None = None

    def said(self, lang: Lang) -> str:
        """Return it in a language."""
        return self.vi if lang == "vi" else self.en


class Key(msgspec.Struct, frozen=True):
    """One key: its whole name (`camera.width_px`), what it takes, and its default (NODEFAULT where it must be said)."""

    name: str
    takes: Any
    default: object

    @property
    def required(self) -> bool:
        """Tell whether it must be in the file."""
        return self.default is NODEFAULT

    @property
    def allowed(self) -> str:
        """Return what it takes, in words that need no translation."""
        return _allowed(type_info(self.takes))


@functools.cache
def all_keys() -> dict[str, Key]:
    """Return all keys by their whole names, in the order of the configuration."""
    found: dict[str, Key] = {}
    for field in msgspec.structs.fields(Config):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found |= _section(field.name, field.type)
        else:
            found[field.name] = Key(field.name, field.type, field.default)
    return found


def sections() -> list[str]:
    """Return the sections' names, in order."""
    return list(dict.fromkeys(name.partition(".")[0] for name in all_keys() if "." in name))


@functools.cache
def words() -> dict[str, Words]:
    """Return what is said of each key, by its whole name."""
    text = resources.files("provisioning.words").joinpath(WORDS).read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Words])


def nearest(name: str) -> str | None:
    """Return the key that somebody may have meant."""
    last = {key.rpartition(".")[2]: key for key in reversed(all_keys())}
    if name.rpartition(".")[2] in last:  # right, but for its section
        return last[name.rpartition(".")[2]]
    near = difflib.get_close_matches(name, [*all_keys(), *sections()], n=1)
    if near:
        return near[0]
    near = difflib.get_close_matches(name.rpartition(".")[2], last, n=1)
    return last[near[0]] if near else None


def chosen(name: str) -> list[Key]:
    """Return a key, or a section's keys; none where there is no such name."""
    return [key for key in all_keys().values() if key.name == name or key.name.startswith(f"{name}.")]


def shown(value: object) -> object:
    """Return a value as JSON and TOML have it."""
    return str(value) if isinstance(value, Path) else value


def toml(value: object) -> str:
    """Return a value as TOML; its basic strings are JSON's, but for the one control character that JSON lets stand."""
    return json.dumps(shown(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _section(name: str, struct: type[msgspec.Struct]) -> dict[str, Key]:
    hints = get_type_hints(struct, include_extras=True)
    fields = msgspec.structs.fields(struct)
    return {f"{name}.{field.name}": Key(f"{name}.{field.name}", hints[field.name], field.default) for field in fields}


def _allowed(kind: Type) -> str:
    match kind:
        case Metadata(type=inner):
            return _allowed(inner)
        case UnionType(types=types):
            return _allowed(types[0])
        case LiteralType(values=values):
            return ", ".join(msgspec.json.encode(value).decode() for value in values)
        case VarTupleType(item_type=item):
            return f"[{_allowed(item)}]"
        case IntType() | FloatType():
            return _range(kind)
        case _:
            return _text(kind)


def _text(kind: Type) -> str:
    match kind:
        case StrType(pattern=str(pattern)):
            return f'"{pattern.removeprefix(chr(92) + "A").removesuffix(chr(92) + "Z")}"'
        case StrType(max_length=int(longest)):
            return f'"..." (1..{longest})'
        case BoolType():
            return "true, false"
        case _:
            return '"/..."'


def _range(kind: IntType | FloatType) -> str:
    low = f">= {kind.ge}" if kind.ge is not None else f"> {kind.gt}" if kind.gt is not None else ""
    high = f"<= {kind.le}" if kind.le is not None else f"< {kind.lt}" if kind.lt is not None else ""
    number = "0.0" if isinstance(kind, FloatType) else "0"
    return ", ".join(part for part in (low, high) if part) or number

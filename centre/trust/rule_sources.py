"""Rules and value sets as others publish them: found in files and folders, and made such as the draft takes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from centre.output import EX_DATA
from centre.trust.home import TrustError, read_bounded
from centre.trust.importing import FILES_MAX, TrustImportError, decode_json, files_of, shown
from verifier.gateway import VALUES, contained, value_sets_of
from verifier.rule import Rule, RulesError
from verifier.value_sets import ValueSets, ValueSetsError, encode_value_sets, parse_value_sets

SOURCE_MAX_BYTES = 16 * 1024 * 1024  # ours: a union's 271 rules take 517 KB
RULE_NAME = "rule.json"  # in a folder of its own beside its test cases, as the member states publish
_JSON = frozenset({".json"})


class Source(NamedTuple):
    """One rule that was found: in which file, which of it (from 1), and what is there."""

    file: Path
    number: int
    body: Any

    @property
    def name(self) -> str:
        """Return what to call it where it cannot be used."""
        identifier = self.body.get("Identifier") if isinstance(self.body, dict) else None
        return f"{self.file}: {shown(identifier) if isinstance(identifier, str) else f'rule {self.number}'}"

    def of(self, countries: frozenset[str]) -> bool:
        """Tell whether it is one of these countries' (none: any), or does not say whose."""
        country = self.body.get("Country") if isinstance(self.body, dict) else None
        return not countries or not isinstance(country, str) or country in countries


class Taken(NamedTuple):
    """A rule such as the draft takes."""

    source: Source
    data: bytes
    rule: Rule


def rules_in(paths: list[Path]) -> list[Source]:
    """Return all rules of files and folders, each a rule or a list of them.

    Raises: TrustError where a file cannot be read, or is no JSON.
    """
    return [source for path in _rule_files(paths) for source in _sources(path)]


def usable(source: Source) -> Taken:
    """Return a rule such as the draft takes.

    Raises: TrustError, with why it cannot be used.
    """
    try:
        return Taken(source, *contained(source.body if isinstance(source.body, dict) else {}))
    except RulesError as error:
        raise TrustError(f"{source.name}: {error}", EX_DATA) from None


def read_value_sets(paths: list[Path]) -> bytes:
    """Return the file of value sets that files or folders make: the EU's, a set or a list of sets each, or ours.

    Raises: TrustError.
    """
    sets: dict[str, frozenset[str]] = {}
    for path in files_of(paths, _JSON):
        new = _value_sets(path)
        if twice := sets.keys() & new.keys():
            raise TrustImportError(f"{path}: the value set {min(twice)} is in another file too: give one of them")
        sets |= new
    try:
        return encode_value_sets(sets)
    except ValueSetsError as error:
        raise TrustImportError(shown(error)) from None


def _rule_files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        own = sorted(path.rglob(RULE_NAME))[: FILES_MAX + 1] if path.is_dir() else []
        yield from own or files_of([path], _JSON)


def _sources(path: Path) -> Iterator[Source]:
    found = decode_json(read_bounded(path, SOURCE_MAX_BYTES), object, str(path))
    for number, body in enumerate(found if isinstance(found, list) else [found], start=1):
        yield Source(path, number, body)


def _value_sets(path: Path) -> ValueSets:
    data = read_bounded(path, SOURCE_MAX_BYTES)
    found = decode_json(data, object, str(path))
    try:
        if isinstance(found, list):
            return value_sets_of(found)
        theirs = isinstance(found, dict) and VALUES in found
        return value_sets_of([found]) if theirs else parse_value_sets(data)
    except ValueSetsError as error:
        raise TrustImportError(f"{path}: {shown(error)}") from None

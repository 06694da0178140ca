"""Files of rules, profiles and value sets as they lie in a folder: signed ones at their paths, a site's own.

FOLDER/rules/nation/*.json, FOLDER/rules/province/CODE/*.json, FOLDER/profiles/...   as in the trust repository
FOLDER/value-sets.json                                                                the nation's alone
SITE/rules/*.json, SITE/profiles/*.json                                               `profile.folder`
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from firmware.trust_data import TrustFolderError
from verifier.rule_file import SITE, RuleFile, RuleFileError, parse_rule_file, parse_rule_file_at
from verifier.value_sets import ValueSets, ValueSetsError, parse_value_sets

VALUE_SETS = "value-sets.json"
RULES_MAX = 4096  # ours: a nation and a province have some dozens; guards against a folder that is none of ours
FILE_MAX_BYTES = 64 * 1024 * 1024  # ours: of trust data; a whole union's signers take 2 MB


def signed_files(folder: Path, cure: str) -> tuple[RuleFile, ...]:
    """Return the rules and profiles of nation and provinces below a folder; none is no mistake.

    Raises: TrustFolderError: One cannot be read, or is none of its place; the text ends with `cure`.
    """
    return _parsed(folder, parse_rule_file_at, cure)


def site_files(folder: Path) -> tuple[RuleFile, ...]:
    """Return a site's own rules and profiles.

    Raises: TrustFolderError: The folder or a file in it cannot be read, or means nothing.
    """
    cure = "correct or remove it; the folder is profile.folder"
    if not folder.is_dir():
        raise TrustFolderError(f"{folder}: no folder: {cure}")
    return _parsed(folder, lambda data, _path: parse_rule_file(data, SITE), cure)


def value_sets(folder: Path, cure: str) -> ValueSets:
    """Return the value sets in a folder, none where there is no such file.

    Raises: TrustFolderError.
    """
    path = folder / VALUE_SETS
    if not path.is_symlink() and not path.exists():
        return {}
    try:
        return parse_value_sets(read(path, cure))
    except ValueSetsError as error:
        raise TrustFolderError(f"{path}: {error}; {cure}") from None


def read(path: Path, cure: str) -> bytes:
    """Return a file's content.

    Raises: TrustFolderError: It cannot be read, or is longer than any file of trust data.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise TrustFolderError(f"{path}: {error.strerror}; {cure}") from None
    if len(data) > FILE_MAX_BYTES:
        raise TrustFolderError(f"{path}: larger than {FILE_MAX_BYTES} bytes; {cure}")
    return data


def _parsed(folder: Path, parse: Callable[[bytes, str], RuleFile], cure: str) -> tuple[RuleFile, ...]:
    paths = sorted(path for kind in ("rules", "profiles") for path in _below(folder / kind, cure))
    if len(paths) > RULES_MAX:
        raise TrustFolderError(f"{folder}: over {RULES_MAX} rule files; {cure}")
    found = []
    for path in paths:
        try:
            found.append(parse(read(path, cure), path.relative_to(folder).as_posix()))
        except RuleFileError as error:
            raise TrustFolderError(f"{path}: {error}; {cure}") from None
    return tuple(found)


def _below(folder: Path, cure: str) -> Iterator[Path]:
    """Yield the files below a folder, none where there is no such thing.

    Raises: TrustFolderError: It cannot be listed; what `glob` would leave out silently is a rule that nobody keeps.
    """

    def refuse(error: OSError) -> NoReturn:
        raise TrustFolderError(f"{error.filename}: {error.strerror}; {cure}") from None

    try:
        folder.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        refuse(error)
    for parent, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(parent, name) for name in names if name.endswith(".json"))

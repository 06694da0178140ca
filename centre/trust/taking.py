"""What provinces published, taken into the nation's repository: checked as a stick that anybody may have written.

Each is checked on its own: the keys that the nation delegated to, its own paths, every file there and such as kiosks
can use, its own areas, a version that is newer. Its files are laid; the snapshot then names it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tuf.api.metadata import Metadata, TargetFile, Targets

from centre.output import EX_DATA
from centre.trust.drafts import RULES_MAX
from centre.trust.home import TrustError
from centre.trust.repository import Repository, parsed
from centre.trust.roles import PROVINCE, lacking, role_keys
from verifier.rule_file import (
    RULE_FILE_MAX_BYTES,
    RuleFileError,
    parse_rule_file_at,
    province_of,
    role_of,
    role_of_path,
)

ALL_MAX_BYTES = 16 * 1024 * 1024  # a kiosk takes no more of a province (firmware/sync_metadata.py)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Taken:
    """A province's publication that is newer than the one before."""

    code: str
    version: int
    data: bytes
    metadata: Metadata[Targets]


def take_provinces(
    repo: Repository, folders: Iterable[Path], nation: Targets, before: Mapping[str, Metadata[Targets]], now: datetime
) -> tuple[list[Taken], list[str]]:
    """Lay the files of each publication in some folders; return what is new, and a line for each that is refused."""
    taken: dict[str, Taken] = {}
    refused: list[str] = []
    for folder in folders:
        try:
            roles = sorted(role for role in Repository(folder).roles() if role.startswith(PROVINCE))
            if not roles:
                refused.append(f"{folder} holds no province's publication: name what publish --province --to wrote")
            for role in roles:
                one = _checked(Repository(folder), role, nation, before)
                if one is not None:
                    _lay(repo, Repository(folder), one, now)
                    taken[one.code] = one
        except TrustError as error:
            refused.append(f"{folder}: {error}")
    return list(taken.values()), refused


def _checked(source: Repository, role: str, nation: Targets, before: Mapping[str, Metadata[Targets]]) -> Taken | None:
    """Return a province's newest publication, None where it is the one that is published.

    Raises: TrustError.
    """
    try:
        code = province_of(role) or ""
    except RuleFileError as error:
        raise TrustError(str(error)) from None
    version = source.versions(role)[-1]
    data = source.bytes_of(role, version)
    metadata = parsed(data, Targets, source.folder)
    if missing := lacking(metadata, [role_keys(nation, role)]):
        raise TrustError("; ".join(missing))
    if metadata.signed.version != version:
        raise TrustError(f"{role}: the file of version {version} says {metadata.signed.version}")
    published = before.get(code)
    if published is not None and _is_old(metadata, published, role):
        return None
    return Taken(code, version, data, metadata)


def _is_old(metadata: Metadata[Targets], published: Metadata[Targets], role: str) -> bool:
    """Tell whether this is what is published.

    Raises: TrustError where it is older, or the same version says something else.
    """
    version, was = metadata.signed.version, published.signed.version
    if version == was and metadata.signed_bytes == published.signed_bytes:
        return True
    if version <= was:
        raise TrustError(f"{role}: version {version} is not newer than {was}, which is published")
    return False


def _lay(repo: Repository, source: Repository, one: Taken, now: datetime) -> None:
    """Check every file, then lay them all.

    Raises: TrustError.
    """
    signed, role = one.metadata.signed, role_of(one.code)
    if signed.delegations is not None and (signed.delegations.roles or signed.delegations.succinct_roles):
        raise TrustError(f"{role} delegates to others: a province cannot")
    if signed.expires <= now:
        raise TrustError(f"{role} ended on {signed.expires:%F}: it has to publish again")
    if len(signed.targets) > RULES_MAX:
        raise TrustError(f"{role} lists more than {RULES_MAX} files")
    check_lengths(signed, role)
    for path, data in [(path, _content(source, file, role)) for path, file in signed.targets.items()]:
        repo.lay_target(path, data)


def check_lengths(signed: Targets, role: str) -> None:
    """Refuse more than kiosks take of a province.

    Raises: TrustError.
    """
    for path, file in signed.targets.items():
        if not _is_small(file):
            raise TrustError(f"{role}: {path[:200]!a} is too large, or not signed by its SHA-256", EX_DATA)
    if sum(file.length for file in signed.targets.values()) > ALL_MAX_BYTES:
        raise TrustError(f"{role} lists files of over {ALL_MAX_BYTES} bytes", EX_DATA)


def _content(source: Repository, file: TargetFile, role: str) -> bytes:
    """Return a file such as kiosks can use, and of this province.

    Raises: TrustError.
    """
    shown = ascii(file.path[:200])
    try:
        if role_of_path(file.path) != role:
            raise TrustError(f"{role}: {shown} is not its place")
        data = source.target(file)
        parse_rule_file_at(data, file.path)
    except RuleFileError as error:
        raise TrustError(f"{role}: {shown}: {error}") from None
    return data


def _is_small(file: TargetFile) -> bool:
    """Tell whether a file is signed as ours are: a hash becomes a path, a length a bound."""
    hashes, length = file.hashes, file.length
    named = set(hashes) == {"sha256"} and isinstance(hashes["sha256"], str) and _SHA256.fullmatch(hashes["sha256"])
    return bool(named) and type(length) is int and 0 < length <= RULE_FILE_MAX_BYTES

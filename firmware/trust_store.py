"""The trust store that `firmware.sync` keeps: one of its stores, opened without reading all of it.

    FOLDER/current -> stores/NAME           the store in use; another one is put in its place by one rename
    FOLDER/stores/NAME/metadata/            what TUF signed; here only the timestamp is looked at: its number and time
    FOLDER/stores/NAME/signers.json ...     what was signed, checked when it was fetched
    FOLDER/stores/NAME/rules/... profiles/...  what must be shown: compiled when the store is opened
    FOLDER/stores/NAME/revocations/SET.set  revoked hashes, mapped into memory: a look-up reads one page

Signatures were checked by `sync` before the rename. Nothing here knows TUF: its library would cost the gate 20 MiB.
"""

import contextlib
import mmap
import os
import resource
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from firmware import rule_folder
from firmware.knowledge import Knowledge
from firmware.trust_data import Trust, TrustFolderError
from verifier import Revocations, TrustListError
from verifier.freshness import FreshnessError, parse_freshness
from verifier.profile import Profiles
from verifier.revocation_set import Kind, RevocationSet, RevocationSetError
from verifier.rule_file import RuleFile
from verifier.rules import RuleSet
from verifier.signers import parse_signers

CURRENT = "current"
TIMESTAMP, SIGNERS, FRESHNESS, REVOCATIONS = (
    "metadata/timestamp.json",
    "signers.json",
    "freshness.json",
    "revocations.json",
)
INDEX_SHARE = 200  # of a set of any length that matters: 20 bytes of 4116
STORES_AT_ONCE = 2  # while one is put in the other's place
SPARE_FILES = 512  # ours: what else a program has open
_READ_BYTES = 1024 * 1024
_YEARS = (1970, 9000)  # ours: beyond them lies the end of the calendar, within the ages that are reckoned with
_ANEW = "run greengate sync, or put the trust list there anew"

T = TypeVar("T")
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class _Signed(msgspec.Struct):
    version: Annotated[int, Meta(ge=1, le=2**53)]
    issued: datetime


class _Timestamp(msgspec.Struct):
    """What is wanted of TUF's timestamp; the rest is TUF's."""

    signed: _Signed


class _Set(msgspec.Struct):
    name: Annotated[str, Meta(pattern=r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=100)]
    kid: Annotated[str, Meta(pattern=r"\A([0-9a-f]{2}){0,32}\Z")]
    kind: Kind
    count: Annotated[int, Meta(ge=0)]


class _Index(msgspec.Struct):
    """What is wanted of the index of revocation sets; the rest is `sync`'s."""

    sets: Annotated[list[_Set], Meta(max_length=10_000)]


def current_of(folder: Path) -> str | None:
    """Return the name of the store in use, None where a folder has none."""
    try:
        return (folder / CURRENT).readlink().name
    except (OSError, ValueError):  # ValueError: a name with a zero byte
        return None


def load_current(folder: Path, site: Sequence[RuleFile] = ()) -> Trust | None:
    """Open the store that is in use now, None where a folder has none; see `load_store`.

    Raises: TrustFolderError.
    """
    name = current_of(folder)
    return None if name is None else load_store(folder / "stores" / name, site)


def load_store(path: Path, site: Sequence[RuleFile] = ()) -> Trust:
    """Open a store, with a site's own rules and profiles beside those in it.

    Raises: TrustFolderError: A part is missing, cannot be read, or means nothing.
    """
    timestamp = _decoded(path / TIMESTAMP, _Timestamp).signed
    if timestamp.issued.tzinfo is None:
        raise TrustFolderError(f"{path / TIMESTAMP}: issued without a time zone; {_ANEW}")
    if not _YEARS[0] <= timestamp.issued.year <= _YEARS[1]:
        why = f"issued in the year {timestamp.issued.year}, which no clock will show"
        raise TrustFolderError(f"{path / TIMESTAMP}: {why}; {_ANEW}")
    try:
        signers = parse_signers(_read(path / SIGNERS))
        freshness = parse_freshness(_read(path / FRESHNESS))
    except (TrustListError, FreshnessError) as error:
        raise TrustFolderError(f"{path}: {error}; {_ANEW}") from None
    rules = rule_folder.signed_files(path, _ANEW)
    index = _decoded(path / REVOCATIONS, _Index)
    _let_open(STORES_AT_ONCE * len(index.sets) + SPARE_FILES)
    return Trust(
        signers,
        Revocations([_opened(path / "revocations" / f"{one.name}.set", one) for one in index.sets]),
        RuleSet([*rules, *site], rule_folder.value_sets(path, _ANEW)),
        Profiles([*rules, *site], signed=True),
        Knowledge(timestamp.issued, timestamp.version, freshness, rules),
        path.name,
    )


def _let_open(files: int) -> None:
    """Raise this program's own limit to open files as far as it may: each mapped set keeps one (1024 are usual)."""
    with contextlib.suppress(OSError):  # under systemd the unit says it (LimitNOFILE=), and may forbid this
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 <= soft < files:  # not RLIM_INFINITY
            resource.setrlimit(resource.RLIMIT_NOFILE, (files if hard < 0 else min(files, hard), hard))


def _decoded(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(_read(path), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TrustFolderError(f"{path}: {error}; {_ANEW}") from None


def _opened(path: Path, expected: _Set) -> RevocationSet:
    """Map a set of revoked hashes; the mapping stays when the file is removed."""
    try:
        with path.open("rb") as file:
            _read_index(file.fileno(), os.fstat(file.fileno()).st_size)
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        found = RevocationSet(mapped)
    except OSError as error:
        raise TrustFolderError(f"{path}: {error.strerror}; {_ANEW}") from None
    except ValueError:
        raise TrustFolderError(f"{path}: empty; {_ANEW}") from None
    except RevocationSetError as error:
        raise TrustFolderError(f"{path}: {error}") from None
    if (found.kid.hex(), found.kind, len(found)) != (expected.kid, expected.kind, expected.count):
        raise TrustFolderError(f"{path}: not the set that {REVOCATIONS} names; {_ANEW}")
    mapped.madvise(mmap.MADV_RANDOM)  # after its index was read, in a row
    return found


def _read_index(descriptor: int, size: int) -> None:
    """Have the kernel read a set's index, at its end: through the mapping, a slow disk would hold up all threads."""
    for start in range(size - size // INDEX_SHARE, size, _READ_BYTES):
        os.pread(descriptor, _READ_BYTES, start)


def _read(path: Path) -> bytes:
    return rule_folder.read(path, _ANEW)

"""A published folder: read back, added to, pruned. Plain files, which any web server, CDN or stick carries.

root.json                       the first root, with which a kiosk begins
metadata/<n>.<role>.json        signed; a name never gets another content
metadata/timestamp.json         the only file that changes: its rename publishes
targets/<folder>/<sha256>.<name>
"""

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from centre.files import PUBLIC, make_folder, staging, write_whole
from centre.output import EX_CANNOT_WRITE
from centre.trust.home import TrustError, open_plain, read_bounded, writing

METADATA_MAX_BYTES = 5_000_000  # python-tuf's own bound of targets; a kiosk takes no more
TARGET_MAX_BYTES = 64 * 1024 * 1024  # a kiosk takes no more (firmware/sync_metadata.py); parts are 2 MiB
READ_BYTES = 1024 * 1024
_VERSIONED = re.compile(r"([1-9][0-9]{0,9})\.([a-z0-9-]{1,64})\.json")
_TARGET = re.compile(r"[0-9a-f]{64}\..+")
_PART = re.compile(r"\..+\.json\.[0-9a-f]{8}")  # of a file that was never put in place


class Repository:
    """A folder with metadata and targets. Whatever reads or writes it raises TrustError."""

    def __init__(self, folder: Path) -> None:
        """Look at a folder, which need not be there yet."""
        self.folder = folder
        self.metadata = folder / "metadata"
        self.targets = folder / "targets"

    # What is there

    def versions(self, role: str) -> list[int]:
        """Return the versions of a role's metadata that lie here, the oldest first."""
        found = (_VERSIONED.fullmatch(name) for name in _names(self.metadata))
        return sorted(int(match[1]) for match in found if match and match[2] == role)

    def roles(self) -> set[str]:
        """Return the roles of which any version lies here."""
        return {match[2] for match in map(_VERSIONED.fullmatch, _names(self.metadata)) if match}

    def next_version(self, role: str) -> int:
        """Return a version that no file here has, even one that was laid and never published."""
        return max(self.versions(role), default=0) + 1

    def root(self) -> Metadata[Root] | None:
        """Return the newest root."""
        versions = self.versions("root")
        return parsed(self.bytes_of("root", versions[-1]), Root, self.folder) if versions else None

    def timestamp(self) -> Metadata[Timestamp] | None:
        """Return what says which of all is published; None where nothing is."""
        return (
            parsed(self.timestamp_bytes(), Timestamp, self.folder)
            if (self.metadata / "timestamp.json").exists()
            else None
        )

    def timestamp_bytes(self) -> bytes:
        """Return the timestamp as it is."""
        return read_bounded(self.metadata / "timestamp.json", METADATA_MAX_BYTES)

    def snapshot(self, version: int) -> Metadata[Snapshot]:
        """Return a snapshot."""
        return parsed(self.bytes_of("snapshot", version), Snapshot, self.folder)

    def signed_targets(self, role: str, version: int) -> Metadata[Targets]:
        """Return the targets' metadata, or a province's."""
        return parsed(self.bytes_of(role, version), Targets, self.folder)

    def bytes_of(self, role: str, version: int) -> bytes:
        """Return a metadata file as it is: hashes are of its bytes."""
        return read_bounded(self.metadata / f"{version}.{role}.json", METADATA_MAX_BYTES)

    def target(self, file: TargetFile) -> bytes:
        """Return a target's content, checked."""
        path = self.path_of(file)
        _no_links(self.folder, path.parent)
        data = read_bounded(path, min(file.length, TARGET_MAX_BYTES))
        try:
            file.verify_length_and_hashes(data)
        except RepositoryError:
            raise TrustError(f"{path} is not what was signed: bring it from a backup") from None
        return data

    def path_of(self, file: TargetFile) -> Path:
        """Return where a target lies."""
        return self.targets / file.get_prefixed_paths()[0]

    def has(self, file: TargetFile) -> bool:
        """Tell whether a target lies here."""
        return _is_there(self.path_of(file), file.length)

    # What is added

    def lay_target(self, path: str, data: bytes) -> TargetFile:
        """Lay a target, and return what is signed of it."""
        file = TargetFile(len(data), {"sha256": hashlib.sha256(data).hexdigest()}, path)
        place = self.path_of(file)
        with self._writing(place.parent):
            if not _is_there(place, file.length):
                write_whole(place, data, PUBLIC)
        return file

    def lay_from(self, other: "Repository", file: TargetFile) -> None:
        """Lay a target as another folder has it, checked while it is copied."""
        place, digest = self.path_of(file), hashlib.sha256()
        with self._writing(place.parent):
            if _is_there(place, file.length):
                return
            with other.open_target(file) as source, staging(place, PUBLIC) as (copy, put):
                while data := source.read(READ_BYTES):
                    digest.update(data)
                    copy.write(data)
                if digest.hexdigest() != file.hashes["sha256"]:
                    raise TrustError(f"{other.path_of(file)} is not what was signed: bring it from a backup")
                put(replace=True)

    @contextlib.contextmanager
    def open_target(self, file: TargetFile) -> Iterator[Any]:
        """Give a target to be read piece by piece, no longer than it was signed."""
        path = self.path_of(file)
        _no_links(self.folder, path.parent)
        with open_plain(path) as source:
            if os.fstat(source.fileno()).st_size != file.length:
                raise TrustError(f"{path} is not what was signed: bring it from a backup")
            yield source

    def holds(self, role: str, version: int, data: bytes) -> bool:
        """Tell whether a metadata file lies here; one of its name with another content is told."""
        path = self.metadata / f"{version}.{role}.json"
        if not path.exists():
            return False
        if self.bytes_of(role, version) != data:
            raise TrustError(f"{path} is there with another content: empty the folder, or bring it from a backup")
        return True

    def lay(self, role: str, version: int, data: bytes) -> None:
        """Lay a metadata file; one of its name with another content stays, and is told."""
        if not self.holds(role, version, data):
            self._write(self.metadata / f"{version}.{role}.json", data)

    def lay_timestamp(self, data: bytes) -> None:
        """Publish: from here on readers see what was laid before."""
        self._write(self.metadata / "timestamp.json", data)

    def lay_first_root(self, data: bytes) -> None:
        """Lay what kiosks begin with, beside the metadata."""
        path = self.folder / "root.json"
        if not path.exists():
            self._write(path, data)

    # What is taken away

    def prune(self, keep: dict[str, set[int]], targets: Iterable[TargetFile]) -> None:
        """Remove metadata of other versions than these (roots stay), and targets that are none of these."""
        wanted = {str(self.path_of(file)) for file in targets}
        with writing(self.folder):
            for name in _names(self.metadata):
                match = _VERSIONED.fullmatch(name)
                old = match and match[2] != "root" and int(match[1]) not in keep.get(match[2], ())
                if old or _PART.fullmatch(name):
                    (self.metadata / name).unlink(missing_ok=True)
            for path in list(_targets_in(self.targets)):
                if str(path) not in wanted:
                    path.unlink(missing_ok=True)

    def _write(self, path: Path, data: bytes) -> None:
        with self._writing(path.parent):
            write_whole(path, data, PUBLIC)

    @contextlib.contextmanager
    def _writing(self, folder: Path) -> Iterator[None]:
        with writing(self.folder):
            _no_links(self.folder, folder)
            make_folder(folder, 0o755)
            yield


def _no_links(top: Path, folder: Path) -> None:
    """Refuse folders on a stick that lead elsewhere.

    Raises: TrustError.
    """
    for path in (folder, *folder.parents):
        if path == top:
            return
        if path.is_symlink():
            raise TrustError(f"{path} is a link: give a folder of its own", EX_CANNOT_WRITE)


def _is_there(path: Path, length: int) -> bool:
    """Tell whether a file lies whole: it was renamed to its hash after it was synced."""
    try:
        about = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(about.st_mode) and about.st_size == length


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TrustError(f"{folder}: {error.strerror}: check the folder and its rights") from None


def _targets_in(folder: Path) -> Iterator[Path]:
    """Give what looks like a target, and parts of one that were never put in place; nothing else is ours."""
    for above, _, names in os.walk(folder):
        for name in names:
            if _TARGET.fullmatch(name.removeprefix(".")):
                yield Path(above, name)


def parsed(data: bytes, kind: type, where: Path) -> Metadata[Any]:
    """Return metadata of a kind, as a folder has it.

    Raises: TrustError.
    """
    try:
        found = Metadata[Any].from_bytes(data)
    except DeserializationError:
        found = None
    if found is None or not isinstance(found.signed, kind):
        raise TrustError(f"{where}: its {kind.__name__.lower()} metadata cannot be read: bring it from a backup")
    return found

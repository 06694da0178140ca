"""What was published, after TUF's checks: python-tuf's updater over a fetcher, and what is ours beside it.

Ours: the timestamp says when it was `issued`, and that never goes backward either; which targets a device knows; a
province's list counts only as far as the nation delegates to it. python-tuf asks the system's clock for what expired.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import TOP_LEVEL_ROLE_NAMES, Metadata, Root, TargetFile, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from drivers.fetcher import Fetcher, FetchError, FetchMissingError, FetchNoFileError, FetchTooLargeError
from firmware.sync_disk import read_file
from firmware.sync_errors import AbsentError, AwayError, RefusedError, SyncError
from verifier.value_sets import VALUE_SETS_MAX_BYTES

LIMITS = UpdaterConfig(
    max_root_rotations=64,  # ours: one a month for five years
    max_delegations=4,  # ours: on the way to one file there are the nation and the province
    root_max_length=512 * 1024,
    timestamp_max_length=16 * 1024,
    snapshot_max_length=1024 * 1024,  # ours: a line for each province
    targets_max_length=8 * 1024 * 1024,  # ours: 40,000 targets; 80 million revoked passes are 640 parts
    prefix_targets_with_hash=True,
)
ISSUED = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_ID = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,119}"
_OF_NATION = re.compile(rf"(?:signers|freshness|revocations|value-sets)\.json|(?:rules|profiles)/nation/{_ID}\.json")
_OF_REVOCATIONS = re.compile(r"revocations/[a-z0-9][a-z0-9-]{0,95}/[A-Za-z0-9._-]{1,96}\.(?:part|delta)")
_EXPIRED = re.compile(r"(?:New |Final )?([a-z0-9-]+)(?:\.json)? is expired")  # what python-tuf says
FILE_MAX_BYTES = 64 * 1024 * 1024  # ours: of one target; a whole union's signers take 2 MB, a part 2 MiB
_MAX_BYTES = {"value-sets.json": VALUE_SETS_MAX_BYTES}  # of files that have a bound of their own
PROVINCE_MAX_BYTES = 16 * 1024 * 1024  # ours: of all a province's files: some hundred of a few KB
PROVINCE_MAX_FILES = 1000
DELEGATED_MAX_BYTES = 1024 * 1024  # ours: so many files take 400 KB; read by python-tuf, JSON takes 50 times its length


class Target(NamedTuple):
    """A file that is published, by the path that it has in the store."""

    path: str
    length: int
    sha256: str

    @property
    def published(self) -> str:
        """Return its path where it is published: its name begins with its hash."""
        folder, slash, name = self.path.rpartition("/")
        return f"targets/{folder}{slash}{self.sha256}.{name}"


class _SaidByTimestamp(msgspec.Struct):
    version: int
    issued: str | None = None


class _Timestamp(msgspec.Struct):
    signed: _SaidByTimestamp


class Stamp(NamedTuple):
    """A timestamp that was checked: its bytes, its version, and when it was issued (ISO 8601, UTC)."""

    data: bytes
    version: int
    issued: str


def stamp_in(metadata: Path) -> Stamp:
    """Return the timestamp that a store keeps. Raises: RefusedError where it does not say when it was issued; OSError.

    The texts of two times may be compared: they have one form.
    """
    data = read_file(metadata / "timestamp.json", LIMITS.timestamp_max_length)
    try:
        signed = msgspec.json.decode(data, type=_Timestamp).signed
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedError("the timestamp cannot be read") from None
    if signed.issued is None or not ISSUED.fullmatch(signed.issued):
        raise RefusedError('the timestamp does not say when it was issued ("issued", whole seconds, UTC)')
    return Stamp(data, signed.version, signed.issued)


class Published:
    """One look at what is published; `refresh` comes first."""

    def __init__(self, metadata: Path, root: bytes, fetcher: Fetcher) -> None:
        """Look from a folder of metadata, which is updated. Raises: SyncError for a root that is none; OSError."""
        self._metadata = metadata
        self._courier = _Courier(fetcher)
        try:
            with self._said():
                self._updater = Updater(
                    str(metadata), "metadata/", fetcher=self._courier, config=LIMITS, bootstrap=root
                )
        except RefusedError as error:
            raise RefusedError(f"the first root (root.json) is none: {error}") from None

    @property
    def requests(self) -> int:
        """Return how many files were asked for."""
        return self._courier.requests

    def refresh(self) -> Stamp:
        """Bring the nation's metadata up to date. Raises: SyncError, OSError."""
        with self._said():
            self._updater.refresh()
        return stamp_in(self._metadata)

    def vouches(self, timestamp: bytes) -> bool:
        """Tell whether the newest root still takes an earlier timestamp. Raises: OSError.

        Its key may be revoked since; what it said then does not hold up what is published now (TUF, section 5.3.11).
        """
        root = Metadata[Root].from_bytes(read_file((self._metadata / "root.json").resolve(), LIMITS.root_max_length))
        earlier = Metadata[Timestamp].from_bytes(timestamp)
        try:
            root.verify_delegate(Timestamp.type, earlier)
        except UnsignedMetadataError:
            return False
        return True

    def of_nation(self) -> dict[str, Target]:
        """Return the nation's own targets that a device knows; a newer nation may have more. Raises: RefusedError."""
        listed = self._targets("targets").targets
        known = {path: file for path, file in listed.items() if _OF_NATION.fullmatch(path) or is_shard(path)}
        return {path: _target(path, file) for path, file in known.items()}

    def of_province(self, code: str) -> dict[str, Target] | None:
        """Return a province's targets, None where the nation delegates nothing to it. Raises: SyncError, OSError.

        Its own list only says what to ask for: the updater answers for what is within its paths.
        """
        role = f"province-{code}"
        delegations = self._targets("targets").delegations
        if delegations is None or role not in (delegations.roles or {}):
            return None
        own = re.compile(rf"(?:rules|profiles)/province/{re.escape(code)}/{_ID}\.json")
        with self._said():
            self._updater.get_targetinfo(f"rules/province/{code}/_")
            listed = [path for path in self._targets(role).targets if own.fullmatch(path)]
            if len(listed) > PROVINCE_MAX_FILES:
                raise RefusedError(f"{role} lists over {PROVINCE_MAX_FILES} files")
            found = {path: file for path in listed if (file := self._updater.get_targetinfo(path)) is not None}
        targets = {path: _target(path, file) for path, file in found.items()}
        if sum(target.length for target in targets.values()) > PROVINCE_MAX_BYTES:
            raise RefusedError(f"{role} lists over {PROVINCE_MAX_BYTES} bytes")
        return targets

    def _targets(self, role: str) -> Targets:
        """Return a role's list as the updater has kept it, after its checks."""
        try:
            data = read_file(self._metadata / f"{role}.json", LIMITS.targets_max_length)
        except FileNotFoundError:  # another role stands before it
            raise RefusedError(f"{role}: the nation's delegations do not lead to it") from None
        return Metadata[Targets].from_bytes(data).signed

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Say what python-tuf says in our words. Raises: SyncError, OSError."""
        try:
            yield
        except ExpiredMetadataError as error:
            raise RefusedError(self._expired(str(error))) from None
        except BadVersionNumberError as error:
            raise RefusedError(f"older than what is here, or mixed ({error})") from None
        except RepositoryError as error:
            raise RefusedError(f"not to be trusted ({error})") from None
        except DownloadError as error:
            raise self._courier.said(error) from None

    def _expired(self, text: str) -> str:
        match = _EXPIRED.fullmatch(text)
        until = self._courier.expiry_of(match[1]) if match else ""
        return f"{text}{f' (since {until})' if until else ''}: its publisher has to publish again"


def is_shard(path: str) -> bool:
    """Tell whether a target is a part of revocations, to be fetched only by who needs it."""
    return _OF_REVOCATIONS.fullmatch(path) is not None


class _Expires(msgspec.Struct):
    expires: str


class _Signed(msgspec.Struct):
    signed: _Expires


class _Courier(FetcherInterface):
    """What python-tuf fetches through: a fetcher of ours. It remembers the last metadata, and why one failed."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._failed: SyncError | None = None
        self._arrived: dict[str, bytes] = {}
        self.requests = 0

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Return a file of metadata; python-tuf's own would keep it in a temporary file."""
        data, role = bytearray(), url.removesuffix(".json").rpartition("/")[2].rpartition(".")[2]
        if role not in TOP_LEVEL_ROLE_NAMES:  # a province's memory is not the nation's to pay for
            max_length = min(max_length, DELEGATED_MAX_BYTES)
        for piece in self._fetch(url):
            data += piece
            if len(data) > max_length:
                raise DownloadLengthMismatchError(f"{url}: over {max_length} bytes")
        self._arrived[role] = bytes(data)
        return bytes(data)

    def _fetch(self, url: str) -> Iterator[bytes]:
        self._failed = None
        self.requests += 1
        try:
            yield from self._fetcher.fetch(url, LIMITS.targets_max_length)
        except FetchMissingError as error:
            self._failed = AbsentError(str(error), local=self._fetcher.local)
            raise DownloadHTTPError(str(error), 404) from None
        except (FetchError, ValueError) as error:
            self._failed = said_of(error)
            raise DownloadError(str(error)) from None

    def said(self, error: DownloadError) -> SyncError:
        """Return what to say where a download failed."""
        if isinstance(error, DownloadLengthMismatchError):
            return RefusedError(f"larger than it may be ({error})")
        return self._failed or AwayError(str(error))

    def expiry_of(self, role: str) -> str:
        """Return when a role's metadata expired, as it says itself; nothing where that is not known."""
        try:
            return msgspec.json.decode(self._arrived.get(role, b""), type=_Signed).signed.expires
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ""


def said_of(error: FetchError | ValueError) -> SyncError:
    """Return what to say where a fetcher failed otherwise than by a missing file."""
    match error:
        case FetchTooLargeError():
            return RefusedError(f"larger than it may be: {error}")
        case FetchNoFileError():
            return RefusedError(str(error))
        case FetchError():
            return AwayError(str(error))
        case _:
            return RefusedError(str(error))


def _target(path: str, file: TargetFile) -> Target:
    sha256 = file.hashes.get("sha256", "")
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise RefusedError(f"{path}: listed without its SHA-256")
    if file.length > (most := _MAX_BYTES.get(path, FILE_MAX_BYTES)):
        raise RefusedError(f"{path}: over {most} bytes")
    return Target(path, file.length, sha256)

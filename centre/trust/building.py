"""The nation's metadata, made of what is published and of the draft (no keys, nothing written)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Key,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from centre.output import EX_DATA
from centre.trust.home import TrustError
from centre.trust.repository import METADATA_MAX_BYTES, Repository
from centre.trust.roles import PROVINCE, ROLES, RoleKeys, delegated
from verifier.rule_file import role_of

# What kiosks take at most (firmware/sync_metadata.py), or less.
MAX_BYTES = {"root": 512_000, "targets": METADATA_MAX_BYTES, "snapshot": 1_000_000, "timestamp": 16_384}
ISSUED = "issued"  # in the timestamp's signed part: when the nation last said that this is what it knows
_FORM = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(slots=True)
class Published:
    """What a folder's timestamp says is published; empty where nothing is."""

    timestamp: Metadata[Timestamp] | None = None
    snapshot: Metadata[Snapshot] | None = None
    targets: Metadata[Targets] | None = None
    provinces: dict[str, Metadata[Targets]] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, TargetFile]:
        """Return the nation's files."""
        return {} if self.targets is None else self.targets.signed.targets

    def versions(self) -> dict[str, int]:
        """Return each role's version, without the root's."""
        found: dict[str, int] = {}
        if self.timestamp is not None and self.snapshot is not None and self.targets is not None:
            parts = (self.timestamp.signed, self.snapshot.signed, self.targets.signed)
            found = {one.type: one.version for one in parts}
        return found | {role_of(code): one.signed.version for code, one in self.provinces.items()}


def published_in(repo: Repository) -> Published:
    """Return what is published in a folder.

    Raises: TrustError.
    """
    timestamp = repo.timestamp()
    if timestamp is None:
        return Published()
    snapshot = repo.snapshot(timestamp.signed.snapshot_meta.version)
    versions = {name.removesuffix(".json"): meta.version for name, meta in snapshot.signed.meta.items()}
    targets = repo.signed_targets("targets", versions["targets"])
    provinces = {
        role.removeprefix(PROVINCE): repo.signed_targets(role, version)
        for role, version in versions.items()
        if role.startswith(PROVINCE)
    }
    return Published(timestamp, snapshot, targets, provinces)


def first_root(keys: Mapping[str, list[Key]], thresholds: Mapping[str, int], ends: datetime) -> Metadata[Root]:
    """Return the root that names the keys of every role."""
    every = {key.keyid: key for some in keys.values() for key in some}
    roles = {role: Role([key.keyid for key in keys[role]], thresholds[role]) for role in ROLES}
    return Metadata(Root(1, None, ends, every, roles, consistent_snapshot=True))


def next_root(root: Metadata[Root], ends: datetime) -> Metadata[Root]:
    """Return a root's successor, unsigned, to be changed."""
    made = Metadata[Root].from_bytes(root.to_bytes())
    made.signatures.clear()
    made.signed.version += 1
    made.signed.expires = ends
    return made


def make_targets(
    version: int, ends: datetime, files: Mapping[str, TargetFile], provinces: Mapping[str, RoleKeys]
) -> Metadata[Targets]:
    """Return the nation's targets, with what it delegates to provinces.

    Raises: TrustError.
    """
    keys: dict[str, Key] = {}
    roles: dict[str, DelegatedRole] = {}
    for code, wanted in sorted(provinces.items()):
        public = wanted.public()
        keys |= public
        roles[role_of(code)] = delegated(code, wanted.threshold, public.values())
    return Metadata(Targets(version, None, ends, dict(sorted(files.items())), Delegations(keys, roles)))


def same_content(one: Targets, other: Targets) -> bool:
    """Tell whether targets and delegations are the same, whatever version and end are."""
    delegations = [None if of.delegations is None else of.delegations.to_dict() for of in (one, other)]
    return one.targets == other.targets and delegations[0] == delegations[1]


def make_snapshot(version: int, ends: datetime, parts: Mapping[str, tuple[int, bytes]]) -> Metadata[Snapshot]:
    """Return which version of each role's metadata goes together, with their hashes."""
    meta = {f"{role}.json": MetaFile.from_data(number, data, ["sha256"]) for role, (number, data) in parts.items()}
    return Metadata(Snapshot(version, None, ends, dict(sorted(meta.items()))))


def make_timestamp(version: int, issued: datetime, days: float, snapshot: tuple[int, bytes]) -> Metadata[Timestamp]:
    """Return what says which snapshot is the newest, and when that was said.

    It ends when kiosks are to hold what they know for too old to judge by at all.
    """
    meta = MetaFile.from_data(*snapshot, ["sha256"])
    whole = issued.replace(microsecond=0)
    return Metadata(Timestamp(version, None, whole + timedelta(days=days), meta, {ISSUED: whole.strftime(_FORM)}))


def issued_of(timestamp: Timestamp) -> datetime:
    """Return when a timestamp was made.

    Raises: TrustError.
    """
    said = timestamp.unrecognized_fields.get(ISSUED)
    try:
        return datetime.strptime(str(said), _FORM).replace(tzinfo=UTC)
    except ValueError:
        raise TrustError(
            "the published timestamp says not when it was issued: bring the folder from a backup"
        ) from None


def encoded(metadata: Metadata[Any]) -> bytes:
    """Return metadata as it is published.

    Raises: TrustError where no kiosk would take so much.
    """
    data, kind = metadata.to_bytes(), metadata.signed.type
    if len(data) > MAX_BYTES[kind]:
        raise TrustError(f"{kind} of {len(data)} bytes; kiosks take {MAX_BYTES[kind]}: publish less", EX_DATA)
    return data


def files_of(some: Iterable[Metadata[Targets]]) -> Iterable[TargetFile]:
    """Give every file that some targets metadata list."""
    for metadata in some:
        yield from metadata.signed.targets.values()

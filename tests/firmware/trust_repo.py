"""A nation's trust repository for tests: signed as python-tuf signs, with every knob that an attacker or a fault has.

    nation = Nation()                          # keys made for this one
    nation.files["rules/nation/R1.json"] = b"..."
    nation.provinces["vn-sg"] = {"rules/province/vn-sg/R2.json": b"..."}
    nation.revoke("any-uci", {hash16, ...})
    published = nation.publish()               # a dict of paths and contents, to write(folder) or to serve
    nation.publish(issued=..., expires={"timestamp": ...}, signers={"targets": [stranger()]})

Each `publish` makes newer versions of all roles but root's; `rotate` makes a new root. What was published before stays
in `published`, as it does on a server.
"""

import hashlib
import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Key,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from verifier.revocation_delta import encode
from verifier.revocation_set import HASH_BYTES, Kind, SetWriter

NOW = datetime.now(UTC).replace(microsecond=0)  # python-tuf asks the system's clock for what expired
YEAR = timedelta(days=365)
ROLES = ("root", "targets", "snapshot", "timestamp")
PART_BYTES = 8192
LIMITS = {"ageing_hours": 72, "stale_hours": 336}
FRESHNESS = {"version": 1, "offline_max_days": 30, "keys": LIMITS, "revocations": LIMITS, "rules": LIMITS}


def stranger() -> CryptoSigner:
    """Return a key that nobody has named."""
    return CryptoSigner.generate_ed25519()


def rule_file(name: str, version: int = 1, areas: tuple[str, ...] = ()) -> bytes:
    """Return a rule file that says nothing in particular."""
    said = {"id": name, "version": version, "valid_from": "2026-01-01T00:00:00Z", "valid_to": None}
    return msgspec.json.encode(said | {"scope": {"areas": areas, "lanes": ()}, "rule": {"true": []}})


def hashes(*numbers: int) -> set[bytes]:
    """Return hashes to revoke, each of a number."""
    return {hashlib.sha256(struct.pack(">Q", number)).digest()[:HASH_BYTES] for number in numbers}


def compiled(kind: Kind, kid: bytes, revoked: Collection[bytes]) -> bytes:
    """Return a revocation set's file."""
    written = bytearray()
    writer = SetWriter(written.extend, kind, kid, len(revoked))
    writer.add(b"".join(sorted(revoked)))
    writer.finish()
    return bytes(written)


@dataclass
class PublishedSet:
    """A revocation set as it is published: its last state, and how kiosks get there."""

    kid: bytes
    kind: Kind
    revoked: set[bytes]
    data: bytes
    base: dict[str, Any]
    deltas: list[dict[str, str]]


@dataclass
class Nation:
    """A repository and the keys to it."""

    thresholds: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(ROLES, 1))
    keys: dict[str, list[CryptoSigner]] = field(default_factory=dict)
    province_keys: dict[str, list[CryptoSigner]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    provinces: dict[str, dict[str, bytes]] = field(default_factory=dict)
    sets: dict[str, PublishedSet] = field(default_factory=dict)
    published: dict[str, bytes] = field(default_factory=dict)
    change_targets: Callable[[Targets], object] = lambda _: None  # before they are signed
    keep_in_snapshot: set[str] = field(default_factory=set)  # roles that are no more: TUF lets none leave a snapshot

    def __post_init__(self) -> None:
        for role in ROLES:
            self.keys.setdefault(role, [stranger() for _ in range(self.thresholds[role])])
        self.files.setdefault("signers.json", b'{"version": 1, "signers": []}')
        self.files.setdefault("freshness.json", msgspec.json.encode(FRESHNESS))
        self._shards: dict[str, bytes] = {}
        self._metas: dict[str, Metadata[Any]] = {}
        self.versions = dict.fromkeys((*ROLES, "provinces"), 0)
        self.rotate()

    @property
    def first_root(self) -> bytes:
        """Return what a kiosk begins with."""
        return self.published["metadata/1.root.json"]

    def rotate(
        self,
        *roles: str,
        keep: bool = False,
        signers: Collection[CryptoSigner] | None = None,
        expires: datetime = NOW + YEAR,
    ) -> None:
        """Publish a new root with new keys for roles (`keep`: beside the old ones), signed by old and new root keys."""
        before = list(self.keys["root"])
        for role in roles:
            new = [stranger() for _ in range(self.thresholds[role])]
            self.keys[role] = [*self.keys[role], *new] if keep else new
        self.versions["root"] += 1
        root = Root(version=self.versions["root"], expires=expires, consistent_snapshot=True)
        for role in ROLES:
            for signer in self.keys[role]:
                root.add_key(signer.public_key, role)
            root.roles[role].threshold = self.thresholds[role]
        everybody = {id(one): one for one in (*before, *self.keys["root"])}.values()
        data = _signed(Metadata(root), everybody if signers is None else signers)
        self.published[f"metadata/{self.versions['root']}.root.json"] = data

    def revoke(self, name: str, revoked: set[bytes], *, rebase: bool = False) -> None:
        """Have a set of just these hashes: by a delta from the one before, or by a new base where there is none."""
        kid, kind = _named(name)
        before = None if rebase else self.sets.get(name)
        data = compiled(kind, kid, revoked)
        if before is None:
            base, deltas = self._base(name, data, len(revoked)), []
        else:
            base, deltas = before.base, [*before.deltas, self._delta(name, before, revoked, data)]
        self.sets[name] = PublishedSet(kid, kind, revoked, data, base, deltas)

    def publish(
        self,
        *,
        issued: datetime | None = NOW,
        expires: Mapping[str, datetime] | None = None,
        signers: Mapping[str, Collection[CryptoSigner]] | None = None,
        versions: Mapping[str, int] | None = None,
    ) -> dict[str, bytes]:
        """Publish what is there now; return all that was ever published.

        `expires`, `signers` and `versions` are for one role each, in place of what is right; provinces' roles are named
        `province-CODE`.
        """
        made = _Publication(self, expires or {}, signers or {}, versions or {})
        self.published |= made.run(issued)
        return dict(self.published)

    def all_files(self) -> dict[str, bytes]:
        """Return the nation's targets by their path."""
        listed = [_listed(name, one) for name, one in self.sets.items()]
        index = {"version": 1, "sets": listed}
        return {"revocations.json": msgspec.json.encode(index), **self._shards, **self.files}

    def _base(self, name: str, data: bytes, count: int) -> dict[str, Any]:
        sha256 = _sha256(data)
        parts = {
            f"revocations/{name}/{number:02d}.{sha256[:8]}.part": data[start : start + PART_BYTES]
            for number, start in enumerate(range(0, len(data), PART_BYTES))
        }
        self._shards |= parts
        return {"sha256": sha256, "size": len(data), "count": count, "parts": list(parts)}

    def _delta(self, name: str, before: PublishedSet, revoked: set[bytes], data: bytes) -> dict[str, str]:
        old = sorted(before.revoked)
        places = [place for place, one in enumerate(old) if one not in revoked]
        added = b"".join(sorted(revoked - before.revoked))
        start, end = _sha256(before.data), _sha256(data)
        target = f"revocations/{name}/{start[:8]}-{end[:8]}.delta"
        self._shards[target] = encode(bytes.fromhex(start), bytes.fromhex(end), places, added)
        return {"from": start, "to": end, "target": target}


@dataclass
class _Publication:
    """One `publish`."""

    nation: Nation
    expires: Mapping[str, datetime]
    signers: Mapping[str, Collection[CryptoSigner]]
    versions: Mapping[str, int]

    def run(self, issued: datetime | None) -> dict[str, bytes]:
        for role in ("timestamp", "snapshot", "targets", "provinces"):
            self.nation.versions[role] = self._version(role)
        provinces = {f"province-{code}": self._province(code) for code in self.nation.provinces}
        files = self.nation.all_files()
        roles = {"targets": self._targets(files), **provinces}
        snapshot = self._snapshot(roles)
        published = {f"metadata/{self._number(role)}.{role}.json": data for role, data in roles.items()}
        published[f"metadata/{self._number('snapshot')}.snapshot.json"] = snapshot
        published["metadata/timestamp.json"] = self._timestamp(issued)
        for path, data in _flat(files, *self.nation.provinces.values()).items():
            folder, slash, name = path.rpartition("/")
            published[f"targets/{folder}{slash}{_sha256(data)}.{name}"] = data
        return published

    def _version(self, role: str) -> int:
        return self.versions.get(role, self.nation.versions[role] + 1)

    def _number(self, role: str) -> int:
        return self.nation.versions["provinces" if role.startswith("province-") else role]

    def _until(self, role: str) -> datetime:
        return self.expires.get(role, NOW + YEAR)

    def _sign(self, role: str, metadata: Metadata[Any]) -> bytes:
        nation = self.nation
        own = nation.province_keys[role.removeprefix("province-")] if role not in ROLES else nation.keys[role]
        return _signed(metadata, self.signers.get(role, own))

    def _province(self, code: str) -> bytes:
        self.nation.province_keys.setdefault(code, [stranger()])
        role = f"province-{code}"
        targets = Targets(version=self._number(role), expires=self._until(role))
        targets.targets = _target_files(self.nation.provinces[code])
        return self._sign(role, Metadata(targets))

    def _targets(self, files: Mapping[str, bytes]) -> bytes:
        targets = Targets(version=self._number("targets"), expires=self._until("targets"))
        targets.targets = _target_files(files)
        if self.nation.province_keys:
            targets.delegations = self._delegations()
        self.nation.change_targets(targets)
        return self._sign("targets", Metadata(targets))

    def _delegations(self) -> Delegations:
        keys: dict[str, Key] = {}
        roles = {}
        for code, signers in self.nation.province_keys.items():
            keys |= {signer.public_key.keyid: signer.public_key for signer in signers}
            paths = [f"rules/province/{code}/*", f"profiles/province/{code}/*"]
            ids = [signer.public_key.keyid for signer in signers]
            roles[f"province-{code}"] = DelegatedRole(f"province-{code}", ids, 1, terminating=True, paths=paths)
        return Delegations(keys, roles)

    def _snapshot(self, roles: Mapping[str, bytes]) -> bytes:
        named = {*roles, *self.nation.keep_in_snapshot}
        meta = {f"{role}.json": MetaFile(version=self._number(role)) for role in named}
        number = self._number("snapshot")
        return self._sign("snapshot", Metadata(Snapshot(version=number, expires=self._until("snapshot"), meta=meta)))

    def _timestamp(self, issued: datetime | None) -> bytes:
        meta = MetaFile(version=self._number("snapshot"))
        said = {} if issued is None else {"issued": f"{issued:%Y-%m-%dT%H:%M:%SZ}"}
        number, until = self._number("timestamp"), self._until("timestamp")
        timestamp = Timestamp(version=number, expires=until, snapshot_meta=meta, unrecognized_fields=said)
        return self._sign("timestamp", Metadata(timestamp))


def write(published: Mapping[str, bytes], folder: Path) -> Path:
    """Write what was published into a folder, as a stick or web server has it."""
    for path, data in published.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def _named(name: str) -> tuple[bytes, Kind]:
    """Return the kid and kind in a set's name."""
    kid, _, kind = name.partition("-")
    return b"" if kid == "any" else bytes.fromhex(kid), cast(Kind, kind)


def _listed(name: str, one: PublishedSet) -> dict[str, Any]:
    said = {"name": name, "kid": one.kid.hex(), "kind": one.kind, "count": len(one.revoked)}
    return said | {"sha256": _sha256(one.data), "size": len(one.data), "base": one.base, "deltas": one.deltas}


def _flat(*parts: Mapping[str, bytes]) -> dict[str, bytes]:
    return {path: data for part in parts for path, data in part.items()}


def _target_files(files: Mapping[str, bytes]) -> dict[str, TargetFile]:
    return {path: TargetFile.from_data(path, data, ["sha256"]) for path, data in files.items()}


def _signed(metadata: Metadata[Any], signers: Collection[CryptoSigner]) -> bytes:
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

"""Trust stores as `firmware.sync` leaves them, without TUF's signatures: what opens a store does not look at these."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from provisioning.issuer import DemoIssuer
from tests.verifier.rule_files import encoded
from verifier.freshness import DEFAULT_FRESHNESS, Freshness, encode_freshness
from verifier.profile import SIGNED_KINDS
from verifier.revocation_set import Kind, SetWriter
from verifier.rule_file import NATION, Role, RuleFile, Scope, path_of
from verifier.signers import SignerEntry, encode_signers


@dataclass(frozen=True)
class Revoked:
    """A set of revoked hashes."""

    kind: Kind
    kid: bytes = b""
    hashes: tuple[bytes, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.kid.hex() or 'any'}-{self.kind}"

    def write(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            writer = SetWriter(file.write, self.kind, self.kid, len(self.hashes))
            writer.add(b"".join(sorted(self.hashes)))
            writer.finish()


ANY_DOCUMENT = {
    "title": {"vi": "Bất kỳ giấy tờ", "en": "Any document"},
    "country": "VN",
    "all": [{"any": [{"document": kind, "without_rules": "accepted"} for kind in SIGNED_KINDS]}],
}
"""What a lane requires where a test says nothing else."""


def profile(body: Mapping[str, Any] = ANY_DOCUMENT, name: str = "default", role: Role = NATION) -> RuleFile:
    """Return the file of a profile."""
    return RuleFile("profile", role, name, 1, datetime(2020, 1, 1, tzinfo=UTC), None, Scope(), body)


def make_store(
    folder: Path,
    name: str,
    issued: datetime,
    issuers: Iterable[DemoIssuer],
    *,
    version: int = 1,
    freshness: Freshness = DEFAULT_FRESHNESS,
    revoked: Iterable[Revoked] = (),
    rules: Iterable[RuleFile] = (),
    profiles: Iterable[RuleFile] | None = None,
    signers: Iterable[SignerEntry] = (),
) -> Path:
    """Make a store in a trust folder; return its path. Its lanes ask for any document if `profiles` are not given.

    `signers` are more of them than `issuers`.
    """
    store = folder / "stores" / name
    (store / "metadata").mkdir(parents=True)
    signed = {"_type": "timestamp", "version": version, "issued": f"{issued:%Y-%m-%dT%H:%M:%SZ}", "meta": {}}
    _write(store / "metadata/timestamp.json", {"signatures": [], "signed": signed})
    entries = [SignerEntry(kid=one.kid, format="hcert", certificate=one.certificate_der) for one in issuers]
    entries += signers
    (store / "signers.json").write_bytes(encode_signers(entries))
    (store / "freshness.json").write_bytes(encode_freshness(freshness))
    sets = [
        {"name": one.name, "kid": one.kid.hex(), "kind": one.kind, "count": len(one.hashes), "base": {}, "deltas": []}
        for one in revoked
    ]
    _write(store / "revocations.json", {"version": 1, "sets": sets})
    for one in revoked:
        one.write(store / "revocations" / f"{one.name}.set")
    for rule in [*rules, *([profile()] if profiles is None else profiles)]:
        path = store / path_of(rule.kind, rule.role, rule.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(rule))
    return store


def use(folder: Path, name: str) -> None:
    """Put a store in use, by one rename as `sync` does."""
    link = folder / ".current.new"
    link.symlink_to(Path("stores") / name)
    link.replace(folder / "current")


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_bytes(msgspec.json.encode(content))

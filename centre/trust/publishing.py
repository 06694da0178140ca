"""The nation's publication: what changed is signed anew, and the timestamp always.

1. A new root, where one waits (`rotate`) or half of the present one's time is over and its keys are held.
2. Targets, where the draft differs from what is published, or likewise.
3. What lacks signatures is staged, and what is published is renewed without it: knowledge never grows stale because
   somebody is away. The command then ends by naming the keys.
4. Provinces' publications, checked.
5. Snapshot, where anything of it changed; timestamp.
6. Laid: targets, their metadata, snapshot, timestamp, root. The timestamp's rename is what publishes. The root comes
   last: while keys change, snapshot and timestamp are signed by the old and the new ones that are held, so that
   kiosks with either root can go on at any moment.
7. Pruned: what neither this publication nor the one before names.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tuf.api.metadata import Metadata, Root, Targets

from centre.trust.building import Published, encoded, issued_of, make_snapshot, make_timestamp, published_in
from centre.trust.drafts import FRESHNESS, Settings, offline_days, read_settings
from centre.trust.home import TrustError, TrustHome
from centre.trust.keys import Held
from centre.trust.preparing import Preparing, Told
from centre.trust.repository import Repository
from centre.trust.roles import RoleKeys, expires, half_over, lacking, missing_keys, reaches, role_keys, sign
from centre.trust.staging import write_staged
from centre.trust.taking import Taken, take_provinces
from centre.trust.tidying import tidy
from centre.trust.watching import watched
from verifier.rule_file import role_of


@dataclass(slots=True)
class Publication:
    """What a publication did: versions by role that are new, what was refused of provinces, what lacks signatures."""

    version: int
    issued: datetime
    expires: datetime
    new: dict[str, int]
    taken: list[str]
    warnings: list[str]
    refused: list[str]
    lacking: list[str]


@dataclass(slots=True)
class Publisher:
    """One publication of a home, by the keys that are held, at a moment.

    Args:
        home: Whose; nobody else works on it (`TrustHome.alone`).
        held: The private keys that are at hand.
        now: When.
        vouched: Whether anything but this machine's own counting vouches for that time.
    """

    home: TrustHome
    held: Held
    now: datetime
    vouched: bool
    repo: Repository = field(init=False)
    root: Metadata[Root] = field(init=False)
    before: Published = field(init=False)
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        """Read what is published.

        Raises: TrustError.
        """
        self.repo = Repository(self.home.repo)
        root = self.repo.root()
        if root is None:
            raise TrustError(f"{self.home.home} has no trust repository: run greengate-centre trust init")
        self.root = root
        self.before = published_in(self.repo)
        self.settings = read_settings(self.home.settings)

    def publish(self, take: list[Path], told: Told, *, anew: bool = False) -> Publication:
        """Publish what there is, and return what was done.

        Args:
            take: Folders that provinces published to.
            told: Is given how many sets of revocations are compiled, and of how many.
            anew: Whether what waits for signatures is made again of the draft as it is.

        Raises: TrustError; of missing signatures only where nothing at all could be published.
        """
        preparing = Preparing(self.home, self.repo, self.root, self.before, self.settings, self.held, self.now)
        root, targets = preparing.prepared(told, anew=anew)
        self._check_clock(root or self.root)
        ends = (root or self.root).signed.expires
        if ends <= self.now:
            raise TrustError(f"root ended on {ends:%F}: publish with its keys (--keys), or set the clock right")
        current = targets or self.before.targets
        if current is None:
            write_staged(self.home.staged, preparing.staged.values())
            raise missing_keys(preparing.lacking)
        taken, refused = take_provinces(self.repo, take, current.signed, self.before.provinces, self.now)
        done = self._laid(root, targets, current, taken)
        waits = preparing.staged.values()
        write_staged(self.home.staged, waits)
        tidy(self.home, [one.parsed() for one in waits if one.role == "targets"])
        warnings = watched((root or self.root).signed, published_in(self.repo), self.now)
        return Publication(*done, [one.code for one in taken], warnings, refused, preparing.lacking)

    # 5, 6: what is published

    def _laid(
        self,
        root: Metadata[Root] | None,
        targets: Metadata[Targets] | None,
        current: Metadata[Targets],
        taken: list[Taken],
    ) -> tuple[int, datetime, datetime, dict[str, int]]:
        """Sign snapshot and timestamp, and lay all in the order in which a reader may meet it."""
        force = root or self.root
        new: dict[str, int] = {role_of(one.code): one.version for one in taken}
        parts = {role: (number, self.repo.bytes_of(role, number)) for role, number in self._parts().items()}
        parts |= {role_of(one.code): (one.version, one.data) for one in taken}
        if targets is not None:
            new["targets"] = targets.signed.version
            parts["targets"] = (targets.signed.version, encoded(targets))
        snapshot = self._snapshot(force, parts, changed=bool(new))
        if snapshot is not None:
            new["snapshot"] = snapshot[0]
        timestamp, data = self._timestamp(force, current, snapshot)
        for role, (number, content) in parts.items():
            self.repo.lay(role, number, content)
        if snapshot is not None:
            self.repo.lay("snapshot", *snapshot)
        self.repo.lay_timestamp(data)
        if root is not None:
            new["root"] = root.signed.version
            self.repo.lay("root", root.signed.version, encoded(root))
        said = timestamp.signed
        return said.version, issued_of(said), said.expires, new | {"timestamp": said.version}

    def _parts(self) -> dict[str, int]:
        versions = self.before.versions()
        return {role: number for role, number in versions.items() if role not in {"snapshot", "timestamp"}}

    def _snapshot(
        self, root: Metadata[Root], parts: dict[str, tuple[int, bytes]], *, changed: bool
    ) -> tuple[int, bytes] | None:
        days, before = self.settings.days["snapshot"], self.before.snapshot
        keys = [role_keys(root.signed, "snapshot")]
        if before is not None and not changed and not lacking(before, keys):
            due = half_over(before.signed.expires, self.now, days)
            if not due or not reaches(self.held, keys[0]):
                return None
        made = make_snapshot(self.repo.next_version("snapshot"), expires(self.now, days), parts)
        self._sign_here(made, root, "snapshot")
        return made.signed.version, encoded(made)

    def _timestamp(
        self, root: Metadata[Root], current: Metadata[Targets], snapshot: tuple[int, bytes] | None
    ) -> tuple[Metadata[Any], bytes]:
        if snapshot is None:
            number = self.before.versions()["snapshot"]
            snapshot = (number, self.repo.bytes_of("snapshot", number))
        days = offline_days(self.repo.target(current.signed.targets[FRESHNESS]))
        version = self.before.versions().get("timestamp", 0) + 1
        made = make_timestamp(version, self.now, days, snapshot)
        self._sign_here(made, root, "timestamp")
        return made, encoded(made)

    def _sign_here(self, metadata: Metadata[Any], root: Metadata[Root], role: str) -> None:
        """Sign with keys that have to be here: neither snapshot nor timestamp waits for anybody."""
        sign(metadata, self.held, self._both(root, role))
        if missing := lacking(metadata, [role_keys(root.signed, role)]):
            raise missing_keys([f"{one}: name their folder with --keys" for one in missing])

    def _both(self, root: Metadata[Root], role: str) -> list[RoleKeys]:
        return [role_keys(root.signed, role), role_keys(self.root.signed, role)]

    # 7 and around

    def _check_clock(self, root: Metadata[Root]) -> None:
        """Refuse a time that kiosks would refuse, or that they could not come back from.

        A root that takes the last timestamp's keys away takes what that one said with them, for kiosks too.

        Raises: TrustError.
        """
        if self.before.timestamp is None:
            return
        last, holds = (
            self.before.timestamp.signed,
            not lacking(self.before.timestamp, [role_keys(root.signed, "timestamp")]),
        )
        at = f"the last publication ({issued_of(last):%FT%TZ})"
        if issued_of(last) > self.now and holds:
            raise TrustError(
                f"this machine's clock is behind {at}: set it right, or if it was wrong then, rotate timestamp"
            )
        if last.expires < self.now and not self.vouched:
            raise TrustError(
                f"this machine's clock is far after {at}, and nothing vouches for it: synchronise it (NTP)"
            )

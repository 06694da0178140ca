"""What a publication makes new, root and targets, and what of it has to wait for signatures."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from tuf.api.metadata import Metadata, Root, TargetFile, Targets

from centre.output import EX_DATA
from centre.trust.building import Published, make_targets, next_root, same_content
from centre.trust.drafts import Draft, Settings
from centre.trust.home import TrustError, TrustHome
from centre.trust.keys import Held
from centre.trust.repository import Repository
from centre.trust.roles import RoleKeys, expires, half_over, lacking, reaches, role_keys, root_needs, sign, unheld
from centre.trust.sets import INDEX, Index, Sets, read_index
from centre.trust.staging import Waiting, read_staged, waiting

Told = Callable[[int, int], None]


@dataclass(slots=True)
class Preparing:
    """The first steps of one publication.

    Args:
        home: Whose.
        repo: Its published folder.
        root: The newest root there.
        before: What is published there.
        settings: For how long things are signed.
        held: The private keys that are at hand.
        now: When.

    Attributes:
        staged: What waits for signatures, by role.
        lacking: Whose, a line each.
    """

    home: TrustHome
    repo: Repository
    root: Metadata[Root]
    before: Published
    settings: Settings
    held: Held
    now: datetime
    staged: dict[str, Waiting] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)

    def prepared(self, told: Told, *, anew: bool) -> tuple[Metadata[Root] | None, Metadata[Targets] | None]:
        """Return root and targets that are new and can be published now.

        Raises: TrustError.
        """
        old = read_staged(self.home.staged)
        root = self._new_root(old.get("root"))
        targets = self._new_targets(root or self.root, None if anew else old.get("targets"), told)
        return self._complete(root, targets)

    # 1, 2: what is new

    def _new_root(self, staged: Waiting | None) -> Metadata[Root] | None:
        """Return the next root with the signatures that there are; staged ones that were published are over."""
        made: Metadata[Root] | None = None
        if staged is not None:
            made = staged.parsed()
        if made is None or not isinstance(made.signed, Root) or made.signed.version != self.root.signed.version + 1:
            made = self._renewed_root()
        if made is None:
            return None
        needs = root_needs(self.root, made)
        sign(made, self.held, needs)
        if missing := lacking(made, needs):
            self._stage("root", made, needs, missing)
            return None
        return made

    def _renewed_root(self) -> Metadata[Root] | None:
        days = self.settings.days["root"]
        due = half_over(self.root.signed.expires, self.now, days)
        if not due or not reaches(self.held, role_keys(self.root.signed, "root")):
            return None
        return next_root(self.root, expires(self.now, days))

    def _new_targets(self, root: Metadata[Root], staged: Waiting | None, told: Told) -> Metadata[Targets] | None:
        keys = role_keys(root.signed, "targets")
        made: Metadata[Targets] | None = None
        if staged is not None and not reaches(self.held, keys):
            made = self._waiting(staged)
        if made is None:
            made = self._made_targets(keys, told)
        if made is not None:
            sign(made, self.held, [keys, role_keys(self.root.signed, "targets")])
        return made

    def _waiting(self, staged: Waiting) -> Metadata[Targets] | None:
        """Return targets that wait, None where they were published; the file has travelled.

        Raises: TrustError where files of theirs are gone.
        """
        waits = staged.parsed()
        if not isinstance(waits.signed, Targets) or not all(map(self.repo.has, waits.signed.targets.values())):
            raise TrustError(f"{self.home.staged} names files that are not here: publish --anew", EX_DATA)
        return waits if waits.signed.version > self.before.versions().get("targets", 0) else None

    def _made_targets(self, keys: RoleKeys, told: Told) -> Metadata[Targets] | None:
        """Return new targets where they have to be, or are due and can be signed."""
        days, before = self.settings.days["targets"], self.before.targets
        made = make_targets(
            self.repo.next_version("targets"),
            expires(self.now, days),
            self._files(told),
            Draft(self.home).provinces(),
        )
        if before is None or not same_content(made.signed, before.signed) or lacking(before, [keys]):
            return made
        due = half_over(before.signed.expires, self.now, days) and reaches(self.held, keys)
        return made if due else None

    def _files(self, told: Told) -> dict[str, TargetFile]:
        """Lay every file of the draft, and what is revoked; nobody sees them before they are signed for."""
        draft = Draft(self.home)
        content = draft.checked()
        index, files = Sets(self.home, self.repo, self._published_sets(), self.before.files).made(self.now, told)
        content[INDEX] = msgspec.json.encode(index)
        return files | {path: self.repo.lay_target(path, data) for path, data in content.items()}

    def _published_sets(self) -> Index:
        listed = self.before.files.get(INDEX)
        return Index(1, []) if listed is None else read_index(self.repo.target(listed))

    # 3: what waits

    def _complete(
        self, root: Metadata[Root] | None, targets: Metadata[Targets] | None
    ) -> tuple[Metadata[Root] | None, Metadata[Targets] | None]:
        """Return what of both can be published now; the rest is staged.

        A new root waits until all that is published goes with it: else kiosks would refuse everything.
        """
        force, lacks = root or self.root, False
        if targets is not None:
            needs = [role_keys(force.signed, "targets")]
            if missing := lacking(targets, needs):
                self._stage("targets", targets, needs, missing)
                lacks, targets = True, None
        if root is None:
            return None, targets
        online = [role_keys(root.signed, role) for role in ("snapshot", "timestamp")]
        missing = [unheld(keys, self.held) for keys in online if not reaches(self.held, keys)]
        published = targets or self.before.targets
        if missing or (lacks and (published is None or lacking(published, [role_keys(root.signed, "targets")]))):
            self._stage("root", root, root_needs(self.root, root), missing)
            return None, self._without_root(targets)
        return root, targets

    def _without_root(self, targets: Metadata[Targets] | None) -> Metadata[Targets] | None:
        """Return targets made for a root that waits, where the present root's keys signed them too."""
        if targets is None or not lacking(targets, [role_keys(self.root.signed, "targets")]):
            return targets
        self._stage("targets", targets, [], [])
        return None

    def _stage(self, role: str, metadata: Metadata[Any], needs: list[RoleKeys], missing: list[str]) -> None:
        self.staged[role] = waiting(role, metadata, needs)
        self.lacking += missing

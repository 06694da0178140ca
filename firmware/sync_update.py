"""One sync, in order: look, compare, fetch, make, check, switch. Whatever stops it, the store in use stays in use.

1. Metadata, into a staged copy of the current store's (`sync_metadata`). 2. `issued` never goes backward as long as the
key that signed the one before still counts, nor is it ahead of a clock that is vouched for. 3. The same
timestamp and nothing missing: nothing new. 4. The nation's files and the revocation sets. 5. The province's files; what
is wrong with them is the province's matter, and its last good ones stay. 6. The staged store is opened as the gate
will. 7. One rename.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from drivers.fetcher import Fetcher
from firmware.sync_disk import read_file, regular_files, remove_tree, replace_file, take, write_file
from firmware.sync_errors import AbsentError, RefusedError
from firmware.sync_metadata import Published, Stamp, Target, is_shard, stamp_in
from firmware.sync_revocations import Sets
from firmware.sync_store import METADATA, Store
from firmware.sync_targets import Larder, Seen

RECORD = "sync.json"
RECORD_MAX_BYTES = 4096
_OF_PROVINCES_MATTER = (RefusedError, AbsentError)

Check = Callable[[Path], object]


class Outcome(msgspec.Struct, frozen=True):
    """How a sync ended well; `province_kept` says why a province's part is not the newest, None: it is."""

    new: bool
    store: str
    version: int
    issued: str
    requests: int
    fetched_bytes: int
    province_kept: str | None = None


class Record(msgspec.Struct, frozen=True):
    """What a store says of how it was made: with which province, and whether all of it."""

    province: str | None = None
    whole: bool = True


class Before(NamedTuple):
    """The current store."""

    path: Path
    stamp: Stamp
    record: Record

    @classmethod
    def of(cls, store: Store) -> Self | None:
        """Return what is in use; None where nothing is, or what rotted."""
        path = store.current
        try:
            return None if path is None else cls(path, stamp_in(path / METADATA), _record(path))
        except (OSError, RefusedError):
            return None


class Part(NamedTuple):
    """A province's files as they are published; or why they cannot be had (`kept`: so the last good ones stay)."""

    files: Mapping[str, Target]
    why: str | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """What a sync works with: `check` opens a staged store as the gate will, and raises RefusedError.

    `latest` is the latest that can be issued by now, in the form of `issued`; None where no clock says.
    """

    store: Store
    fetcher: Fetcher
    root: bytes
    check: Check
    province: str | None = None
    latest: str | None = None
    seen: Seen = lambda _done, _total: None

    def run(self) -> Outcome:
        """Take what is published, if it is new. Raises: SyncError, OSError."""
        with self.store.stage() as stage:
            return self._run(stage)

    def _run(self, stage: Path) -> Outcome:
        before = Before.of(self.store)
        published = Published(stage / METADATA, self.root, self.fetcher)
        try:
            stamp = published.refresh()
        finally:
            self.store.keep_roots(stage)
        self._check_issued(stamp, before, published)
        self._keep_root()
        larder = Larder(self.store, self.fetcher, self.seen)
        part = self._part(published)
        good = before if before is not None and self._opens(before.path) else None
        if not self._is_same(good, stamp, part):
            part = self._fill(stage, larder, published.of_nation(), part, before)
            if not self._is_same(good, stamp, part):
                write_file(stage / RECORD, msgspec.json.encode(Record(self.province, part.why is None)))
                self.store.switch(stage, stamp.version)
        now = self.store.current
        return Outcome(
            new=now != (before and before.path),
            store=now.name if now else "",
            version=stamp.version,
            issued=stamp.issued,
            requests=published.requests + larder.requests,
            fetched_bytes=larder.fetched_bytes,
            province_kept=part.why,
        )

    def _check_issued(self, stamp: Stamp, before: Before | None, published: Published) -> None:
        if before is not None and stamp.issued < before.stamp.issued and published.vouches(before.stamp.data):
            raise RefusedError(f"issued {stamp.issued}, before what is in use ({before.stamp.issued})")
        if self.latest is not None and stamp.issued > self.latest:  # a stolen key could close this gate for as long
            raise RefusedError(
                f"issued {stamp.issued}, over a day ahead of this device's clock: its publisher's is wrong"
            )

    def _keep_root(self) -> None:
        """Keep the first root, now that what is published was found to begin with it."""
        if not self.store.root.exists():
            replace_file(self.store.root, self.root)

    def _opens(self, store: Path) -> bool:
        """Tell whether a gate could use a store, or it has to be made anew."""
        try:
            self.check(store)
        except RefusedError:
            return False
        return True

    def _is_same(self, good: Before | None, stamp: Stamp, part: Part) -> bool:
        """Tell whether the current store is as good as what is published: also in what it lacks of a province's."""
        if good is None:
            return False
        record = good.record
        as_whole = record.whole or part.why is not None
        return good.stamp.data == stamp.data and record.province == self.province and as_whole

    def _part(self, published: Published) -> Part:
        if self.province is None:
            return Part({})
        try:
            files = published.of_province(self.province)
        except _OF_PROVINCES_MATTER as error:
            return Part({}, str(error), kept=True)
        return Part({}, "the nation delegates nothing to it") if files is None else Part(files)

    def _fill(
        self, stage: Path, larder: Larder, nation: Mapping[str, Target], part: Part, before: Before | None
    ) -> Part:
        """Fill a staged store and check it; return what became of the province's part. Raises: SyncError, OSError."""
        larder.keep_only([*nation.values(), *part.files.values()])
        larder.bring([target for path, target in nation.items() if not is_shard(path)], stage)
        sets = Sets(before.path if before else None, stage, larder, nation)
        recipes = sets.recipes()
        larder.fetch(
            [target for recipe in recipes for target in recipe.targets], sum(recipe.room_bytes for recipe in recipes)
        )
        for recipe in recipes:
            sets.make(recipe)
        return self._with_part(stage, larder, part, before)

    def _with_part(self, stage: Path, larder: Larder, part: Part, before: Before | None) -> Part:
        """Lay the province's files as published, or else its last good ones, or none: whichever way passes the check.

        Raises: SyncError, of the last way, where it is the nation's files that are wrong; OSError.
        """
        ways, why = [part, Part({}, kept=True), Part({})], part.why
        while True:
            way = ways.pop(0)
            try:
                self._lay(stage, larder, way, before)
                self.check(stage)
            except _OF_PROVINCES_MATTER as error:
                if self.province is None or not ways:
                    raise
                why = why or str(error)
            else:
                return way._replace(why=why)

    def _lay(self, stage: Path, larder: Larder, part: Part, before: Before | None) -> None:
        """Have a part's files, and no others of the province."""
        for kind in ("rules", "profiles"):
            folder = Path(kind, "province", self.province or "")
            remove_tree(stage / folder)
            if part.kept and before is not None and before.record.province == self.province:
                for known in regular_files(before.path / folder):
                    take(known, stage / folder / known.name)
        larder.bring(list(part.files.values()), stage)


def _record(store: Path) -> Record:
    try:
        return msgspec.json.decode(read_file(store / RECORD, RECORD_MAX_BYTES), type=Record)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return Record()

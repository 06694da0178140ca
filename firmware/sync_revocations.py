"""Revocation sets: from the current store's by what changed, or else from their parts; what is made has a signed hash.

`revocations.json` names each set, its hash, the parts of a base, and a chain of deltas. A set in use whose hash stands
in the chain needs the deltas behind it only.
"""

import hashlib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from firmware.sync_disk import COPY_BYTES, make_folder, mapped, new_file, read_file, sha256_of, take
from firmware.sync_errors import RefusedError
from firmware.sync_metadata import FILE_MAX_BYTES, Target, is_shard
from firmware.sync_targets import Larder
from verifier.revocation_delta import RevocationDeltaError, apply, decode
from verifier.revocation_set import RevocationSetError

INDEX, FOLDER, SUFFIX = "revocations.json", "revocations", ".set"
SET_MAX_BYTES = 4 * 1024**3  # ours: 80 million revoked passes take 1.3 GB
_WRONG = (RevocationDeltaError, RevocationSetError, RefusedError)

Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
SetName = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,95}\Z")]
Size = Annotated[int, Meta(ge=0, le=SET_MAX_BYTES)]


class Base(msgspec.Struct, frozen=True):
    """A state of a set that is published whole, in parts."""

    sha256: Sha256
    size: Size
    parts: Annotated[tuple[str, ...], Meta(max_length=8192)]


class Step(msgspec.Struct, frozen=True):
    """A delta: from one state of a set to another."""

    before: Sha256 = msgspec.field(name="from")
    after: Sha256 = msgspec.field(name="to")
    target: str


class SetEntry(msgspec.Struct, frozen=True):
    """What is published of one set."""

    name: SetName
    sha256: Sha256
    size: Size
    base: Base
    deltas: Annotated[tuple[Step, ...], Meta(max_length=1024)] = ()

    def steps_from(self, sha256: str) -> tuple[Step, ...] | None:
        """Return the deltas that lead from a state to the newest, None where none do."""
        if sha256 == self.sha256:
            return ()
        starts = [number for number, step in enumerate(self.deltas) if step.before == sha256]
        steps = self.deltas[starts[-1] :] if starts else ()
        linked = all(one.after == next_.before for one, next_ in pairwise(steps))
        return steps if steps and linked and steps[-1].after == self.sha256 else None


class Index(msgspec.Struct, frozen=True):
    """What is published of all sets."""

    version: Annotated[int, Meta(ge=1, le=1)]
    sets: Annotated[tuple[SetEntry, ...], Meta(max_length=10_000)]


class Recipe(NamedTuple):
    """How a set is made: from the current store's (None: from its base's parts), by steps."""

    entry: SetEntry
    start: Path | None
    parts: tuple[Target, ...]
    steps: tuple[tuple[Step, Target], ...]

    @property
    def targets(self) -> tuple[Target, ...]:
        """Return what has to be fetched for it."""
        return (*self.parts, *(target for _, target in self.steps))

    @property
    def room_bytes(self) -> int:
        """Return how much room it takes on the disk beside that: two states, while a step is made."""
        return max(self.entry.size, self.entry.base.size) * min(2, bool(self.parts) + len(self.steps))


def parse_index(data: bytes) -> Index:
    """Return what an index says. Raises: RefusedError."""
    try:
        index = msgspec.json.decode(data, type=Index)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(f"{INDEX}: {error}") from None
    if len({entry.name for entry in index.sets}) != len(index.sets):
        raise RefusedError(f"{INDEX}: two sets of one name")
    return index


class Sets:
    """The sets of a staged store, whose index is there already."""

    def __init__(self, current: Path | None, stage: Path, larder: Larder, published: Mapping[str, Target]) -> None:
        """Make them of what is published, and of the current store's."""
        self._folder = stage / FOLDER
        self._index = stage / INDEX
        self._larder = larder
        self._published = published
        self._before = dict(_states(current)) if current is not None else {}

    def recipes(self) -> list[Recipe]:
        """Return how each set is made. Raises: RefusedError, OSError."""
        if not self._index.exists():
            return []
        index = parse_index(read_file(self._index, FILE_MAX_BYTES))
        return [self._recipe(entry) for entry in index.sets]

    def make(self, recipe: Recipe) -> None:
        """Make a set of what was fetched; where the one in use turns out to be damaged, of its base.

        Raises: SyncError, OSError.
        """
        make_folder(self._folder)
        try:
            self._make(recipe)
        except _WRONG as error:
            for left in self._folder.glob(f".{recipe.entry.name}.*"):
                left.unlink()
            if recipe.start is None:
                raise RefusedError(f"revocations {recipe.entry.name}: {error}") from None
            whole = self._from_base(recipe.entry)
            self._larder.fetch(whole.targets, whole.room_bytes)
            self.make(whole)

    def _recipe(self, entry: SetEntry) -> Recipe:
        start, state = self._before.get(entry.name, (None, ""))
        steps = entry.steps_from(state)
        rotted = steps == () and start is not None and sha256_of(start) != state  # each step checks what it makes
        if start is None or steps is None or rotted:
            return self._from_base(entry)
        return Recipe(entry, start, (), self._deltas(steps))

    def _from_base(self, entry: SetEntry) -> Recipe:
        steps = entry.steps_from(entry.base.sha256)
        if steps is None or not entry.base.parts:
            raise RefusedError(f"{INDEX}: no way leads to the set {entry.name}")
        parts = tuple(map(self._target, entry.base.parts))
        if (size := sum(part.length for part in parts)) != entry.base.size:
            raise RefusedError(f"{INDEX}: the base of {entry.name} has {entry.base.size} bytes, its parts have {size}")
        return Recipe(entry, None, parts, self._deltas(steps))

    def _deltas(self, steps: tuple[Step, ...]) -> tuple[tuple[Step, Target], ...]:
        return tuple((step, self._target(step.target)) for step in steps)

    def _target(self, path: str) -> Target:
        if path not in self._published or not is_shard(path):
            raise RefusedError(f"{INDEX} names {path!r}, which is not published")
        return self._published[path]

    def _make(self, recipe: Recipe) -> None:
        """Make a set step by step, and leave nothing of the states between. Raises: what `_WRONG` names; OSError."""
        entry, start = recipe.entry, recipe.start
        at = start or self._join(entry, recipe.parts)
        for number, (step, target) in enumerate(recipe.steps):
            draft = self._folder / f".{entry.name}.{number}"
            _step(at, self._larder.path_of(target), draft, step.after)
            if at != start:
                at.unlink()
            at = draft
        to = self._folder / f"{entry.name}{SUFFIX}"
        if at == start:
            take(at, to)
        else:
            at.rename(to)

    def _join(self, entry: SetEntry, parts: tuple[Target, ...]) -> Path:
        """Put the parts of a base together. Raises: RefusedError where they are not that base; OSError."""
        draft, digest = self._folder / f".{entry.name}.base", hashlib.sha256()
        with new_file(draft, durable=False) as write:
            for part in parts:
                with self._larder.path_of(part).open("rb") as file:
                    while data := file.read(COPY_BYTES):
                        digest.update(data)
                        write(data)
            if digest.hexdigest() != entry.base.sha256:
                raise RefusedError("its parts make another base than it names")
        return draft


def _step(before: Path, delta: Path, to: Path, sha256: str) -> None:
    """Make the next state of a set; `apply` checks that it is the one the delta names."""
    step = decode(mapped(delta))
    if step.after.hex() != sha256:
        raise RefusedError(f"a delta to {step.after.hex()[:8]}, where one to {sha256[:8]} is named")
    with new_file(to, durable=False) as write:
        apply(mapped(before), step, write)


def _states(current: Path) -> Iterator[tuple[str, tuple[Path, str]]]:
    """Yield name, file and hash of the current store's sets; none where its index cannot be read."""
    try:
        index = parse_index(read_file(current / INDEX, FILE_MAX_BYTES))
    except (OSError, RefusedError):
        return
    for entry in index.sets:
        path = current / FOLDER / f"{entry.name}{SUFFIX}"
        if path.is_file() and path.stat().st_size == entry.size:
            yield entry.name, (path, entry.sha256)

"""Sets of revocations as they are published: a base in parts, and a chain of deltas; `revocations.json` lists them.

A kiosk goes from the state that it has along the chain, else from the base; the result's hash is in the index, which
is signed. A set whose deltas became long gets a new base; the older deltas stay listed, so that a kiosk of yesterday
still downloads little.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec
from tuf.api.metadata import TargetFile

from centre.files import make_folder, write_whole
from centre.output import EX_DATA
from centre.trust.home import TrustError, TrustHome, read_bounded, writing
from centre.trust.repository import TARGET_MAX_BYTES, Repository
from centre.trust.revocation_db import Kind, RevocationDb
from verifier.revocation_delta import RevocationDeltaError, decode
from verifier.revocation_set import RevocationSetError

INDEX = "revocations.json"
PART_BYTES = 2 * 1024 * 1024  # a broken download goes on from here
CHAIN_MAX = 32  # ours: a month of days; each is a request
BASE_SHARE = 4  # deltas together are at most this share of the base, else the base is cheaper
SETS_MAX = 10_000  # a kiosk takes no more (firmware/sync_revocations.py)
INDEX_MAX_BYTES = 16 * 1024 * 1024  # ours: 10,000 sets with full chains
KNOWN = "known.json"
NEW = "new"  # the file that is being compiled
NAME_CHARS = 8  # of a hash, in names


class Base(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A state of a set that is there in parts."""

    sha256: str
    size: int
    count: int
    parts: list[str]


class Step(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename={"from_": "from"}):
    """A delta from one state to the next."""

    from_: str
    to: str
    target: str


class Listed(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A set."""

    name: str
    kid: str
    kind: Kind
    count: int
    sha256: str
    size: int
    base: Base
    deltas: list[Step]


class Index(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What `revocations.json` holds."""

    version: int
    sets: list[Listed]


class Known(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a set's sources compiled to, so that the same ones are not compiled again."""

    source: str
    sha256: str
    size: int
    count: int


@dataclass(slots=True)
class Sets:
    """Compiles what is revoked, and lays what of it is new.

    Args:
        home: Whose.
        repo: Where it is laid.
        before: What is published, with its files.
    """

    home: TrustHome
    repo: Repository
    before: Index
    files: dict[str, TargetFile]
    _known: dict[str, Known] = field(default_factory=dict)

    def made(self, now: datetime, told: Callable[[int, int], None]) -> tuple[Index, dict[str, TargetFile]]:
        """Return the index and all of its files, laid; `told` is given how many sets are done, and of how many.

        Raises: TrustError.
        """
        self._known = read_known(self.home)
        published = {one.name: one for one in self.before.sets}
        listed: list[Listed] = []
        targets: dict[str, TargetFile] = {}
        with RevocationDb.open(self.home.home) as db:
            groups = list(db.groups(now))
            if len(groups) > SETS_MAX:
                why = (
                    f"{len(groups)} sets of revocations, a kiosk takes {SETS_MAX}: remove batches whose kid is nobody's"
                )
                raise TrustError(why, EX_DATA)
            for done, (kid, kind) in enumerate(groups):
                told(done, len(groups))
                known = self._compiled(db, kid, kind, now)
                one, files = self._listed(kid, kind, known, published.get(name_of(kid, kind)))
                listed.append(one)
                targets |= files
        self._remember({one.name for one in listed})
        return Index(1, listed), targets

    def _remember(self, names: Iterable[str]) -> None:
        known = {name: self._known[name] for name in names}
        with writing(self.home.sets):
            make_folder(self.home.sets, 0o755)
            write_whole(self.home.sets / KNOWN, msgspec.json.encode(known))

    def _compiled(self, db: RevocationDb, kid: bytes, kind: Kind, now: datetime) -> Known:
        """Compile a group, unless its sources are the same as last."""
        from centre.trust.compiling import compile_set  # noqa: PLC0415 - numpy, only where there is something to compile

        name, folder = name_of(kid, kind), self.home.sets / name_of(kid, kind)
        source = _source(db.blobs(kid, kind, now))
        known = self._known.get(name)
        if known is not None and known.source == source and _whole(set_path(self.home, name, known.sha256), known.size):
            return known
        with writing(folder):
            make_folder(folder, 0o755)
            read = hashlib.sha256()  # of what is compiled: somebody may revoke more just now
            made = compile_set(kind, kid, _hashed(db.blobs(kid, kind, now), read.update), folder / NEW)
            (folder / NEW).replace(set_path(self.home, name, made.sha256))
        self._known[name] = Known(read.hexdigest(), made.sha256, made.size, made.count)
        return self._known[name]

    def _listed(
        self, kid: bytes, kind: Kind, known: Known, before: Listed | None
    ) -> tuple[Listed, dict[str, TargetFile]]:
        name = name_of(kid, kind)
        if before is not None and before.sha256 == known.sha256:
            return before, self._files_of(before)
        steps, files = self._chain(name, known, before)
        base = None if before is None else self._kept(before.base, steps, files)
        if base is None:
            base, laid = self._base(name, known)
            files |= laid
        listed = Listed(name, kid.hex(), kind, known.count, known.sha256, known.size, base, steps)
        return listed, files | {path: self.files[path] for path in _paths(listed) if path not in files}

    def _chain(self, name: str, known: Known, before: Listed | None) -> tuple[list[Step], dict[str, TargetFile]]:
        """Return the chain with one more delta; empty where the one before is not at hand, or a base is cheaper."""
        old = None if before is None else set_path(self.home, name, before.sha256)
        if before is None or old is None or not _whole(old, before.size):
            return [], {}
        delta = _delta(old, set_path(self.home, name, known.sha256), before.sha256, known.sha256)
        if delta is None or len(delta) * BASE_SHARE > known.size:
            return [], {}
        path = f"revocations/{name}/{before.sha256[:NAME_CHARS]}-{known.sha256[:NAME_CHARS]}.delta"
        return [*before.deltas, Step(before.sha256, known.sha256, path)], {path: self.repo.lay_target(path, delta)}

    def _kept(self, base: Base, steps: list[Step], files: dict[str, TargetFile]) -> Base | None:
        """Return the base where the deltas after it are still cheap; else none, and only the last deltas stay."""
        at = next((number for number, step in enumerate(steps) if step.from_ == base.sha256), None)
        after = [] if at is None else steps[at:]
        size = sum((files.get(step.target) or self.files[step.target]).length for step in after)
        if after and len(after) <= CHAIN_MAX and size * BASE_SHARE <= base.size:
            if at:  # what lies before the base is for those who were away, and bounded as well
                del steps[: max(0, at - CHAIN_MAX)]
            return base
        del steps[:-CHAIN_MAX]
        return None

    def _base(self, name: str, known: Known) -> tuple[Base, dict[str, TargetFile]]:
        files: dict[str, TargetFile] = {}
        digest = hashlib.sha256()
        path = set_path(self.home, name, known.sha256)
        with writing(path), path.open("rb") as opened:
            while part := opened.read(PART_BYTES):
                digest.update(part)
                target = f"revocations/{name}/{len(files):02d}.{known.sha256[:NAME_CHARS]}.part"
                files[target] = self.repo.lay_target(target, part)
        if digest.hexdigest() != known.sha256:  # every kiosk would refuse it
            raise TrustError(f"{path} rotted on its disk: remove {self.home.sets} and publish again")
        return Base(known.sha256, known.size, known.count, list(files)), files

    def _files_of(self, listed: Listed) -> dict[str, TargetFile]:
        return {path: self.files[path] for path in _paths(listed)}


def name_of(kid: bytes, kind: Kind) -> str:
    """Return a set's name."""
    return f"{kid.hex() or 'any'}-{kind}"


def set_path(home: TrustHome, name: str, sha256: str) -> Path:
    """Return where a compiled set lies."""
    return home.sets / name / f"{sha256}.set"


def read_index(data: bytes) -> Index:
    """Return the index of a publication.

    Raises: TrustError.
    """
    try:
        return msgspec.json.decode(data, type=Index)
    except msgspec.MsgspecError:
        raise TrustError(f"{INDEX} that was published cannot be read: bring the repository from a backup") from None


def read_known(home: TrustHome) -> dict[str, Known]:
    """Return what the sets compiled to last; nothing where that cannot be read: they are compiled again."""
    path = home.sets / KNOWN
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(read_bounded(path, INDEX_MAX_BYTES), type=dict[str, Known])
    except (msgspec.MsgspecError, TrustError):
        return {}


def prune_sets(home: TrustHome, published: Index) -> None:
    """Remove compiled sets that are neither published nor the newest.

    Raises: TrustError.
    """
    wanted = {set_path(home, one.name, one.sha256) for one in published.sets}
    wanted |= {set_path(home, name, known.sha256) for name, known in read_known(home).items()}
    with writing(home.sets):
        for path in home.sets.glob("*/*"):
            if path not in wanted:
                path.unlink(missing_ok=True)


def changed_sets(home: TrustHome, published: Index, now: datetime) -> list[str]:
    """Return the sets that the next publication changes, without compiling any.

    Raises: TrustError.
    """
    before, known = {one.name: one.sha256 for one in published.sets}, read_known(home)
    found: list[str] = []
    with RevocationDb.open(home.home) as db:
        for kid, kind in db.groups(now):
            name = name_of(kid, kind)
            was = known.get(name)
            same = was is not None and was.sha256 == before.get(name)
            if not (same and was is not None and was.source == _source(db.blobs(kid, kind, now))):
                found.append(name)
            before.pop(name, None)
    return sorted([*found, *before])


def _paths(listed: Listed) -> Iterator[str]:
    yield from listed.base.parts
    yield from (step.target for step in listed.deltas)


def _source(blobs: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for blob in blobs:
        digest.update(blob)
    return digest.hexdigest()


def _hashed(blobs: Iterator[bytes], update: Callable[[bytes], object]) -> Iterator[bytes]:
    for blob in blobs:
        update(blob)
        yield blob


def _delta(old: Path, new: Path, before: str, after: str) -> bytes | None:
    """Return the delta between two sets; None where the old one rotted, or it is too large: a base takes its place."""
    from centre.trust.compiling import make_delta  # noqa: PLC0415 - as above

    try:
        data = make_delta(old, new)
        delta = decode(data)
    except (RevocationSetError, RevocationDeltaError):
        return None
    except OSError as error:
        raise TrustError(f"{error.filename}: {error.strerror}: check the folder, its disk and rights") from error
    led = (delta.before.hex(), delta.after.hex()) == (before, after)
    return data if led and len(data) <= TARGET_MAX_BYTES else None


def _whole(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size

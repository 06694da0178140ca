"""Bring targets into a store: from the current one, from a sync that did not end, or from where they are published."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from drivers.fetcher import Fetcher, FetchError, FetchMissingError
from firmware.sync_disk import free_bytes, is_whole, new_file, remove, take
from firmware.sync_errors import AbsentError, CannotWriteError, RefusedError
from firmware.sync_metadata import Target, said_of
from firmware.sync_store import Store

ROOM_BYTES = 16 * 1024 * 1024  # ours: what stays free beside what is fetched and made, for the others on this disk

Seen = Callable[[int, int], object]


class Larder:
    """What a new store is made of. `incoming` holds what was fetched: checked, on the disk, named by its hash."""

    def __init__(self, store: Store, fetcher: Fetcher, seen: Seen) -> None:
        """Fetch into a store's folder; `seen` is told how many bytes of how many have come."""
        self._store = store
        self._fetcher = fetcher
        self._seen = seen
        self._total = 0
        self.fetched_bytes = 0
        self.requests = 0

    def keep_only(self, targets: Iterable[Target]) -> None:
        """Take away what was fetched for an older update and is not asked for any more."""
        wanted = {target.sha256 for target in targets}
        for path in self._store.incoming.iterdir():
            if path.name not in wanted:
                remove(path)

    def fetch(self, targets: Iterable[Target], room_bytes: int = 0) -> None:
        """Have targets in `incoming`, and room for as many bytes more. Raises: SyncError, OSError."""
        missing = {target.sha256: target for target in targets if not self._has(target)}
        need = sum(target.length for target in missing.values()) + room_bytes
        free = free_bytes(self._store.folder)
        if need and need + ROOM_BYTES > free:
            why = f"{(need + ROOM_BYTES) >> 20} MiB are needed, {free >> 20} MiB are free"
            raise CannotWriteError(f"{self._store.folder}: the disk is too full: {why}: make room there")
        self._total += need - room_bytes
        for target in missing.values():
            self._fetch(target)

    def bring(self, targets: Sequence[Target], stage: Path) -> None:
        """Put targets into a staged store, at their paths. Raises: SyncError, OSError."""
        current = self._store.current
        before = {
            target: current / target.path
            for target in targets
            if current is not None and is_whole(current / target.path, target.length, target.sha256)
        }
        new = [target for target in targets if target not in before]
        self.fetch(new)
        for target in targets:
            take(before.get(target) or self.path_of(target), stage / target.path)

    def path_of(self, target: Target) -> Path:
        """Return where a target is once it was fetched."""
        return self._store.incoming / target.sha256

    def _has(self, target: Target) -> bool:
        return is_whole(self.path_of(target), target.length, target.sha256)

    def _fetch(self, target: Target) -> None:
        path = self.path_of(target)
        remove(path)  # it rotted
        draft = path.with_name(f".{path.name}")
        draft.unlink(missing_ok=True)
        with new_file(draft) as write:
            self._pour(target, write)
        draft.rename(path)

    def _pour(self, target: Target, write: Callable[[bytes], object]) -> None:
        """Fetch a target and check it as it comes. Raises: SyncError."""
        digest, length = hashlib.sha256(), 0
        self.requests += 1
        try:
            for piece in self._fetcher.fetch(target.published, target.length):
                write(piece)
                digest.update(piece)
                length += len(piece)
                self.fetched_bytes += len(piece)
                self._seen(self.fetched_bytes, self._total)
        except FetchMissingError as error:
            raise AbsentError(str(error), local=self._fetcher.local) from None
        except FetchError as error:
            raise said_of(error) from None
        if length != target.length or digest.hexdigest() != target.sha256:
            what = f"{length} of {target.length} bytes" if length < target.length else "not what its hash says"
            raise RefusedError(f"{target.published}: {what}: it was cut off or altered on its way")

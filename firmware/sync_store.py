"""The trust store's folder as the sync writes it: one sync at a time, and one rename that makes new trust the current.

    STORE/root.json              the first root
    STORE/current -> stores/NAME what the gate uses
    STORE/stores/NAME            the current store and the one before it; NAME begins with the timestamp's version
    STORE/incoming/SHA256        what a sync that did not end has fetched
    STORE/lock                   held by the sync that runs

Whatever moment the power goes at, `current` is the store before or the new one, and each of them whole.
"""

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware.sync_disk import (
    FOLDER_MODE,
    make_folder,
    regular_files,
    remove,
    remove_tree,
    replace_file,
    sync_folder,
    sync_tree,
    take,
)
from firmware.sync_errors import BusyError
from firmware.sync_rights import as_owner

_LINK = re.compile(r"stores/([0-9]{1,19}-[0-9a-f]{8})")
METADATA, ROOTS = "metadata", "root_history"


class Store:
    """A store's folder, while this sync holds its lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root.json"
        self.incoming = folder / "incoming"
        self._stores = folder / "stores"
        self._link = folder / "current"

    @property
    def current(self) -> Path | None:
        """Return the folder of the store in use; None where there is none yet."""
        if not self._link.is_symlink():
            return None
        match = _LINK.fullmatch(str(self._link.readlink()))
        path = self._stores / match[1] if match else None
        return path if path is not None and path.is_dir() else None

    def tidy(self) -> None:
        """Make the folders, and take away what a sync that was killed has left unfinished."""
        for folder in (self._stores, self.incoming):
            make_folder(folder)
        for left in [*self._stores.glob(".*"), *self.incoming.glob(".*")]:
            with contextlib.suppress(OSError):
                remove(left)

    @contextmanager
    def stage(self) -> Iterator[Path]:
        """Give a folder for a new store, with the metadata of the current one; it is gone unless it became current."""
        path = self._stores / f".new-{secrets.token_hex(4)}"
        try:
            make_folder(path / METADATA / ROOTS)
            if (current := self.current) is not None:
                for part in (Path(METADATA), Path(METADATA, ROOTS)):
                    for known in regular_files(current / part):
                        take(known, path / part / known.name)
            yield path
        finally:
            remove_tree(path)

    def keep_roots(self, stage: Path) -> None:
        """Keep newer roots, which were checked, in the current store: a key that they revoke stays revoked.

        What cannot be kept now is fetched again.
        """
        current = self.current
        if current is None:
            return
        with contextlib.suppress(OSError):
            for root in regular_files(stage / METADATA / ROOTS):
                kept = current / METADATA / ROOTS / root.name
                if not kept.exists():
                    replace_file(kept, root.read_bytes())

    def switch(self, stage: Path, version: int) -> str:
        """Make a staged store the current one, all of it on the disk before; return its name."""
        name, before = f"{version}-{secrets.token_hex(4)}", self.current
        sync_tree(stage)
        stage.rename(self._stores / name)
        sync_folder(self._stores)
        draft = self.folder / ".current.new"
        draft.unlink(missing_ok=True)
        draft.symlink_to(f"stores/{name}")
        draft.replace(self._link)
        sync_folder(self.folder)
        self._prune({name, before.name if before else name})
        return name

    def _prune(self, kept: set[str]) -> None:
        """Take away older stores and what was fetched for this one; what cannot be is the next sync's."""
        for path in self._stores.iterdir():
            if path.name not in kept:
                gone = path.with_name(f".gone-{path.name}")  # half a store never stands under a store's name
                with contextlib.suppress(OSError):
                    path.rename(gone)
                    remove_tree(gone)
        for path in self.incoming.iterdir():
            with contextlib.suppress(OSError):
                remove(path)


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """Give a store's folder to this sync alone, with no more rights than its owner has. Raises: BusyError, OSError."""
    folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    with as_owner(folder), _locked(folder):
        store = Store(folder)
        store.tidy()
        yield store


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{folder}: another sync runs: let it end") from None
        yield
    finally:
        os.close(lock)

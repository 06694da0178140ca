"""The identity folder: what is under way, what is in use, and the swap between; every step outlasts a power cut."""

import contextlib
import os
import re
from pathlib import Path

from provisioning.durable import erase, make_folder, read_bounded, sync_folder, write_durably

FILE_MAX_BYTES = 16 * 1024  # ours: the largest is a certificate of about 1 KB
KEY, CERTIFICATE, CA, ORIGIN = "device.key", "device.pem", "ca.pem", "centre.json"
CENTRE = "centre.pem"  # what is sealed to; an identity made before there was any has none
IDENTITY = (KEY, CERTIFICATE, CA, ORIGIN, CENTRE)
CURRENT = "current"
GONE = ".gone"  # what follows the name of a folder that is being deleted
TOLD = "retired"  # a file: the centre knows that this device is no more
_NUMBERED = re.compile(r"[0-9]{4,9}")


class Workplace:
    """A folder in which an identity is made, file by file; what is there is whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none. Raises: OSError."""
        try:
            return read_bounded(self.folder / name, FILE_MAX_BYTES)
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes) -> None:
        """Write a file for root alone. Raises: OSError."""
        make_folder(self.folder, 0o700)
        write_durably(self.folder / name, data, mode=0o600)

    def there(self) -> bool:
        """Tell whether anything was begun."""
        return self.folder.is_dir()

    def wipe(self) -> None:
        """Delete all of it: in one moment by its name, then in truth. Raises: OSError."""
        if not self.there():
            return
        gone = self.folder.with_name(self.folder.name + GONE)
        clear(gone)
        self.folder.rename(gone)
        sync_folder(self.folder.parent)
        clear(gone)


def clear(folder: Path) -> None:
    """Delete a folder of files, the key first; a second call does nothing. Raises: OSError."""
    if not folder.is_dir():
        return
    for name in sorted((path.name for path in folder.iterdir()), key=lambda name: not name.startswith(KEY)):
        erase(folder / name)
    folder.rmdir()
    sync_folder(folder.parent)


class Identity:
    """The device's identity folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pending = Workplace(folder / "pending")
        self.renewal = Workplace(folder / "renewal")

    @property
    def current(self) -> Workplace | None:
        """Return the identity in use, None where there is none."""
        link = self.folder / CURRENT
        if not (link / CERTIFICATE).is_file():
            return None
        return Workplace(self.folder / link.readlink().name)

    def adopt(self, made: Workplace) -> None:
        """Put a whole identity in use; done already: nothing. `made` stays as it is. Raises: OSError."""
        now = self.current
        if now is not None and all(now.get(name) == made.get(name) for name in IDENTITY):
            return
        target = self._next()
        make_folder(target, 0o700)
        for name in IDENTITY:
            if name != CENTRE or made.get(name) is not None:
                os.link(made.folder / name, target / name)  # the key is on the disk once
        sync_folder(target)
        draft = self.folder / f"{CURRENT}.new"
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
        draft.symlink_to(target.name)
        draft.replace(self.folder / CURRENT)
        sync_folder(self.folder)

    def forget_old(self) -> None:
        """Delete the identities that are not in use any more, and what was left of earlier ones. Raises: OSError."""
        for gone in list(self.folder.glob(f"*{GONE}")):
            clear(gone)
        now = self.current
        for old in self._numbered():
            if now is None or old.name != now.folder.name:
                Workplace(old).wipe()

    def wipe(self) -> None:
        """Delete everything, the link first, so that a power cut leaves nothing half in use. Raises: OSError."""
        if not self.folder.is_dir():
            return
        (self.folder / CURRENT).unlink(missing_ok=True)
        sync_folder(self.folder)
        for place in (*map(Workplace, self._numbered()), self.pending, self.renewal):
            place.wipe()
        for gone in list(self.folder.glob(f"*{GONE}")):
            clear(gone)
        (self.folder / TOLD).unlink(missing_ok=True)
        sync_folder(self.folder)

    def _numbered(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NUMBERED.fullmatch(path.name) and path.is_dir())

    def _next(self) -> Path:
        """Return where the next identity goes, after what a power cut left unused was deleted."""
        make_folder(self.folder, 0o700)
        self.forget_unlinked()
        taken = [int(path.name) for path in self._numbered()]
        return self.folder / f"{max(taken, default=0) + 1:04}"

    def forget_unlinked(self) -> None:
        """Delete numbered folders newer than the one in use: a power cut came between making and swapping."""
        now = self.current
        for path in self._numbered():
            if now is None or int(path.name) > int(now.folder.name):
                for file in path.iterdir():
                    file.unlink()  # not overwritten: `pending` holds the same file
                path.rmdir()

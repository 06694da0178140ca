"""A block device as a stick: mounted by mount(8) for a moment, below a folder that only this user enters."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from drivers.errors import SoftwareMissingError
from drivers.stick import StickError, StickMissingError, StickPermissionError, StickRefusedError, StickWriteError
from drivers.stick.disks import OURS, Disks
from drivers.stick.folder import FolderStick

if TYPE_CHECKING:
    from types import TracebackType

KINDS = ("vfat", "exfat")  # what people's sticks are; other file systems' code in the kernel meets no stranger's bytes
SAFE = "nosuid,nodev,noexec,nosymfollow"
PRIVATE = "uid=0,gid=0,umask=0077"  # FAT and exFAT keep no owners
TIMEOUT_S = 60.0  # ours: a slow stick's check at mounting, or what is written at unmounting
NOTHING_FOUND = 2  # blkid(8): nothing known is on it
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class MountedStick:
    """A stick that is mounted as long as this is open; a mount that a killed command left is taken away first."""

    def __init__(
        self, device: Path, *, write: bool, kinds: tuple[str, ...] = KINDS, disks: Disks | None = None
    ) -> None:
        """Mount it. Raises: StickError, SoftwareMissingError."""
        if os.geteuid() != 0:
            raise StickPermissionError(f"{device}: only root may mount it", cure="run the same command with sudo")
        disks = disks or Disks()
        self._device = disks.partition(device)
        self.where = str(self._device)
        self._write = write
        self._files: FolderStick | None = None
        _check_free(self._device, disks)
        kind = _kind(self._device, kinds)
        self._folder = Path(tempfile.mkdtemp(prefix=Path(OURS).name, dir=Path(OURS).parent))
        try:
            self._mount(kind)
            self._files = FolderStick(self._folder, write=write)
            self._files.where = self.where
        except BaseException:
            self._unmount()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            with contextlib.suppress(StickError):  # the first error says more
                self.close()

    def close(self) -> None:
        """See `Stick.close`. Raises: StickWriteError where not all came onto the stick."""
        if self._files is None:
            return
        self._files.close()
        self._files = None
        why = self._unmount()
        if why and self._write:
            raise StickWriteError(f"{self.where}: {why}", cure="check the stick, then run the same command again")

    def names(self) -> list[str]:
        """See `Stick.names`."""
        return self._opened().names()

    def read(self, name: str, max_bytes: int) -> bytes:
        """See `Stick.read`."""
        return self._opened().read(name, max_bytes)

    def write(self, name: str, data: bytes) -> None:
        """See `Stick.write`."""
        self._opened().write(name, data)

    def remove(self, name: str) -> None:
        """See `Stick.remove`."""
        self._opened().remove(name)

    def fileno(self) -> int:
        """See `Stick.fileno`."""
        return self._opened().fileno()

    def _opened(self) -> FolderStick:
        if self._files is None:
            raise StickError(f"{self.where}: closed")
        return self._files

    def _mount(self, kind: str) -> None:
        private = f",{PRIVATE}" if kind in KINDS else ""
        options = f"{'rw' if self._write else 'ro'},{SAFE}{private}"
        done = _run("mount", "-i", "-t", kind, "-o", options, "--", str(self._device), str(self._folder))
        if done.returncode != 0:
            why = " ".join(done.stderr.split()) or f"mount: exit status {done.returncode}"
            raise StickRefusedError(f"{self.where}: {why}", cure="format it anew as FAT or exFAT, or take another")

    def _unmount(self) -> str:
        """Unmount, whatever it takes, and return what went wrong, if anything."""
        why = ""
        if os.path.ismount(self._folder):
            done = _run("umount", "--", str(self._folder))
            if done.returncode != 0:
                why = " ".join(done.stderr.split()) or f"umount: exit status {done.returncode}"
                _run("umount", "-l", "--", str(self._folder))
        with contextlib.suppress(OSError):
            self._folder.rmdir()
        return why


def _check_free(device: Path, disks: Disks) -> None:
    """Make sure that nobody else has the stick mounted; our own leftovers are taken away. Raises: StickError."""
    for where in disks.mounts(device):
        if not where.startswith(OURS):
            raise StickRefusedError(
                f"{device}: mounted at {where}", cure=f"unmount it (umount {where}), or name that folder"
            )
        if _run("umount", "--", where).returncode != 0:
            raise StickRefusedError(f"{device}: in use at {where}", cure="let the other command end first")
        with contextlib.suppress(OSError):
            Path(where).rmdir()


def _kind(device: Path, kinds: tuple[str, ...]) -> str:
    """Return which of the kinds the file system on a device is. Raises: StickError."""
    done = _run("blkid", "-p", "-s", "TYPE", "-o", "value", "--", str(device))
    kind = done.stdout.strip()
    if kind in kinds:
        return kind
    if done.returncode not in {0, NOTHING_FOUND}:
        why = " ".join(done.stderr.split()) or "cannot be read"
        raise StickMissingError(f"{device}: {why}", cure="plug the stick in again, or take another")
    what = f"its file system is {kind}" if kind else "no file system is on it"
    raise StickRefusedError(f"{device}: {what}", cure="sticks are FAT or exFAT: format it so, or take another")


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of util-linux to its end; Ctrl-C does not reach it. Raises: SoftwareMissingError, StickError."""
    found = shutil.which(program, path=_PATH)
    if found is None:
        raise SoftwareMissingError(f"{program} is not installed", cure="apt-get install mount util-linux")
    environment = {"PATH": _PATH, "LC_ALL": "C"}
    try:
        return subprocess.run(  # noqa: S603 - a program of the system's own, arguments behind --
            [found, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StickError(f"{program}: {error}", cure="pull the stick out, and try another") from None

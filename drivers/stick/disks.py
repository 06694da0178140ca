"""What the kernel tells of block devices and mounts: which disk is the system's, which partition is meant."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from drivers.stick import StickRefusedError

PLACES_OF_STICKS = ("/media/", "/run/media/", "/mnt/")  # where desktops and people mount sticks
OURS = "/run/greengate-stick-"
_MAX_DEPTH = 8  # of devices upon devices: a volume on an encrypted disk on a partition has three


class Mount(NamedTuple):
    """A mounted file system: number of its device (`major:minor`), where, and from what."""

    number: str
    where: str
    source: str


@dataclass(frozen=True, slots=True)
class Disks:
    """Block devices as /sys and /proc show them; a test gives folders of its own."""

    sys: Path = field(default=Path("/sys"))
    proc: Path = field(default=Path("/proc"))

    def partition(self, device: Path) -> Path:
        """Return the device to mount: a disk's only partition, else what was named.

        Raises: StickRefusedError for a disk with several, and for one that the system uses.
        """
        name = device.name
        if self._disk(name) in self._of_system():
            raise StickRefusedError(f"{device}: a disk of this system", cure="name the stick: lsblk shows which it is")
        if self._is_partition(name):
            return device
        parts = self._partitions(name)
        if len(parts) > 1:
            named = ", ".join(f"{device.parent / part}" for part in parts)
            raise StickRefusedError(f"{device}: has several partitions", cure=f"name one of {named}")
        return device.parent / parts[0] if parts else device

    def mounts(self, device: Path) -> list[str]:
        """Return where a device is mounted."""
        number = self._number(device.name)
        return [mount.where for mount in self._mounts() if mount.number == number or mount.source == str(device)]

    def _of_system(self) -> set[str]:
        """Return the disks in use by anything else than a mounted stick: system, swap, and what lies beneath them."""
        used = {mount for mount in self._mounts() if not mount.where.startswith((*PLACES_OF_STICKS, OURS))}
        names = {self._name(mount) for mount in used} | {Path(swap).name for swap in self._swaps()}
        return {self._disk(under) for name in names - {""} for under in self._beneath(name, _MAX_DEPTH)}

    def _beneath(self, name: str, depth: int) -> set[str]:
        slaves = self._listed(self._folder(name) / "slaves") if depth else []
        return {name}.union(*(self._beneath(slave, depth - 1) for slave in slaves))

    def _name(self, mount: Mount) -> str:
        by_number = self.sys / "dev" / "block" / mount.number
        if by_number.exists():
            return by_number.resolve().name
        source = Path(os.path.realpath(mount.source)) if mount.source.startswith("/dev/") else Path()
        return source.name if self._folder(source.name or "-").exists() else ""

    def _mounts(self) -> list[Mount]:
        """Return every mount: proc_pid_mountinfo(5)."""
        found = []
        for line in self._text("self/mountinfo").splitlines():
            before, _, after = line.partition(" - ")
            fields, rest = before.split(" "), after.split(" ")
            found.append(Mount(fields[2], _plain(fields[4]), _plain(rest[1])))
        return found

    def _swaps(self) -> list[str]:
        return [line.split()[0] for line in self._text("swaps").splitlines()[1:] if line]

    def _text(self, name: str) -> str:
        try:
            return (self.proc / name).read_text("utf-8", "surrogateescape")
        except OSError:
            return ""  # a kernel without swap

    def _folder(self, name: str) -> Path:
        return self.sys / "class" / "block" / name

    def _number(self, name: str) -> str:
        try:
            return (self._folder(name) / "dev").read_text().strip()
        except OSError:
            return ""

    def _is_partition(self, name: str) -> bool:
        return (self._folder(name) / "partition").exists()

    def _disk(self, name: str) -> str:
        folder = self._folder(name)
        return folder.resolve().parent.name if self._is_partition(name) else name

    def _partitions(self, name: str) -> list[str]:
        folder = self._folder(name)
        return sorted(part for part in self._listed(folder) if (folder / part / "partition").exists())

    @staticmethod
    def _listed(folder: Path) -> list[str]:
        try:
            return sorted(part.name for part in folder.iterdir())
        except OSError:
            return []


def _plain(text: str) -> str:
    """Return a field of mountinfo without its octal escapes."""
    for escape, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(escape, character)
    return text

"""Sticks to test with: a folder, and images on loop devices where this machine can mount them."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from drivers.stick import Stick, open_stick
from drivers.stick.mounted import MountedStick

Opener = Callable[..., Stick]
SIZE = 16 * 1024 * 1024
MAKERS = {
    "vfat": ("mkfs.vfat",),
    "exfat": ("mkfs.exfat",),
    "ext4": ("mkfs.ext4", "-q", "-F", "-O", "^has_journal"),  # no stick of ours: it shows that mounting works
}


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    line = [str(part) for part in command]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def known_to_kernel(kind: str) -> bool:
    run("modprobe", "-q", kind) if shutil.which("modprobe") else None
    return any(line.split()[-1] == kind for line in Path("/proc/filesystems").read_text().splitlines())


@contextmanager
def looped(image: Path) -> Iterator[Path]:
    """Make a block device of an image; the test is skipped where that is not allowed."""
    done = run("losetup", "--show", "--find", image) if shutil.which("losetup") else None
    if done is None or done.returncode != 0:
        pytest.skip("no loop devices here (root is needed)")
    device = Path(done.stdout.strip())
    try:
        yield device
    finally:
        end_s = time.monotonic() + 10
        while run("losetup", "--detach", device).returncode != 0 and time.monotonic() < end_s:
            time.sleep(0.05)


@contextmanager
def formatted(folder: Path, kind: str, size: int = SIZE) -> Iterator[Path]:
    """Make a stick with a file system; the test is skipped where this machine cannot."""
    maker = MAKERS[kind]
    if shutil.which(maker[0]) is None:
        pytest.skip(f"{maker[0]} is not installed")
    if not known_to_kernel(kind):
        pytest.skip(f"this kernel knows no {kind}")
    image = folder / f"{kind}.img"
    with image.open("wb") as file:
        file.truncate(size)
    made = run(*maker, image)
    assert made.returncode == 0, made.stderr
    with looped(image) as device:
        yield device


@contextmanager
def stick_of(kind: str, folder: Path) -> Iterator[Opener]:
    """Give what opens a stick of a kind."""
    if kind == "folder":
        place = folder / "stick"
        place.mkdir()
        yield partial(open_stick, place)
    elif kind == "ext4":
        with formatted(folder, kind) as device:
            yield partial(MountedStick, device, kinds=("ext4",))
    else:
        with formatted(folder, kind) as device:
            yield partial(open_stick, device)

"""Cards to prepare: images with a boot partition like Raspberry Pi OS's, and what lies on it."""

import shutil
import subprocess
from pathlib import Path

import pytest

OFFSET = 8192 * 512
BOOT_SECTORS = 65536  # 32 MiB: FAT16, quick to make
TOOLS = ("sfdisk", "mkfs.vfat", "mcopy", "lsblk", "blkid")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def need_tools() -> None:
    """Skip where this machine lacks what writes cards."""
    missing = [tool for tool in TOOLS if shutil.which(tool, path=PATH) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: apt-get install fdisk dosfstools mtools util-linux")


def make_image(folder: Path, *, label: str = "BOOTFS", files: dict[str, bytes], sectors: int = BOOT_SECTORS) -> Path:
    """Return an image with one FAT partition that holds files."""
    need_tools()
    image = folder / "card.img"
    with image.open("wb") as file:
        file.truncate(OFFSET + sectors * 512)
    run("sfdisk", "-q", str(image), data=b"label: dos\nstart=8192,type=c\n")
    run("mkfs.vfat", "--offset", "8192", "-n", label, str(image), str(sectors // 2))
    for name, data in files.items():
        run("mcopy", "-o", "-i", f"{image}@@{OFFSET}", "-", f"::/{name}", data=data)
    return image


def read(image: Path, name: str) -> bytes:
    """Return a file's content on an image's boot partition."""
    return run("mtype", "-i", f"{image}@@{OFFSET}", f"::/{name}")


def run(tool: str, *arguments: str, data: bytes = b"") -> bytes:
    program = shutil.which(tool, path=PATH)
    assert program is not None
    environment = {"PATH": PATH, "MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8"}
    return subprocess.run([program, *arguments], input=data, capture_output=True, check=True, env=environment).stdout

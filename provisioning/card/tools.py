"""The system's tools for disks, run with bounds: lsblk, sfdisk, blkid (util-linux, fdisk) and mtools."""

import os
import shutil
import subprocess

from provisioning.card.errors import CardError
from provisioning.exits import Exit

TIMEOUT_S = 300.0  # ours: a package of 100 MB to the slowest of cards
_PACKAGES = {"sfdisk": "fdisk", "blkid": "util-linux", "lsblk": "util-linux"}  # all others are of mtools
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# mtools: no configuration of the user's, and cards whose geometry does not fit their partition are common
_ENVIRONMENT = {"PATH": _PATH, "LC_ALL": "C.UTF-8", "MTOOLSRC": "/dev/null", "MTOOLS_SKIP_CHECK": "1"}


class ToolError(Exception):
    """A tool said no; the text is its own."""


def run(name: str, *arguments: str, data: bytes = b"") -> bytes:
    """Run a tool with bytes on its standard input and return what it wrote.

    Raises: ToolError where it fails or hangs, CardError where it is not installed.
    """
    program = shutil.which(name, path=_PATH)
    if program is None:
        raise CardError(Exit.UNAVAILABLE, "tool-missing", tool=name, package=_PACKAGES.get(name, "mtools"))
    environment = {**_ENVIRONMENT, "HOME": os.environ.get("HOME", "/")}
    try:
        done = subprocess.run(  # noqa: S603 - the system's own tools, and paths that the technician named
            [program, *arguments], input=data, capture_output=True, env=environment, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise ToolError(f"{name} does not end") from None
    if done.returncode != 0:
        raise ToolError(" ".join(done.stderr.decode("utf-8", "replace").split()) or f"{name} failed")
    return done.stdout

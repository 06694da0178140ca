"""Debian roots for tests: made once with mmdebstrap, cached outside the repository, and booted as overlays.

Kept in `$XDG_CACHE_HOME/greengate` (`~/.cache/greengate`), one folder for each list of packages; a list that changes
makes a new one, and so does a month's age.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

SUITE = "bookworm"
BARE = ("systemd", "systemd-sysv", "udev", "dbus", "ca-certificates")  # a fresh system: nothing that we need beside
WITH_PARTS = (
    *BARE,
    "python3",
    "libzbar0",
    "libstdc++6",
    "procps",
)  # what our package depends on, so that no network is
WITH_BROKER = (*WITH_PARTS, "mosquitto")
MAX_AGE_S = 30 * 86400.0
MAKE_S = 600.0
NEEDED = {"systemd-nspawn": "systemd-container", "mmdebstrap": "mmdebstrap", "nsenter": "util-linux", "dpkg": "dpkg"}


class RootError(Exception):
    """A root cannot be made; the text says why."""


def missing() -> str | None:
    """Return why no appliance can be booted here, or None."""
    if os.geteuid() != 0:
        return "needs root: systemd-nspawn, overlays"
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, check=False).returncode:
        return "no namespaces can be made here"
    absent = [package for program, package in NEEDED.items() if shutil.which(program) is None]
    return f"apt-get install {' '.join(absent)}" if absent else None


def cache() -> Path:
    """Return the folder of what outlasts a test run."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "greengate"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def cached_root(packages: Sequence[str], suite: str = SUITE) -> Path:
    """Return a folder with a minimal Debian and these packages; nobody may write into it. Raises: RootError."""
    digest = hashlib.sha256("\n".join((suite, *packages)).encode()).hexdigest()[:12]
    root = cache() / f"root-{suite}-{digest}"
    with locked(root):
        if not root.is_dir() or time.time() - root.stat().st_mtime > MAX_AGE_S:
            _make(root, packages, suite)
    return root


def _make(root: Path, packages: Sequence[str], suite: str) -> None:
    draft = root.with_name(root.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    options = ["--variant=minbase", f"--include={','.join(packages)}", '--aptopt=Apt::Install-Recommends "false"']
    done = subprocess.run(
        ["mmdebstrap", *options, suite, str(draft)], capture_output=True, text=True, check=False, timeout=MAKE_S
    )
    if done.returncode:
        raise RootError(f"mmdebstrap: {done.stderr[-2000:]}")
    shutil.rmtree(root, ignore_errors=True)
    draft.rename(root)
    os.utime(root)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only one that makes something."""
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def overlay(*lower: Path) -> Iterator[Path]:
    """Give a root that looks like folders laid over one another (first: uppermost), and keep what is written apart.

    Where the kernel takes no overlay here (as in some containers), it is a copy.
    """
    work = Path(tempfile.mkdtemp(prefix="run-", dir=cache()))  # where the roots are, so that an overlay may lie there
    root, upper, spare = (work / name for name in ("root", "upper", "spare"))
    for folder in (root, upper, spare):
        folder.mkdir()
    layers = ":".join(map(str, lower))
    options = f"lowerdir={layers},upperdir={upper},workdir={spare}"
    mounted = subprocess.run(
        ["mount", "-t", "overlay", "greengate", "-o", options, str(root)], capture_output=True, check=False
    )
    if mounted.returncode:
        for layer in reversed(lower):
            subprocess.run(["cp", "--archive", "--reflink=auto", f"{layer}/.", str(root)], check=True)
    try:
        yield root
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", str(root)], check=True)
        shutil.rmtree(work, ignore_errors=True)

"""Wheels: fetch those that the lock file names, and lay them out as pip does."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from email.message import Message
from email.parser import Parser
from pathlib import Path, PurePosixPath

from provisioning.deb.errors import EX_DATAERR, EX_UNAVAILABLE, BuildError, say
from provisioning.deb.lock import LOCK, REMAKE, Pin, normalised, pip_options
from provisioning.deb.targets import Target

BLOCK = 1 << 20
PRUNED = re.compile(r"(^|/)(tests|__pycache__)/|\.(pyi|pyx|pxd|h|a|hpp)$")  # what no program of ours loads
DATA = re.compile(r"[^/]+\.data/(purelib|platlib)/(.+)")  # PEP 427; scripts, headers and data are left out


def fetch(target: Target, cache: Path, pins: Mapping[str, Pin], lock: Path = LOCK) -> list[Path]:
    """Return a target's wheels, one for each pin, in the pins' order; what is in the cache is not asked for again.

    Raises:
        BuildError: There is no network, or a wheel is not what the lock file says.
    """
    folder = cache / target.name
    folder.mkdir(parents=True, exist_ok=True)
    present = _present(folder, pins, target)
    if len(present) < len(pins):
        say(f"{target.name}: fetch {len(pins) - len(present)} of {len(pins)} wheels")
        _download(target, folder, lock)
        present = _present(folder, pins, target)
    missing = [name for name in pins if name not in present]
    if missing:
        raise BuildError(EX_DATAERR, f"{target.name}: no wheel of {', '.join(missing)} is what {lock} says: {REMAKE}")
    return [present[name] for name in pins]


def _present(folder: Path, pins: Mapping[str, Pin], target: Target) -> dict[str, Path]:
    """Return the wheels that are there whole, by name; others are deleted."""
    found = {}
    for wheel in sorted(folder.iterdir()):
        pin = pins.get(normalised(wheel.name.split("-")[0]))
        if pin is not None and wheel.suffix == ".whl" and target.runs(wheel.name) and _hash(wheel) in pin.hashes:
            found[pin.name] = wheel
        else:
            wheel.unlink()
    return found


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(target: Target, folder: Path, lock: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += [f"--dest={folder}", f"--requirement={lock}", *pip_options(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode == 0:
        return
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise BuildError(EX_DATAERR, f"{target.name}: a wheel is not what {lock} says; who changed it? {_said(done)}")
    raise BuildError(EX_UNAVAILABLE, f"{target.name}: pip could not fetch: is the network there? {_said(done)}")


def _said(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else "pip says nothing"


def unpack(wheel: Path, site: Path) -> None:
    """Lay a wheel out in a site-packages folder, without what no program of ours loads.

    Raises:
        BuildError: It would write outside of that folder, or cannot be read.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, info in _wanted(archive):
                place = site / name
                place.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, place.open("wb") as file:
                    shutil.copyfileobj(source, file, BLOCK)
                program = info.external_attr >> 16 & stat.S_IXUSR and ".so" not in place.name
                place.chmod(0o755 if program else 0o644)
    except (zipfile.BadZipFile, OSError) as error:
        raise BuildError(EX_DATAERR, f"{wheel.name}: {error}") from None


def _wanted(archive: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    for info in archive.infolist():
        moved = DATA.fullmatch(info.filename)
        name = moved[2] if moved else info.filename
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise BuildError(EX_DATAERR, f"{archive.filename}: writes outside of its folder: {name}")
        elsewhere = not moved and path.parts[0].endswith(".data")
        if not (info.is_dir() or elsewhere or PRUNED.search(name)):
            yield name, info


def metadata(wheel: Path) -> Message:
    """Return what a wheel says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        return Parser().parsestr(archive.read(name).decode("utf-8"))


def contents(wheel: Path) -> list[str]:
    """Return what a wheel brings to the top of site-packages, as patterns."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[::2] for name, _ in _wanted(archive)}
    return sorted({f"{top}/*" if below else top for top, below in tops})


def files(root: Path) -> list[Path]:
    """Return every file and link below a folder, sorted."""
    return sorted(Path(folder, name) for folder, _, names in os.walk(root) for name in names)

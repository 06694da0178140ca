"""Our package as `make deb` builds it, for the root that the tests boot; cached by what is in it."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.appliance.machine import Machine
from tests.appliance.roots import SUITE, RootError, cache, locked

PROJECT = Path(__file__).parents[2]
RELEASES = {"bookworm": 12, "trixie": 13}
PACKED = (
    "firmware",
    "drivers",
    "verifier",
    "provisioning",
    "centre",
    "systemd",
    "pyproject.toml",
    "docs",
    "CHANGELOG.md",
)
BEFORE = "0.0.9"  # an older version, with the same files
KEPT = 3  # this one, the version before, and another release's: 240 MB each
BUILD_S = 900.0
INSTALL_S = 300.0
PLACE = "/root/greengate.deb"
APT = "DEBIAN_FRONTEND=noninteractive apt-get -qq -o APT::Sandbox::User=root --no-install-recommends -y"


def package(version: str | None = None, suite: str = SUITE) -> Path:
    """Return our package for a release of Debian, of another version where one is named. Raises: RootError."""
    packages = cache() / "packages"
    folder = packages / f"{suite}-{version or 'present'}-{_digest()}"
    with locked(cache() / "packages"):
        if not folder.is_dir():
            _build(folder, version, suite)
            for old in sorted(packages.iterdir(), key=lambda path: path.stat().st_mtime)[:-KEPT]:
                shutil.rmtree(old)
    (built,) = folder.glob("*.deb")
    return built


def _build(folder: Path, version: str | None, suite: str) -> None:
    draft = folder.with_name(folder.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    target = f"deb{RELEASES[suite]}_{architecture}"
    command = [sys.executable, "-m", "provisioning.deb.build", "--target", target, "--quick", "--out", str(draft)]
    command += ["--version", version] if version else []
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=BUILD_S)
    if done.returncode:
        raise RootError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    draft.rename(folder)


def _digest() -> str:
    """Return a hash of everything that goes into the package."""
    found = hashlib.sha256()
    for name in PACKED:
        top = PROJECT / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(f"{path.relative_to(PROJECT)}\0".encode() + path.read_bytes())
    return found.hexdigest()[:12]


def install(machine: Machine, deb: Path, options: str = "") -> None:
    """Install a package in a machine, as a technician does. Raises: MachineError."""
    place = machine.root_of(PLACE)
    shutil.copyfile(deb, place)
    try:
        machine.run(f"{APT} install {options} {PLACE}", timeout_s=INSTALL_S)
    finally:
        place.unlink()

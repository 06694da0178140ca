"""The lock file: which wheels make up a package, each by its hash.

`python -m provisioning.deb.lock` writes it anew from pyproject.toml: the newest versions for which there is a wheel on
every target, and the hashes of just these wheels. The file is pip's own format (`pip download --require-hashes`).
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioning.deb.errors import EX_CONFIG, EX_UNAVAILABLE, BuildError, give_up, say
from provisioning.deb.targets import TARGETS, Target

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
LOCK = HERE / "requirements.lock"
LEFT_OUT = {  # named by a dependency, needed by none of its parts that run here
    "pip": "sqlite-utils' command line installs plugins with it",
    "setuptools": "colorzero names it, and never imports it",
}
MARKERS_OF = (3, 11)  # pip resolves by the markers of the Python that runs it; the oldest needs the most
REMAKE = "`python -m provisioning.deb.lock` writes it anew"
HEADER = """\
# What `make deb` puts into the packages, exactly. Written by `python -m provisioning.deb.lock`; not by hand.
# The hashes of a package are those of the wheels for its targets: {targets}.
"""
_PIN = re.compile(r"([a-z0-9-]+)==([^ \\]+)((?: --hash=sha256:[0-9a-f]{64})+)")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package: its normalised name, its version, and the hashes of the wheels that may be used."""

    name: str
    version: str
    hashes: frozenset[str] = field(default_factory=frozenset)


def normalised(name: str) -> str:
    """Return a package's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(path: Path = LOCK) -> dict[str, Pin]:
    """Return the pins by name.

    Raises:
        BuildError: A line is not a pin with hashes.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise BuildError(EX_CONFIG, f"{path}: {error.strerror}: {REMAKE}") from None
    pins = {}
    for line in re.sub(r" *\\\n *", " ", text).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _PIN.fullmatch(line.strip())
        if match is None:
            raise BuildError(EX_CONFIG, f"{path}: not a pin with hashes: {line[:60]}: {REMAKE}")
        name, version, hashes = match.groups()
        pins[name] = Pin(name, version, frozenset(re.findall(r"sha256:([0-9a-f]+)", hashes)))
    return pins


def written(pins: Iterable[Pin]) -> str:
    """Return the lock file's text."""
    lines = [HEADER.format(targets=", ".join(target.name for target in TARGETS))]
    for pin in sorted(pins, key=lambda pin: pin.name):
        hashes = (f"    --hash=sha256:{digest}" for digest in sorted(pin.hashes))
        lines.append(" \\\n".join((f"{pin.name}=={pin.version}", *hashes)) + "\n")
    return "".join(lines)


def dependencies(project: Path = PROJECT) -> list[str]:
    """Return what pyproject.toml says is needed to run."""
    declared: list[str] = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    return declared


def check(pins: Mapping[str, Pin]) -> None:
    """See that nothing was added to pyproject.toml since.

    Raises:
        BuildError: A dependency has no pin.
    """
    names = (re.match(r"[\w.-]+", wanted) for wanted in dependencies())
    lacking = [name[0] for name in names if name is not None and normalised(name[0]) not in pins]
    if lacking:
        raise BuildError(EX_CONFIG, f"{LOCK.name} lacks {', '.join(lacking)}: {REMAKE}")


def pip_options(target: Target) -> list[str]:
    """Return what makes pip choose wheels for a target, whatever it runs on itself."""
    abis = (f"cp{target.python[0]}{target.python[1]}", "abi3", "none")
    options = ["--only-binary=:all:", "--implementation=cp", f"--python-version={target.python_version}"]
    return [*options, *(f"--abi={abi}" for abi in abis), *(f"--platform={name}" for name in target.platforms)]


def _resolved(target: Target, wanted: list[str], fixed: Mapping[str, str]) -> list[Pin]:
    """Ask pip what a target needs, with versions that are fixed already."""
    with tempfile.TemporaryDirectory() as folder:
        constraints, report = Path(folder, "constraints.txt"), Path(folder, "report.json")
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in fixed.items()))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += [f"--target={folder}/none", f"--report={report}", f"--constraint={constraints}"]
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, *pip_options(target), *wanted], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            why = (done.stderr.strip().splitlines() or ["pip says nothing"])[-1]
            raise BuildError(EX_UNAVAILABLE, f"no versions for {target.name}: {why}")
        chosen: list[dict[str, Any]] = json.loads(report.read_text("utf-8"))["install"]
    return [
        Pin(
            normalised(one["metadata"]["name"]),
            one["metadata"]["version"],
            frozenset([one["download_info"]["archive_info"]["hashes"]["sha256"]]),
        )
        for one in chosen
    ]


def resolve(wanted: list[str]) -> list[Pin]:
    """Return one version of each package with the hashes of its wheels for all targets.

    Raises:
        BuildError: There is no network, or no common version.
    """
    pins: dict[str, Pin] = {}
    for target in TARGETS:
        say(f"{target.name}: choose versions")
        for pin in _resolved(target, wanted, {pin.name: pin.version for pin in pins.values()}):
            known = pins.get(pin.name, pin)
            pins[pin.name] = Pin(pin.name, pin.version, known.hashes | pin.hashes)
    return [pin for pin in pins.values() if pin.name not in LEFT_OUT]


def main() -> None:
    """Write the lock file anew."""
    if sys.version_info[:2] != MARKERS_OF:
        give_up(BuildError(EX_CONFIG, "this needs Python 3.11 (Debian 12): newer ones do not see what it needs"))
    try:
        LOCK.write_text(written(resolve(dependencies())), "utf-8")
    except BuildError as error:
        give_up(error)
    say(f"{LOCK.relative_to(PROJECT)}: {len(read())} packages")


if __name__ == "__main__":
    main()

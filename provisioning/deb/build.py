"""Build the packages: `python -m provisioning.deb.build [--target NAME]... [--out DIR]`.

Needs pip, dpkg-deb, and the network where the wheels are not in the cache. The same commit makes the same bytes
(SOURCE_DATE_EPOCH; by itself the commit's time). Exit codes: 0 done; 2 wrong usage; 65 a wheel is not what the lock
file says; 66 a part of the project's own is missing; 69 dpkg-deb, pip or the network is missing; 73 the output cannot
be written; 78 the lock file cannot be used; 130 Ctrl-C.
"""

import argparse
import os
import shutil
import stat
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioning.deb.control import SCRIPTS, checksums, control, documents, script, version
from provisioning.deb.errors import EX_CANTCREAT, EX_STOPPED, EX_UNAVAILABLE, BuildError, give_up, say
from provisioning.deb.lock import PROJECT, Pin, check, read
from provisioning.deb.targets import TARGETS, Target
from provisioning.deb.tree import date, lay
from provisioning.deb.wheels import fetch

COMMITTED = ("git", "-C", str(PROJECT), "log", "-1", "--format=%ct")
NO_COMMIT = 1_577_836_800  # 2020: outside of a repository any time does, as long as it is always the same
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Options:
    """What to build, and where."""

    targets: tuple[Target, ...]
    out: Path
    cache: Path
    version: str
    epoch: int
    compress: bool


def options(arguments: list[str] | None = None) -> Options:
    """Read the command line and the environment."""
    names = {target.name: target for target in TARGETS}
    described = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    parser = argparse.ArgumentParser(prog="python -m provisioning.deb.build", description="Build the Debian packages.")
    parser.add_argument("--target", action="append", choices=names, help="build only this one (may be repeated)")
    parser.add_argument("--out", type=Path, default=PROJECT / "dist", help="where the packages go [dist]")
    parser.add_argument("--cache", type=Path, default=PROJECT / "build" / "wheels", help="where wheels are kept")
    parser.add_argument("--version", default=described["project"]["version"], help="another version, to try an upgrade")
    parser.add_argument(
        "--quick", action="store_true", help="do not compress: four times as large, in a tenth of the time"
    )
    given = parser.parse_args(arguments)
    chosen = tuple(names[name] for name in given.target or names)
    return Options(chosen, given.out, given.cache, given.version, _epoch(), compress=not given.quick)


def _epoch() -> int:
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not said and shutil.which("git"):
        said = subprocess.run(COMMITTED, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - ours
    return int(said) if said.isdecimal() else NO_COMMIT


def build(target: Target, pins: Mapping[str, Pin], asked: Options) -> Path:
    """Build one package; return it.

    Raises:
        BuildError: Why not.
    """
    wheels = fetch(target, asked.cache, pins)
    with tempfile.TemporaryDirectory(prefix="greengate-deb-") as folder:
        root = Path(folder, "root")
        root.mkdir()
        say(f"{target.name}: lay out {len(wheels)} wheels and the project")
        lay(root, target, wheels, asked.version)
        documents(root, target, asked.version, wheels, asked.epoch)
        _describe(root, target, asked)
        place = asked.out / f"greengate_{version(asked.version, target)}_{target.architecture}.deb"
        say(f"{target.name}: pack{' (a minute or two)' if asked.compress else ''}")
        return pack(root, place, asked)


def _describe(root: Path, target: Target, asked: Options) -> None:
    described = root / "DEBIAN"
    described.mkdir()
    texts = {"control": control(root, target, asked.version), "md5sums": checksums(root)}
    texts |= {name: script(name, root) for name in SCRIPTS}
    for name, text in texts.items():
        (described / name).write_text(text, "utf-8")
    for name in SCRIPTS:
        (described / name).chmod(0o755)
    for path in (root, *root.rglob("*")):  # whatever the umask was
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def pack(root: Path, place: Path, asked: Options) -> Path:
    """Make a package of a folder, whole or not at all.

    Raises:
        BuildError: There is no dpkg-deb, or nothing can be written there.
    """
    if shutil.which("dpkg-deb") is None:
        raise BuildError(EX_UNAVAILABLE, "dpkg-deb is not installed: apt-get install dpkg")
    date(root, asked.epoch)
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".{place.name}")
    # always so many threads: how xz cuts its blocks depends on whether there is more than one
    how = ["--threads-max=2", "-Zxz"] if asked.compress else ["-Znone"]
    done = subprocess.run(  # noqa: S603 - our own command
        ["dpkg-deb", "--root-owner-group", *how, "--build", str(root), str(unfinished)],  # noqa: S607 - of the PATH
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(asked.epoch)},
    )
    if done.returncode != 0:
        unfinished.unlink(missing_ok=True)
        raise BuildError(EX_CANTCREAT, f"dpkg-deb: {' '.join(done.stderr.split())}")
    unfinished.replace(place)
    return place


def main(arguments: list[str] | None = None) -> None:
    """Build what the command line asks for."""
    asked = options(arguments)
    try:
        pins = read()
        check(pins)
        for target in asked.targets:
            began_s = time.monotonic()
            made = build(target, pins, asked)
            seconds = time.monotonic() - began_s
            say(f"{target.name}: {made} ({made.stat().st_size / MIB:.1f} MiB, {seconds:.0f} s)")
    except BuildError as error:
        give_up(error)
    except OSError as error:
        give_up(BuildError(EX_CANTCREAT, f"{error.filename}: {error.strerror}"))
    except KeyboardInterrupt:
        give_up(BuildError(EX_STOPPED, "stopped; the same command goes on with the wheels that are there"))


if __name__ == "__main__":
    main()

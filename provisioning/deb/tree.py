"""The package's files: the private environment, the programs, units and what belongs to them."""

import os
import shutil
import stat
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from provisioning.deb.errors import EX_NOINPUT, BuildError
from provisioning.deb.lock import PROJECT
from provisioning.deb.targets import Target
from provisioning.deb.wheels import unpack

PREFIX = Path("usr/lib/greengate")
UNITS = (".service", ".socket", ".timer", ".target", ".path")
# What lies in systemd/ goes to where systemd, udev and the maintainer scripts look; folders *.d keep their names.
PLACES = {
    **dict.fromkeys(UNITS, "usr/lib/systemd/system/{name}"),
    ".sysusers": "usr/lib/sysusers.d/{stem}.conf",
    ".tmpfiles": "usr/lib/tmpfiles.d/{stem}.conf",
    ".rules": "usr/lib/udev/rules.d/{name}",
    ".toml": "usr/share/greengate/{name}",
}
FOLDERS = {
    "generators": "usr/lib/systemd/system-generators",
    "sysusers.d": "usr/lib/sysusers.d",
    "tmpfiles.d": "usr/lib/tmpfiles.d",
    "udev": "usr/lib/udev/rules.d",
    "rules.d": "usr/lib/udev/rules.d",
    "system.conf.d": "usr/lib/systemd/system.conf.d",
    "journald.conf.d": "usr/lib/systemd/journald.conf.d",
    "modprobe.d": "usr/lib/modprobe.d",
    "modules-load.d": "usr/lib/modules-load.d",
    "sysctl.d": "usr/lib/sysctl.d",
}
REQUIRED = (  # without which a package would be no kiosk
    "usr/lib/systemd/system/greengate.target",
    "usr/lib/systemd/system/greengate-reader.service",
    "usr/lib/systemd/system/greengate-gate.service",
    "usr/lib/systemd/system/greengate-uplink.service",
    "usr/lib/systemd/system/greengate-panel.service",
    "usr/lib/sysusers.d/greengate.conf",
    "usr/lib/tmpfiles.d/greengate.conf",
    "usr/share/greengate/simulation.toml",
)
NOT_PACKED = ("provisioning/deb",)  # what only builds
# What is started by it must not take code from the working folder or from PYTHON* variables either.
ENTRY = """\
#!/{prefix}/bin/python3 -I
import os
import sys

for name in [name for name in os.environ if name.startswith("PYTHON")]:
    del os.environ[name]
os.environ["PYTHONSAFEPATH"] = "1"

from {module} import {function}  # noqa: E402

sys.exit({function}())
"""


def lay(root: Path, target: Target, wheels: Iterable[Path], version: str, project: Path = PROJECT) -> None:
    """Lay all files of a package out below an empty folder.

    Raises:
        BuildError: Something of the project's own is missing, or a wheel cannot be used.
    """
    described = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    described["project"]["version"] = version
    prefix = root / PREFIX
    site = prefix / "lib" / f"python{target.python_version}" / "site-packages"
    site.mkdir(parents=True)
    for wheel in wheels:
        unpack(wheel, site)
    _own(site, described, project)
    _environment(prefix, target)
    _entries(root, described["project"]["scripts"])
    system_parts(root, project / "systemd")


def _environment(prefix: Path, target: Target) -> None:
    (prefix / "bin").mkdir()
    (prefix / "bin" / "python3").symlink_to(f"../../../bin/python{target.python_version}")
    # picamera2 and lgpio come from the system; what is here goes before what is there
    text = f"home = /usr/bin\ninclude-system-site-packages = true\nversion = {target.python_version}\n"
    (prefix / "pyvenv.cfg").write_text(text)


def _own(site: Path, described: dict[str, Any], project: Path) -> None:
    """Copy our packages, as setuptools would by pyproject.toml."""
    setuptools = described["tool"]["setuptools"]
    packed = ["*.py", *setuptools["package-data"]["*"]]
    for include in setuptools["packages"]["find"]["include"]:
        for package in sorted(project.glob(include)):
            for path in sorted(package.rglob("*")):
                name = path.relative_to(project).as_posix()
                hidden = any(name.startswith(f"{other}/") for other in NOT_PACKED)
                if path.is_file() and not hidden and any(fnmatch(path.name, pattern) for pattern in packed):
                    _copy(path, site / name)
    info = site / f"greengate-{described['project']['version']}.dist-info"
    info.mkdir()
    text = "Metadata-Version: 2.1\nName: greengate\nVersion: {version}\nSummary: {description}\n"
    (info / "METADATA").write_text(text.format(**described["project"]), "utf-8")
    (info / "INSTALLER").write_text("dpkg\n")


def _entries(root: Path, scripts: dict[str, str]) -> None:
    (root / "usr/bin").mkdir(parents=True)
    for name, place in scripts.items():
        module, _, function = place.partition(":")
        program = root / PREFIX / "bin" / name
        program.write_text(ENTRY.format(prefix=PREFIX, module=module, function=function))
        program.chmod(0o755)
        (root / "usr/bin" / name).symlink_to(f"../lib/greengate/bin/{name}")


def system_parts(root: Path, source: Path) -> None:
    """Copy units and what belongs to them.

    Raises:
        BuildError: One without which there is no kiosk is missing, or it is not known where one belongs.
    """
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        place = _place(path.relative_to(source))
        if place is not None:
            _copy(path, root / place)
    missing = [name for name in REQUIRED if not (root / name).is_file()]
    if missing:
        raise BuildError(EX_NOINPUT, f"{source}: what becomes {', '.join(missing)} is not there")


def _place(path: Path) -> str | None:
    """Return where a file of `systemd/` belongs; None: nowhere, it tells people something."""
    folder = path.parent.name
    if path.suffix in {".md", ".py", ".sh"}:
        return None
    if folder in FOLDERS:
        return f"{FOLDERS[folder]}/{path.name}"
    if folder.endswith(tuple(f"{suffix}.d" for suffix in UNITS)):
        return f"usr/lib/systemd/system/{folder}/{path.name}"
    if path.suffix in PLACES:
        return PLACES[path.suffix].format(name=path.name, stem=path.stem)
    raise BuildError(EX_NOINPUT, f"systemd/{path}: it is not known where this belongs: provisioning/deb/tree.py says")


def _copy(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)
    place.chmod(0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644)


def date(root: Path, epoch: int) -> None:
    """Give everything below a folder one time, so that the same files make the same package."""
    for folder, names, inside in os.walk(root):
        for name in (*names, *inside, ""):
            os.utime(Path(folder, name), (epoch, epoch), follow_symlinks=False)

"""The package's description: control file, maintainer scripts, changelog, copyright."""

import gzip
import hashlib
import re
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime
from email.message import Message
from email.utils import format_datetime
from pathlib import Path

from provisioning.deb.lock import HERE, PROJECT
from provisioning.deb.targets import GLIBC, Target
from provisioning.deb.tree import PREFIX
from provisioning.deb.wheels import contents, files, metadata

SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
MAINTAINER = "The Cong Xanh maintainers <maintainers@greengate.invalid>"
ZBAR = {12: "libzbar0", 13: "libzbar0t64"}
STARTED = "greengate.target"  # what is enabled and started; it wants the rest. A centre enables its own units itself
DOC = Path("usr/share/doc/greengate")
KIB = 1024
OURS = """\
Files: *
Copyright: The Cong Xanh maintainers
License: {licence}
 The text is in /usr/share/common-licenses/Apache-2.0.
"""
DEPENDS = (
    "python3 (>= {python}), python3 (<< {next_python}), libc6 (>= 2.{glibc}), libgcc-s1, libstdc++6, {zbar}",
    "systemd (>= 252), systemd-sysv, udev, passwd, ca-certificates",
)
CONTROL = """\
Package: greengate
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: {depends}
Recommends: python3-picamera2, python3-lgpio
Suggests: mosquitto, dosfstools, mtools, exfatprogs, python3-reportlab, fonts-dejavu-core
Section: net
Priority: optional
Description: checkpoint appliance that verifies green passes offline
 Cong Xanh reads a pass (QR code), verifies its signature on the device, lights
 a lamp, and brings each check-in to the centre exactly once. Freshly installed
 it is a kiosk in simulation; "greengate enrol" makes it a real one.
 .
 All Python code lies in an environment of its own, /usr/lib/greengate; of the
 system's it uses the interpreter, and picamera2 and lgpio where they are.
"""
THEIRS = """\
Files:
 {files}
Copyright: {who}
License: {licence}
 {name} {version}, a wheel as its makers published it; the text is in its *.dist-info.
"""


def version(project: str, target: Target) -> str:
    """Return Debian's version for Python's: a release candidate comes before its release."""
    before_release = re.sub(r"[._-]?(a|b|rc|dev)([0-9]+)", r"~\1\2", project)
    return f"{before_release}~deb{target.debian}"


def control(root: Path, target: Target, project_version: str) -> str:
    """Return the control file of a package whose files lie below a folder."""
    size = sum(path.lstat().st_size // KIB + 1 for path in files(root) if "DEBIAN" not in path.parts)
    depends = ", ".join(DEPENDS).format(
        python=target.python_version,
        next_python=target.next_python,
        glibc=GLIBC[target.debian],
        zbar=ZBAR[target.debian],
    )
    return CONTROL.format(
        version=version(project_version, target),
        architecture=target.architecture,
        maintainer=MAINTAINER,
        size=size,
        depends=depends,
    )


def script(name: str, root: Path) -> str:
    """Return a maintainer script, with what it shares and with the names of units and users in a package's files."""
    folder = HERE / "scripts"
    text = (folder / name).read_text("utf-8").replace("#COMMON#\n", (folder / "common.sh").read_text("utf-8"))
    text = text.replace("#COUNT#\n", (HERE / "count.py").read_text("utf-8"))
    declared = (root / "usr/lib/sysusers.d/greengate.conf").read_text("utf-8")
    users, groups = (re.findall(rf"^{kind} (greengate\S*)", declared, re.MULTILINE) for kind in "ug")
    units = sorted((root / "usr/lib/systemd/system").glob("greengate*"))
    others = [unit.name for unit in units if unit.is_file() and "[Install]" in unit.read_text("utf-8")]
    others.remove(STARTED)
    names = {"ENABLED": [STARTED], "OTHERS": others, "USERS": users, "GROUPS": groups}
    for placeholder, values in names.items():
        text = text.replace(f"@{placeholder}@", " ".join(values))
    return text


def checksums(root: Path) -> str:
    """Return md5sums, which dpkg --verify compares."""
    lines = []
    for path in files(root):
        name = path.relative_to(root)
        if not path.is_symlink() and name.parts[0] != "DEBIAN":
            digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            lines.append(f"{digest}  {name.as_posix()}\n")
    return "".join(lines)


def documents(root: Path, target: Target, project_version: str, wheels: Iterable[Path], epoch: int) -> None:
    """Write changelog and copyright, and take the guides along."""
    folder = root / DOC
    folder.mkdir(parents=True)
    date = format_datetime(datetime.fromtimestamp(epoch, UTC))
    entry = (
        f"greengate ({version(project_version, target)}) unstable; urgency=medium\n\n"
        f"  * See CHANGELOG.md.gz.\n\n -- {MAINTAINER}  {date}\n"
    )
    texts = {"changelog.gz": entry.encode(), "CHANGELOG.md.gz": (PROJECT / "CHANGELOG.md").read_bytes()}
    for name, text in texts.items():
        (folder / name).write_bytes(gzip.compress(text, mtime=0))
    overrides = root / "usr/share/lintian/overrides/greengate"
    overrides.parent.mkdir(parents=True)
    overrides.write_bytes((HERE / "scripts" / "lintian-overrides").read_bytes())
    (folder / "copyright").write_text(_copyright(target, wheels), "utf-8")
    docs = PROJECT / "docs"
    for guide in sorted(docs.rglob("*")):
        example = guide.suffix == ".json" and guide.parent != docs  # rules and profiles to begin with, test vectors
        if example or guide.suffix in {".md", ".toml", ".svg"}:
            to = folder / guide.relative_to(docs)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(guide.read_bytes())


def _copyright(target: Target, wheels: Iterable[Path]) -> str:
    """Return what is under which licence (DEP 5), by what each wheel says of itself."""
    site = f"{PREFIX}/lib/python{target.python_version}/site-packages"
    licence = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["license"]
    parts = [
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: greengate\n",
        OURS.format(licence=licence),
    ]
    for wheel in wheels:
        said = metadata(wheel)
        who = said["Author"] or said["Author-email"] or said["Maintainer-email"] or f"the authors of {said['Name']}"
        parts.append(
            THEIRS.format(
                files="\n ".join(f"{site}/{name}" for name in contents(wheel)),
                who=" ".join(str(who).split()),
                licence=licence_of(said),
                name=said["Name"],
                version=said["Version"],
            )
        )
    return "\n".join(parts)


def licence_of(wheel: Message) -> str:
    """Return what a wheel says of its licence, on one line."""
    said = wheel["License-Expression"] or wheel["License"]
    if said and "\n" not in str(said).strip() and len(str(said)) < 80:  # noqa: PLR2004 - else it is the whole text
        return " ".join(str(said).split())
    classified = [one.rsplit(" :: ", 1)[-1] for one in wheel.get_all("Classifier", []) if one.startswith("License ::")]
    return " and ".join(classified) or "see its folder"

"""A root folder to run maintainer scripts in, with every program that would change this machine replaced."""

import os
import sqlite3
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.deb.control import SCRIPTS, script

UNITS = {
    "greengate.target": "[Install]\nWantedBy=multi-user.target\n",
    "greengate-collector.service": "[Install]\nWantedBy=multi-user.target\n",
    "greengate-gate.service": "[Service]\n",
}
SYSUSERS = "g greengate - -\ng gpio - -\nu greengate-gate - -\nu greengate-centre - -\nm greengate-gate gpio\n"
# each fake writes what it was told to a log, and answers as its file says
FAKE = """\
#!/bin/sh
echo "{name} $*" >>{log}
{answer}
"""
ANSWERS = {
    "systemctl": "[ $2 != is-enabled ] || exit 1",
    "getent": 'grep "^$2:" {root}/etc/$1',
    "systemd-tmpfiles": "mkdir -p {root}/var/lib/greengate/journal",
    "setpriv": 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
    "findmnt": "grep -q /var/lib/greengate {root}/etc/fstab",
    "mountpoint": "[ -e {root}/mounted ]",
    "install": 'shift 6; cp "$1" "$2"',  # this machine has no such group
}
NAMES = (
    "systemd-sysusers",
    "deb-systemd-helper",
    "deb-systemd-invoke",
    "udevadm",
    "userdel",
    "groupdel",
    "sync",
    "chown",
)


@dataclass(slots=True)
class Root:
    """Lay out what a package's files and a small system are, below a folder."""

    folder: Path
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder / "log"
        self.log.touch()
        self.put("usr/lib/sysusers.d/greengate.conf", SYSUSERS)
        self.put("usr/share/greengate/simulation.toml", "# simulation\n")
        self.put("etc/passwd", "greengate-gate:x:990:\ngreengate-centre:x:991:\n")
        self.put("etc/group", "greengate:x:990:\ngpio:x:991:\n")
        self.put("etc/fstab", "")
        for name, text in UNITS.items():
            self.put(f"usr/lib/systemd/system/{name}", text)
        (self.folder / "run/systemd/system").mkdir(parents=True)
        self.put("usr/lib/greengate/lib/python3.11/site-packages/__pycache__/a.pyc", "")
        self.fake("python3", place="usr/lib/greengate/bin/python3")
        for name in (*NAMES, *ANSWERS):
            self.fake(name, ANSWERS.get(name, "").replace("{root}", str(self.folder)))

    def put(self, name: str, text: str) -> Path:
        """Write a file below the root."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def fake(self, name: str, answer: str = "", place: str | None = None) -> None:
        """Replace a program."""
        path = self.put(place or f"fakes/{name}", FAKE.format(name=name, log=self.log, answer=answer))
        path.chmod(0o755)

    def journal(self, rows: int, name: str = "journal.db", *, acknowledged: int = 0) -> Path:
        """Make a journal that holds so many check-ins, of which the centre has the first ones."""
        path = self.folder / "var/lib/greengate/journal" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("CREATE TABLE checkin (seq INTEGER PRIMARY KEY)")
            db.executemany("INSERT INTO checkin VALUES (?)", [(row,) for row in range(1, rows + 1)])
            db.execute("CREATE TABLE meta (acked_seq INTEGER)")
            db.execute("INSERT INTO meta VALUES (?)", (acknowledged,))
        db.close()
        return path

    def run(self, name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a maintainer script as dpkg does."""
        assert name in SCRIPTS
        path = self.put(f"scripts/{name}", script(name, self.folder))
        return subprocess.run(
            ["sh", "-u", str(path), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            cwd=self.folder,
            env={"PATH": f"{self.folder}/fakes:{os.environ['PATH']}", "DPKG_ROOT": str(self.folder), **environment},
        )

    def told(self, name: str) -> list[str]:
        """Return what a program was told, a line a call."""
        lines = self.log.read_text().splitlines()
        return [line.removeprefix(f"{name} ") for line in lines if line.split()[0] == name]

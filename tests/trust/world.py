"""A nation's centre and its kiosks, by the programs that they run: published here, synced and judged there."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from centre.main import app
from firmware.config import load_config
from firmware.sync import synchronise
from firmware.sync_update import Outcome
from firmware.trust_folder import load_trust
from firmware.trust_switch import Trusted
from provisioning.issuer import DemoIssuer
from tests.firmware.judged import judge
from tests.firmware.site import make_site
from tests.firmware.stores import profile
from tests.verifier.rule_files import encoded

NOW = datetime.now(UTC).replace(microsecond=0)  # the programs ask the system's clock
ISSUER, OTHER = DemoIssuer(NOW), DemoIssuer(NOW)
CROWD = 2000  # revoked from the first day on, so that a few more are a small part
UNKNOWN = ("refused", "unknown-issuer")
ACCEPTED = ("accepted", "valid")
REVOKED = ("refused", "revoked")


def uvci(number: int) -> str:
    """Return the identifier of one of many passes."""
    return f"URN:UVCI:01:VN:{number:08}#A"


def lists(folder: Path, *numbers: int) -> Path:
    """Write a list of passes to revoke."""
    path = folder / f"stolen-{numbers[0]}.txt"
    path.write_text("".join(f"{uvci(number)}\n" for number in numbers), "utf-8")
    return path


def pass_of(number: int, issuer: DemoIssuer = ISSUER) -> str:
    return issuer.issue({"ci": uvci(number)})


def rule(name: str, version: int = 1, *areas: str) -> bytes:
    said = {"id": name, "version": version, "valid_from": "2026-01-01T00:00:00Z", "valid_to": None}
    body = {
        "Identifier": name,
        "Type": "Acceptance",
        "Country": "XX",  # nobody's: what rules say is not told here
        "Version": f"{version}.0.0",
        "SchemaVersion": "1.0.0",
        "Engine": "CERTLOGIC",
        "EngineVersion": "1.0.0",
        "CertificateType": "General",
        "Description": [{"lang": "en", "desc": "Nothing is required."}],
        "ValidFrom": "2026-01-01T00:00:00Z",
        "ValidTo": "2036-01-01T00:00:00Z",
        "AffectedFields": ["dob"],
        "Logic": {"!": [{"!": [{"var": "payload"}]}]},
    }
    return json.dumps(said | {"scope": {"areas": areas, "lanes": []}, "rule": body}).encode()


class Centre:
    """A home, and the commands of `greengate-centre trust` on it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.home, self.web = folder, folder / "home", folder / "web"
        self.repo = self.home / "trust" / "repo"

    @classmethod
    def begun(cls, folder: Path) -> "Centre":
        """Return one that trusts `ISSUER` and revoked many passes, published in its `web`."""
        made = cls(folder)
        made.quick("init")
        made.quick("add-key", made.given("issuer.der", ISSUER.certificate_der))
        made.ask_for_any_document()
        made.quick("revoke", "--format", "uvci", lists(folder, *range(100_000, 100_000 + CROWD)))
        made.publish()
        return made

    def ask_for_any_document(self) -> None:
        """Take a profile into the draft for lanes that are called nothing else."""
        self.quick("add-rules", "--profile", self.given("default.json", encoded(profile())))

    def run(self, *words: str | Path, code: int = 0) -> dict[str, Any]:
        """Run a command as people do; return the last line of its JSON."""
        line = [sys.executable, "-m", "centre.main", "trust", *self._words(words)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return last_json(done.stdout)

    def quick(self, *words: str | Path, code: int = 0) -> dict[str, Any]:
        """Run a command in this process."""
        done = CliRunner().invoke(app, ["trust", *self._words(words)])
        assert done.exit_code == code, (done.output, done.exception)
        return last_json(done.stdout)

    def publish(self, *words: str | Path) -> dict[str, Any]:
        """Publish to the web server."""
        return self.quick("publish", "--to", self.web, *words)

    def given(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    @property
    def files(self) -> dict[str, bytes]:
        """Return what a web server of this centre has."""
        paths = [path for path in self.web.rglob("*") if path.is_file()]
        return {path.relative_to(self.web).as_posix(): path.read_bytes() for path in paths}

    def _words(self, words: tuple[str | Path, ...]) -> list[str]:
        return [*map(str, words), "--home", str(self.home), "--json"]


class Kiosk:
    """A kiosk's configuration and trust store, the sync that fills it, and the gate's judgement by it."""

    def __init__(self, folder: Path, *trust: str) -> None:
        """Configure one; `trust` are further lines of its section."""
        self.config_path = make_site(folder).config_path
        lines = "\n".join(['folder = "store"', *trust])
        text = self.config_path.read_text("utf-8").replace('folder = "trust"', lines)
        self.config_path.write_text(text, "utf-8")
        self.store = folder / "store"

    def copied(self, folder: Path) -> "Kiosk":
        """Return another kiosk that knows the same."""
        made = Kiosk(folder)
        shutil.copytree(self.store, made.store, symlinks=True)
        return made

    def sync(self, *words: str | Path, code: int = 0) -> dict[str, Any]:
        """Run the sync as its timer does; return the line that it prints."""
        line = [sys.executable, "-m", "firmware.sync", "--config", str(self.config_path), "--json", *map(str, words)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return last_json(done.stdout)

    def take(self, where: Path) -> Outcome:
        """Sync in this process, from a folder as it lies. Raises: SyncError."""
        root = None if (self.store / "root.json").exists() else where / "root.json"
        return synchronise(load_config(self.config_path), str(where), root=root)

    @property
    def trusted(self) -> Trusted:
        """Return what a gate that starts now judges by."""
        return Trusted(load_trust(self.store))

    def answer(self, text: str, at: datetime = NOW) -> tuple[str, str]:
        """Return verdict and reason that the gate has for a pass at a time."""
        trusted = self.trusted
        judgement = judge((text,), trusted, at, clock_trusted=True, stale=trusted.stale(at))
        return judgement.verdict, judgement.reason

    @property
    def rules(self) -> dict[str, int]:
        """Return the rules in the store, with their versions."""
        knowledge = self.trusted.trust.knowledge
        assert knowledge is not None
        return {one.id: one.version for one in knowledge.rules if one.kind == "rule"}

    @property
    def current(self) -> str:
        return (self.store / "current").readlink().name


def last_json(text: str) -> dict[str, Any]:
    """Return the last line of what a command printed with --json."""
    found = json.loads(text.splitlines()[-1])
    assert isinstance(found, dict)
    return found

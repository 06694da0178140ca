"""A centre that issues permits, in a folder, and commands run on it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from centre.main import app
from centre.permits import commands, issue_command, key_commands
from centre.permits.encoding import KINDS
from centre.permits.fields import Wanted, wanted
from centre.permits.home import PermitHome
from centre.permits.keys import IssuingKey, load, make
from centre.permits.ledger import Ledger
from centre.trust.home import TrustHome
from centre.trust.signer_draft import read_draft, write_draft
from drivers.clock.simulated import SimulatedClock
from verifier.signers import SignerEntry

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
VEHICLE = {
    "plate": "51C-123.45",
    "class": "lorry",
    "carrier": "0312345678",
    "route": "QL1A;CT01",
    "goods": "essential",
    "hours": "22:00-05:00",
    "crew": "2",
    "days": "30",
}
HOLDER = {"family": "Nguyễn", "given": "Văn Đức", "born": "1990-01-31", "document": "1234"}
TRAVEL = HOLDER | {
    "employer": "Công ty A",
    "purpose": "work",
    "areas": "VN-SG VN-BD",
    "hours": "5:00-21:00",
    "days": "7",
}
DECLARATION = HOLDER | {"declared": "2026-11-22T12:00", "risk": "none", "days": "3"}
TEST = HOLDER | {
    "method": "pcr",
    "sampled": "2026-11-21T08:00",
    "resulted": "2026-11-21T20:00",
    "result": "not-detected",
    "laboratory": "Trung tâm Y tế Quận 1",
    "days": "3",
}
ALL = {"vehicle": VEHICLE, "travel": TRAVEL, "declaration": DECLARATION, "test": TEST}


def flags(fields: dict[str, str]) -> list[str]:
    """Return fields as options."""
    return [word for name, text in fields.items() for word in (f"--{name}", text)]


def table(*rows: dict[str, str]) -> bytes:
    """Return rows as a table whose header has all of their fields."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    lines = [header, *([row.get(name, "") for name in header] for row in rows)]
    return "".join(",".join(line) + "\n" for line in lines).encode()


class Office:
    """A home with an issuing key, and commands run on it; its clock stands still."""

    def __init__(self, folder: Path, clock: SimulatedClock) -> None:
        self.folder = folder
        self.clock = clock
        self.home = folder / "home"
        self.home.mkdir()
        self.out = folder / "out"
        self.out.mkdir()

    @property
    def permits(self) -> PermitHome:
        return PermitHome(self.home)

    @property
    def trust(self) -> TrustHome:
        return TrustHome(self.home)

    def key(self, name: str | None = None) -> IssuingKey:
        return load(self.permits, name)

    def run(self, *words: str | Path, code: int = 0, of: str = "permit") -> Result:
        done = CliRunner().invoke(app, [of, *map(str, words), "--home", str(self.home)])
        assert done.exit_code == code, (done.output, done.exception)
        return done

    def json(self, *words: str | Path, code: int = 0, of: str = "permit") -> list[Any]:
        return [json.loads(line) for line in self.run(*words, "--json", code=code, of=of).stdout.splitlines()]

    def issued(self, kind: str = "vehicle", *more: str | Path, **fields: str) -> Any:  # noqa: ANN401 - JSON
        """Issue a permit, and return what is told of it."""
        words = flags(ALL[kind] | fields)
        return self.json("issue", kind, *words, "--out", self.out, *more)[-1]

    def refused(self, *words: str | Path, code: int) -> str:
        """Run what is refused; return the one line that says why, which --json says as well."""
        line = self.run(*words, code=code).stderr
        assert line.count("\n") == 1, line
        assert self.json(*words, code=code)[-1]["error"] + "\n" == line
        return line

    def given(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def with_trust(self) -> "Office":
        """Make the nation's trust repository in the same home."""
        self.run("init", of="trust")
        return self

    def trusted(self, **bounds: Any) -> "Office":  # noqa: ANN401 - an entry's fields
        """Put the key into the draft of the nation's signers."""
        key = self.key()
        about = {"kinds": KINDS} | bounds
        entry = SignerEntry(kid=key.kid, format="lx1", certificate=key.der(), **about)
        write_draft(self.trust, [*read_draft(self.trust), entry])
        return self

    def ledger(self) -> Ledger:
        return Ledger.open(self.permits)


def new_office(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Return a centre with one key, of Ho Chi Minh City's, whose commands have its clock."""
    clock = SimulatedClock(AT)
    for module in (commands, issue_command, key_commands):
        monkeypatch.setattr(module, "open_clock", lambda _: clock)
    office = Office(folder, clock)
    make(office.permits, "sg", "VN-SG", AT)
    return office


def asked(kind: str = "vehicle", **fields: str) -> Wanted:
    """Return what fields ask for."""
    return wanted(kind, ALL[kind] | fields)

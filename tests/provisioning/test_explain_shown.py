"""`greengate explain` for people: a table in both languages, and no pass commands the terminal."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioning.issuer import DemoIssuer
from tests.provisioning.command import Done, greengate

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ISSUER = DemoIssuer(AT)
GOOD = ISSUER.issue()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "signer.der"
    path.write_bytes(ISSUER.certificate_der)
    return path


def explain(*arguments: str | Path, given: str | bytes | None = None) -> Done:
    return greengate("explain", "--at", AT.isoformat(), "--json", *arguments, given=given)


def test_people_get_a_table_in_both_languages(certificate: Path) -> None:
    expired = ISSUER.issue(expires=AT - timedelta(hours=1))
    done = greengate("explain", "--at", AT.isoformat(), "--dsc", certificate, expired)
    assert done.code == 1
    assert "✗ refused: expired" in done.out
    assert "MÃ ĐÃ HẾT HẠN" in done.out
    assert "EXPIRED" in done.out
    assert re.search(r"time\s+✗ failed\s+held until", done.out)
    assert re.search(r"signature\s+✓ ok", done.out)
    assert "NGUYEN" in done.out


def test_a_pass_cannot_write_markup_to_the_terminal(certificate: Path) -> None:
    done = greengate("explain", "--at", AT.isoformat(), "--dsc", certificate, ISSUER.issue({"is": "[red]x[/red] [/]"}))
    assert done.code == 0
    assert "[red]x[/red] [/]" in done.out


def test_a_pass_commands_no_terminal(certificate: Path) -> None:
    hostile = ISSUER.issue({"is": "x\x1b]0;owned\x07\u202ey"})
    done = greengate("explain", "--at", AT.isoformat(), "--dsc", certificate, hostile)
    assert "owned" in done.out
    assert not {"\x1b", "\x07", "\u202e"} & set(done.out)


def test_a_terminal_that_knows_only_ascii_gets_its_answer_too() -> None:
    command = [sys.executable, "-m", "provisioning.main", "explain", "HC1:"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "refused: bad-compression" in done.stdout

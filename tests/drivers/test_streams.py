"""A command whose streams are closed, full or not read: one line at most, never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = {"greengate": "provisioning.main", "greengate-centre": "centre.main"}
SAYS = {"greengate": "config explain camera.kind", "greengate-centre": "device list --home {home}"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("centre") / "home"
    for line in (("ca", "init"), ("device", "add", "gate-1")):
        whole = [sys.executable, "-m", "centre.main", *line, "--home", str(made)]
        subprocess.run(whole, check=True, capture_output=True)
    return made


def run(name: str, home: Path, redirected: str) -> subprocess.CompletedProcess[str]:
    line = f"{sys.executable} -m {COMMANDS[name]} {SAYS[name].format(home=home)} {redirected}"
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_closed_streams_are_nowhere(name: str, home: Path) -> None:
    done = run(name, home, "<&- >&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_told_in_one_line(name: str, home: Path) -> None:
    done = run(name, home, ">/dev/full")
    assert (done.returncode, len(done.stderr.splitlines())) == (73, 1)
    assert done.stderr.startswith("standard output: No space left on device")


@pytest.mark.parametrize("name", COMMANDS)
def test_nobody_reads_it(name: str, home: Path) -> None:
    done = run(name, home, "| true")
    assert done.stderr == ""


def test_bytes_that_are_no_text_are_no_crash(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "provisioning.main", "prepare", "--lang", "en", "--name", "a", "--site", "S"]
    line += ["--lane", "A", "--broker", "b", "--wifi", "Net", "--yes", str(tmp_path)]
    (tmp_path / "config.txt").touch()
    done = subprocess.run(line, input=b"\xff\xfe\xff\xfe\xff\xfe\xff\xfe\n", capture_output=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)

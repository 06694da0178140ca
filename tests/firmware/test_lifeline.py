"""A process ends with the one that started it."""

import os
import subprocess
import sys
from pathlib import Path

from firmware.lifeline import STARTER, tied
from tests.firmware.appliance import alive, children_of, wait_until
from tests.firmware.site import make_site


def test_a_command_is_started_and_ends_with_its_starter() -> None:
    starter = (
        "import subprocess; from firmware.lifeline import tied; subprocess.run(tied(['sleep', '60']))"  # and waits
    )
    with subprocess.Popen([sys.executable, "-c", starter]) as process:
        wait_until(lambda: _commands(process.pid) == ["sleep"], "it has become the command")
        (child,) = children_of(process.pid)
        process.kill()
    wait_until(lambda: not alive(child), "it has ended")


def _commands(pid: int) -> list[str]:
    return [Path(f"/proc/{child}/comm").read_text("utf-8").strip() for child in children_of(pid)]


def test_a_command_keeps_its_arguments_and_its_status() -> None:
    done = subprocess.run(tied(["sh", "-c", "echo $0; exit 3", "a b"]), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "a b\n")


def test_one_whose_starter_is_gone_already_does_not_start(tmp_path: Path) -> None:
    command = tied(["echo", "started"])
    command[command.index(str(os.getpid()))] = "1"
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    site = make_site(tmp_path)
    for starter, status in (("1", 1), (str(os.getpid()), 0)):
        ours = [sys.executable, "-m", "firmware.darken", "--config", str(site.config_path)]
        assert subprocess.run(ours, env=os.environ | {STARTER: starter}, check=False).returncode == status

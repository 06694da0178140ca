"""A machine that starts again: with a root that nobody can write, and after its power was cut."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance import roots
from tests.appliance.identity import CURRENT, NAMES_IN_CONFIG, lay_identity
from tests.appliance.machine import booted
from tests.appliance.packages import install, package

pytestmark = pytest.mark.appliance
PROGRAMS = ("greengate-reader", "greengate-gate", "greengate-panel")
READ_ONLY = ("--read-only", "--tmpfs=/var/lib/greengate:mode=755", "--tmpfs=/tmp", "--tmpfs=/var/tmp")
NONE_FAILED = "systemctl list-units --failed --plain --no-legend 'greengate*'"


@pytest.fixture(scope="module")
def installed(debian: Path) -> Iterator[Path]:
    """Give a root in which our package is installed, and that is not running."""
    with roots.overlay(debian) as root:
        with booted(root) as machine:
            install(machine, package())
            machine.wait_green()
        yield root


def test_with_a_root_that_is_read_only_a_kiosk_works(installed: Path) -> None:
    with booted(installed, options=READ_ONLY) as machine:
        assert machine.run("touch /etc/x", check=False).status != 0
        machine.wait_active(PROGRAMS, 10)
        machine.wait_green()
        assert machine.run(NONE_FAILED).out == ""


def test_after_power_cuts_a_kiosk_works_and_what_was_recorded_is_there(installed: Path) -> None:
    unsent = 0
    for _ in range(3):
        with booted(installed) as machine:
            if not unsent:
                lay_identity(machine.root_of(CURRENT))
                machine.run(NAMES_IN_CONFIG)
                machine.run("systemctl restart greengate.target")
            machine.wait_green()
            assert machine.run(NONE_FAILED).out == ""
            sound = machine.run("greengate journal verify --json").out
            recorded = sum(event["event"] == "decided" for event in machine.events())
            assert int(sound.split('"unsent":')[1].split(",")[0]) >= unsent
            unsent += recorded
            os.kill(machine.leader, signal.SIGKILL)

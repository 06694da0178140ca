"""A fresh Debian with a network, one command, and the time until the first pass is accepted."""

import time

import pytest

from tests.appliance import roots
from tests.appliance.machine import booted
from tests.appliance.packages import APT, install, package

pytestmark = pytest.mark.appliance
FIRST_PASS_S = 300.0


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_one_command_on_a_fresh_debian_gives_a_kiosk_that_accepts_its_first_pass(suite: str) -> None:
    deb = package(suite=suite)
    with roots.overlay(roots.cached_root(roots.BARE, suite)) as root, booted(root, network=True) as machine:
        machine.run(f"{APT} update")
        start_s = time.monotonic()
        install(machine, deb)
        machine.wait_green(FIRST_PASS_S)
        assert time.monotonic() - start_s < FIRST_PASS_S
        failed = machine.run("systemctl list-units --failed --plain --no-legend 'greengate*'").out
        assert failed == ""

"""What a card brings becomes the kiosk's, by a service that has no capability."""

from pathlib import Path

import pytest

from tests.appliance import roots
from tests.appliance.machine import booted
from tests.appliance.packages import install, package

pytestmark = pytest.mark.appliance
CARD = "/boot/firmware/greengate"
CONFIG = "/etc/greengate/greengate.toml"


def test_the_card_s_configuration_is_in_force_and_the_programs_may_read_it(debian: Path) -> None:
    with roots.overlay(debian) as root, booted(root) as machine:
        install(machine, package())
        machine.wait_green()
        machine.run(f"mkdir -p {CARD}; sed 's/^name = .*/name = \"gate-9\"/' {CONFIG} >{CARD}/greengate.toml")
        machine.run("systemctl start greengate-first-boot", check=False)
        said = machine.run("journalctl --no-pager -o cat -u greengate-first-boot").out
        assert machine.show("greengate-first-boot", "Result") == "success", said
        assert "gate-9" in machine.run(f"cat {CONFIG}").out
        assert machine.run(f"stat -c '%U %G %a' {CONFIG}").out == "root greengate 640"
        assert machine.run(f"ls {CARD}").out.split() == ["greengate.toml.done", "result.json"]
        light = machine.wait_green()
        machine.wait("the gate to be started anew", lambda: machine.lamps()[-1]["t_ns"] > light["t_ns"], 20)
        assert "gate-9" in machine.run("cat /run/greengate/running.toml").out

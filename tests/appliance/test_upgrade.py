"""From the version before to this one, and away again: what is kept, what is refused, what is left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance import roots
from tests.appliance.machine import Machine, booted
from tests.appliance.packages import APT, BEFORE, install, package

pytestmark = pytest.mark.appliance
DATA = "/var/lib/greengate"
KEYS = ("device.key", "device.pem", "ca.pem")
READY_S = 5.0


@pytest.fixture(scope="module")
def upgraded(debian: Path) -> Iterator[tuple[Machine, dict[str, str]]]:
    """Give a kiosk that was upgraded, and what it held before."""
    with roots.overlay(debian) as root, booted(root) as machine:
        install(machine, package(BEFORE))
        machine.wait_green()
        machine.run(
            f"""umask 077; mkdir {DATA}/identity/0001; cd {DATA}/identity/0001
            for file in {" ".join(KEYS)}; do echo $file >$file; done"""
        )
        machine.run(
            f"ln -s 0001 {DATA}/identity/current; sed -i 's/^lane = .*/lane = \"7\"/' /etc/greengate/greengate.toml"
        )
        machine.wait_for("check-ins", f"[ $({COUNT}) -ge 2 ]", 30)
        held = {
            "version": machine.run(VERSION).out,
            "first": machine.run(FIRST).out,
            "keys": machine.run(LISTED).out,
            "config": machine.run("cat /etc/greengate/greengate.toml").out,
        }
        install(machine, package())
        yield machine, held


def _sql(query: str) -> str:
    db = f"sqlite3.connect('file:{DATA}/journal/journal.db?mode=ro', uri=True)"
    return f"""python3 -c "import sqlite3; print(*{db}.execute('{query}').fetchone())\""""


COUNT = _sql("SELECT count(*) FROM checkin")
FIRST = _sql("SELECT * FROM checkin ORDER BY rowid LIMIT 1")
VERSION = "dpkg-query -W -f '${Version}' greengate"
LISTED = f"cd {DATA}/identity; stat -c '%n %a %U %G %N' current/* current; cat current/*"


def test_an_upgrade_keeps_journal_keys_and_configuration(upgraded: tuple[Machine, dict[str, str]]) -> None:
    machine, held = upgraded
    assert machine.run(VERSION).out != held["version"]
    assert machine.run(FIRST).out == held["first"]
    assert machine.run(LISTED).out == held["keys"]
    assert machine.run("cat /etc/greengate/greengate.toml").out == held["config"]


def test_after_an_upgrade_the_new_programs_run(upgraded: tuple[Machine, dict[str, str]]) -> None:
    machine, _ = upgraded
    for name in ("greengate-gate", "greengate-reader", "greengate-panel"):
        machine.wait_for(name, f"systemctl is-active --quiet {name}", READY_S)
    machine.wait_green()


def test_a_removal_stops_everything_and_darkens_the_lamps(upgraded: tuple[Machine, dict[str, str]]) -> None:
    machine, held = upgraded
    machine.wait_green()
    machine.run(f"{APT} remove greengate")
    assert not machine.lamps()[-1]["green"]
    assert (
        machine.run("systemctl list-units --plain --no-legend --state=active,activating,failed 'greengate*'").out == ""
    )
    assert machine.run("pgrep -f [f]irmware", check=False).out == ""
    assert machine.run(FIRST).out == held["first"]
    assert machine.run(LISTED).out == held["keys"]


def test_a_purge_refuses_while_check_ins_are_unsent_and_says_so(upgraded: tuple[Machine, dict[str, str]]) -> None:
    machine, held = upgraded
    said = machine.run(f"{APT} purge greengate", check=False)
    assert said.status != 0
    assert "check-ins not sent" in said.err + said.out
    assert machine.run(FIRST).out == held["first"]


def test_told_so_a_purge_leaves_nothing(upgraded: tuple[Machine, dict[str, str]]) -> None:
    machine, _ = upgraded
    machine.run(f"GREENGATE_PURGE_UNSENT=yes {APT} purge greengate")
    found = (
        "find / -xdev \\( -name '*greengate*' -o -path '*/greengate/*' \\) -not -path '/proc/*' -not -path '/var/log/*'"
    )
    left = machine.run(
        f"{found} -not -path '/var/lib/apt/*' -not -path '/var/cache/apt/*' 2>/dev/null", check=False
    ).out
    assert left.split() == []
    assert "greengate" not in machine.run("cat /etc/passwd /etc/group").out

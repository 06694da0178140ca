"""A card that was prepared, a machine that starts with it, and what a technician does at the kiosk from then on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.appliance import roots
from tests.appliance.centre import AS, SERVICES, STORE, lay_centre, new_device, pin, stored
from tests.appliance.machine import Machine, booted
from tests.appliance.packages import install, package

pytestmark = pytest.mark.appliance
BOOT = "/boot/firmware"
CARD = "/mnt/card"  # as another machine sees it: prepare refuses the boot partition of its own
STICK = "/srv/stick"
ARRIVE_S = 60.0
AT_ONCE = "/etc/systemd/system/greengate-first-boot.service.d"  # its centre starts at the same time: no minute's wait


@pytest.fixture(scope="module")
def carded() -> Iterator[tuple[Machine, str]]:
    """Give a kiosk that started with a card for it in the machine, and the one-time code that was on the card."""
    with roots.overlay(roots.cached_root(roots.WITH_BROKER)) as root:
        with booted(root) as machine:
            install(machine, package())
            lay_centre(machine)
            code = new_device(machine, "gate-7")
            machine.run(
                f"""systemctl enable {" ".join(SERVICES)}; systemctl stop greengate.target
                mkdir -p {AT_ONCE}; printf '[Service]\\nRestartSec=1s\\n' >{AT_ONCE}/at-once.conf
                mkdir {CARD}; mount -t tmpfs tmpfs {CARD}; touch {CARD}/config.txt {CARD}/cmdline.txt
                echo {code} | greengate prepare --name gate-7 --site QL1A --lane 1 --broker 127.0.0.1 \\
                    --centre https://127.0.0.1:8443 --ca-fingerprint {pin(machine)} --code --yes {CARD}
                printf '[clock]\nkind = "assumed"\n' >>{CARD}/greengate/greengate.toml
                mkdir -p {BOOT}; cp -r {CARD}/. {BOOT}"""  # nobody synchronises a container's clock
            )
        with booted(root) as machine:
            yield machine, code


def test_a_start_with_a_prepared_card_makes_the_kiosk_without_another_command(carded: tuple[Machine, str]) -> None:
    machine, code = carded
    machine.wait_for("the enrolment", f"test -e {BOOT}/greengate/greengate.toml.done", ARRIVE_S)
    assert json.loads(machine.run(f"cat {BOOT}/greengate/result.json").out)["state"] == "enrolled"
    assert machine.run(f"grep -rl {code} {BOOT} /etc /var/lib/greengate /run/greengate", check=False).out == ""
    machine.wait_green()
    machine.wait("check-ins at the centre", lambda: len(stored(machine)) >= 2, ARRIVE_S)
    assert {row["device"] for row in stored(machine)} == {"gate-7"}


def test_a_doctor_finds_no_fault(carded: tuple[Machine, str]) -> None:
    machine, _ = carded
    done = machine.run("greengate doctor --json --no-ask", check=False)
    found = _lines(done.out)
    assert [line for line in found if line.get("result") == "fault"] == []
    assert done.status == 0
    assert {line["code"] for line in found if "code" in line} >= {"certificate-good", "unit-hardened", "journal-whole"}


def test_a_selftest_pauses_the_programs_and_starts_them_again(carded: tuple[Machine, str]) -> None:
    machine, _ = carded
    assert machine.run("greengate selftest --no-ask --json", check=False).status == 75, "not without the service state"
    pid = machine.show("greengate-gate", "MainPID")
    machine.run("greengate service start")
    machine.wait("the gate out of service", lambda: not machine.lamps()[-1]["green"], 10)
    done = machine.run("greengate selftest --no-ask --json", check=False)
    assert done.status == 0, done.out
    passed = {line["check"] for line in _lines(done.out) if line["event"] == "check-passed"}
    assert passed >= {"valid-green", "valid-recorded", "forged-red", "forged-recorded", "empty-dark", "dark-at-end"}
    machine.wait_active(("greengate-gate", "greengate-reader", "greengate-uplink"), 10)
    assert machine.show("greengate-gate", "MainPID") != pid
    machine.run("greengate service end")
    machine.wait_green()


def test_what_is_collected_holds_no_key(carded: tuple[Machine, str]) -> None:
    machine, _ = carded
    machine.run(
        "greengate diagnose collect /root/case.tar.gz --json; cd /root; mkdir case; tar -xzf case.tar.gz -C case"
    )
    assert machine.run("stat -c %a /root/case.tar.gz").out == "600"
    assert machine.run("ls /root/case").out != ""
    assert machine.run("grep -rl 'PRIVATE KEY' /root/case", check=False).out == ""


def test_a_stick_brings_each_check_in_to_the_centre_once_and_the_answer_back(carded: tuple[Machine, str]) -> None:
    machine, _ = carded
    machine.run(f"systemctl stop greengate-uplink; mkdir {STICK}; chmod 755 {STICK}")
    machine.wait("check-ins that wait", lambda: _unsent(machine) >= 2, ARRIVE_S)
    machine.run("greengate service start")
    before, waiting = {row["id"] for row in stored(machine)}, _unsent(machine)
    machine.run(f"greengate journal export {STICK} --json; chown -R greengate-centre {STICK}")
    taken = _lines(machine.run(f"{AS} import --store {STORE} {STICK} --json").out)[0]
    assert (taken["event"], taken["new"] + taken["known"]) == ("imported", waiting)
    assert taken["new"] > 0
    again = _lines(machine.run(f"{AS} import --store {STORE} {STICK} --json").out)[0]
    assert (again["new"], again["known"]) == (0, waiting)
    assert len({row["id"] for row in stored(machine)} - before) == taken["new"]
    machine.run(f"chown -R root {STICK}; greengate journal export {STICK} --json")
    assert _unsent(machine) == 0, "what the centre has, is deleted here"
    machine.run("systemctl start greengate-uplink; greengate service end")
    machine.wait_green()


def _unsent(machine: Machine) -> int:
    said = _lines(machine.run("greengate journal status --json").out)
    return int(next(line["unsent"] for line in said if line["event"] == "state"))


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

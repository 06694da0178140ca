"""Newer trust data reach a kiosk by timer, by the centre's word and by stick; its own user has them, the gate reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance import roots
from tests.appliance.machine import Machine, booted
from tests.appliance.packages import install, package
from tests.provisioning.published import nation, published

pytestmark = pytest.mark.appliance
CARD = "/boot/firmware/greengate"
CONFIG = "/etc/greengate/greengate.toml"
TRUST = "/var/lib/greengate/trust"
PORT = 8099
SERVE = f"systemd-run --unit=trust-web python3 -m http.server --directory /srv/trust --bind 127.0.0.1 {PORT}"
OF_REPOSITORY = rf"""sed -i 's#^folder = "/run/greengate-simulation/trust"#folder = "{TRUST}"\n'\
'url = "http://127.0.0.1:{PORT}/"#' {CONFIG}"""
AT_ONCE = """mkdir -p /run/systemd/system/greengate-sync.service.d
printf '%s\\n' [Service] ExecStart= "ExecStart=$(sed -n 's/^ExecStart=\\(.*\\) --jitter 60$/\\1/p' \\
    /usr/lib/systemd/system/greengate-sync.service)" >/run/systemd/system/greengate-sync.service.d/60-test.conf
systemctl daemon-reload"""
AS_GATE = "setpriv --reuid=greengate-gate --regid=greengate --clear-groups --"
AS_UPLINK = "setpriv --reuid=greengate-uplink --regid=greengate --clear-groups --"


@pytest.fixture(scope="module")
def machine(debian: Path) -> Iterator[Machine]:
    with roots.overlay(debian) as root, booted(root) as booted_one:
        install(booted_one, package())
        booted_one.wait_green()
        yield booted_one


def current(machine: Machine) -> str:
    return machine.run(f"readlink {TRUST}/current", check=False).out


def strangers(machine: Machine) -> str:
    """Return what in the trust folder is another's than its program's."""
    return machine.run(f"find {TRUST} ! -user greengate-sync -o ! -group greengate").out


def test_by_network_by_the_centres_word_and_by_stick(machine: Machine) -> None:
    made, served = nation(), machine.root_of("/srv/trust")
    published(made, served)
    machine.run(f"systemctl is-active greengate-sync.timer greengate-sync.path; {SERVE}; {OF_REPOSITORY}; {AT_ONCE}")
    machine.run("systemctl start greengate-sync")
    assert machine.show("greengate-sync", "ConditionResult") == "no"  # nothing to begin with
    machine.run(f"install -o greengate-sync -g greengate -m 640 /srv/trust/root.json {TRUST}/root.json")

    started = machine.run("systemctl start greengate-sync", check=False)
    assert started.status == 0, machine.run("journalctl --no-pager -u greengate-sync").out
    first = current(machine)
    assert first.startswith("stores/1-")
    assert machine.run(f"{AS_GATE} cat {TRUST}/current/signers.json").out.startswith('{"version"')
    assert machine.run(f"{AS_GATE} touch {TRUST}/x", check=False).status != 0

    published(made, served)
    news = "/run/greengate/uplink/trust.json"
    machine.run(f"""{AS_UPLINK} sh -c 'echo "{{\\"version\\": 2}}" >{news}.new; mv {news}.new {news}'""")
    machine.wait("the store that the centre spoke of", lambda: current(machine).startswith("stores/2-"), 30)

    published(made, machine.root_of("/srv/stick"))
    assert "version 3" in machine.run("greengate sync --lang en --from /srv/stick").out
    assert current(machine).startswith("stores/3-")
    assert strangers(machine) == ""

    refused = machine.run("systemctl start greengate-sync", check=False)  # the server has an older one
    assert refused.status != 0
    assert machine.show("greengate-sync", "ExecMainStatus") == "65"
    assert current(machine).startswith("stores/3-")


def test_a_first_boot_brings_it_and_gives_it_to_its_program(machine: Machine) -> None:
    machine.run(f"rm -rf {TRUST}/*; mkdir -p {CARD}; cp {CONFIG} {CARD}/greengate.toml")
    published(nation(), machine.root_of(f"{CARD}/trust"))
    machine.run("systemctl start greengate-first-boot", check=False)
    said = machine.run("journalctl --no-pager -o cat -u greengate-first-boot").out
    assert machine.show("greengate-first-boot", "Result") == "success", said
    assert current(machine).startswith("stores/1-")
    assert strangers(machine) == ""
    assert machine.run(f"stat -c '%U %G %a' {TRUST}").out == "greengate-sync greengate 2750"


def test_without_an_address_the_timer_does_nothing_and_fails_nothing(machine: Machine) -> None:
    machine.run(f"sed -i '/^url = /d' {CONFIG}; systemctl start greengate-sync")
    assert machine.show("greengate-sync", "Result") == "exec-condition"
    assert "greengate-sync" not in machine.run("systemctl --failed --plain --no-legend").out

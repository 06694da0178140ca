"""A kiosk and its centre on one machine: enrolled, its check-ins arrive once, another certificate, and away again."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from tests.appliance import roots
from tests.appliance.machine import Machine, booted
from tests.appliance.packages import install, package

HOME = "/var/lib/greengate-centre"
AS = "setpriv --reuid=greengate-centre --regid=greengate-centre --init-groups -- greengate-centre"
ISSUED = f"{HOME}/issued"
STORE = f"{HOME}/centre.db"
COLLECTOR = f"""[broker]
host = "127.0.0.1"
ca = "{ISSUED}/ca.pem"
certificate = "{ISSUED}/centre.main.pem"
key = "{ISSUED}/centre.main.key"
[store]
path = "{STORE}"
"""
SERVICES = ("greengate-broker", "greengate-collector", "greengate-enrolment")
ARRIVE_S = 30.0


@pytest.fixture(scope="module")
def site() -> Iterator[Machine]:
    """Give a machine on which a centre runs, and a kiosk that does not know it yet."""
    with roots.overlay(roots.cached_root(roots.WITH_BROKER)) as root, booted(root) as machine:
        install(machine, package())
        machine.run(f"install -d -o greengate-centre -g greengate-centre {HOME}")
        for command in ("ca init", "ca issue --collector main", "mosquitto --server 127.0.0.1"):
            machine.run(f"{AS} {command}")
        files = {
            f"{HOME}/centre.toml": COLLECTOR,
            f"{HOME}/enrolment.env": 'ENROL="--name 127.0.0.1 --broker 127.0.0.1"\n',
        }
        for path, text in files.items():
            machine.root_of(path).write_text(text, "utf-8")
        machine.run(f"chmod 644 {HOME}/centre.toml; systemctl start {' '.join(SERVICES)}")
        yield machine


@pytest.fixture(scope="module")
def enrolled_kiosk(site: Machine) -> Machine:
    """Enrol the kiosk with a one-time code."""
    code = _json(site, f"{AS} device add gate-1 --site QL1A --lane 1 --direction in --json")["code"]
    ca = load_pem_x509_certificate(site.root_of(f"{HOME}/ca.pem").read_bytes())
    fingerprint = ca.fingerprint(SHA256()).hex()
    site.run(
        f"echo {code} | greengate enrol --centre https://127.0.0.1:8443 --ca-fingerprint sha256:{fingerprint} "
        "--name gate-1 --broker 127.0.0.1 --camera simulated --simulated-lamps "
        "--trust /run/greengate-simulation/trust --json"
    )
    return site


def test_what_the_gate_records_arrives_at_the_centre_and_leaves_the_device(enrolled_kiosk: Machine) -> None:
    enrolled_kiosk.wait_green()
    enrolled_kiosk.wait("check-ins at the centre", lambda: len(_stored(enrolled_kiosk)) >= 2, ARRIVE_S)
    rows = _stored(enrolled_kiosk)
    assert {row["device"] for row in rows} == {"gate-1"}
    assert len({row["id"] for row in rows}) == len(rows)
    assert any(event["event"] == "batch-acknowledged" for event in enrolled_kiosk.events())


def test_the_uplink_has_its_key_as_a_credential_only(enrolled_kiosk: Machine) -> None:
    pid = enrolled_kiosk.show("greengate-uplink", "MainPID")
    assert enrolled_kiosk.run(f"ls /proc/{pid}/root/run/credentials/greengate-uplink.service").out.split() == [
        "ca.pem",
        "device.key",
        "device.pem",
    ]
    seen = enrolled_kiosk.run(
        "setpriv --reuid=greengate-uplink --clear-groups ls /var/lib/greengate/identity", check=False
    )
    assert seen.status != 0


def test_an_uplink_that_is_killed_loses_nothing(enrolled_kiosk: Machine) -> None:
    for _ in range(3):
        enrolled_kiosk.run("systemctl kill --kill-whom=main --signal=KILL greengate-uplink")
        enrolled_kiosk.wait_for("the uplink", "systemctl is-active --quiet greengate-uplink", ARRIVE_S)
    before = len(_stored(enrolled_kiosk))
    enrolled_kiosk.wait("more check-ins", lambda: len(_stored(enrolled_kiosk)) > before, ARRIVE_S)
    status = enrolled_kiosk.run(f"{AS} status --store {STORE} --json", check=False)
    assert status.status == 0, status.out


def test_the_renewal_runs_within_its_limits(enrolled_kiosk: Machine) -> None:
    enrolled_kiosk.run("systemctl start greengate-renew")
    assert enrolled_kiosk.show("greengate-renew", "Result") == "success"
    link = "readlink /var/lib/greengate/identity/current"
    before = enrolled_kiosk.run(link).out
    enrolled_kiosk.run(
        """mkdir -p /run/systemd/system/greengate-renew.service.d
        printf '[Service]\\nExecStart=\\nExecStart=/usr/lib/greengate/bin/greengate renew --json\\n' \\
            >/run/systemd/system/greengate-renew.service.d/now.conf
        systemctl daemon-reload; systemctl start greengate-renew"""
    )
    assert enrolled_kiosk.run(link).out != before
    stored = len(_stored(enrolled_kiosk))
    enrolled_kiosk.wait("check-ins by the new certificate", lambda: len(_stored(enrolled_kiosk)) > stored, ARRIVE_S)


def _stored(machine: Machine) -> list[dict[str, Any]]:
    said = machine.run(f"{AS} list --store {STORE} --json", check=False)
    return [json.loads(line) for line in said.out.splitlines()] if said.status == 0 else []


def _json(machine: Machine, command: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.run(command).out.splitlines()[-1])
    return found


def test_a_kiosk_that_retires_is_dropped_by_the_broker(enrolled_kiosk: Machine) -> None:
    """The enrolment service tells the broker from within its limits."""
    enrolled_kiosk.run("greengate retire --yes --waive-unsent --json")
    log = "journalctl --no-pager -o cat -u greengate-enrolment"
    enrolled_kiosk.wait_for("the revocation list", f"{log} | grep -q retired", ARRIVE_S)
    assert "not told" not in enrolled_kiosk.run(log).out

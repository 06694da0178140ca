"""A centre beside the kiosk on one machine: authority, broker, collector, enrolment, as their own services."""

import json
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from tests.appliance.machine import Machine

HOME = "/var/lib/greengate-centre"
AS = "setpriv --reuid=greengate-centre --regid=greengate-centre --init-groups -- greengate-centre"
ISSUED = f"{HOME}/issued"
STORE = f"{HOME}/centre.db"
COLLECTOR = f"""[broker]
host = "127.0.0.1"
ca = "{HOME}/ca.pem"
certificate = "{ISSUED}/centre.main.pem"
key = "{ISSUED}/centre.main.key"
group = "{ISSUED}/collectors.group"
[store]
path = "{STORE}"
[centre]
crl = "{HOME}/crl.pem"
batches = ["{ISSUED}/batches"]
"""
SERVICES = ("greengate-broker", "greengate-collector", "greengate-enrolment", "greengate-page")


def lay_centre(machine: Machine) -> None:
    """Make a centre where our package is installed, and start it."""
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


def new_device(machine: Machine, name: str) -> str:
    """Register a device; return its one-time code."""
    said = machine.run(f"{AS} device add {name} --site QL1A --lane 1 --direction in --json").out
    return str(json.loads(said.splitlines()[-1])["code"])


def pin(machine: Machine) -> str:
    """Return what the centre's authority is known by."""
    ca = load_pem_x509_certificate(machine.root_of(f"{HOME}/ca.pem").read_bytes())
    return f"sha256:{ca.fingerprint(SHA256()).hex()}"


def stored(machine: Machine) -> list[dict[str, Any]]:
    """Return the check-ins that the centre has."""
    said = machine.run(f"{AS} export --store {STORE} --json", check=False)
    return [json.loads(line) for line in said.out.splitlines()] if said.status == 0 else []

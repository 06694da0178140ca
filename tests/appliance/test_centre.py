"""A kiosk and its centre on one machine: enrolled, its check-ins arrive once, another certificate, and away again."""

from collections.abc import Iterator

import pytest

from tests.appliance import roots
from tests.appliance.centre import AS, STORE, lay_centre, new_device, pin, stored
from tests.appliance.machine import Machine, booted
from tests.appliance.packages import install, package

ARRIVE_S = 30.0


@pytest.fixture(scope="module")
def site() -> Iterator[Machine]:
    """Give a machine on which a centre runs, and a kiosk that does not know it yet."""
    with roots.overlay(roots.cached_root(roots.WITH_BROKER)) as root, booted(root) as machine:
        install(machine, package())
        lay_centre(machine)
        yield machine


@pytest.fixture(scope="module")
def enrolled_kiosk(site: Machine) -> Machine:
    """Enrol the kiosk with a one-time code."""
    code = new_device(site, "gate-1")
    site.run(
        f"echo {code} | greengate enrol --centre https://127.0.0.1:8443 --ca-fingerprint {pin(site)} "
        "--name gate-1 --broker 127.0.0.1 --camera simulated --simulated-lamps --json"
    )
    return site


def test_what_the_gate_records_arrives_at_the_centre_and_leaves_the_device(enrolled_kiosk: Machine) -> None:
    enrolled_kiosk.wait_green()
    enrolled_kiosk.wait("check-ins at the centre", lambda: len(stored(enrolled_kiosk)) >= 2, ARRIVE_S)
    rows = stored(enrolled_kiosk)
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
    before = len(stored(enrolled_kiosk))
    enrolled_kiosk.wait("more check-ins", lambda: len(stored(enrolled_kiosk)) > before, ARRIVE_S)
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
    before_it = len(stored(enrolled_kiosk))
    enrolled_kiosk.wait("check-ins by the new certificate", lambda: len(stored(enrolled_kiosk)) > before_it, ARRIVE_S)


def test_a_kiosk_that_retires_is_dropped_by_the_broker(enrolled_kiosk: Machine) -> None:
    """The enrolment service tells the broker from within its limits."""
    enrolled_kiosk.run("greengate retire --yes --waive-unsent --json")
    log = "journalctl --no-pager -o cat -u greengate-enrolment"
    enrolled_kiosk.wait_for("the revocation list", f"{log} | grep -q retired", ARRIVE_S)
    assert "not told" not in enrolled_kiosk.run(log).out

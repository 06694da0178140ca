"""A kiosk and its centre on one machine: enrolled, its check-ins arrive once, another certificate, and away again."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance import roots
from tests.appliance.centre import AS, STORE, lay_centre, new_device, pin, stored
from tests.appliance.machine import Machine, booted
from tests.appliance.packages import install, package

ARRIVE_S = 30.0
DATA = "/var/lib/greengate"
OLD_JOURNAL = Path(__file__).parents[1] / "firmware/journal-1.db.gz"  # tests/firmware/test_journal_schema.py has it
OLD_EPOCH, OLD_SEQS = "c08f85d5bb2dd900", range(3, 41)


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


def test_the_page_of_the_centre_is_served_from_within_its_limits(enrolled_kiosk: Machine) -> None:
    get = """python3 -c "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9465/{}').read().decode())\""""
    assert "gate-1" in enrolled_kiosk.run(get.format("")).out
    assert "greengate_" in enrolled_kiosk.run(get.format("metrics")).out


def test_the_uplink_has_its_key_as_a_credential_only(enrolled_kiosk: Machine) -> None:
    pid = enrolled_kiosk.show("greengate-uplink", "MainPID")
    assert enrolled_kiosk.run(f"ls /proc/{pid}/root/run/credentials/greengate-uplink.service").out.split() == [
        "ca.pem",
        "centre.pem",
        "device.key",
        "device.pem",
    ]
    seen = enrolled_kiosk.run(
        "setpriv --reuid=greengate-uplink --clear-groups ls /var/lib/greengate/identity", check=False
    )
    assert seen.status != 0


def test_an_uplink_that_is_killed_loses_nothing(enrolled_kiosk: Machine) -> None:
    for _ in range(3):
        killed = enrolled_kiosk.show("greengate-uplink", "MainPID")
        enrolled_kiosk.run(f"kill -KILL {killed}")
        main_pid = "$(systemctl show --value -p MainPID greengate-uplink)"
        enrolled_kiosk.wait_for("the next", f"[ {main_pid} != 0 ] && [ {main_pid} != {killed} ]", ARRIVE_S)
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


def test_a_kiosk_of_the_version_before_records_on_and_sends_once_it_has_the_centres_keys(
    enrolled_kiosk: Machine,
) -> None:
    """Its identity has no keys to seal to, its journal is of the schema before; the daily renewal brings the keys."""
    journal, keys = f"{DATA}/journal/journal.db", f"{DATA}/identity/current/centre.pem"
    enrolled_kiosk.run(f"systemctl stop greengate-uplink greengate-gate; rm {journal}* {keys}")
    enrolled_kiosk.root_of(journal).write_bytes(gzip.decompress(OLD_JOURNAL.read_bytes()))
    enrolled_kiosk.run(f"chown greengate-gate:greengate {journal}; chmod 660 {journal}")
    enrolled_kiosk.run("systemctl start greengate-gate greengate-uplink")
    rows = _sql(journal, "SELECT max(seq) FROM checkin")
    enrolled_kiosk.wait("new check-ins", lambda: int(enrolled_kiosk.run(rows).out) > OLD_SEQS[-1] + 1, ARRIVE_S)
    told = "grep -q 'greengate renew' /run/greengate/uplink/uplink.json"
    enrolled_kiosk.wait_for("the uplink's word", told, ARRIVE_S)
    said = enrolled_kiosk.run("greengate doctor --only broker --lang en", check=False)
    assert "check-ins stay in the journal, unsent" in said.out
    assert _stored_of_old(enrolled_kiosk) == []
    enrolled_kiosk.run("systemctl start greengate-renew")
    assert enrolled_kiosk.show("greengate-renew", "Result") == "success"
    enrolled_kiosk.wait("all of them", lambda: len(_stored_of_old(enrolled_kiosk)) > len(OLD_SEQS) + 1, ARRIVE_S)
    seqs = _stored_of_old(enrolled_kiosk)
    assert seqs == list(range(OLD_SEQS[0], seqs[-1] + 1))


def _stored_of_old(machine: Machine) -> list[int]:
    return sorted(row["seq"] for row in stored(machine) if row["epoch"] == OLD_EPOCH)


def _sql(path: str, query: str) -> str:
    db = f"sqlite3.connect('file:{path}?mode=ro', uri=True)"
    return f"""python3 -c "import sqlite3; print(*{db}.execute('{query}').fetchone())\""""


def test_a_kiosk_that_retires_is_dropped_by_the_broker(enrolled_kiosk: Machine) -> None:
    """The enrolment service tells the broker from within its limits."""
    enrolled_kiosk.run("greengate retire --yes --waive-unsent --json")
    log = "journalctl --no-pager -o cat -u greengate-enrolment"
    enrolled_kiosk.wait_for("the revocation list", f"{log} | grep -q retired", ARRIVE_S)
    assert "not told" not in enrolled_kiosk.run(log).out

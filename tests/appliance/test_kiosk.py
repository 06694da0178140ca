"""From an installation to its first pass, with the real systemd and no other command."""

import json

import pytest

from tests.appliance.machine import Machine
from tests.systemd.exposure import LIMITS

PROGRAMS = ("greengate-reader", "greengate-gate", "greengate-panel")
READY_S = 5.0
SLACK_S = 0.5  # between the end of a lease and the line that says so


def test_programs_are_ready_within_five_seconds_of_their_start(kiosk: Machine) -> None:
    kiosk.run(f"systemctl stop greengate.target {' '.join(PROGRAMS)}; systemctl start --no-block greengate.target")
    kiosk.wait_active(PROGRAMS, READY_S)


def test_a_restart_of_all_is_no_restart_by_a_watchdog(kiosk: Machine) -> None:
    for name in PROGRAMS:
        assert kiosk.show(name, "NRestarts") == "0"
    assert kiosk.run("systemctl list-units --failed --plain --no-legend 'greengate*'").out == ""


def test_a_good_pass_is_green_for_its_lease_and_then_out(kiosk: Machine) -> None:
    light = kiosk.wait_green()
    end_ns = light["t_ns"] + light["lease_s"] * 1e9
    kiosk.wait("the light to go out", lambda: not kiosk.lamps()[-1]["green"], light["lease_s"] + 2 * SLACK_S)
    out_ns = next(lamps["t_ns"] for lamps in kiosk.lamps() if lamps["t_ns"] > light["t_ns"] and not lamps["green"])
    assert out_ns <= end_ns + SLACK_S * 1e9


def test_each_kind_of_pass_is_answered_and_recorded(kiosk: Machine) -> None:
    expected = {"valid", "expired", "bad-signature", "revoked", "unknown-issuer"}

    def answered() -> bool:
        return expected <= {event["reason"] for event in kiosk.events() if event["event"] == "decided"}

    kiosk.wait("one answer of each kind", answered, 120)  # a minute, if tests before have had the gate killed often
    page = json.loads(kiosk.run(_ask("/health")).out)
    assert page["health"]["in_service"]
    assert page["health"]["unsent"] >= len(expected)


def test_the_page_is_served_by_a_panel_without_a_network(kiosk: Machine) -> None:
    assert "<html" in kiosk.run(_ask("/")).out
    assert interfaces(kiosk, "greengate-panel") == {"lo"}


@pytest.mark.parametrize("program", ["greengate-reader", "greengate-gate"])
def test_reader_and_gate_have_no_network_no_capability_and_no_new_rights(kiosk: Machine, program: str) -> None:
    assert interfaces(kiosk, program) == {"lo"}
    status = dict(line.split(":\t", 1) for line in process(kiosk, program, "status").splitlines() if ":\t" in line)
    assert int(status["CapBnd"], 16) == int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_the_reader_sees_no_journal_and_no_key_and_the_gate_no_key(kiosk: Machine) -> None:
    seen = {
        program: within(kiosk, program, "ls /var/lib/greengate /var/lib/greengate/journal /var/lib/greengate/identity")
        for program in ("greengate-reader", "greengate-gate")
    }
    assert "journal.db" not in seen["greengate-reader"]
    assert "journal.db" in seen["greengate-gate"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_program_of_ours_can_speak_to_the_system_bus(kiosk: Machine, program: str) -> None:
    assert "system_bus_socket" in kiosk.run("ls /run/dbus").out
    assert "system_bus_socket" not in within(kiosk, program, "ls /run/dbus")


def test_nothing_can_be_written_but_what_is_named(kiosk: Machine) -> None:
    for place in ("/etc/greengate/x", "/usr/lib/greengate/x", "/var/lib/x", "/run/x", "/var/lib/greengate/trust/x"):
        assert "ro" in within(
            kiosk, "greengate-gate", f"findmnt -n -o VFS-OPTIONS -T {place.rpartition('/')[0]}"
        ).split(",")


def test_the_gate_may_ask_the_kernel_for_its_clock(kiosk: Machine) -> None:
    """In the gate's own sandbox: what is forbidden there is answered with a permission error."""
    ask = "import ctypes; c = ctypes.CDLL(None, use_errno=True); print(c.adjtimex(bytes(512)) >= 0, ctypes.get_errno())"
    units = "/run/systemd/system"
    kiosk.run(
        f"""cp /usr/lib/systemd/system/greengate-gate.service {units}/greengate-asks.service
        cp -r /usr/lib/systemd/system/greengate-gate.service.d {units}/greengate-asks.service.d
        printf '%s\\n' [Service] Type=oneshot Restart=no WatchdogSec=0 ExecStart= ExecStartPost= ExecStopPost= \\
            'ExecStart=/usr/bin/python3 -c "{ask}"' >{units}/greengate-asks.service.d/asks.conf
        systemctl daemon-reload; systemctl start greengate-asks"""
    )
    said = kiosk.run(
        f"journalctl --no-pager -o cat -t greengate-asks; rm -r {units}/greengate-asks*; systemctl daemon-reload"
    )
    assert "True 0" in said.out


def test_the_units_of_the_package_are_those_that_are_judged(kiosk: Machine) -> None:
    installed = kiosk.run("cd /usr/lib/systemd/system; ls -d greengate-*.service").out.split()
    assert set(installed) == set(LIMITS)
    said = kiosk.run(
        "systemd-analyze verify $(find /usr/lib/systemd/system -maxdepth 1 -type f -name 'greengate*') 2>&1",
        check=False,
    )
    assert [line for line in said.out.splitlines() if "/usr/sbin/mosquitto" not in line] == []  # a centre installs it


def test_the_users_have_no_shell_no_home_and_one_group(kiosk: Machine) -> None:
    lines = kiosk.run("getent passwd greengate-reader greengate-gate greengate-uplink greengate-panel").out.splitlines()
    group = kiosk.run("getent group greengate").out.split(":")[2]
    assert [(line.split(":")[3], *line.split(":")[5:]) for line in lines] == [(group, "/", "/usr/sbin/nologin")] * 4


def _ask(path: str) -> str:
    code = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080{path}').read().decode())"
    return f'python3 -c "{code}"'


def interfaces(machine: Machine, program: str) -> set[str]:
    """Return the network interfaces that a program sees."""
    return {line.split(":")[0].strip() for line in process(machine, program, "net/dev").splitlines() if ":" in line}


def process(machine: Machine, program: str, name: str) -> str:
    """Return a file of a program's own folder in /proc."""
    return machine.run(f"cat /proc/{machine.show(program, 'MainPID')}/{name}").out


def within(machine: Machine, program: str, command: str) -> str:
    """Return what root would see in a program's file system."""
    return machine.run(f"nsenter -m -t {machine.show(program, 'MainPID')} -- {command} 2>&1", check=False).out

"""Programs killed and stopped under the real systemd: the lamps go dark in time, and all comes back by itself."""

from collections.abc import Iterator

import pytest

from tests.appliance.machine import Machine

MAY_OUTLIVE_S = 2.0  # what a green light may outlive its lease by
BACK_S = 5.0
WATCHDOG_S = {"greengate-reader": 15.0, "greengate-gate": 1.5, "greengate-uplink": 30.0, "greengate-panel": 30.0}
BROKEN = "/etc/greengate/greengate.toml.whole"
BREAK = f"cp -p /etc/greengate/greengate.toml {BROKEN}; sed -i 's/^lane/lame/' /etc/greengate/greengate.toml"
MEND = f"[ ! -e {BROKEN} ] || mv {BROKEN} /etc/greengate/greengate.toml"


@pytest.fixture
def at_work(enrolled: Machine) -> Iterator[Machine]:
    """Give the kiosk with everything up, and leave it so."""
    _up(enrolled)
    yield enrolled
    enrolled.run(f"{MEND}; systemctl reset-failed 'greengate*'; systemctl start greengate.target")


def _up(machine: Machine) -> None:
    machine.run("systemctl reset-failed 'greengate*'; systemctl start greengate.target")
    machine.wait_active(WATCHDOG_S, BACK_S)


def _dark_after(machine: Machine, light_ns: int) -> int:
    """Wait for the lamps to go dark after a light; return when that was."""

    def dark() -> list[int]:
        return [shown["t_ns"] for shown in machine.lamps() if shown["t_ns"] > light_ns and not shown["green"]]

    machine.wait("the lamps to go dark", lambda: bool(dark()), 10)
    return dark()[0]


@pytest.mark.parametrize("signal", ["KILL", "STOP"])
def test_a_gate_that_dies_or_stands_still_leaves_no_green_light(at_work: Machine, signal: str) -> None:
    light = at_work.wait_green()
    pid = at_work.show("greengate-gate", "MainPID")
    at_work.run(f"kill -{signal} {pid}")
    out_s = (_dark_after(at_work, light["t_ns"]) - light["t_ns"]) / 1e9
    assert out_s <= light["lease_s"] + MAY_OUTLIVE_S
    if signal == "KILL":
        assert out_s < light["lease_s"]  # at once, by who looks after it
    at_work.wait("another gate", lambda: at_work.show("greengate-gate", "MainPID") not in {pid, "0"}, BACK_S)
    at_work.wait_for("the gate", "systemctl is-active --quiet greengate-gate", BACK_S)
    assert at_work.wait_green()["t_ns"] > light["t_ns"]


@pytest.mark.parametrize("program", ["greengate-reader", "greengate-uplink", "greengate-panel"])
def test_another_program_that_is_killed_is_started_again(at_work: Machine, program: str) -> None:
    pid = at_work.show(program, "MainPID")
    at_work.run(f"kill -KILL {pid}")
    at_work.wait("another one", lambda: at_work.show(program, "MainPID") not in {pid, "0"}, BACK_S)
    at_work.wait_for("it to be ready", f"systemctl is-active --quiet {program}", BACK_S)


@pytest.mark.appliance
def test_other_programs_that_stand_still_are_killed_by_their_watchdogs(at_work: Machine) -> None:
    others = [name for name in WATCHDOG_S if name != "greengate-gate"]
    pids = {name: at_work.show(name, "MainPID") for name in others}
    at_work.run(f"kill -STOP {' '.join(pids.values())}")
    at_work.wait("lamps out of service, without a reader", lambda: _flashes(at_work), 10)
    for name in sorted(others, key=WATCHDOG_S.__getitem__):
        another = WATCHDOG_S[name] + BACK_S
        at_work.wait(name, lambda name=name: at_work.show(name, "MainPID") not in {pids[name], "0"}, another)  # type: ignore[misc]
    at_work.wait_green()


def _flashes(machine: Machine) -> bool:
    last = machine.events()
    return any(event["event"] == "service-lost" for event in last[-20:])


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_lamps_are_dark_after_a_stop(at_work: Machine, way: str) -> None:
    at_work.wait_green()
    if way == "kill":  # nobody could say SIGTERM to this one
        at_work.run("systemctl kill --kill-whom=main --signal=STOP greengate-gate")
    at_work.run("systemctl stop greengate.target greengate-gate")
    assert not at_work.lamps()[-1]["green"]
    assert (
        at_work.run("systemctl is-active greengate-gate greengate-reader", check=False).out.split() == ["inactive"] * 2
    )


def test_a_green_light_goes_out_though_the_configuration_was_broken_meanwhile(at_work: Machine) -> None:
    light = at_work.wait_green()
    at_work.run(f"{BREAK}; systemctl kill --kill-whom=main --signal=KILL greengate-gate")
    assert (_dark_after(at_work, light["t_ns"]) - light["t_ns"]) / 1e9 < light["lease_s"]
    at_work.wait_for("the gate to refuse", "systemctl is-failed --quiet greengate-gate", BACK_S)
    at_work.wait_for("the next attempt", "systemctl is-active --quiet greengate-retry@greengate-gate.timer", BACK_S)
    assert "does not run; why: journalctl -u greengate-gate" in at_work.run("journalctl --no-pager -o cat -n 60").out


def test_who_stops_a_gate_that_failed_is_not_surprised_by_its_next_attempt(at_work: Machine) -> None:
    at_work.run(f"{BREAK}; systemctl kill --kill-whom=main --signal=KILL greengate-gate")
    timer = "greengate-retry@greengate-gate.timer"
    at_work.wait_for("the next attempt", f"systemctl is-active --quiet {timer}", BACK_S)
    at_work.run("systemctl stop greengate-gate")
    assert at_work.run(f"systemctl is-active {timer}", check=False).out == "inactive"


@pytest.mark.appliance
def test_a_gate_that_refused_is_tried_again_after_a_minute(at_work: Machine) -> None:
    at_work.run(f"{BREAK}; systemctl kill --kill-whom=main --signal=KILL greengate-gate")
    timer = "systemctl is-active --quiet greengate-retry@greengate-gate.timer"
    for _ in range(2):  # it refuses once more, and there is another attempt after that one
        at_work.wait_for("the next attempt", timer, 10)
        at_work.wait_for("it to be made", f"! {timer}", 70)
    at_work.wait_for("the next attempt", timer, 10)
    at_work.run(MEND)
    at_work.wait_for("the gate", "systemctl is-active --quiet greengate-gate", 70)
    at_work.wait_green()


@pytest.mark.appliance
def test_restarts_of_everything_in_a_row_leave_nothing_behind(at_work: Machine) -> None:
    at_work.run("for _ in $(seq 7); do systemctl restart greengate.target; done")
    at_work.wait_active([*WATCHDOG_S, "greengate-simulation", "greengate-panel.socket", "greengate-renew.timer"], 10)
    assert at_work.run("systemctl list-units --failed --plain --no-legend 'greengate*'").out == ""
    at_work.wait_green()


@pytest.mark.appliance
def test_a_program_that_ends_too_often_rests_for_a_minute(at_work: Machine) -> None:
    timer = "systemctl is-active --quiet greengate-retry@greengate-panel.timer"
    at_work.run(
        f"""for _ in $(seq 200); do
            systemctl kill --kill-whom=main --signal=KILL greengate-panel 2>/dev/null; {timer} && exit 0; sleep 0.2
        done; exit 1"""
    )
    assert at_work.show("greengate-panel", "Result") in {"start-limit-hit", "signal"}
    assert all(lamps["by"] != "darken" for lamps in at_work.lamps()[-3:])  # the gate lives, and keeps its lamps
    at_work.wait_for("the panel", "systemctl is-active --quiet greengate-panel", 70)

"""Contacts at a gate with its sockets and its journal: heard at once, recorded, and no flood of them counts."""

from pathlib import Path

from drivers.contacts import QUEUE_MAX
from drivers.signal.simulated import last_lamps, read_history
from tests.firmware.test_gate import begin_service, running_gate


def test_staff_and_passages_are_heard_at_once_and_recorded(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        running.see(running.site.expired())
        running.contacts.press()
        running.turn()
        assert last_lamps(running.site.config.lamp_history).green
        running.contacts.pass_through()
        running.turn()
        checkin, override, passage = running.rows()
    assert [record.type for record in (checkin, override, passage)] == ["check-in", "override", "passage"]
    assert {override.about, passage.about} == {checkin.id}
    assert {record.clock for record in (checkin, override, passage)} == {"assumed"}


def test_in_service_state_contacts_do_nothing(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        running.see(running.site.expired())
        begin_service(running)
        running.contacts.press()
        running.contacts.pass_through()
        running.turn()
        assert [record.type for record in running.rows()] == ["check-in"]
    assert not any(lamps.green for lamps in read_history(running.site.config.lamp_history))


def test_a_test_s_overrides_and_passages_are_tests(tmp_path: Path) -> None:
    with running_gate(tmp_path, "test = true") as running:
        begin_service(running)
        running.see(running.site.expired())
        running.contacts.press()
        running.contacts.pass_through()
        running.turn()
        assert [record.direction for record in running.rows()] == ["test"] * 3


def test_a_flood_of_closings_delays_a_press_by_a_moment_only(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        for _ in range(10):
            running.contacts._write(b"pass\n" * QUEUE_MAX)
            running.gate.turn(0)
        running.see(running.site.expired())
        running.contacts.press()
        for _ in range(QUEUE_MAX + 1):
            running.gate.turn(0)
        assert last_lamps(running.site.config.lamp_history).green

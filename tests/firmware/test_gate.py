"""The gate's loop in this process, over real sockets and a real journal, with simulated lamps and a simulated clock."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from drivers.clock.simulated import SimulatedClock
from drivers.contacts.simulated import SimulatedContacts
from drivers.plates.simulated import SimulatedPlates
from drivers.signal import Signal, open_signal
from drivers.signal.simulated import last_lamps, read_history
from firmware.checkin import CheckIn, from_row
from firmware.details import unseal_details
from firmware.events import JournalSetAside, LogEvent, ReadingDropped, ServiceBack
from firmware.gate import Gate
from firmware.journal_base import Mark, write_mark
from firmware.journal_reader import JournalReader
from firmware.lamps import LampsOnDemand
from firmware.messages import MAX_MESSAGE_BYTES, Health, Heartbeat, Reading, Shown, decode_event, encode
from firmware.recording import TEND_NS
from firmware.records import recipient_of
from firmware.service_state import LONGEST_S, begin, end
from firmware.sockets import connect
from firmware.timekeeping import BUILD_DATE, STEADY_NS
from firmware.trust_switch import trust_of
from firmware.wiring import signal_of
from tests.firmware.site import DEVICE, Site, make_site
from tests.pki import Pki
from verifier import TrustList

NOW = BUILD_DATE.replace(day=20)


@dataclass
class Running:
    """A gate with a reader and a panel connected."""

    site: Site
    clock: SimulatedClock
    signal: Signal
    logged: list[LogEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        config = self.site.config
        self.contacts = SimulatedContacts(config.contacts_pipe, self.clock.monotonic_ns)
        self.plates = SimulatedPlates(self.clock.monotonic_ns)
        self.gate = Gate(
            config,
            trust_of(config),
            self.signal,
            self.clock,
            log_=self.logged.append,
            contacts=self.contacts,
            plates=self.plates,
            recipient=recipient_of(config),
        )
        self.reader = connect(config.readings_socket)
        self.panel = connect(config.events_socket)
        self.turn()

    def turn(self) -> None:
        for _ in range(3):
            self.gate.turn(0)

    def see(self, *texts: str) -> None:
        now_ns = self.clock.monotonic_ns()
        for message in (Heartbeat(1), Reading(texts, now_ns, now_ns)):
            self.reader.send(encode(message))
        self.turn()

    def told(self) -> list[Shown | Health]:
        events = []
        try:
            while data := self.panel.recv(MAX_MESSAGE_BYTES):
                events.append(decode_event(data))
        except BlockingIOError:
            pass
        return events

    def close(self) -> None:
        self.reader.close()
        self.panel.close()
        self.gate.close()
        self.contacts.close()
        self.plates.close()

    def rows(self) -> list[CheckIn]:
        with JournalReader(self.site.config.journal.path) as journal:
            unsent = journal.batch(10)
        return [from_row(row) for row in unsent.rows] if unsent else []


@contextmanager
def running_gate(folder: Path, run: str = "", more: str = "") -> Iterator[Running]:
    site = make_site(folder, now=NOW, run=run, more=more)
    with open_signal("simulated", history=site.config.lamp_history) as signal:
        running = Running(site, SimulatedClock(NOW), signal)
        yield running
        running.close()


def test_a_real_pass_is_recorded_lit_and_told(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        running.see(running.site.good())
        assert last_lamps(running.site.config.lamp_history).green
        events = running.told()
        assert [event.reason for event in events if isinstance(event, Shown)] == ["starting", "ready", "valid"]
        running.clock.advance(1)
        running.turn()
        health = running.told()[-1]
        assert isinstance(health, Health)
        assert (health.unsent, health.demo, health.in_service) == (1, True, True)
        assert [notice.code for notice in health.notices] == ["demo", "no-rules", "uplink-silent"]
        running.clock.advance(2)
        running.turn()
        assert not last_lamps(running.site.config.lamp_history).green


def test_an_expired_pass_is_red(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        running.see(running.site.expired())
        assert last_lamps(running.site.config.lamp_history).red
        assert not any(lamps.green for lamps in read_history(running.site.config.lamp_history))


def test_the_journal_is_tended_while_nobody_waits(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        running.see()
        write_mark(tmp_path / "journal.db", Mark((tmp_path / "journal.db").stat().st_ino, "page 3"))
        for _ in range(11):
            running.clock.advance(1)
            running.see()
        assert [type(event) for event in running.logged] == [ServiceBack, JournalSetAside]


def test_a_journal_that_fails_while_it_is_tended_is_out_of_service(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        running.see()
        (tmp_path / "journal.db").rename(tmp_path / "moved.db")
        (tmp_path / "journal.db").mkdir()
        for _ in range(12):
            running.clock.advance(1)
            running.see()
        shown = [event.reason for event in running.told() if isinstance(event, Shown)]
        assert shown[-1] == "journal-failed"


def test_a_journal_that_is_locked_while_it_is_tended_is_tried_a_turn_later(tmp_path: Path) -> None:
    with (
        running_gate(tmp_path) as running,
        closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as other,
    ):
        running.clock.advance(TEND_NS / 1e9)
        running.see()
        running.clock.advance(STEADY_NS / 1e9)
        running.reader.send(encode(Heartbeat(1)))
        other.execute("BEGIN IMMEDIATE")
        running.gate.turn(0)
        assert running.gate._checkpoint.in_service
        works = [running.gate._checkpoint.journal_works]
        other.execute("ROLLBACK")
        running.see()
        works.append(running.gate._checkpoint.journal_works)
        assert works == [False, True]
        assert "journal-failed" not in [event.reason for event in running.told() if isinstance(event, Shown)]


def test_what_is_no_message_is_logged_and_its_sender_dropped(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        running.reader.send(b"{}")
        running.turn()
        assert running.logged == [ReadingDropped(why="malformed")]
        assert running.gate._readings.sockets == []


def test_a_flood_of_what_is_no_message_is_counted(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        for _ in range(50):
            with closing(connect(running.site.config.readings_socket)) as broken:
                broken.send(b"{}")
                running.turn()
        running.clock.advance(1)
        running.turn()
        assert running.logged == [ReadingDropped(why="malformed"), ReadingDropped(why="malformed", count=49)]


def test_lamps_that_cannot_be_written_at_the_start_are_out_of_service_until_they_can(tmp_path: Path) -> None:
    site = make_site(tmp_path, now=NOW)
    history = site.config.lamp_history
    history.symlink_to("/dev/full")
    with LampsOnDemand(lambda: signal_of(site.config)) as lamps:
        running = Running(site, SimulatedClock(NOW), lamps)
        running.see(site.good())
        assert [event.reason for event in running.told() if isinstance(event, Shown)][-1] == "lamp-fault"
        history.unlink()
        running.clock.advance(2)
        running.see(site.good())
        assert last_lamps(history).green
        running.close()
    assert not last_lamps(history).green
    lamps.close()


def test_a_signer_that_cannot_be_used_is_a_notice(tmp_path: Path) -> None:
    site = make_site(tmp_path, now=NOW)
    trust = trust_of(site.config)
    spoilt = replace(trust, signers=TrustList(trust.signers.signers(), ["entry 7: no usable key"]))
    with (
        open_signal("simulated", history=site.config.lamp_history) as signal,
        closing(Gate(site.config, spoilt, signal, SimulatedClock(NOW), log_=lambda _: None)) as gate,
    ):
        assert gate._state().unusable == 1


def begin_service(running: Running) -> None:
    begin(running.site.config.service_marker, NOW, running.clock.monotonic_ns() / 1e9)


def test_in_service_state_the_gate_is_out_of_service_and_says_so(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        running.see()
        begin_service(running)
        running.see(running.site.good())
        running.clock.advance(1)
        running.turn()
        *_, shown, health = running.told()
        assert isinstance(shown, Shown)
        assert isinstance(health, Health)
        assert (shown.aspect, shown.reason) == ("out-of-service", "service-state")
        assert (health.in_service, health.unsent, health.notices[0].code) == (False, 0, "service-state")
        end(running.site.config.service_marker)
        running.see(running.site.good())
        assert last_lamps(running.site.config.lamp_history).green
        assert not running.gate.over


def test_service_state_ends_by_itself(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        begin_service(running)
        running.see()
        assert not running.gate._checkpoint.in_service
        running.clock.advance(LONGEST_S)
        running.see()
        assert running.gate._checkpoint.in_service


def test_a_test_records_tests_and_ends_with_service_state(tmp_path: Path) -> None:
    with running_gate(tmp_path, "test = true") as running:
        assert running.gate.over  # nobody said that a technician is here
        running.see(running.site.good())
        begin_service(running)
        running.see(running.site.good())
        assert last_lamps(running.site.config.lamp_history).green
        assert not running.gate.over
        end(running.site.config.service_marker)
        running.see(running.site.expired())
        assert running.gate.over
    assert [(checkin.direction, checkin.verdict) for checkin in running.rows()] == [("test", "accepted")]


def test_details_are_sealed_before_they_are_recorded(tmp_path: Path) -> None:
    with running_gate(tmp_path, more='[profile]\nname = "staff"\ndetails = ["name"]') as running:
        running.see(running.site.good())
        running.see(running.site.expired())
        accepted, refused = running.rows()
        assert refused.details is None
        assert accepted.profile == refused.profile == "staff"
        assert accepted.details
        (name,) = unseal_details(accepted.details, DEVICE, accepted.id, Pki.shared().unsealer("details")).values()
        said = repr(running.logged) + repr(running.told())
    assert len(name) > 5
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(name.encode() in path.read_bytes() for path in files)
    assert name not in said


def test_a_device_that_the_centre_looks_for_says_its_name(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        running.see()
        status = running.site.config.uplink_status
        status.parent.mkdir()
        status.write_text('{"connected": true, "unsent": 0, "identify_s": 10}')
        running.clock.advance(1)
        running.see()
        shown = [event for event in running.told() if isinstance(event, Shown)][-1]
        assert (shown.aspect, shown.vi, shown.en) == ("identify", f"Thiết bị {DEVICE}", f"Device {DEVICE}")
        running.see(running.site.good())
        assert last_lamps(running.site.config.lamp_history).green


def test_starts_and_losses_of_service_are_noted(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        running.see()
        begin_service(running)
        running.see()
    with JournalReader(tmp_path / "journal.db") as journal:
        notes = [(note.code, note.text) for note in journal.diagnostics(10)]
    assert notes == [("started", "gate"), ("service-back", ""), ("service-lost", "service-state")]

"""The gate's loop in this process, over real sockets and a real journal, with simulated lamps and a simulated clock."""

import signal as signals
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from drivers.clock.simulated import SimulatedClock
from drivers.signal import Signal, open_signal
from drivers.signal.simulated import last_lamps, read_history
from firmware.config import ConfigError
from firmware.events import JournalSetAside, LogEvent, ReadingDropped, ServiceBack
from firmware.gate import Gate, main, prepare_run_folder, trusted_judge
from firmware.journal_base import Mark, write_mark
from firmware.messages import MAX_MESSAGE_BYTES, Health, Heartbeat, Reading, Shown, decode_event, encode
from firmware.sockets import connect
from firmware.timekeeping import BUILD_DATE
from tests.firmware.site import Site, make_site

NOW = BUILD_DATE.replace(day=20)


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = {number: signals.getsignal(number) for number in (signals.SIGINT, signals.SIGTERM)}
    yield
    for number, handler in before.items():
        signals.signal(number, handler)


@dataclass
class Running:
    """A gate with a reader and a panel connected."""

    site: Site
    clock: SimulatedClock
    signal: Signal
    logged: list[LogEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        config = self.site.config
        judge, demo = trusted_judge(config)
        self.gate = Gate(config, judge, self.signal, self.clock, demo=demo, log_=self.logged.append)
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


@contextmanager
def _running(folder: Path) -> Iterator[Running]:
    site = make_site(folder, now=NOW)
    with open_signal("simulated", history=site.config.lamp_history) as signal:
        running = Running(site, SimulatedClock(NOW), signal)
        yield running
        running.close()


def test_a_real_pass_is_recorded_lit_and_told(tmp_path: Path) -> None:
    with _running(tmp_path) as running:
        running.see(running.site.good())
        assert last_lamps(running.site.config.lamp_history).green
        events = running.told()
        assert [event.reason for event in events if isinstance(event, Shown)] == ["starting", "ready", "valid"]
        running.clock.advance(1)
        running.turn()
        health = running.told()[-1]
        assert isinstance(health, Health)
        assert (health.unsent, health.demo, health.in_service) == (1, True, True)
        assert [notice.code for notice in health.notices] == ["demo", "uplink-silent"]
        running.clock.advance(2)
        running.turn()
        assert not last_lamps(running.site.config.lamp_history).green


def test_an_expired_pass_is_red(tmp_path: Path) -> None:
    with _running(tmp_path) as running:
        running.see(running.site.expired())
        assert last_lamps(running.site.config.lamp_history).red
        assert not any(lamps.green for lamps in read_history(running.site.config.lamp_history))


def test_the_journal_is_tended_while_nobody_waits(tmp_path: Path) -> None:
    with _running(tmp_path) as running:
        running.see()
        write_mark(tmp_path / "journal.db", Mark((tmp_path / "journal.db").stat().st_ino, "page 3"))
        for _ in range(11):
            running.clock.advance(1)
            running.see()
        assert [type(event) for event in running.logged] == [ServiceBack, JournalSetAside]


def test_a_journal_that_fails_while_it_is_tended_is_out_of_service(tmp_path: Path) -> None:
    with _running(tmp_path) as running:
        running.see()
        (tmp_path / "journal.db").rename(tmp_path / "moved.db")
        (tmp_path / "journal.db").mkdir()
        for _ in range(12):
            running.clock.advance(1)
            running.see()
        shown = [event.reason for event in running.told() if isinstance(event, Shown)]
        assert shown[-1] == "journal-failed"


def test_what_is_no_message_is_logged_and_its_sender_dropped(tmp_path: Path) -> None:
    with _running(tmp_path) as running:
        running.reader.send(b"{}")
        running.turn()
        assert running.logged == [ReadingDropped(why="malformed")]
        assert running.gate._readings.sockets == []


def test_only_one_gate_runs_in_a_folder(tmp_path: Path) -> None:
    prepare_run_folder(tmp_path / "run")
    with pytest.raises(ConfigError, match="another gate runs here"):
        prepare_run_folder(tmp_path / "run")


def test_a_run_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="a folder this user can write"):
        prepare_run_folder(tmp_path / "file" / "run")


def test_demonstration_keys_light_no_real_lamps(tmp_path: Path) -> None:
    config = make_site(tmp_path).config
    real = msgspec.structs.replace(config.signal, kind="gpio", red_pin=17, green_pin=27)
    with pytest.raises(ConfigError, match="demonstration keys with gpio lamps"):
        trusted_judge(msgspec.structs.replace(config, signal=real))


def _without_signers(site: Site) -> None:
    (site.folder / "trust/demo.der").unlink()


def _with_a_broken_signer(site: Site) -> None:
    (site.folder / "trust/demo.der").write_bytes(b"no certificate")


@pytest.mark.parametrize("spoil", [_without_signers, _with_a_broken_signer])
def test_without_trust_it_does_not_start(
    tmp_path: Path, spoil: Callable[[Site], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = make_site(tmp_path)
    spoil(site)
    monkeypatch.setattr("sys.argv", ["gate", "--config", str(site.config_path)])
    assert main() == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert '"event":"start-refused"' in line
    assert str(site.folder / "trust") in line


def test_without_a_configuration_it_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gate", "--config", str(tmp_path / "none.toml")])
    assert main() == 78
    assert "no such file" in capsys.readouterr().err

"""Buzzer and heartbeat in the gate: what they follow, and that a light never depends on them."""

from pathlib import Path

import msgspec
import pytest

from drivers.clock.simulated import SimulatedClock
from drivers.errors import DeviceError
from drivers.signal import open_signal
from drivers.signal.output import Buzzer, Heartbeat, Output, OutputCause, Tone
from drivers.signal.simulated import last_level, read_levels
from firmware.config import ConfigError, load_config_text
from firmware.gate import Gate
from firmware.lamps import Voice
from firmware.messages import Health, Reading, decode_event
from firmware.messages import Heartbeat as ReaderBeat
from firmware.signalling import TONES
from firmware.sockets import connect
from firmware.trust_switch import trust_of
from firmware.wiring import darken_of, voice_of
from tests.firmware.appliance import wait_until
from tests.firmware.lane import EXPIRED, GOOD, NOW, Lane
from tests.firmware.site import Site, make_site


class Spoken(Buzzer):
    """A buzzer that only remembers."""

    def __init__(self) -> None:
        self.tones: list[Tone] = []
        self.broken: str | None = None
        self.closed = False

    @property
    def fault(self) -> str | None:
        return self.broken

    def sound(self, tone: Tone) -> None:
        self.tones.append(tone)

    def close(self) -> None:
        self.closed = True


class Pin:
    """A pin that can be broken."""

    def __init__(self) -> None:
        self.levels: list[bool] = []
        self.broken = False

    def put(self, *, on: bool, by: OutputCause) -> None:
        if self.broken:
            raise DeviceError(by)
        self.levels.append(on)

    def close(self) -> None:
        self.levels.append(False)


def fitted(site: Site) -> Site:
    config = site.config_path.read_text("utf-8")
    fitted = config.replace("[clock]", "buzzer_pin = 22\nheartbeat_pin = 23\n[clock]")
    site.config_path.write_text(fitted, "utf-8")
    return site


def lane_with(buzzer: Spoken) -> Lane:
    lane = Lane(voice=Voice(buzzer))
    lane.beat()
    return lane


@pytest.mark.parametrize(("text", "answer"), [(GOOD, "accepted"), (EXPIRED, "refused"), ("hello", "undecided")])
def test_each_answer_has_its_tone_once(text: str, answer: str) -> None:
    buzzer = Spoken()
    lane = lane_with(buzzer)
    for _ in range(3):
        lane.see(text)
    lane.wait(1)
    assert buzzer.tones == [TONES[answer]]


def test_what_is_not_lit_is_not_heard() -> None:
    buzzer = Spoken()
    lane = lane_with(buzzer)
    lane.green_broken = True
    lane.see(GOOD)
    assert buzzer.tones == []


def test_a_gate_without_buzzer_and_heartbeat_is_silent() -> None:
    with Voice() as voice:
        voice.sound("accepted")
        voice.beat()
        assert voice.faults == ()


def test_what_is_not_an_answer_is_silent() -> None:
    buzzer = Spoken()
    with Voice(buzzer) as voice:
        voice.sound("ready")
        voice.sound("out-of-service")
    assert buzzer.tones == []
    assert buzzer.closed


def test_faults_are_notices() -> None:
    buzzer, pin = Spoken(), Pin()
    buzzer.broken = "no buzzer"
    voice = Voice(buzzer, Heartbeat(lambda: pin))
    pin.broken = True
    voice.beat()
    assert voice.faults == ("buzzer-fault", "heartbeat-fault")
    buzzer.broken, pin.broken = None, False
    voice.beat()
    assert voice.faults == ()


def _never() -> Output:
    raise DeviceError("no such pin")


def test_the_gate_beats_with_each_turn_and_lights_without_a_heartbeat(tmp_path: Path) -> None:
    site, pin = make_site(tmp_path, now=NOW), Pin()
    clock = SimulatedClock(NOW)
    voice = Voice(Spoken(), Heartbeat(lambda: pin))
    with open_signal("simulated", history=site.config.lamp_history) as signal:
        gate = Gate(site.config, trust_of(site.config), signal, clock, log_=lambda _: None, voice=voice)
        for _ in range(4):
            gate.turn(0)
        assert pin.levels == [False, True, False, True, False]
        gate.close()


def test_a_gate_tells_of_its_buzzer(tmp_path: Path) -> None:
    site = make_site(tmp_path, now=NOW)
    buzzer, clock = Spoken(), SimulatedClock(NOW)
    buzzer.broken = "no buzzer"
    with open_signal("simulated", history=site.config.lamp_history) as signal:
        gate = Gate(
            site.config,
            trust_of(site.config),
            signal,
            clock,
            log_=lambda _: None,
            voice=Voice(buzzer, Heartbeat(_never)),
        )
        with connect(site.config.events_socket) as panel, connect(site.config.readings_socket) as reader:
            reader.send(msgspec.json.encode(ReaderBeat(1)))
            for _ in range(4):
                gate.turn(0)
            reader.send(msgspec.json.encode(Reading((site.good(),), clock.monotonic_ns(), clock.monotonic_ns())))
            for _ in range(4):
                gate.turn(0)
            events = []
            clock.advance(1.1)
            gate.turn(0)
            panel.settimeout(1)
            while not (events and isinstance(events[-1], Health)):
                events.append(decode_event(panel.recv(65536)))
        gate.close()
    assert buzzer.tones == [TONES["accepted"]]
    assert {"buzzer-fault", "heartbeat-fault"} <= {notice.code for notice in events[-1].notices}


def test_configured_pins_are_opened_and_put_off_with_the_lamps(tmp_path: Path) -> None:
    site = fitted(make_site(tmp_path))
    buzzer, heartbeat = (tmp_path / "run" / name for name in ("buzzer.jsonl", "heartbeat.jsonl"))
    with voice_of(site.config) as voice:
        voice.beat()
        voice.sound("accepted")
        wait_until(lambda: last_level(buzzer).on, "the buzzer sounds")
        assert [level.on for level in read_levels(heartbeat)] == [False, True]
        darken_of(site.config)
        assert (last_level(buzzer).by, last_level(heartbeat).by) == ("darken", "darken")
    assert (last_level(buzzer).by, last_level(heartbeat).by) == ("close", "close")


def test_a_hint_is_a_tick_or_nothing_as_configured(tmp_path: Path) -> None:
    site = fitted(make_site(tmp_path))
    site.config_path.write_text(site.config_path.read_text("utf-8").replace("[clock]", "hint_tone = false\n[clock]"))
    buzzer = tmp_path / "run/buzzer.jsonl"
    with voice_of(site.config) as voice:
        voice.sound("hint")
        voice.sound("attendance")
        wait_until(lambda: last_level(buzzer).on, "the buzzer sounds")
    assert [level.on for level in read_levels(buzzer)].count(True) == len(TONES["attendance"])


def test_without_pins_nothing_is_opened(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    with voice_of(site.config) as voice:
        voice.beat()
    darken_of(site.config)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["lamps.jsonl"]


@pytest.mark.parametrize("keys", ["buzzer_pin = 17", "heartbeat_pin = 27", "buzzer_pin = 5\nheartbeat_pin = 5"])
def test_a_pin_is_used_once(tmp_path: Path, keys: str) -> None:
    text = make_site(tmp_path).config_path.read_text("utf-8")
    real = f'kind = "gpio"\nred_pin = 17\ngreen_pin = 27\n{keys}'
    text = text.replace('[signal]\nkind = "simulated"', f"[signal]\n{real}").replace('"assumed"', '"system"')
    with pytest.raises(ConfigError, match="a pin of its own"):
        load_config_text(text, tmp_path)

import socket
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from drivers.broker import Will
from drivers.errors import DeviceMissingError
from drivers.plates import PlateSeen
from drivers.plates.entering import enter_plate
from drivers.signal.simulated import last_lamps
from firmware import darken, uplink
from firmware.config import Config
from firmware.config_sections import PlatesConfig
from firmware.lamps import LampsOnDemand
from firmware.program import StopFlag
from firmware.uplink import Uplink
from firmware.wiring import (
    broker_of,
    camera_of,
    clock_of,
    contacts_of,
    darken_of,
    frame_reader_of,
    plates_of,
    signal_of,
)
from tests.firmware.site import Site, make_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def _with_gpio(config: Config) -> Config:
    return msgspec.structs.replace(
        config, signal=msgspec.structs.replace(config.signal, kind="gpio", red_pin=17, green_pin=27)
    )


def test_the_simulated_camera_shows_passes_that_the_symbol_reader_reads(site: Site) -> None:
    site.show("good", site.good())
    with closing(frame_reader_of(site.config)) as reader, camera_of(site.config) as camera:
        frame = camera.read(5)
        assert frame.luma.shape == (720, 1280)
        (symbol,) = reader.read(frame.luma).symbols
    assert symbol.text.startswith("HC1:")


def test_lamps_are_put_out_whoever_lit_them(site: Site) -> None:
    history = site.config.lamp_history
    with signal_of(site.config) as signal:
        signal.show(red=False, green=True, lease_s=60)
        assert last_lamps(history).green
        darken_of(site.config)
        assert not last_lamps(history).green
        signal.show(red=False, green=True, lease_s=60)
    assert not last_lamps(history).green


def test_a_third_lamp_is_fitted_where_its_pin_is_named(site: Site) -> None:
    three = msgspec.structs.replace(site.config, signal=msgspec.structs.replace(site.config.signal, amber_pin=24))
    with signal_of(three) as signal:
        signal.show(red=False, green=False, amber=True)
        assert last_lamps(site.config.lamp_history).amber
        darken_of(three)
        shown = last_lamps(site.config.lamp_history)
        assert (shown.amber, shown.by) == (False, "darken")
    with signal_of(site.config) as signal:
        assert not signal.has_amber


def test_a_third_lamp_is_known_once_the_lamps_open(site: Site) -> None:
    three = msgspec.structs.replace(site.config, signal=msgspec.structs.replace(site.config.signal, amber_pin=24))
    history = site.config.lamp_history
    history.symlink_to("/dev/full")
    with LampsOnDemand(lambda: signal_of(three)) as lamps:
        assert not lamps.has_amber
        history.unlink()
        lamps.show(red=False, green=False)
        assert lamps.has_amber
        lamps.show(red=False, green=False, amber=True)
        assert last_lamps(history).amber


def test_plates_are_taken_where_that_is_asked_for(site: Site) -> None:
    assert plates_of(site.config, lambda: None) is None
    assert not site.config.plates_socket.exists()
    asked = msgspec.structs.replace(site.config, plates=PlatesConfig(kind="socket"))
    malformed: list[bool] = []
    plates = plates_of(asked, lambda: malformed.append(True))
    assert plates
    with plates:
        enter_plate(site.config.plates_socket, "51C-123.45", 7)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"nonsense", str(site.config.plates_socket))
        assert plates.seen() == [PlateSeen("51C-123.45", 7)]
        assert malformed == [True]


def test_a_desk_assumes_its_clock(site: Site) -> None:
    assert clock_of(site.config).synchronised()


def test_a_broker_that_is_away_is_no_error(site: Site) -> None:
    with broker_of(site.config) as broker:
        assert not broker.connected


def test_the_broker_is_told_the_will_and_keeps_the_session_for_an_hour(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr("firmware.wiring.open_broker", lambda _, **more: asked.update(more))
    will = Will("status", lambda: None)
    broker_of(site.config, will)
    wanted = {"will": will, "session_s": 3600, "client_id": "kiosk-1", "protocol": "5", "patient": True}
    assert {name: asked[name] for name in wanted} == wanted


def test_the_uplink_takes_its_limits_and_the_journals_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = "[uplink]\nbatch_records = 7\nbatch_age_s = 9.0"
    config = make_site(tmp_path, journal="journal.db", more=more).config
    config = msgspec.structs.replace(config, journal=msgspec.structs.replace(config.journal, size_mib=33))
    made: list[Uplink] = []
    monkeypatch.setattr(uplink, "run", lambda one, *_: made.append(one))
    uplink._run(config, StopFlag())
    assert made[0]._sending._limits == config.uplink
    assert made[0]._journal._size_mib == 33


@pytest.mark.skipif(Path("/dev/gpiochip0").exists(), reason="this machine has pins")
def test_pins_that_are_not_there_are_named_with_a_cure(site: Site) -> None:
    with pytest.raises(DeviceMissingError) as caught:
        signal_of(_with_gpio(site.config))
    assert caught.value.cure
    with pytest.raises(DeviceMissingError):
        darken_of(_with_gpio(site.config))


def test_simulated_contacts_are_closed_through_the_run_folder(site: Site) -> None:
    contacts = contacts_of(site.config)
    assert contacts
    with contacts:
        site.config.contacts_pipe.write_text("press\n")
        assert [closing.name for closing in contacts.closings()] == ["override"]


def test_simulated_contacts_let_nobody_through_real_lamps(site: Site) -> None:
    assert contacts_of(_with_gpio(site.config)) is None
    assert not site.config.contacts_pipe.exists()


@pytest.mark.skipif(Path("/dev/gpiochip0").exists(), reason="this machine has pins")
def test_contacts_that_are_not_there_are_named_with_a_cure(site: Site) -> None:
    fitted = msgspec.structs.replace(site.config.contacts, kind="gpio", override_pin=5)
    with pytest.raises(DeviceMissingError) as caught:
        contacts_of(msgspec.structs.replace(_with_gpio(site.config), contacts=fitted))
    assert caught.value.cure


def test_darken_is_a_program(site: Site, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["darken", "--config", str(site.config_path)])
    assert darken.main() == 0
    assert last_lamps(site.config.lamp_history).by == "darken"
    history = site.config.lamp_history
    history.unlink()
    history.mkdir()
    assert darken.main() == 78
    assert "start-refused" in capfd.readouterr().err
    history.rmdir()
    history.symlink_to("/dev/full")
    assert darken.main() == 1

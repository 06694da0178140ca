from pathlib import Path

import msgspec
import pytest

from drivers.errors import DeviceMissingError
from drivers.signal.simulated import last_lamps
from firmware import darken
from firmware.config import Config
from firmware.wiring import broker_of, camera_of, clock_of, darken_of, signal_of, symbol_reader_of
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
    with camera_of(site.config) as camera:
        frame = camera.read(5)
        assert frame.luma.shape == (720, 1280)
        (symbol,) = symbol_reader_of(site.config).read(frame.luma)
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


def test_a_desk_assumes_its_clock(site: Site) -> None:
    assert clock_of(site.config).synchronised()


def test_a_broker_that_is_away_is_no_error(site: Site) -> None:
    with broker_of(site.config) as broker:
        assert not broker.connected


@pytest.mark.skipif(Path("/dev/gpiochip0").exists(), reason="this machine has pins")
def test_pins_that_are_not_there_are_named_with_a_cure(site: Site) -> None:
    with pytest.raises(DeviceMissingError) as caught:
        signal_of(_with_gpio(site.config))
    assert caught.value.cure
    with pytest.raises(DeviceMissingError):
        darken_of(_with_gpio(site.config))


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

"""From configuration to devices: the one place where a driver is chosen."""

from drivers.broker import Broker, open_broker
from drivers.camera import Camera, open_camera
from drivers.clock import Clock, open_clock
from drivers.signal import Signal, darken, open_signal
from drivers.symbols import SymbolReader, open_symbol_reader
from firmware.config import Config


def camera_of(config: Config) -> Camera:
    """Open the configured camera.

    Raises: DeviceMissingError, CameraLostError.
    """
    camera = config.camera
    return open_camera(
        camera.kind,
        source=camera.source,
        width_px=camera.width_px,
        height_px=camera.height_px,
        seed=camera.seed,
    )


def symbol_reader_of(config: Config) -> SymbolReader:
    """Open the configured symbol reader.

    Raises: DeviceMissingError.
    """
    return open_symbol_reader(config.symbols.reader)


def signal_of(config: Config) -> Signal:
    """Open the configured lamps, dark.

    Raises: DeviceMissingError.
    """
    signal = config.signal
    return open_signal(
        signal.kind,
        red_pin=signal.red_pin,
        green_pin=signal.green_pin,
        active_high=signal.active_high,
        history=config.lamp_history,
    )


def darken_of(config: Config) -> None:
    """Put the configured lamps out, whoever lit them.

    Raises: DeviceMissingError.
    """
    signal = config.signal
    darken(
        signal.kind,
        red_pin=signal.red_pin,
        green_pin=signal.green_pin,
        active_high=signal.active_high,
        history=config.lamp_history,
    )


def clock_of(config: Config) -> Clock:
    """Open the configured clock."""
    return open_clock(config.clock.kind)


def broker_of(config: Config) -> Broker:
    """Open the configured broker; it connects by itself, whenever it can."""
    broker = config.broker
    return open_broker(
        "mqtt",
        host=broker.host,
        port=broker.port,
        client_id=config.device.name,
        ca=broker.ca,
        certificate=broker.certificate,
        key=broker.key,
        protocol=broker.protocol,
    )

"""From configuration to devices: the one place where a driver is chosen."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from drivers.broker import Broker, Will, open_broker
from drivers.camera import Camera, Tuning, open_camera
from drivers.clock import Clock, open_clock
from drivers.contacts import Contacts, open_contacts
from drivers.plates import Plates, open_plates
from drivers.signal import Signal, darken, open_buzzer, open_heartbeat, open_signal
from drivers.symbols import FrameReader, open_frame_reader
from firmware.config import Config
from firmware.credentials import credential

if TYPE_CHECKING:
    from firmware.lamps import Voice

SESSION_S = (
    3600  # ours: an acknowledgement that meets a short absence still arrives; a longer one costs a batch sent anew
)


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
        tuning=Tuning(camera.focus, camera.lens_position, camera.exposure_max_us, camera.gain_max, camera.fps),
    )


def frame_reader_of(config: Config) -> FrameReader:
    """Open the configured reader of a camera's frames; before any thread is there, as it may start a process.

    Raises: DeviceMissingError.
    """
    symbols = config.symbols
    return open_frame_reader(symbols.reader, budget_ms=symbols.budget_ms, rescue_limit_ms=symbols.rescue_limit_ms)


def signal_of(config: Config) -> Signal:
    """Open the configured lamps, dark.

    Raises: DeviceMissingError.
    """
    signal = config.signal
    return open_signal(
        signal.kind,
        red_pin=signal.red_pin,
        green_pin=signal.green_pin,
        amber_pin=signal.amber_pin,
        active_high=signal.active_high,
        history=config.lamp_history,
    )


def voice_of(config: Config) -> "Voice":
    """Open the buzzer and the heartbeat that are configured; what is wrong with them is a fault of theirs."""
    from firmware.lamps import Voice  # noqa: PLC0415 - threads and tones: the gate's alone, 0.3 MiB in each program

    signal, history = config.signal, config.lamp_history
    buzzer = heartbeat = None
    if signal.heartbeat_pin is not None:
        heartbeat = open_heartbeat(signal.kind, pin=signal.heartbeat_pin, history=history)
    if signal.buzzer_pin is not None:
        buzzer = open_buzzer(signal.kind, pin=signal.buzzer_pin, active_high=signal.active_high, history=history)
    return Voice(buzzer, heartbeat, hints=signal.hint_tone)


def darken_of(config: Config) -> None:
    """Put the configured lamps out, whoever lit them, silence the buzzer and put the heartbeat low.

    Raises: DeviceMissingError.
    """
    signal = config.signal
    darken(
        signal.kind,
        red_pin=signal.red_pin,
        green_pin=signal.green_pin,
        amber_pin=signal.amber_pin,
        active_high=signal.active_high,
        history=config.lamp_history,
        buzzer_pin=signal.buzzer_pin,
        heartbeat_pin=signal.heartbeat_pin,
    )


def contacts_of(config: Config) -> Contacts | None:
    """Open the configured contacts; None where none are: simulated ones never let anybody through real lamps.

    Raises: DeviceMissingError.
    """
    contacts = config.contacts
    if contacts.kind == "simulated" and config.signal.kind == "gpio":
        return None
    return open_contacts(
        contacts.kind,
        override_pin=contacts.override_pin,
        passage_pin=contacts.passage_pin,
        active_high=contacts.active_high,
        pipe=config.contacts_pipe,
    )


def plates_of(config: Config, malformed: Callable[[], None]) -> Plates | None:
    """Open where plates are entered; None where nobody enters any. `malformed` is called for what is no message.

    Raises: DeviceMissingError.
    """
    if config.plates.kind == "none":
        return None
    return open_plates(config.plates.kind, socket=config.plates_socket, malformed=malformed)


def clock_of(config: Config) -> Clock:
    """Open the configured clock."""
    return open_clock(config.clock.kind)


def broker_of(config: Config, will: Will | None = None) -> Broker:
    """Open the configured broker; it connects by itself, whenever it can and its files are there."""
    broker = config.broker
    return open_broker(
        "mqtt",
        host=broker.host,
        port=broker.port,
        client_id=config.device.name,
        ca=credential(broker.ca),
        certificate=credential(broker.certificate),
        key=credential(broker.key),
        protocol=broker.protocol,
        will=will,
        session_s=SESSION_S,
        patient=True,
    )

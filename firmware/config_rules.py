"""What a configuration must hold beyond one key at a time (pure)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # which calls this
    from firmware.config import BrokerConfig, Config, SignalConfig

PIN_KEYS = ("red_pin", "green_pin", "buzzer_pin", "heartbeat_pin")  # of signal: what may not share a pin
SOCKET_PATH_MAX_BYTES = 107  # unix(7): sun_path holds 108 bytes with its terminating zero
LONGEST_SOCKET = "notify-supervisor.sock"  # of the names that sockets in the run folder have


def problem_of(config: "Config") -> str | None:
    """Return what is wrong, key and cure, None where nothing is."""
    return (
        _of_labels(config)
        or (_of_real_lamps(config) if config.signal.kind == "gpio" else None)
        or _of_hosts(config)
        or _of_broker(config.broker)
        or _of_run_folder(config)
    )


def _of_labels(config: "Config") -> str | None:
    if config.device.lane.isprintable() and config.device.site.isprintable():
        return None
    return "keys device.site and device.lane: printable characters only"


def _of_real_lamps(config: "Config") -> str | None:
    signal = config.signal
    if signal.red_pin is None or signal.green_pin is None:
        return "keys signal.red_pin and signal.green_pin are missing: gpio lamps need both"
    if config.clock.kind == "assumed":
        return 'key clock.kind: "assumed" with gpio lamps: use "system"'
    return _of_pins(signal)


def _of_pins(signal: "SignalConfig") -> str | None:
    keys: dict[int, str] = {}
    for key in PIN_KEYS:
        pin: int | None = getattr(signal, key)
        if pin is not None and (first := keys.setdefault(pin, key)) != key:
            return f"key signal.{key}: same as signal.{first}: give each a pin of its own"
    return None


def _of_hosts(config: "Config") -> str | None:
    for key, host in (("panel.host", config.panel.host), ("broker.host", config.broker.host)):
        if not (host.isascii() and host.isprintable()) or " " in host:
            return f"key {key}: a host's name or address, in ASCII"
    return None


def _of_broker(broker: "BrokerConfig") -> str | None:
    if (broker.certificate is None) != (broker.key is None):
        return "keys broker.certificate and broker.key go together: set both or neither"
    if broker.certificate is not None and broker.ca is None:
        return "key broker.ca is missing: a client certificate needs TLS"
    return None


def _of_run_folder(config: "Config") -> str | None:
    if len(bytes(config.run.folder / LONGEST_SOCKET)) > SOCKET_PATH_MAX_BYTES:
        return "key run.folder: too long a path for a Unix socket: choose one under 85 bytes"
    return None

"""What a configuration must hold beyond one key at a time (pure)."""

from typing import TYPE_CHECKING

from drivers.fetcher import parse_address

if TYPE_CHECKING:  # which calls this
    from firmware.config import Config
    from firmware.config_sections import BrokerConfig, CameraConfig, ContactsConfig, SignalConfig, TrustConfig

PIN_KEYS = ("red_pin", "green_pin", "amber_pin", "buzzer_pin", "heartbeat_pin")  # of signal: what may not share a pin
CONTACT_KEYS = ("override_pin", "passage_pin")  # of contacts, likewise
SOCKET_PATH_MAX_BYTES = 107  # unix(7): sun_path holds 108 bytes with its terminating zero
MICROSECONDS = 1_000_000  # of a second
LONGEST_SOCKET = "notify-supervisor.sock"  # of the names that sockets in the run folder have


def problem_of(config: "Config") -> str | None:
    """Return what is wrong, key and cure, None where nothing is."""
    return (
        _of_labels(config)
        or (_of_real_lamps(config) if config.signal.kind == "gpio" else None)
        or _of_camera(config.camera)
        or _of_contacts(config)
        or _of_pins(config)
        or _of_details(config)
        or _of_area(config)
        or _of_hosts(config)
        or _of_broker(config.broker)
        or _of_trust(config.trust)
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
    return None


def _of_camera(camera: "CameraConfig") -> str | None:
    if camera.focus == "manual" and camera.lens_position is None:
        return "key camera.lens_position is missing: a manual focus needs it: greengate camera tune finds it"
    if camera.focus != "manual" and camera.lens_position is not None:
        return 'key camera.lens_position: set camera.focus = "manual" too, or take it out'
    if camera.fps is not None and camera.exposure_max_us * camera.fps > MICROSECONDS:
        longest_us = int(MICROSECONDS / camera.fps)
        return f"key camera.exposure_max_us: longer than a frame: with camera.fps {camera.fps:g} at most {longest_us}"
    return None


def _of_contacts(config: "Config") -> str | None:
    contacts = config.contacts
    fitted = contacts.override_pin is not None or contacts.passage_pin is not None
    if contacts.kind == "gpio" and not fitted:
        return "keys contacts.override_pin and contacts.passage_pin are missing: gpio contacts need one of them"
    if contacts.kind == "simulated" and fitted and config.signal.kind == "gpio":
        return 'key contacts.kind: "simulated" with pins and gpio lamps: use "gpio"'
    return None


def _of_pins(config: "Config") -> str | None:
    """Look at the pins that are really driven or listened to."""
    keys: dict[int, str] = {}
    for key, pin in (*_pins("signal", config.signal, PIN_KEYS), *_pins("contacts", config.contacts, CONTACT_KEYS)):
        if (first := keys.setdefault(pin, key)) != key:
            return f"key {key}: same as {first}: give each a pin of its own"
    return None


def _pins(name: str, section: "SignalConfig | ContactsConfig", keys: tuple[str, ...]) -> list[tuple[str, int]]:
    pins = [(f"{name}.{key}", getattr(section, key)) for key in keys if section.kind == "gpio"]
    return [(key, pin) for key, pin in pins if pin is not None]


def _of_details(config: "Config") -> str | None:
    files = config.centre_files
    if config.profile.details and (files.ca is None or files.keys is None):
        return "key profile.details: needs centre.ca and centre.keys to seal to: run greengate enrol"
    return None


def _of_area(config: "Config") -> str | None:
    area, province = config.device.area, (config.trust.province or "").upper()
    if area is None or not province or f"{area}-".startswith(f"{province}-"):
        return None
    return f"key device.area: {area} does not lie in {province}, the area of trust.province: correct one of them"


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


def _of_trust(trust: "TrustConfig") -> str | None:
    if (trust.certificate is None) != (trust.key is None):
        return "keys trust.certificate and trust.key go together: set both or neither"
    if trust.url is None:
        named = [key for key in ("ca", "certificate") if getattr(trust, key) is not None]
        return f"key trust.url is missing: trust.{named[0]} is for its server" if named else None
    try:
        parse_address(trust.url)
    except ValueError as error:
        return f"key trust.url: {error}"
    return None


def _of_run_folder(config: "Config") -> str | None:
    if len(bytes(config.run.folder / LONGEST_SOCKET)) > SOCKET_PATH_MAX_BYTES:
        return "key run.folder: too long a path for a Unix socket: choose one under 85 bytes"
    return None

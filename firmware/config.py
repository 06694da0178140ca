"""The device's configuration: one TOML file, checked whole at start."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

CONFIG_MAX_BYTES = 256 * 1024  # ours: a configuration has about forty lines; guards against a wrong file
SOCKET_PATH_MAX_BYTES = 107  # unix(7): sun_path holds 108 bytes with its terminating zero
LONGEST_SOCKET = "notify-supervisor.sock"  # of the names that sockets in the run folder have

Name = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,32}\Z")]
Label = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(min_length=1, max_length=1024)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Pin = Annotated[int, Meta(ge=0, le=27)]  # BCM numbers on the 40-pin header
Pixels = Annotated[int, Meta(ge=64, le=8192)]
LightSeconds = Annotated[float, Meta(gt=0, le=60)]  # drivers/signal takes leases of up to 60 s


class ConfigError(Exception):
    """A configuration that cannot be used: one line with the file, the key and the cure."""


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all sections share."""


class DeviceConfig(_Section, frozen=True, kw_only=True):
    """Which checkpoint this is: `name` is its identity at the centre."""

    name: Name
    site: Label
    lane: Label
    direction: Literal["in", "out"]


class CameraConfig(_Section, frozen=True, kw_only=True):
    """Which camera: `source` is a device, a video file or (simulated) a folder of pictures."""

    kind: Literal["simulated", "opencv", "picamera2"]
    source: Text
    width_px: Pixels = 1280
    height_px: Pixels = 720
    seed: int = 0


class SymbolsConfig(_Section, frozen=True, kw_only=True):
    """Which symbol reader."""

    reader: Literal["zxing", "pyzbar"] = "zxing"


class SignalConfig(_Section, frozen=True, kw_only=True):
    """Which lamps: BCM pin numbers (gpio), or a file of levels (simulated; default in the run folder)."""

    kind: Literal["simulated", "gpio"]
    red_pin: Pin | None = None
    green_pin: Pin | None = None
    active_high: bool = True
    history: Path | None = None


class ClockConfig(_Section, frozen=True, kw_only=True):
    """Whether the clock must prove itself, or (desk only) is assumed to be right."""

    kind: Literal["system", "assumed"] = "system"


class TrustConfig(_Section, frozen=True, kw_only=True):
    """Where the trust data lies."""

    folder: Path


class JournalConfig(_Section, frozen=True, kw_only=True):
    """Where check-ins are recorded, and after how many days what concerns a holder is blanked."""

    path: Path
    retention_days: Annotated[int, Meta(ge=1, le=366)] = 14


class BrokerConfig(_Section, frozen=True, kw_only=True):
    """Where batches go; with `ca` over TLS."""

    host: Text
    port: Port = 8883
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    protocol: Literal["5", "3.1.1"] = "5"


class PanelConfig(_Section, frozen=True, kw_only=True):
    """Where the page is served."""

    host: Text = "127.0.0.1"
    port: Port = 8080


class RunConfig(_Section, frozen=True, kw_only=True):
    """Where sockets and other things of this run live."""

    folder: Path


class TimingConfig(_Section, frozen=True, kw_only=True):
    """How long, in seconds: lights, a pass held still, and a reader that says nothing."""

    green_s: LightSeconds = 3.0
    red_s: LightSeconds = 3.0
    held_s: Annotated[float, Meta(gt=0, le=60)] = 2.0
    reader_timeout_s: Annotated[float, Meta(ge=1, le=60)] = 3.0  # the reader says something every 0.5 s


class Config(_Section, frozen=True, kw_only=True):
    """The whole configuration, one attribute a section."""

    device: DeviceConfig
    camera: CameraConfig
    symbols: SymbolsConfig = SymbolsConfig()
    signal: SignalConfig
    clock: ClockConfig = ClockConfig()
    trust: TrustConfig
    journal: JournalConfig
    broker: BrokerConfig
    panel: PanelConfig = PanelConfig()
    run: RunConfig
    timing: TimingConfig = TimingConfig()

    @property
    def readings_socket(self) -> Path:
        """Return where the gate listens for the reader."""
        return self.run.folder / "readings.sock"

    @property
    def events_socket(self) -> Path:
        """Return where the gate listens for panels."""
        return self.run.folder / "events.sock"

    @property
    def uplink_status(self) -> Path:
        """Return the file in which the uplink says how it is."""
        return self.run.folder / "uplink.json"

    @property
    def lamp_history(self) -> Path:
        """Return the file in which simulated lamps keep their levels."""
        return self.signal.history or self.run.folder / "lamps.jsonl"


def load_config(path: Path) -> Config:
    """Return the configuration in a TOML file; relative paths in it are relative to the file.

    Raises: ConfigError, one line naming the file, the key and the cure.
    """
    try:
        table = tomllib.loads(_read(path))
        config = _convert(table, path.absolute().parent)
        _check(config)
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply: is this the right file?") from None
    except (ConfigError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}".replace("\n", " ")) from None
    return config


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(CONFIG_MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError("no such file: name an existing one with --config") from None
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror}): make it a file this user can read") from None
    if len(data) > CONFIG_MAX_BYTES:
        raise ConfigError(f"over {CONFIG_MAX_BYTES} bytes: is this the right file?")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 at byte {error.start}: save it as UTF-8") from None


def _convert(table: dict[str, Any], base: Path) -> Config:
    def hook(kind: type, value: object) -> object:
        if kind is Path and isinstance(value, str) and value and "\0" not in value:
            return base / value
        raise ValueError("Expected a path")

    try:
        config = msgspec.convert(table, Config, dec_hook=hook)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error))) from None
    return _with_source(config, base)


def _with_source(config: Config, base: Path) -> Config:
    """Resolve `camera.source` where it is a path: not a device number, not an address."""
    camera = config.camera
    if camera.kind == "picamera2" or camera.source.isdecimal() or "://" in camera.source:
        return config
    source = str(base / camera.source)
    return msgspec.structs.replace(config, camera=msgspec.structs.replace(camera, source=source))


def _explain(problem: str) -> str:
    """Turn msgspec's "Object contains unknown field `x` - at `$.camera`" into key and cure."""
    what, _, where = problem.partition(" - at ")
    section = where.strip("`").removeprefix("$").lstrip(".")
    if match := re.fullmatch(r"Object contains unknown field `(.*)`", what, re.DOTALL):
        return f"unknown key {_key(section, match[1])}: {_nearest(section, match[1])}"
    if match := re.fullmatch(r"Object missing required field `(.*)`", what):
        return f"key {_key(section, match[1])} is missing: add it"
    return f"key {section or 'file'}: {what[0].lower()}{what[1:]}; docs/commands.md lists what each key takes"


def _key(section: str, name: str) -> str:
    return f"{section}.{name}" if section else name


def _nearest(section: str, name: str) -> str:
    import difflib  # noqa: PLC0415 - only needed to explain a mistake

    struct = Config.__annotations__[section] if section else Config
    valid = struct.__struct_fields__
    near = difflib.get_close_matches(name, valid, n=1)
    return f"did you mean {near[0]}?" if near else f"valid here are {', '.join(valid)}"


def _check(config: Config) -> None:
    """Check what concerns more than one key."""
    signal, broker = config.signal, config.broker
    if not config.device.lane.isprintable() or not config.device.site.isprintable():
        raise ConfigError("keys device.site and device.lane: printable characters only")
    if signal.kind == "gpio":
        if signal.red_pin is None or signal.green_pin is None:
            raise ConfigError("keys signal.red_pin and signal.green_pin are missing: gpio lamps need both")
        if signal.red_pin == signal.green_pin:
            raise ConfigError("key signal.green_pin: same as signal.red_pin: give each lamp a pin of its own")
        if config.clock.kind == "assumed":
            raise ConfigError('key clock.kind: "assumed" with gpio lamps: use "system"')
    if (broker.certificate is None) != (broker.key is None):
        raise ConfigError("keys broker.certificate and broker.key go together: set both or neither")
    if broker.certificate is not None and broker.ca is None:
        raise ConfigError("key broker.ca is missing: a client certificate needs TLS")
    if len(bytes(config.run.folder / LONGEST_SOCKET)) > SOCKET_PATH_MAX_BYTES:
        raise ConfigError("key run.folder: too long a path for a Unix socket: choose one under 85 bytes")

"""The device's configuration: one TOML file, checked whole at start."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from firmware.config_mistakes import explained
from firmware.config_rules import problem_of

CONFIG_MAX_BYTES = 256 * 1024  # ours: a configuration has about forty lines; guards against a wrong file
VERSION = 1  # of the configuration: raised where an older program would misunderstand it
APPLIANCE_RUN_FOLDER = Path("/run/greengate")
APPLIANCE_MARKER = Path("/run/greengate-service/state")  # not in the run folder, which the gate's user may write

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
    """Which lamps: BCM pin numbers (gpio), or a file of levels (simulated; default in the run folder).

    An active buzzer and a heartbeat for a retriggerable relay are fitted where their pins are named.
    """

    kind: Literal["simulated", "gpio"]
    red_pin: Pin | None = None
    green_pin: Pin | None = None
    buzzer_pin: Pin | None = None
    heartbeat_pin: Pin | None = None
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
    """Where sockets and other things of this run live.

    `service` is the marker of service state (default: by the folder); `test` is for a technician's self-test alone.
    """

    folder: Path
    service: Path | None = None
    test: bool = False


class TimingConfig(_Section, frozen=True, kw_only=True):
    """How long, in seconds: lights, a pass held still, and a reader that says nothing."""

    green_s: LightSeconds = 3.0
    red_s: LightSeconds = 3.0
    held_s: Annotated[float, Meta(gt=0, le=60)] = 2.0
    reader_timeout_s: Annotated[float, Meta(ge=1, le=60)] = 3.0  # the reader says something every 0.5 s


class Config(_Section, frozen=True, kw_only=True):
    """The whole configuration, one attribute a section."""

    version: Annotated[int, Meta(ge=1, le=VERSION)] = VERSION
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
        """Return where the gate listens for the reader, in a folder that on an appliance no other program may enter."""
        return self.run.folder / "reader" / "readings.sock"

    @property
    def events_socket(self) -> Path:
        """Return where the gate listens for panels."""
        return self.run.folder / "events.sock"

    @property
    def uplink_status(self) -> Path:
        """Return the file in which the uplink says how it is."""
        return self.run.folder / "uplink" / "uplink.json"

    @property
    def service_marker(self) -> Path:
        """Return the file that is there while a technician works on the device."""
        own = APPLIANCE_MARKER if self.run.folder == APPLIANCE_RUN_FOLDER else self.run.folder / "service"
        return self.run.service or own

    @property
    def lamp_history(self) -> Path:
        """Return the file in which simulated lamps keep their levels."""
        return self.signal.history or self.run.folder / "lamps.jsonl"


def load_config(path: Path) -> Config:
    """Return the configuration in a TOML file; relative paths in it are relative to the file.

    Raises: ConfigError, one line naming the file, the key and the cure.
    """
    try:
        return load_config_text(_read(path), path.absolute().parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def load_config_text(text: str, base: Path) -> Config:
    """Return the configuration in a text; relative paths in it are relative to `base`.

    Raises: ConfigError, one line naming the key and the cure.
    """
    try:
        table = tomllib.loads(text)
        _check_version(table.get("version"))
        config = _convert(table, base)
    except RecursionError:
        raise ConfigError("nested too deeply: is this the right file?") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(" ".join(str(error).split())) from None
    except ValueError:  # Python's own, for over 4300 digits
        raise ConfigError("a number in it has thousands of digits: is this the right file?") from None
    if problem := problem_of(config):
        raise ConfigError(problem)
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


def _check_version(version: object) -> None:
    """Check this before all else: what a newer version may hold is not for this program to call a mistake."""
    if type(version) is int and version > VERSION:
        written = str(version)[:20]  # it may have thousands of digits
        raise ConfigError(f"written for version {written}, this program knows {VERSION}: update the program")


def _convert(table: dict[str, Any], base: Path) -> Config:
    def hook(kind: type, value: object) -> object:
        if kind is Path and isinstance(value, str) and value and "\0" not in value:
            return base / value
        raise ValueError("Expected a path")

    try:
        config = msgspec.convert(table, Config, dec_hook=hook)
    except msgspec.ValidationError as error:
        raise ConfigError(explained(str(error), Config)) from None
    return _with_source(config, base)


def _with_source(config: Config, base: Path) -> Config:
    """Resolve `camera.source` where it is a path: not a device number, not an address."""
    camera = config.camera
    if camera.kind == "picamera2" or camera.source.isdecimal() or "://" in camera.source:
        return config
    source = str(base / camera.source)
    return msgspec.structs.replace(config, camera=msgspec.structs.replace(camera, source=source))

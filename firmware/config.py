"""The device's configuration: one TOML file, checked whole at start."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from firmware.config_mistakes import explained
from firmware.config_rules import problem_of
from firmware.config_sections import (
    BrokerConfig,
    CameraConfig,
    CentreConfig,
    ClockConfig,
    ContactsConfig,
    DeviceConfig,
    JournalConfig,
    PanelConfig,
    PlatesConfig,
    ProfileConfig,
    RunConfig,
    Section,
    SignalConfig,
    SymbolsConfig,
    TimingConfig,
    TrustConfig,
    UplinkConfig,
)

CONFIG_MAX_BYTES = 256 * 1024  # ours: a configuration has about forty lines; guards against a wrong file
VERSION = 1  # of the configuration: raised where an older program would misunderstand it
APPLIANCE_RUN_FOLDER = Path("/run/greengate")
APPLIANCE_MARKER = Path("/run/greengate-service/state")  # not in the run folder, which the gate's user may write


class ConfigError(Exception):
    """A configuration that cannot be used: one line with the file, the key and the cure."""


class Config(Section, frozen=True, kw_only=True):
    """The whole configuration, one attribute a section."""

    version: Annotated[int, Meta(ge=1, le=VERSION)] = VERSION
    device: DeviceConfig
    camera: CameraConfig
    symbols: SymbolsConfig = SymbolsConfig()
    signal: SignalConfig
    clock: ClockConfig = ClockConfig()
    trust: TrustConfig
    journal: JournalConfig
    profile: ProfileConfig = ProfileConfig()
    broker: BrokerConfig
    centre: CentreConfig = CentreConfig()
    uplink: UplinkConfig = UplinkConfig()
    contacts: ContactsConfig = ContactsConfig()
    plates: PlatesConfig = PlatesConfig()
    panel: PanelConfig = PanelConfig()
    run: RunConfig
    timing: TimingConfig = TimingConfig()

    @property
    def centre_files(self) -> CentreConfig:
        """Return where the keys and certificates of device and centre are; None: nobody has named one."""
        broker, centre = self.broker, self.centre
        certificate = centre.certificate or broker.certificate
        return CentreConfig(
            ca=centre.ca or broker.ca,
            certificate=certificate,
            key=centre.key or broker.key,
            keys=centre.keys or (certificate and certificate.with_name("centre.pem")),
        )

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
    def trust_announced(self) -> Path:
        """Return the file in which the uplink says that the centre has published newer trust."""
        return self.run.folder / "uplink" / "trust.json"

    @property
    def service_marker(self) -> Path:
        """Return the file that is there while a technician works on the device."""
        own = APPLIANCE_MARKER if self.run.folder == APPLIANCE_RUN_FOLDER else self.run.folder / "service"
        return self.run.service or own

    @property
    def contacts_pipe(self) -> Path:
        """Return the named pipe whose words are simulated contacts' closings."""
        return self.run.folder / "contacts"

    @property
    def plates_socket(self) -> Path:
        """Return where the gate takes plates, in a folder that on an appliance only who enters them may enter."""
        return self.run.folder / "plates" / "plates.sock"

    @property
    def area(self) -> str | None:
        """Return the area that the lane stands in: its own, else its province's; None: nobody has said."""
        province = self.trust.province
        return self.device.area or (province and province.upper())

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

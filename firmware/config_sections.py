"""The sections of the device's configuration, a class each: its keys, their bounds, what they are if not set."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from firmware.detail_names import Detail

Name = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,32}\Z")]
Label = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(min_length=1, max_length=1024)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Pin = Annotated[int, Meta(ge=0, le=27)]  # BCM numbers on the 40-pin header
Pixels = Annotated[int, Meta(ge=64, le=8192)]
Hours = Annotated[float, Meta(gt=0, le=8784)]  # a year
RoadName = Annotated[str, Meta(pattern=r"\A[A-Z0-9.-]{1,12}\Z")]  # as in a permit's route (docs/formats/lx1.md)
AREA_PATTERN = r"\A[A-Z0-9]{1,8}(-[A-Z0-9]{1,8}){0,3}\Z"  # as in the trust list; verifier itself costs 10 MiB here
PROVINCE_PATTERN = r"\A[a-z0-9]{1,8}(-[a-z0-9]{1,8})*\Z"  # ISO 3166-2 in small letters, as in the repository's paths
LightSeconds = Annotated[float, Meta(gt=0, le=60)]  # drivers/signal takes leases of up to 60 s


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all sections share."""


class DeviceConfig(Section, frozen=True, kw_only=True):
    """Which checkpoint this is: `name` is its identity at the centre.

    `area` and `roads` are where it stands: what a permit's areas and route, and a rule's scope, are held against.
    """

    name: Name
    site: Label
    lane: Label
    direction: Literal["in", "out"]
    area: Annotated[str, Meta(pattern=AREA_PATTERN)] | None = None
    roads: Annotated[tuple[RoadName, ...], Meta(max_length=8)] = ()  # ours: more roads than meet at one place


class CameraConfig(Section, frozen=True, kw_only=True):
    """Which camera: `source` is a device, a video file or (simulated) a folder of pictures; and how it is set.

    The lens focuses by itself, or is held at `lens_position` (dioptres). What exposes a code is no longer than
    `exposure_max_us`, which a hand's motion blurs; `gain_max` is what noise allows. `fps` is else the kind's own.
    """

    kind: Literal["simulated", "opencv", "picamera2"]
    source: Text
    width_px: Pixels = 1280
    height_px: Pixels = 720
    seed: int = 0
    focus: Literal["continuous", "manual"] = "continuous"
    lens_position: Annotated[float, Meta(ge=0, le=32)] | None = None  # libcamera's own bounds: 3 cm at the nearest
    exposure_max_us: Annotated[int, Meta(ge=100, le=100_000)] = 8000  # as in drivers/camera, which says why
    gain_max: Annotated[float, Meta(ge=1, le=64)] = 16.0  # no sensor of a Raspberry Pi has more
    fps: Annotated[float, Meta(ge=1, le=120)] | None = None


class SymbolsConfig(Section, frozen=True, kw_only=True):
    """Which symbol reader: all that help one another (`pipeline`), or one alone.

    The pipeline begins nothing that a frame's `budget_ms` does not hold; a frame that does not read is rescued on
    another core for `rescue_limit_ms` at most, 0 for never.
    """

    reader: Literal["pipeline", "zxing", "pyzbar"] = "pipeline"
    budget_ms: Annotated[float, Meta(ge=1, le=1000)] = 16.0
    rescue_limit_ms: Annotated[float, Meta(ge=0, le=2000)] = 300.0


class SignalConfig(Section, frozen=True, kw_only=True):
    """Which lamps: BCM pin numbers (gpio), or a file of levels (simulated; default in the run folder).

    An amber lamp, an active buzzer and a heartbeat for a retriggerable relay are fitted where their pins are named.
    `hint_tone`: the buzzer ticks where a hint appears on the screen.
    """

    kind: Literal["simulated", "gpio"]
    red_pin: Pin | None = None
    green_pin: Pin | None = None
    amber_pin: Pin | None = None
    buzzer_pin: Pin | None = None
    heartbeat_pin: Pin | None = None
    hint_tone: bool = True
    active_high: bool = True
    history: Path | None = None


class ClockConfig(Section, frozen=True, kw_only=True):
    """Whether the clock must prove itself, or (desk only) is assumed to be right."""

    kind: Literal["system", "assumed"] = "system"


class TrustConfig(Section, frozen=True, kw_only=True):
    """Where the trust data lies, from where it is fetched anew, and which province's rules belong to it.

    `ca`, `certificate` and `key` are for the server at `url`. After so many hours a part is ageing or stale here, where
    that is earlier than the nation says.
    """

    folder: Path
    url: Text | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    province: Annotated[str, Meta(pattern=PROVINCE_PATTERN)] | None = None
    keys_ageing_hours: Hours | None = None
    keys_stale_hours: Hours | None = None
    revocations_ageing_hours: Hours | None = None
    revocations_stale_hours: Hours | None = None
    rules_ageing_hours: Hours | None = None
    rules_stale_hours: Hours | None = None


class JournalConfig(Section, frozen=True, kw_only=True):
    """Where check-ins are recorded, and after how many days what concerns a holder is blanked.

    It grows to `size_mib` at most; what the centre has goes after `acknowledged_hours`.
    """

    path: Path
    retention_days: Annotated[int, Meta(ge=1, le=366)] = 14
    size_mib: Annotated[int, Meta(ge=16, le=65536)] = 256
    acknowledged_hours: Annotated[int, Meta(ge=0, le=8784)] = 0


class ProfileConfig(Section, frozen=True, kw_only=True):
    """What this lane asks for: the profile's name (a code), and which of a holder's details are kept, sealed.

    `folder` holds the site's own rules and profiles, which can only tighten those of the nation and the province.
    """

    name: Annotated[str, Meta(pattern=r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=48)] = "default"
    details: Annotated[tuple[Detail, ...], Meta(max_length=2)] = ()
    folder: Path | None = None


class CentreConfig(Section, frozen=True, kw_only=True):
    """How this device and its centre know each other; what is not named here is the broker's.

    `ca` is the centre's authority, `certificate` and `key` are this device's, `keys` the certificates to seal to
    (default: `centre.pem` beside the certificate).
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    keys: Path | None = None


class UplinkConfig(Section, frozen=True, kw_only=True):
    """When a batch is closed and sent: by its number of records, or the age of the first of them."""

    batch_records: Annotated[int, Meta(ge=1, le=400)] = 400
    batch_age_s: Annotated[float, Meta(ge=0, le=3600)] = 0.5


class ContactsConfig(Section, frozen=True, kw_only=True):
    """Which contacts are fitted, by BCM pin: the staff's button, and what closes when somebody passes."""

    kind: Literal["simulated", "gpio"] = "simulated"
    override_pin: Pin | None = None
    passage_pin: Pin | None = None
    active_high: bool = False  # a switch to ground, with the pin pulled up, is the usual wiring


class PlatesConfig(Section, frozen=True, kw_only=True):
    """Who enters number plates: nobody, or whoever may write to the socket (staff, a camera that reads plates)."""

    kind: Literal["none", "socket"] = "none"


class BrokerConfig(Section, frozen=True, kw_only=True):
    """Where batches go; with `ca` over TLS."""

    host: Text
    port: Port = 8883
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    protocol: Literal["5", "3.1.1"] = "5"


class PanelConfig(Section, frozen=True, kw_only=True):
    """Where the page is served."""

    host: Text = "127.0.0.1"
    port: Port = 8080


class RunConfig(Section, frozen=True, kw_only=True):
    """Where sockets and other things of this run live.

    `service` is the marker of service state (default: by the folder); `test` is for a technician's self-test alone.
    """

    folder: Path
    service: Path | None = None
    test: bool = False


class TimingConfig(Section, frozen=True, kw_only=True):
    """How long, in seconds: lights, a pass held still, and a reader that says nothing."""

    green_s: LightSeconds = 3.0
    red_s: LightSeconds = 3.0
    held_s: Annotated[float, Meta(gt=0, le=60)] = 2.0
    reader_timeout_s: Annotated[float, Meta(ge=1, le=60)] = 3.0  # the reader says something every 0.5 s

"""What an enrolment is to make of a device: said by options, kept from before, known to the centre, answered."""

from pathlib import Path
from typing import Literal, NamedTuple, cast

import msgspec

from drivers.fetcher import parse_address as parse_url
from provisioning.identity.client import Settings, parse_address
from provisioning.identity.keys import NAME, parse_fingerprint
from verifier.areas import is_province

LABEL_MAX_CHARS = 64  # as firmware/config.py
PIN_MAX = 27  # BCM numbers on the 40-pin header
BROKER_PORT = 8883
SIMULATED = "simulated"
SOURCES = {"picamera2": "0", "opencv": "/dev/video0", SIMULATED: "/run/greengate-simulation/pictures"}
SIMULATED_TRUST = "/run/greengate-simulation/trust"
_PORT_MAX = 65535

Direction = Literal["in", "out"]


class WishError(ValueError):
    """An answer or option that cannot be used: a code of the words."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class Lamps(NamedTuple):
    """Where the lamps are; both None: simulated."""

    red_pin: int | None
    green_pin: int | None


class Wishes(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known so far; nothing in it is secret. None: not known."""

    name: str | None = None
    centre: str | None = None
    ca_fingerprint: str | None = None
    site: str | None = None
    lane: str | None = None
    direction: Direction | None = None
    broker_host: str | None = None
    broker_port: int | None = None
    camera: tuple[str, str] | None = None  # kind and source
    lamps: Lamps | None = None
    trust: str | None = None
    trust_url: str | None = None
    province: str | None = None

    @property
    def trusts_simulation(self) -> bool:
        """Tell whether the simulation's own trust data are meant: new with each start, so no copy lasts."""
        shown, lamps = self.camera in {None, (SIMULATED, SOURCES[SIMULATED])}, self.lamps or Lamps(None, None)
        return shown and lamps.red_pin is None and self.trust in {None, SIMULATED_TRUST}

    def over(self, other: "Wishes") -> "Wishes":
        """Return what is known of either, of this one first."""
        ours, theirs = msgspec.structs.asdict(self), msgspec.structs.asdict(other)
        return Wishes(**{key: theirs[key] if value is None else value for key, value in ours.items()})


def of_settings(settings: Settings) -> Wishes:
    """Return what the centre knows; what could not be used is left out."""
    host, port = _host(settings.broker_host), settings.broker_port
    return Wishes(
        site=_usable(settings.site),
        lane=_usable(settings.lane),
        direction=settings.direction,
        broker_host=host,
        broker_port=(port if port is not None and 0 < port <= _PORT_MAX else BROKER_PORT) if host else None,
    )


def of_bytes(data: bytes | None) -> Wishes:
    """Return what was kept; nothing of what means nothing."""
    try:
        return msgspec.json.decode(data or b"{}", type=Wishes)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Wishes()


def name_of(text: str) -> Wishes:
    """Understand a device's name. Raises: WishError."""
    if not NAME.fullmatch(text):
        raise WishError("name-wrong", text=_short(text))
    return Wishes(name=text)


def centre_of(text: str) -> Wishes:
    """Understand the centre's address, with `#sha256:...` behind it or without. Raises: WishError."""
    url, _, pinned = text.partition("#")
    address = parse_address(url)
    if address is None:
        raise WishError("centre-wrong", text=_short(url))
    found = Wishes(centre=address.url)
    return found.over(fingerprint_of(pinned)) if pinned else found


def fingerprint_of(text: str) -> Wishes:
    """Understand the CA's fingerprint. Raises: WishError."""
    pinned = parse_fingerprint(text)
    if pinned is None:
        raise WishError("fingerprint-wrong", text=_short(text))
    return Wishes(ca_fingerprint=pinned)


def site_of(text: str) -> Wishes:
    """Understand a site's name. Raises: WishError."""
    return Wishes(site=_label(text))


def lane_of(text: str) -> Wishes:
    """Understand a lane's name. Raises: WishError."""
    return Wishes(lane=_label(text))


def direction_of(text: str) -> Wishes:
    """Understand which way people go: in or out, vào or ra. Raises: WishError."""
    found = {"in": "in", "out": "out", "vào": "in", "vao": "in", "ra": "out"}.get(text.lower())
    if found is None:
        raise WishError("direction-wrong", text=_short(text))
    return Wishes(direction=cast(Direction, found))


def passage_of(text: str) -> Wishes:
    """Understand a lane and a direction in one line: `A in`. Raises: WishError."""
    lane, _, direction = text.rpartition(" ")
    return lane_of(lane.strip()).over(direction_of(direction))


def broker_of(text: str) -> Wishes:
    """Understand HOST[:PORT]. Raises: WishError."""
    address = parse_address(text if ":" in text.rpartition("]")[2] else f"{text}:{BROKER_PORT}")
    if address is None or "/" in text:
        raise WishError("broker-wrong", text=_short(text))
    return Wishes(broker_host=address.host, broker_port=address.port)


def camera_of(text: str) -> Wishes:
    """Understand KIND[:SOURCE]. Raises: WishError."""
    kind, _, source = text.partition(":")
    if kind not in SOURCES:
        raise WishError("camera-wrong", text=_short(text))
    return Wishes(camera=(kind, source or SOURCES[kind]))


def lamps_of(text: str) -> Wishes:
    """Understand `RED,GREEN` pins, or `simulated`. Raises: WishError."""
    if text == SIMULATED:
        return Wishes(lamps=Lamps(None, None))
    red, _, green = (part.strip() for part in text.partition(","))
    if not (red.isdecimal() and green.isdecimal() and len(red) <= 2 and len(green) <= 2):  # noqa: PLR2004 - digits
        raise WishError("lamps-wrong", text=_short(text))
    return pins_of(int(red), int(green))


def pins_of(red: int, green: int) -> Wishes:
    """Understand the lamps' pins. Raises: WishError."""
    if not (0 <= red <= PIN_MAX and 0 <= green <= PIN_MAX):
        raise WishError("lamps-wrong", text=f"{red},{green}")
    if red == green:
        raise WishError("lamps-same", pin=red)
    return Wishes(lamps=Lamps(red, green))


def trust_of(text: str) -> Wishes:
    """Understand the folder of the trust data. Raises: WishError."""
    if not text or not text.isprintable() or not Path(text).is_dir():
        raise WishError("trust-wrong", text=_short(text))
    return Wishes(trust=str(Path(text).absolute()))


def trust_url_of(text: str) -> Wishes:
    """Understand the address of the trust repository. Raises: WishError."""
    try:
        return Wishes(trust_url=parse_url(text))
    except ValueError as error:
        raise WishError("trust-url-wrong", why=str(error)) from None


def province_of(text: str) -> Wishes:
    """Understand a province's code, in either case. Raises: WishError."""
    if not is_province(text.lower()):
        raise WishError("province-wrong", text=_short(text))
    return Wishes(province=text.lower())


def _label(text: str) -> str:
    if not text or len(text) > LABEL_MAX_CHARS or not text.isprintable():
        raise WishError("label-wrong", text=_short(text))
    return text


def _usable(text: str | None) -> str | None:
    return text if text and len(text) <= LABEL_MAX_CHARS and text.isprintable() else None


def _host(text: str | None) -> str | None:
    address = parse_address(f"[{text}]" if text and ":" in text else text or "")
    return address.host if address is not None and address.host == text else None


def _short(text: str) -> str:
    """Return an answer as it may be shown again on a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text[:LABEL_MAX_CHARS])

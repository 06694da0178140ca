"""`greengate-centre trust announce`: every device hears over the broker that a newer repository is published."""

import secrets
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Meta

from centre.collecting.config import Config, ConfigError, load_config
from centre.output import EX_DATA, EX_TRY_AGAIN, HOME, Home, Json, out, refuse
from centre.showing.words import iso_ms
from centre.trust.home import TrustError, TrustHome, read_bounded
from drivers.broker import Broker, open_broker
from drivers.clock import open_clock
from drivers.errors import DeviceError
from firmware.checkin import milliseconds
from firmware.envelope import Authority, Signer, SigningError
from firmware.wire import WireError
from firmware.wire_trust import TRUST_TOPIC, Announcement, decode_announcement, encode_announcement

TIMESTAMP_MAX_BYTES = 64 * 1024  # ours: a timestamp with ten signatures has 3 KB
TAKEN_S = 10.0  # ours: for connecting, and for the broker to give back what it keeps
POLL_S = 0.1
NOT_TAKEN = "did not carry it (greengate-centre mosquitto gives collectors the right, after an update once more)"

WithBroker = Annotated[Path, typer.Option("--config", help="A collector's configuration: its broker and certificate.")]
Published = Annotated[
    Path | None, typer.Option("--from", metavar="FOLDER", help="The published folder; else the home's own.")
]


class AnnouncingError(Exception):
    """An announcement that did not get through: what is wrong and what to do, on one line."""


class _Signed(msgspec.Struct):
    version: Annotated[int, Meta(ge=1)]
    issued: Annotated[datetime, Meta(tz=True)]


class _Timestamp(msgspec.Struct):
    signed: _Signed


def announce(config: WithBroker, folder: Published = None, home: Home = HOME, *, json: Json = False) -> None:
    """Tell every kiosk that has a repository's address to look there now, not at its next hour.

    After each publication, once the web server has it: say --from with the folder that it serves, where that is another
    machine's. It is a hint, signed by the collector; what kiosks trust, the repository's own signatures say. The broker
    keeps it for those that come later; told again, it wakes nobody.

    Example: greengate-centre trust announce --config collector.toml

    Exit codes: 0 the broker has it; 2 wrong usage; 65 what is published cannot be read; 66 nothing is published there;
    75 the broker is away or refuses it; 78 configuration or certificates cannot be used.
    """
    try:
        announcement = published(TrustHome(home).repo if folder is None else folder)
        _tell(load_config(config), announcement)
    except TrustError as error:
        refuse(error, error.code, json=json)
    except AnnouncingError as error:
        refuse(error, EX_TRY_AGAIN, json=json)
    except (ConfigError, SigningError, DeviceError) as error:
        refuse(error, json=json)
    issued = iso_ms(announcement.issued_ms)
    if json:
        out({"event": "announced", "version": announcement.version, "issued": issued}, json=True)
    else:
        typer.echo(f"version {announcement.version}, issued {issued}, is with the broker for every kiosk")


def published(folder: Path) -> Announcement:
    """Return what a published folder says of itself. Raises: TrustError."""
    path = folder / "metadata" / "timestamp.json"
    try:
        signed = msgspec.json.decode(read_bounded(path, TIMESTAMP_MAX_BYTES), type=_Timestamp).signed
        return Announcement(signed.version, milliseconds(signed.issued))
    except (msgspec.MsgspecError, UnicodeDecodeError, WireError):
        raise TrustError(f"{path} is no timestamp of ours: run greengate-centre trust publish", EX_DATA) from None


def _tell(config: Config, announcement: Announcement) -> None:
    """Hand an announcement to the broker, and wait until it gives it back.

    Raises: AnnouncingError, SigningError, DeviceError.
    """
    ca, certificate, key = config.signing
    authority, message = Authority.load(ca), encode_announcement(announcement, Signer.load(certificate, key))
    settings = msgspec.structs.asdict(config.broker)
    del settings["group"]
    with open_broker("mqtt", client_id=f"announce-{secrets.token_hex(4)}", **settings) as broker:
        broker.subscribe(TRUST_TOPIC)  # a broker that carries it gives it back
        end_s = time.monotonic() + TAKEN_S
        while not broker.connected:
            _wait(config, broker, "cannot be reached", end_s)
        broker.publish(TRUST_TOPIC, message, retained=True)
        while not _taken(broker, authority, announcement):
            _wait(config, broker, NOT_TAKEN, end_s)


def _taken(broker: Broker, authority: Authority, announcement: Announcement) -> bool:
    """Tell whether the broker gave back this announcement, or a newer one."""
    message = broker.receive(POLL_S)
    if message is None:
        return False
    try:
        given = decode_announcement(message.payload, authority, open_clock("system").now())
    except WireError:  # what lay there before
        return False
    return given.version >= announcement.version


def _wait(config: Config, broker: Broker, problem: str, end_s: float) -> None:
    if time.monotonic() > end_s:
        host = f"{config.broker.host}:{config.broker.port}"
        raise AnnouncingError(f"the broker at {host} {problem}: {broker.fault or 'no answer'}: try again later")
    time.sleep(POLL_S)

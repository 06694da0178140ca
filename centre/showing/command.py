"""`greengate-centre command`: one of three words to one device, signed by the centre."""

import contextlib
import os
import secrets
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

from centre.collecting.config import Config, ConfigError, load_config
from centre.output import EX_TRY_AGAIN, EX_USAGE, Json, out, refuse
from centre.showing.reports import ReportError, tell_report
from centre.showing.words import ago, iso_ms
from drivers.broker import Broker, Message, open_broker
from drivers.clock import open_clock
from drivers.errors import DeviceError
from firmware.checkin import milliseconds, new_id
from firmware.envelope import Authority, Signer, SigningError, is_device_name
from firmware.sealing import Unsealer
from firmware.wire import WireError
from firmware.wire_device import (
    Command,
    Order,
    Report,
    Status,
    command_topic,
    decode_report,
    decode_status,
    encode_order,
    report_topic,
    status_topic,
)

TAKEN_S = 10.0  # ours: for connecting, and for the broker to take the command
SAID_S = 1.0  # ours: a retained status comes with the subscription
POLL_S = 0.1
KEPT = 16  # ours: a device says its status and a report

T = TypeVar("T")

Name = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's name.")]
Word = Annotated[Command, typer.Argument(metavar="sync-now|identify|report", help="What it is to do.")]
WithBroker = Annotated[Path, typer.Option("--config", help="A collector's configuration: its broker and certificate.")]
Wait = Annotated[float, typer.Option("--wait", metavar="SECONDS", min=0, max=3600, help="For the report to come.")]


class CommandError(Exception):
    """A command that did not get through: what is wrong and what to do, on one line."""


def command(device: Name, word: Word, config: WithBroker, wait: Wait = 0, *, json: Json = False) -> None:
    """Tell a device to send what it has now, to show which one it is, or to report how it is.

    The broker takes the command; a device that is away gets it if it is back within an hour. `sync-now` sends what
    waits, `identify` blinks the red lamp and shows the device's name for 10 s when nobody is answered, `report` has the
    collector store its health and last faults; with --wait it is shown here. The certificate should be one of its own
    (`ca issue --collector NAME`): a broker may end the connection of a collector that has the same.

    Example: greengate-centre command gate-1 report --config centre.toml --wait 20

    Exit codes: 0 the broker has it, and the report came; 2 wrong usage; 75 the broker is away or refuses it, or the
    report did not come in time; 78 configuration or certificates cannot be used.
    """
    if not is_device_name(device):
        refuse(f"{device!r} is no device's name: a-z, 0-9 and -, at most 32", EX_USAGE, json=json)
    try:
        sender = _Sender(load_config(config), device)
        with sender.connected() as broker:
            sent_ms = sender.send(broker, word)
            status = sender.status(broker)
            _tell_sent(device, word, status, sent_ms, json=json)
            if word == "report" and wait:
                tell_report(sender.report(broker, wait), json=json)
    except (CommandError, ReportError) as error:
        refuse(error, EX_TRY_AGAIN, json=json)
    except (ConfigError, SigningError, DeviceError) as error:
        refuse(error, json=json)


class _Sender:
    """Sends to one device, and hears what it says."""

    def __init__(self, config: Config, device: str) -> None:
        """Read keys and certificates. Raises: SigningError."""
        ca, certificate, key = config.signing
        self._config, self._device = config, device
        self._clock = open_clock("system")
        self._authority = Authority.load(ca)
        self._signer = Signer.load(certificate, key)
        self._keys = Unsealer.load(config.keys)
        self._arrived: deque[Message] = deque(maxlen=KEPT)  # of another kind than was waited for

    def connected(self) -> Broker:
        """Begin to connect. Raises: DeviceError."""
        settings = msgspec.structs.asdict(self._config.broker)
        del settings["group"]
        return open_broker("mqtt", client_id=f"command-{secrets.token_hex(4)}", **settings)

    def send(self, broker: Broker, word: Command) -> int:
        """Hand the command to the broker, and wait until it has answered; return when it was sent.

        Raises: CommandError.
        """
        broker.subscribe(report_topic(self._device))
        self._wait(broker, "cannot be reached")
        at_ms = milliseconds(self._clock.now())
        order = Order(self._device, new_id(at_ms, os.urandom).bytes, at_ms, word)
        broker.publish(command_topic(self._device), encode_order(order, self._signer))
        broker.subscribe(status_topic(self._device))  # answered behind the command: then the broker has taken it
        self._wait(broker, "did not take the command")
        if broker.fault:
            raise CommandError(f"{broker.fault}: after ca issue, the broker learns of it by greengate-centre mosquitto")
        return at_ms

    def status(self, broker: Broker) -> Status | None:
        """Return what the device said of itself last, None where the broker keeps nothing of it."""
        return self._receive(broker, self._read_status, SAID_S)

    def report(self, broker: Broker, wait_s: float) -> Report:
        """Return the report that the device makes now. Raises: CommandError."""
        found = self._receive(broker, self._read_report, wait_s)
        if found is None:
            raise CommandError(
                f"{self._device} did not report in {wait_s:.0f} s: is it online? It takes one command a second. "
                "The collector stores what comes later"
            )
        return found

    def _read_status(self, message: Message) -> Status | None:
        if message.topic != status_topic(self._device):
            return None
        return decode_status(message.payload, self._authority, self._clock.now())

    def _read_report(self, message: Message) -> Report | None:
        if message.topic != report_topic(self._device):
            return None
        return decode_report(message.payload, self._authority, self._keys, self._clock.now())

    def _wait(self, broker: Broker, problem: str) -> None:
        end_s = time.monotonic() + TAKEN_S
        while not broker.connected:
            if time.monotonic() > end_s:
                host = f"{self._config.broker.host}:{self._config.broker.port}"
                raise CommandError(f"the broker at {host} {problem}: {broker.fault or 'no answer'}: try again later")
            time.sleep(POLL_S)

    def _receive(self, broker: Broker, read: Callable[[Message], T | None], wait_s: float) -> T | None:
        """Return the first message that is the device's and can be read; what else arrived is kept for later."""
        end_s = time.monotonic() + wait_s
        arrived = list(self._arrived)
        self._arrived.clear()
        while True:
            for message in arrived:
                with contextlib.suppress(WireError):  # not the device's: whoever may write there
                    if found := read(message):
                        return found
                self._arrived.append(message)
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return None
            came = broker.receive(min(left_s, POLL_S))
            arrived = [] if came is None else [came]


def _tell_sent(device: str, word: Command, status: Status | None, now_ms: int, *, json: bool) -> None:
    if json:
        said = None if status is None else {"online": status.online, "at": iso_ms(status.at_ms)}
        out({"event": "command-sent", "device": device, "command": word, "status": said}, json=True)
        return
    if status is None:
        how = "which never said how it is: it acts where it is online, or back within an hour"
    elif status.online:
        how = f"which said {ago(status.at_ms, now_ms)} that it is online"
    else:
        how = "which is offline: it acts where it is back within an hour"
    typer.echo(f"{word} is with the broker for {device}, {how}")

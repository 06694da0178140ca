"""The whole appliance's surroundings on a desk: passes to show, whom to trust, a broker and a centre.

Everything lies in a folder of this run's own, the keys of device and centre too; the issuers' keys lie nowhere, they
are in memory.

    FOLDER/identity/   the device's key and certificate, as `greengate enrol` lays them
    FOLDER/centre/     the centre's home, by `python -m centre.desk`; centre.toml is its collector's configuration
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from firmware.lifeline import tied
from provisioning.demo_lane import AREA, PROFILE, ROAD
from provisioning.identity.folder import CA, CENTRE, CERTIFICATE, KEY
from provisioning.identity.keys import new_key, parts, request
from provisioning.showing import lay_green_lane

HOST = "127.0.0.1"
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DEVICE = "desk-1"
STOP_S = 5.0
AMBER_PIN = 22  # any: of simulated lamps only whether the third is fitted counts
START_S = 5.0  # ours: far more than a broker and a collector need


class DeskError(Exception):
    """The desk cannot be set up; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where things of one run are."""

    folder: Path
    broker_port: int
    panel_port: int

    @property
    def config(self) -> Path:
        """Return the appliance's configuration file."""
        return self.folder / "greengate.toml"

    @property
    def store(self) -> Path:
        """Return the centre's store."""
        return self.folder / "centre.db"

    @property
    def collector_config(self) -> Path:
        """Return the collector's configuration file."""
        return self.folder / "centre.toml"


def lay(folder: Path, at: datetime) -> Desk:
    """Make passes, trust list, keys and configurations in an empty folder, as of now (`at`, aware).

    Raises:
        DeskError: The centre's keys could not be made.
    """
    desk = Desk(folder, _free_port(), _free_port())
    for name in ("pictures", "trust"):
        (folder / name).mkdir()
    lay_green_lane(folder / "pictures", folder / "trust", at)
    _lay_keys(folder / "identity", folder / "centre")
    desk.config.write_text(_configuration(desk), "utf-8")
    desk.collector_config.write_text(_collector_configuration(desk), "utf-8")
    return desk


def _lay_keys(identity: Path, centre: Path) -> None:
    """Have a centre made, and the device's identity by it."""
    for folder in (identity, centre):
        folder.mkdir(mode=0o700)
    key = new_key()
    command = [sys.executable, "-m", "centre.desk", str(centre), DEVICE]
    with _unbroken():  # else it may write on in a folder that is being removed
        done = subprocess.run(command, input=request(key, DEVICE), capture_output=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").splitlines() or ["it says nothing"]
        raise DeskError(f"the centre's keys were not made ({said[-1]}): try again")
    own, keys, ca = parts(done.stdout)
    for name, data in ((KEY, key), (CERTIFICATE, own), (CENTRE, keys), (CA, ca)):
        (identity / name).touch(0o600)
        (identity / name).write_bytes(data)


def _configuration(desk: Desk) -> str:
    return f"""\
# A desk: simulated camera and lamps, a green lane, demonstration permits and passes. Paths are relative to this file.
[device]
name = "{DEVICE}"
site = "desk"
lane = "A"
direction = "in"
area = "{AREA}"
roads = ["{ROAD}"]

[profile]
name = "{PROFILE}"

[camera]
kind = "simulated"
source = "pictures"

[signal]
kind = "simulated"
amber_pin = {AMBER_PIN}

[clock]
kind = "assumed"

[trust]
folder = "trust"

[journal]
path = "journal.db"

[broker]
host = "{HOST}"
port = {desk.broker_port}

[centre]
ca = "identity/ca.pem"
certificate = "identity/device.pem"
key = "identity/device.key"

[panel]
port = {desk.panel_port}

[run]
folder = "run"
"""


def _collector_configuration(desk: Desk) -> str:
    return f"""\
# The desk's centre. Paths are relative to this file.
[broker]
host = "{HOST}"
port = {desk.broker_port}

[store]
path = "{desk.store.name}"

[centre]
ca = "centre/home/ca.pem"
crl = "centre/home/crl.pem"
certificate = "centre/home/issued/centre.desk.pem"
key = "centre/home/issued/centre.desk.key"
batches = ["centre/home/issued/batches"]
"""


@contextlib.contextmanager
def broker(desk: Desk) -> Iterator[None]:
    """Run a mosquitto for this desk alone, on the loopback.

    Raises:
        DeskError: It is not installed, or did not start.
    """
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise DeskError("mosquitto is not installed: make setup, or apt-get install mosquitto")
    configuration = desk.folder / "mosquitto.conf"
    user = "user root\n" if os.geteuid() == 0 else ""  # else it becomes a user who may not read the desk
    listener = f"listener {desk.broker_port} {HOST}\nallow_anonymous true\n"
    configuration.write_text(f"{listener}{user}log_type error\nlog_type information\n")
    path = desk.folder / "mosquitto.log"
    with path.open("wb") as log, _process([program, "-c", str(configuration)], log, log) as process:
        # not whether the port answers: it may be another's by now
        _await("mosquitto", process, lambda: b" running\n" in path.read_bytes(), path)
        yield


@contextlib.contextmanager
def collector(desk: Desk) -> Iterator[IO[bytes]]:
    """Run the centre's collector for this desk; give what it reports, a JSON object a line.

    Raises:
        DeskError: It did not start.
    """
    command = [sys.executable, "-m", "centre.main", "collect", "--json", "--config", str(desk.collector_config)]
    path = desk.folder / "centre.log"
    with path.open("wb") as log, _process(command, subprocess.PIPE, log) as process:
        _await("the centre's collector", process, desk.store.exists, path)
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        yield process.stdout


@contextlib.contextmanager
def _process(command: list[str], stdout: IO[bytes] | int, stderr: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    with contextlib.ExitStack() as ending:
        with _unbroken():
            process = subprocess.Popen(  # noqa: S603 - our own commands
                tied(command),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C reaches us, and we end it in our order
            )
            ending.callback(_end, process)
        yield process


def _end(process: subprocess.Popen[bytes]) -> None:
    with _unbroken():
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:  # only now: whoever reads it has met its end
            process.stdout.close()


@contextlib.contextmanager
def _unbroken() -> Iterator[None]:
    """Heed the signals that stop a program after this: amid a start, they would leave a process that nobody ends."""
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in STOPS}
    for number in STOPS:
        if before[number] != signal.SIG_IGN:
            signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _await(name: str, process: subprocess.Popen[bytes], started: Callable[[], bool], log: Path) -> None:
    end_s = time.monotonic() + START_S
    while not started():
        if process.poll() is not None or time.monotonic() > end_s:
            said = log.read_text("utf-8", "replace").splitlines() or ["it says nothing"]
            raise DeskError(f"{name} did not start ({said[-1]}): try again")
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])

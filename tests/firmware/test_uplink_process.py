"""Uplink, broker and collector as processes, killed and frozen: each check-in reaches the centre once."""

import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from centre.collecting.sqlite_store import SqliteStore
from firmware.checkin import CheckIn
from firmware.health import UplinkStatus
from firmware.journal import Journal
from firmware.journal_schema import migrate
from firmware.wire_device import decode_status, status_topic
from tests.drivers.broker_rig import opened
from tests.firmware.checkins import checkin
from tests.fixtures_mqtt import Mosquitto
from tests.pki import Pki

MAX_PSS_KIB = 38 * 1024
WITHIN_S = 20.0


class Site:
    """A gate's journal, and the programs behind it."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.folder = folder
        self.broker = broker
        self.store = folder / "centre.db"
        self.journal = Journal.open(folder / "journal.db", migrate=migrate)
        self.config = folder / "gate.toml"
        self.config.write_text(
            f"""
            [device]
            name = "gate-1"
            site = "here"
            lane = "1"
            direction = "in"
            [camera]
            kind = "simulated"
            source = "pictures"
            [signal]
            kind = "simulated"
            [trust]
            folder = "trust"
            [journal]
            path = "journal.db"
            [broker]
            host = "{broker.host}"
            port = {broker.port}
            [centre]
            ca = "device/ca.pem"
            certificate = "device/device.pem"
            key = "device/device.key"
            [run]
            folder = "."
            """
        )
        self.pki = Pki.shared()
        self.pki.files(folder / "device", "gate-1")
        self.pki.files(folder / "centre", "centre.one")
        self.collector_config = folder / "collector.toml"
        self.collector_config.write_text(
            f"""
            [broker]
            host = "{broker.host}"
            port = {broker.port}
            [store]
            path = "{self.store.name}"
            [centre]
            ca = "centre/ca.pem"
            certificate = "centre/device.pem"
            key = "centre/device.key"
            batches = ["centre/batches.key"]
            """
        )
        self.processes: list[subprocess.Popen[bytes]] = []
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(str(folder / "notify"))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"NOTIFY_SOCKET": str(self.folder / "notify")},
        )
        self.processes.append(process)
        return process

    def start_uplink(self) -> subprocess.Popen[bytes]:
        return self.start("firmware.uplink", "--config", str(self.config))

    def start_collector(self) -> subprocess.Popen[bytes]:
        collector = self.start("centre.main", "collect", "--config", str(self.collector_config))
        assert collector.stdout is not None
        assert collector.stdout.readline() == b"connected\n"
        return collector

    def stored(self) -> list[CheckIn]:
        with SqliteStore(self.store) as store:
            return [entry.checkin for entry in store.entries(limit=100_000)]

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate(timeout=10)
        self.journal.close()
        self.notified.close()


@pytest.fixture
def site(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Site]:
    site = Site(tmp_path, mosquitto)
    yield site
    site.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait for other processes, which no simulated clock moves."""
    end_s = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < end_s, "not in time"
        time.sleep(0.02)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def test_killed_again_and_again_everything_arrives_once(site: Site) -> None:
    uplink, collector = site.start_uplink(), site.start_collector()
    number = 0
    for turn in range(6):  # an uplink is the last, as it sends again at once
        for _ in range(3):
            number += 1
            site.journal.append(checkin(number))
        if turn < 2:  # the other times before anything can have arrived
            until(lambda: len(site.stored()) >= number)  # noqa: B023 - called before it changes
        if turn % 2:
            kill(uplink)
            uplink = site.start_uplink()
        else:
            kill(collector)
            collector = site.start_collector()
    until(lambda: site.journal.unsent() == 0)
    assert site.stored() == [checkin(one) for one in range(1, number + 1)]
    with SqliteStore(site.store) as store:
        assert [account.sound for account in store.accounts()] == [True]


def drained(site: Site) -> list[str]:
    """Return what the supervisor was told; unread, only the first ten are kept for it (unix(7))."""
    site.notified.setblocking(False)  # noqa: FBT003 - the library's own signature
    states = []
    with contextlib.suppress(BlockingIOError):
        while True:
            states.append(site.notified.recv(100).decode())
    return states


def status(site: Site) -> UplinkStatus:
    try:
        return msgspec.json.decode((site.folder / "uplink" / "uplink.json").read_bytes(), type=UplinkStatus)
    except FileNotFoundError:
        return UplinkStatus(connected=False, unsent=0)


def test_a_broker_that_goes_and_comes_is_found_again_and_the_programs_stop_in_order(site: Site) -> None:
    uplink, collector = site.start_uplink(), site.start_collector()
    until(lambda: status(site).connected)
    site.broker.stop()
    until(lambda: not status(site).connected)
    site.journal.append(checkin(1))
    until(lambda: (status(site).unsent, bool(status(site).fault)) == (1, True))
    uplink.send_signal(signal.SIGSTOP)  # or it might send before there is a collector again, and wait
    site.broker.start()
    assert collector.stdout is not None
    assert collector.stdout.readline().startswith(b"disconnected")
    assert collector.stdout.readline() == b"connected\n"
    uplink.send_signal(signal.SIGCONT)
    until(lambda: site.journal.unsent() == 0)
    until(lambda: status(site).last_ack_age_s is not None)
    assert site.stored() == [checkin(1)]
    states = drained(site)
    for process in (uplink, collector):
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not (site.folder / "uplink" / "uplink.json").exists()
    assert states[:2] == ["READY=1", "WATCHDOG=1"]
    assert drained(site)[-1] == "STOPPING=1"


def test_the_uplink_is_small_and_loads_nothing_heavy(site: Site) -> None:
    site.journal.append(checkin(1))
    site.start_collector()  # first, or what is sent before it listens comes again only after some seconds
    uplink = site.start_uplink()
    until(lambda: site.journal.unsent() == 0)
    rollup = Path(f"/proc/{uplink.pid}/smaps_rollup").read_text()
    (pss,) = [int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")]
    assert pss < MAX_PSS_KIB
    code = "import json, sys, firmware.uplink; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"asyncio", "sqlite_utils", "structlog", "numpy", "cv2", "typer", "rich", "psycopg"}
    print(f"uplink: {pss / 1024:.1f} MiB PSS")  # noqa: T201 - a figure, seen with -rP


def test_keys_that_come_while_it_runs_are_taken_up(site: Site) -> None:
    away = site.folder / "away"
    (site.folder / "device").rename(away)
    site.journal.append(checkin(1))
    site.start_uplink()
    site.start_collector()
    until(lambda: "greengate enrol" in (status(site).fault or ""))
    assert status(site).connected
    away.rename(site.folder / "device")
    until(lambda: site.journal.unsent() == 0)
    until(lambda: status(site).fault is None)
    assert site.stored() == [checkin(1)]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_killed_uplink_is_told_of_by_its_will_and_one_that_stops_tells_it_itself(site: Site, protocol: str) -> None:
    site.config.write_text(site.config.read_text().replace("[broker]", f'[broker]\nprotocol = "{protocol}"'))
    told: list[bool] = []
    with opened(site.broker.port, client_id="watching", protocol=protocol) as watching:

        def heard() -> list[bool]:
            while message := watching.receive(0):
                told.append(decode_status(message.payload, site.pki.authority, None).online)
            return told

        watching.subscribe(status_topic("gate-1"))
        until(lambda: watching.connected)
        uplink = site.start_uplink()
        until(lambda: heard() == [True])
        kill(uplink)
        until(lambda: heard() == [True, False])
        uplink = site.start_uplink()
        until(lambda: heard() == [True, False, True])
        uplink.send_signal(signal.SIGTERM)
        assert uplink.wait(10) == 0
        until(lambda: heard() == [True, False, True, False])
    with opened(site.broker.port, client_id="later") as later:
        later.subscribe(status_topic("gate-1"))
        message = later.receive(10)
        assert message is not None
        assert not decode_status(message.payload, site.pki.authority, None).online


@pytest.mark.parametrize(("hours", "left"), [(0, 0), (24, 3)])
def test_what_the_centre_has_stays_only_where_hours_are_configured(site: Site, hours: int, left: int) -> None:
    config = site.config.read_text().replace("[journal]", f"[journal]\nacknowledged_hours = {hours}")
    site.config.write_text(config)
    for number in range(1, 4):
        site.journal.append(checkin(number))
    site.start_uplink()
    site.start_collector()
    until(lambda: site.journal.unsent() == 0)
    with contextlib.closing(sqlite3.connect(site.folder / "journal.db")) as db:
        assert db.execute("SELECT count(*) FROM checkin").fetchone() == (left,)


@pytest.mark.parametrize("text", [None, "nonsense"])
def test_a_wrong_configuration_is_one_line_and_no_restart(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "gate.toml"
    if text is not None:
        path.write_text(text)
    line = [sys.executable, "-m", "firmware.uplink", "--config", str(path)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    (event,) = done.stderr.splitlines()
    assert msgspec.json.decode(event)["event"] == "start-refused"

"""A centre's home with its CA, a real mosquitto on a free loopback port set up from it, and devices' clients."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from centre.authority.ca import Authority
from centre.authority.issue import issue_files
from centre.authority.sealing import ensure_keys, give_batches
from centre.broker.access import BrokerSettings, apply_revocation, write_access
from centre.collecting.collectors import give_group
from centre.devices.registry import Device, Kind, Registry
from drivers.broker import Broker, open_broker
from firmware.envelope import Authority as Trusted
from firmware.sealing import Recipient
from tests.fixtures_mqtt import HOST, free_port

WAIT_S = 10.0
PASSING_S = 0.3  # what is to arrive has arrived long before, on a loopback


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class BrokerSite:
    """The broker of a centre, and everybody's certificates."""

    home: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    opened: ExitStack = field(default_factory=ExitStack)

    @property
    def settings(self) -> BrokerSettings:
        user = "root" if os.geteuid() == 0 else "mosquitto"  # a test's folder is its user's alone
        return BrokerSettings(("localhost",), self.port, HOST, user, str(self.home / "mosquitto.pid"))

    def make(self) -> "BrokerSite":
        authority, _ = Authority.init(self.home, now())
        with Registry.open(self.home) as registry:
            ensure_keys(authority, registry, now())
        return self

    @property
    def trusted(self) -> Trusted:
        return Trusted.load(self.home / "ca.pem")

    def recipient(self) -> Recipient:
        return Recipient.load(self.home / "sealing" / "centre.pem", "batches", self.trusted)

    @contextlib.contextmanager
    def collecting(self, name: str, store: Path) -> "Iterator[subprocess.Popen[str]]":
        """Run a collector with the files that it is issued."""
        certificate, key = self.issue("collector", name)
        group, batches = give_group(self.home, self.home / "clients"), give_batches(self.home, self.home / "clients")
        config = store.with_suffix(".toml")
        config.write_text(
            f'[broker]\nhost = "{HOST}"\nport = {self.port}\nca = "{self.home}/ca.pem"\ngroup = "{group}"\n'
            f'certificate = "{certificate}"\nkey = "{key}"\n'
            f'[store]\npath = "{store}"\n[centre]\nbatches = ["{batches}"]\ncrl = "{self.home}/crl.pem"\n'
        )
        line = [sys.executable, "-m", "centre.main", "collect", "--json", "--config", str(config)]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert json.loads(process.stdout.readline()) == {"event": "connected"}
                yield process
            finally:
                process.kill()

    def write(self) -> Path:
        with Registry.open(self.home) as registry:
            return write_access(Authority.open(self.home), registry, self.settings, now()).config

    def start(self) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            pytest.fail("mosquitto is not installed; run: make setup (or apt-get install mosquitto)")
        log = (self.home / "mosquitto.log").open("ab")
        with log:
            self.process = subprocess.Popen([program, "-c", str(self.write())], stdout=log, stderr=log)
        until(lambda: (self.home / "mosquitto.pid").exists() and self.listens(), self.log)

    def stop(self) -> None:
        self.opened.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def log(self) -> str:
        return (self.home / "mosquitto.log").read_text(errors="replace")

    def listens(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), 1).close()
        except OSError:
            return False
        return True

    def issue(self, kind: Kind, name: str) -> tuple[Path, Path]:
        with Registry.open(self.home) as registry:
            if kind == "device":
                registry.put_device(Device(name, None, None, None, now()))
            made = issue_files(Authority.open(self.home), registry, kind, [name], self.home / "clients", now())
        return made.certificate, made.key

    def client(self, name: str, files: tuple[Path, Path], client_id: str = "", protocol: str = "5") -> Broker:
        made = open_broker(
            "mqtt",
            host=HOST,
            port=self.port,
            client_id=client_id or name,
            ca=self.home / "ca.pem",
            certificate=files[0],
            key=files[1],
            protocol="5" if protocol == "5" else "3.1.1",
            retry_min_s=0.1,
        )
        return self.opened.enter_context(made)

    def connected(self, name: str, kind: Kind = "device", *topics: str, protocol: str = "5") -> Broker:
        client = self.client(name, self.issue(kind, name), protocol=protocol)
        for topic in topics:
            client.subscribe(topic)
        until(lambda: client.connected, lambda: f"{client.fault}\n{self.log()}")
        return client

    def revoke(self, name: str) -> None:
        with Registry.open(self.home) as registry:
            registry.revoke([one.serial for one in registry.certificates(name)], "test", now())
            Authority.open(self.home).write_crl(registry, now())
        assert apply_revocation(self.home, [name], now())


def until(condition: Callable[[], bool], why: Callable[[], str] = lambda: "not in time") -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end_s:
            pytest.fail(why())
        time.sleep(0.01)

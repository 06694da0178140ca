"""A real mosquitto on a free loopback port, plain or with TLS and client certificates made for the test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOST = "127.0.0.1"
START_S = 10.0


def free_port() -> int:
    """Find a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Authority:
    """A certificate authority for one test, and the files of those it vouches for."""

    def __init__(self, folder: Path, name: str = "test-ca") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        certificate = _builder(self._name, self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(_pem(certificate.sign(self._key, hashes.SHA256())))

    def issue(self, name: str, *, address: str | None = None) -> tuple[Path, Path]:
        """Write a certificate and its key for `name` (a server's with its `address`), and give both files."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _builder(_name(name), self._name, key)
        if address is not None:
            addresses = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address))])
            certificate = certificate.add_extension(addresses, critical=False)
        files = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        files[0].write_bytes(_pem(certificate.sign(self._key, hashes.SHA256())))
        files[1].write_bytes(private_pem(key))
        return files


@dataclass
class Mosquitto:
    """A broker as a process: started, stopped, frozen and thawed at will, always on the same port."""

    folder: Path
    authority: Authority | None = None
    options: tuple[str, ...] = ()
    host: str = HOST
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            pytest.fail("mosquitto is not installed; run: make setup (or apt-get install mosquitto)")
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join(self._config()) + "\n")
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([program, "-c", str(config)], stdout=log, stderr=log)
        self._wait_until_it_listens()

    def stop(self) -> None:
        """Kill it: all its connections end."""
        if self._process is not None:
            self.thaw()
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Stop it from answering, with its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it answer again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _config(self) -> list[str]:
        lines = [f"listener {self.port} {self.host}", "persistence false", "log_dest stderr"]
        if os.geteuid() == 0:
            lines.append("user root")  # or it could not read the files of a test that runs as root
        if self.authority is None:
            lines.append("allow_anonymous true")
        else:
            certificate, key = self.authority.issue("server", address=self.host)
            lines += [f"cafile {self.authority.file}", f"certfile {certificate}", f"keyfile {key}"]
            lines += ["require_certificate true", "use_identity_as_username true", "allow_anonymous false"]
        return [*lines, *self.options]

    def _wait_until_it_listens(self) -> None:
        assert self._process is not None
        end_s = time.monotonic() + START_S
        while time.monotonic() < end_s and self._process.poll() is None:
            try:
                socket.create_connection((self.host, self.port), 1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        log = (self.folder / "mosquitto.log").read_text(errors="replace")
        self._process.kill()
        pytest.fail(f"mosquitto did not start on port {self.port}:\n{log}")


@pytest.fixture
def start_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Start brokers of any kind (`Mosquitto`'s arguments without the folder); they stop with the test."""
    brokers: list[Mosquitto] = []

    def start(*, authority: Authority | None = None, options: tuple[str, ...] = ()) -> Mosquitto:
        broker = Mosquitto(tmp_path / f"mosquitto-{len(brokers)}", authority, options)
        brokers.append(broker)
        broker.start()
        return broker

    yield start
    for broker in brokers:
        broker.stop()


@pytest.fixture
def mosquitto(start_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """Start a broker that takes everybody, without TLS."""
    return start_mosquitto()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Make the certificate authority of the test."""
    return Authority(tmp_path / "certificates")


@pytest.fixture
def mosquitto_tls(start_mosquitto: Callable[..., Mosquitto], authority: Authority) -> Mosquitto:
    """Start a broker that wants a client certificate of `authority`."""
    return start_mosquitto(authority=authority)


def private_pem(key: ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
    """Write a key as PEM, under a password if there is one."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption(),
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)

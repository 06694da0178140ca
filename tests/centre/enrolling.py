"""A centre in a folder with a clock of its own, its enrolment service on a free port, and devices as clients."""

import asyncio
import http.client
import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from centre.authority.ca import Authority
from centre.authority.issue import issue_files
from centre.authority.sealing import ensure_keys, public_keys
from centre.collecting.events import Event
from centre.devices.adding import make_code
from centre.devices.registry import Device, Registry
from centre.enrolment.enrolment import Enrolment
from centre.enrolment.http import BrokerAddress, Service, Worker
from centre.enrolment.limits import Limits
from centre.enrolment.serve import Server, bind, serve, server_context
from tests.fixtures_mqtt import private_pem

HOST = "127.0.0.1"
TIMEOUT_S = 20.0


def csr(key: Any, name: str = "gate-1", algorithm: Any = None) -> bytes:  # noqa: ANN401 - any kind of key
    """Return a request for a key."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, algorithm or hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a key as a device makes it."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Centre:
    """A CA, a registry and what decides between them; time stands still unless told."""

    home: Path
    at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    events: list[Event] = field(default_factory=list)
    told: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.authority, _ = Authority.init(self.home, self.at)
        self.registry = Registry.open(self.home)
        ensure_keys(self.authority, self.registry, self.at)
        self.enrolment = Enrolment(self.authority, self.registry, self.events.append, revoked=self.told.append)

    def add(self, name: str = "gate-1", life: timedelta = timedelta(days=7)) -> str:
        """Add a device, and return a code for it."""
        with self.registry.change():
            self.registry.put_device(Device(name, "site", "lane", "in", self.at))
            return make_code(self.registry, name, self.at, life).code

    def crl_serials(self) -> set[str]:
        """Return the serial numbers on the revocation list."""
        crl = x509.load_pem_x509_crl((self.home / "crl.pem").read_bytes())
        assert crl.is_signature_valid(self.authority.certificate.public_key())  # type: ignore[arg-type] # P-256
        return {f"{entry.serial_number:040x}" for entry in crl}


class Running:
    """The service of a centre in a thread, on a free port, over TLS."""

    def __init__(self, centre: Centre, limits: Limits | None = None) -> None:
        self.centre = centre
        self._limits = limits
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(TIMEOUT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive()

    def ask(
        self, method: str, path: str, body: object = None, device: "Client | None" = None
    ) -> tuple[int, dict[str, Any]]:
        """Send one request, and return status and JSON."""
        connection = http.client.HTTPSConnection(HOST, self.port, timeout=TIMEOUT_S, context=self.context(device))
        try:
            data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
            connection.request(method, path, data)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.headers["content-type"] == "application/json":
            found: dict[str, Any] = json.loads(text)
            return answer.status, found
        return answer.status, {"text": text.decode()}

    def context(self, device: "Client | None" = None) -> ssl.SSLContext:
        """Return TLS as a device has it: this CA alone."""
        context = ssl.create_default_context(cadata=self.centre.authority.pem)
        if device is not None:
            context.load_cert_chain(device.certificate_file, device.key_file)
        return context

    def raw(self) -> socket.socket:
        """Connect without a word."""
        return socket.create_connection((HOST, self.port), TIMEOUT_S)

    def _run(self) -> None:
        centre = self.centre
        worker = Worker()
        issued = issue_files(centre.authority, centre.registry, "server", [HOST], centre.home / "enrol", centre.at)
        service = Service(
            centre.enrolment,
            centre.authority.pem,
            BrokerAddress("broker.example", 8883),
            centre_keys=lambda: public_keys(centre.home),
            worker=worker,
            report=centre.events.append,
            now=lambda: centre.at,
            limits=self._limits,
        )
        listener = bind(HOST, 0)
        self.port = int(listener.getsockname()[1])
        context = server_context(issued.ca, issued.certificate, issued.key)
        self._server = Server(service.app(), listener, context, self._ready.set)
        running = serve(
            self._server,
            centre.enrolment,
            worker=worker,
            reload=lambda: None,
            report=centre.events.append,
            now=lambda: centre.at,
        )
        try:
            asyncio.run(running)
        finally:
            worker.close()
            listener.close()


@dataclass
class Client:
    """A device's end: its key, its certificate once it has one, both as files for TLS."""

    folder: Path
    name: str = "gate-1"
    key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key_file.write_bytes(private_pem(self.key))

    @cached_property
    def csr(self) -> str:
        """Return the request for the key."""
        return csr(self.key, self.name).decode()

    @property
    def key_file(self) -> Path:
        """Return the key's file."""
        return self.folder / "device.key"

    @property
    def certificate_file(self) -> Path:
        """Return the certificate's file."""
        return self.folder / "device.pem"

    def took(self, answer: tuple[int, dict[str, Any]]) -> x509.Certificate:
        """Keep the certificate of an answer, and return it."""
        status, body = answer
        assert status == 200, body
        self.certificate_file.write_text(body["certificate"])
        certificate = x509.load_pem_x509_certificate(body["certificate"].encode())
        assert certificate.public_key() == self.key.public_key()
        return certificate


def enrol(running: Running, client: Client, code: str, name: str | None = None) -> tuple[int, dict[str, Any]]:
    return running.ask("POST", "/v1/enrol", {"device": name or client.name, "code": code, "csr": client.csr})


def refused(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    status, body = answer
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    return status, body["error"]["code"]

"""A small strict centre: HTTPS on the loopback, its own authority, and every fault on demand."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from centre.authority.profile import PublicKey, ca_certificate, end_certificate, fingerprint_of, pem_of
from centre.devices.registry import Kind

CODE = "0ABCDEFGHJKMNPQRSTVWXYZ012"
TYPED = "0ABCD-EFGHJ-KMNPQ-RSTVW-XYZ012"
LIFE = timedelta(days=365)


@dataclass
class Authority:
    """An authority of a test."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = ca_certificate(self.key, "Test CA", self.at - timedelta(days=1))
        self.pem = pem_of(self.certificate)
        self.fingerprint = fingerprint_of(self.certificate)
        self.sealing = self.new_sealing()

    def new_sealing(self, *purposes: str) -> bytes:
        """Return certificates of new keys to seal to, as devices are given them."""
        names = [f"seal.{purpose}" for purpose in purposes or ("batches", "details")]
        return b"".join(self.sign(X25519PrivateKey.generate().public_key(), name, "sealing") for name in names)

    def sign(self, key: PublicKey, name: str, kind: Kind = "device", at: datetime | None = None) -> bytes:
        begin = at or self.at
        made = end_certificate(self.certificate, self.key, key, kind=kind, names=[name], at=begin, until=begin + LIFE)
        return pem_of(made)

    def sign_request(self, csr: bytes, name: str, at: datetime | None = None) -> bytes:
        key = x509.load_pem_x509_csr(csr).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return self.sign(key, name, at=at)


@dataclass
class FakeCentre:
    """What the centre knows, did, and is told to do wrong."""

    folder: Path
    authority: Authority = field(default_factory=Authority)
    settings: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=lambda: {CODE: "gate-1"})
    used: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    raw: bytes | None = None  # an answer as it goes out, instead of any other
    hang_up: bool = False  # the answer is lost, after all was done
    issue_at: datetime | None = None
    knows_sealing: bool = True  # False: a centre from before there were keys to seal to
    url: str = ""
    port: int = 0

    def answer(self, path: str, body: bytes, shown: bytes | None) -> tuple[int, bytes]:
        self.asked.append(path)
        if path == "/ca.pem":
            return 200, self.authority.pem
        if path == "/centre.pem":
            return (200, self.authority.sealing) if self.knows_sealing else _error("request-bad")
        said = json.loads(body)
        self.bodies.append(said)
        if path == "/v1/enrol":
            return self._enrol(said)
        if shown is None:
            return _error("request-bad")
        name = x509.load_der_x509_certificate(shown).subject.rfc4514_string().removeprefix("CN=")
        if path == "/v1/renew":
            return self._issued(said["csr"], name)
        assert path == "/v1/retire"
        return 200, b'{"retired": true}'

    def _enrol(self, said: dict[str, Any]) -> tuple[int, bytes]:
        assert said.keys() == {"device", "code", "csr"}
        owner = self.codes.get(said["code"])
        if owner is None:
            return _error("code-wrong")
        if owner != said["device"]:
            return _error("code-of-another-device")
        key = public_of(x509.load_pem_x509_csr(said["csr"].encode()).public_key())
        if self.used.setdefault(said["code"], key) != key:
            return _error("code-used")
        return self._issued(said["csr"], owner, settings=self.settings)

    def _issued(self, csr: str, name: str, **more: dict[str, Any]) -> tuple[int, bytes]:
        certificate = self.authority.sign_request(csr.encode(), name, self.issue_at)
        answer = {"certificate": certificate.decode(), "ca": self.authority.pem.decode(), **more}
        return 200, json.dumps(answer | self._sealing()).encode()

    def _sealing(self) -> dict[str, str]:
        return {"centre": self.authority.sealing.decode()} if self.knows_sealing else {}


def public_of(key: CertificatePublicKeyTypes) -> bytes:
    data: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return data


def _error(code: str) -> tuple[int, bytes]:
    return 403, json.dumps({"error": {"code": code, "message": "for people"}}).encode()


def _handler(centre: FakeCentre) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def do_GET(self) -> None:
            self._reply(b"")

        def do_POST(self) -> None:
            self._reply(self.rfile.read(int(self.headers["Content-Length"])))

        def _reply(self, body: bytes) -> None:
            assert isinstance(self.connection, ssl.SSLSocket)
            status, answer = centre.answer(self.path, body, self.connection.getpeercert(binary_form=True))
            self.close_connection = True
            if centre.hang_up and self.path != "/ca.pem":
                return
            if centre.raw is not None and self.path != "/ca.pem":
                self.wfile.write(centre.raw)
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a peer that went away."""


@contextlib.contextmanager
def serving(centre: FakeCentre) -> Iterator[FakeCentre]:
    """Serve on a free port, with a certificate for 127.0.0.1; the port stays the same when served again."""
    key = ec.generate_private_key(ec.SECP256R1())
    pair, ca = centre.folder / "server.pem", centre.folder / "ca.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pair.write_bytes(pem + centre.authority.sign(key.public_key(), "127.0.0.1", "server"))
    ca.write_bytes(centre.authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    server = _Server(("127.0.0.1", centre.port), _handler(centre))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    centre.port = server.server_address[1]
    centre.url = f"https://127.0.0.1:{centre.port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield centre
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""A centre that takes sticks: a home folder with its keys, devices that signed and sealed for it, and a store."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner

from centre.authority.ca import Authority as OwnAuthority
from centre.authority.profile import LIFE
from centre.authority.sealing import ensure_keys
from centre.collecting.store import open_store
from centre.devices.registry import Certificate, Device, Registry
from centre.main import app
from firmware.checkin import to_row
from firmware.envelope import Authority, Signer
from firmware.export import Exporter
from firmware.sealing import Recipient
from firmware.wire import Batch, EncodedBatch, digest_of, encode_batch
from tests.firmware.checkins import checkin
from tests.pki import PLAIN

NAME = "greengate-gate-1-0001020304050607-1-3.journal"
DEVICES = ("gate-1", "gate-2")
EPOCH = bytes(range(8))
NOW = datetime.now(UTC)  # the command asks the system's clock


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Home:
    """A centre's home folder, and the devices that it knows."""

    folder: Path
    _signers: dict[str, Signer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.authority, _ = OwnAuthority.init(self.folder, NOW - 2 * LIFE)
        with Registry.open(self.folder) as registry:
            ensure_keys(self.authority, registry, NOW)
            for name in DEVICES:
                registry.put_device(Device(name, None, None, None, NOW))

    @property
    def believed(self) -> Authority:
        return Authority.load(self.folder / "ca.pem")

    @property
    def recipient(self) -> Recipient:
        return Recipient.load(self.folder / "sealing" / "centre.pem", "batches", self.believed)

    def enrol(
        self, name: str, since: datetime = NOW, *, known: bool = True
    ) -> tuple[ec.EllipticCurvePrivateKey, Certificate]:
        """Issue a device's certificate; `known` tells whether the registry keeps it."""
        key = ec.generate_private_key(ec.SECP256R1())
        issued = self.authority.sign(key.public_key(), "device", [name], since)
        if known:
            with Registry.open(self.folder) as registry:
                registry.put_certificate(issued)
        self._signers[name] = Signer(key, x509.load_pem_x509_certificate(issued.pem.encode()))
        return key, issued

    def signer(self, name: str) -> Signer:
        if name not in self._signers:
            self.enrol(name)
        return self._signers[name]

    def identity(self, folder: Path, name: str) -> None:
        """Write what a device has in its identity folder."""
        key, issued = self.enrol(name)
        (folder / "device.key").write_bytes(key.private_bytes(*PLAIN))
        (folder / "device.pem").write_text(issued.pem)
        (folder / "ca.pem").write_text(self.authority.pem)
        (folder / "centre.pem").write_bytes((self.folder / "sealing" / "centre.pem").read_bytes())

    def encoded(self, batch: Batch) -> EncodedBatch:
        return encode_batch(batch, self.signer(batch.device), self.recipient)

    def exported(self, *batches: Batch) -> bytes:
        exporter = Exporter()
        for batch in batches:
            exporter.add(self.encoded(batch))
        return exporter.finish()

    def revoke(self, certificate: Certificate) -> None:
        with Registry.open(self.folder) as registry:
            registry.revoke([certificate.serial], "stolen", NOW - timedelta(minutes=1))


@dataclass(frozen=True)
class Centre:
    """A home with a store, and a stick."""

    home: Home
    stick: Path
    store: str

    def line(self, *sources: Path) -> list[str]:
        line = ["import", "--home", self.home.folder, "--store", self.store, *(sources or (self.stick,))]
        return [str(part) for part in line]

    def run(self, *sources: Path) -> Done:
        done = CliRunner().invoke(app, [*self.line(*sources), "--json"], catch_exceptions=False)
        return Done(done.exit_code, done.stdout, done.stderr)

    def put(self, data: bytes, name: str = NAME) -> Path:
        path = self.stick / name
        path.write_bytes(data)
        return path

    def stored(self) -> list[tuple[str, int]]:
        with open_store(self.store) as store:
            return [(entry.device, entry.seq) for entry in store.entries() if not entry.conflict]


def batch(first: int, *numbers: int, device: str = "gate-1", previous: bytes = bytes(32)) -> Batch:
    return Batch(device, EPOCH, first, tuple(to_row(checkin(number)) for number in numbers), previous)


def chain(count: int) -> list[Batch]:
    """Return batches of one check-in each."""
    before, made = bytes(32), list[Batch]()
    for seq in range(1, count + 1):
        made.append(batch(seq, seq, previous=before))
        before = digest_of(made[-1])
    return made


FIRST = batch(1, 1, 2)
SECOND = batch(3, 3, previous=digest_of(FIRST))

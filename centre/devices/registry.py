"""The registry: which devices there are, their one-time codes (hashed), and every certificate that was issued.

It says who is who: a certificate's name comes from here alone. One SQLite file, `HOME/registry.db`; what belongs
together is done in one `change()`, so that two administrators and the enrolment service never step on each other.
"""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from centre.database import DatabaseFile, changing
from centre.devices.registry_schema import RegistryError, opened

__all__ = ["Certificate", "Code", "Device", "Registry", "RegistryError"]

FILE = "registry.db"
NAME = re.compile(r"[a-z0-9-]{1,32}")  # of a device: its certificate's common name, and its part of the topics
COLLECTOR_PREFIX = "centre."  # of the centre's own clients: a dot, so that no device can be called so
RENEWED = timedelta(days=30)  # ours: before its end, one of the centre's own certificates is issued anew

Direction = Literal["in", "out"]
Kind = Literal["device", "server", "collector", "sealing"]
State = Literal["retired", "enrolled", "invited", "expired", "revoked", "added"]


@dataclass(frozen=True, slots=True)
class Device:
    """A device that may have a certificate, and how far it is.

    `code_until`: until when its unused code may be used. `certificate_until`: the end of its newest certificate that
    is not revoked. `certificates`: how many it ever had.
    """

    name: str
    site: str | None
    lane: str | None
    direction: Direction | None
    added_at: datetime
    retired_at: datetime | None = None
    code_until: datetime | None = None
    certificate_until: datetime | None = None
    certificates: int = 0

    def state(self, at: datetime) -> State:
        """Return how far it is, the most telling first."""
        if self.retired_at is not None:
            return "retired"
        if self.certificate_until is not None and self.certificate_until > at:
            return "enrolled"
        if self.code_until is not None and self.code_until > at:
            return "invited"
        if self.certificate_until is not None:
            return "expired"
        return "revoked" if self.certificates else "added"


class Certificate(NamedTuple):
    """A certificate that was issued. `serial` is 40 hexadecimal digits, `key` the SHA-256 of its public key's DER."""

    serial: str
    kind: Kind
    name: str
    key: bytes
    not_before: datetime
    not_after: datetime
    pem: str
    revoked_at: datetime | None = None
    why: str | None = None

    def ends_soon(self, at: datetime) -> bool:
        """Tell whether one of the centre's own is to be issued anew."""
        return self.not_after <= at + RENEWED


class Code(NamedTuple):
    """What is kept of a one-time code; `serial` is the certificate's that it was used for."""

    device: str
    expires_at: datetime
    used_at: datetime | None
    serial: str | None


class Registry(DatabaseFile):
    """Devices, codes and certificates. Every method raises RegistryError where the file cannot be used."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        """Work on a file that `open` opened."""
        super().__init__(db)
        self._path = path

    @classmethod
    def open(cls, home: Path) -> Self:
        """Open the registry in the centre's home folder, or create it there (the folder must be there)."""
        path = home / FILE
        with _told(path):
            return cls(opened(path), path)

    @contextlib.contextmanager
    def change(self) -> Iterator[None]:
        """Do what is within all or not at all, with nobody else writing; synced when it returns."""
        with _told(self._path), changing(self._db):
            yield

    # Devices

    def device(self, name: str) -> Device | None:
        """Return the device of a name; None where there is none (retired ones are there)."""
        return next(iter(self._devices("WHERE device.name = ?", name)), None) if NAME.fullmatch(name) else None

    def devices(self) -> list[Device]:
        """Return all devices by name, the retired too."""
        return self._devices("")

    def put_device(self, device: Device) -> None:
        """Add a device; one that is there gets these fields and is no longer retired."""
        row = (device.name, device.site, device.lane, device.direction, _seconds(device.added_at))
        self._run(
            """INSERT INTO device VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT (name) DO UPDATE SET
            site = excluded.site, lane = excluded.lane, direction = excluded.direction, retired_s = NULL""",
            *row,
        )

    def retire(self, name: str, at: datetime) -> None:
        """Mark a device as retired; its unused codes are void."""
        self.forget_codes(name)
        self._run("UPDATE device SET retired_s = coalesce(retired_s, ?) WHERE name = ?", _seconds(at), name)

    # One-time codes

    def put_code(self, digest: bytes, device: str, expires_at: datetime) -> None:
        """Keep the hash of a new code of a device; its unused codes before are void."""
        self.forget_codes(device)
        self._run("INSERT INTO code VALUES (?, ?, ?, NULL, NULL)", digest, device, _seconds(expires_at))

    def code(self, digest: bytes) -> Code | None:
        """Return what is kept of a code."""
        rows = self._run("SELECT device, expires_s, used_s, serial FROM code WHERE digest = ?", digest)
        return next((Code(device, _time(ends), _maybe(used), serial) for device, ends, used, serial in rows), None)

    def use_code(self, digest: bytes, serial: str, at: datetime) -> None:
        """Mark a code as used for a certificate."""
        self._run("UPDATE code SET used_s = ?, serial = ? WHERE digest = ?", _seconds(at), serial, digest)

    def forget_codes(self, device: str) -> None:
        """Make a device's unused codes void."""
        self._run("DELETE FROM code WHERE device = ? AND used_s IS NULL", device)

    # Certificates

    def put_certificate(self, issued: Certificate) -> None:
        """Keep a certificate that was just issued."""
        times = (_seconds(issued.not_before), _seconds(issued.not_after))
        self._run(
            """INSERT INTO certificate (serial, kind, name, key, not_before_s, not_after_s, pem)
            VALUES (?, ?, ?, ?, ?, ?, ?)""",
            *(issued.serial, issued.kind, issued.name, issued.key, *times, issued.pem),
        )

    def certificate(self, serial: str) -> Certificate | None:
        """Return the certificate of a serial number (40 hexadecimal digits)."""
        return next(iter(self._certificates("WHERE serial = ?", serial)), None)

    def certificates(self, name: str | None = None) -> list[Certificate]:
        """Return all certificates, or those of a name, in the order of their issue."""
        return self._certificates("") if name is None else self._certificates("WHERE name = ?", name)

    def revoked(self, at: datetime) -> list[Certificate]:
        """Return what a revocation list of that time names: revoked, and not yet expired (RFC 5280, section 3.3)."""
        return self._certificates("WHERE revoked_s IS NOT NULL AND not_after_s >= ?", _seconds(at))

    def collectors(self, at: datetime | None = None) -> list[str]:
        """Return the names (`centre.<name>`) of the centre's clients with a certificate that is not revoked.

        With `at`, only of those whose certificate has not expired by then.
        """
        rows = self._run(
            """SELECT DISTINCT name FROM certificate WHERE kind = 'collector' AND revoked_s IS NULL
            AND not_after_s > ? ORDER BY name""",
            0 if at is None else _seconds(at),
        )
        return [name for (name,) in rows]

    def revoke(self, serials: list[str], why: str, at: datetime) -> None:
        """Mark certificates as revoked; those that are already stay as they are."""
        for serial in serials:
            self._run(
                "UPDATE certificate SET revoked_s = ?, why = ? WHERE serial = ? AND revoked_s IS NULL",
                *(_seconds(at), why, serial),
            )

    def next_number(self, counter: str) -> int:
        """Return 1, 2, 3, ... of a counter; within `change()`."""
        query = """INSERT INTO counter VALUES (?, 1)
            ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"""
        return int(self._run(query, counter)[0][0])

    # Rows

    def _devices(self, where: str, *values: str) -> list[Device]:
        query = f"""SELECT name, site, lane, direction, added_s, retired_s,
            (SELECT max(expires_s) FROM code WHERE code.device = device.name AND used_s IS NULL),
            (SELECT max(not_after_s) FROM certificate AS c
                WHERE c.name = device.name AND kind = 'device' AND revoked_s IS NULL),
            (SELECT count(*) FROM certificate AS c WHERE c.name = device.name AND kind = 'device')
            FROM device {where} ORDER BY name"""  # noqa: S608 - constants
        return [
            Device(
                *(name, site, lane, direction, _time(added)), _maybe(retired), _maybe(code), _maybe(until), certificates
            )
            for name, site, lane, direction, added, retired, code, until, certificates in self._run(query, *values)
        ]

    def _certificates(self, where: str, *values: str | int) -> list[Certificate]:
        query = f"""SELECT serial, kind, name, key, not_before_s, not_after_s, pem, revoked_s, why
            FROM certificate {where} ORDER BY number"""  # noqa: S608 - constants
        return [
            Certificate(serial, kind, name, key, _time(begins), _time(ends), pem, _maybe(revoked), why)
            for serial, kind, name, key, begins, ends, pem, revoked, why in self._run(query, *values)
        ]

    def _run(self, query: str, *values: str | bytes | int | None) -> list[tuple[Any, ...]]:
        with _told(self._path):
            return self._db.execute(query, values).fetchall()


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        cure = "another command works on it: try again" if "locked" in str(error) else "check --home, disk and rights"
        raise RegistryError(f"{path}: {error}: {cure}") from error


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _maybe(seconds: int | None) -> datetime | None:
    return None if seconds is None else _time(seconds)

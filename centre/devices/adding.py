"""Adding devices: into the registry with one-time codes, and the codes into a file, all or nothing."""

import contextlib
import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from centre.devices.codes import digest_of, new_code
from centre.devices.csv_file import DevicesCsvError, Row
from centre.devices.registry import Device, Registry
from centre.files import staged

CODE_LIFE = timedelta(days=7)
CODE_LIFE_MAX = timedelta(days=90)  # ours: a code that lies about for long is found


class NewCode(NamedTuple):
    """A one-time code, to be told once; it is kept nowhere."""

    device: str
    code: str
    until: datetime


class Added(NamedTuple):
    """What became of a list: devices that are new, changed, known before, and the codes that were made."""

    new: int
    changed: int
    known: int
    codes: list[NewCode]


class CodesFileError(Exception):
    """A file for codes that cannot be written: what is wrong and the cure, on one line."""


def make_code(registry: Registry, device: str, at: datetime, life: timedelta = CODE_LIFE) -> NewCode:
    """Make a code for a device; its unused ones before are void. Within the registry's `change()`."""
    code, until = new_code(), (at + life).replace(microsecond=0)
    registry.put_code(digest_of(code), device, until)
    return NewCode(device, code, until)


def add(
    registry: Registry,
    rows: list[Row],
    at: datetime,
    *,
    life: timedelta = CODE_LIFE,
    change: bool = False,
    codes: bool = True,
    advance: Callable[[int], None] = lambda _: None,
) -> Added:
    """Add devices, each that has no certificate with a new code. Within the registry's `change()`.

    Raises: DevicesCsvError where a device is known with other fields or is retired, and is not to be changed.
    """
    before = {device.name: device for device in registry.devices()}
    made: list[NewCode] = []
    new = changed = 0
    for row in rows:
        known = before.get(row.name)
        if known is None or _differs(known, row):
            if known is not None and not change:
                raise DevicesCsvError(f"line {row.line}: {_difference(known)}: add --change to change it")
            registry.put_device(Device(row.name, row.site, row.lane, row.direction, at))
            new, changed = new + (known is None), changed + (known is not None)
        if codes and (known is None or known.retired_at is not None or known.state(at) != "enrolled"):
            made.append(make_code(registry, row.name, at, life))
        advance(1)
    return Added(new, changed, len(rows) - new - changed, made)


def check_codes_file(path: Path) -> None:
    """Make sure that a file for codes can be written before any is made.

    Raises: CodesFileError.
    """
    if path.exists() or path.is_symlink():
        raise CodesFileError(f"{path} is there already, and may hold codes in use: move it away, or name another file")
    if not path.parent.is_dir():
        raise CodesFileError(f"{path.parent} is no folder: make it first, or name another file")


def codes_file(codes: list[NewCode]) -> bytes:
    """Return codes as CSV: `name,code,expires`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "code", "expires"])
    writer.writerows([made.device, made.code, f"{made.until:%Y-%m-%dT%H:%M:%SZ}"] for made in codes)
    return text.getvalue().encode("utf-8")


def add_with_codes(
    registry: Registry,
    rows: list[Row],
    at: datetime,
    file: Path,
    *,
    life: timedelta = CODE_LIFE,
    change: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> Added:
    """Add devices, and write their codes to a new file that only its owner may read: both or nothing.

    The file is on the disk before the devices are, and gets its name after them: broken off between the two, the same
    again makes new codes, and those before are void.

    Raises: DevicesCsvError, CodesFileError, RegistryError.
    """
    check_codes_file(file)
    try:
        with contextlib.ExitStack() as stack:
            with registry.change():
                added = add(registry, rows, at, life=life, change=change, advance=advance)
                put = stack.enter_context(staged(file, codes_file(added.codes)))
            put(replace=False)
    except FileExistsError:
        raise CodesFileError(f"{file} was made by somebody else meanwhile: name another file") from None
    except OSError as error:
        raise CodesFileError(f"{file}: {error.strerror}: make room, or name another file") from None
    return added


def _differs(known: Device, row: Row) -> bool:
    return known.retired_at is not None or (known.site, known.lane, known.direction) != row[2:]


def _difference(known: Device) -> str:
    return f"{known.name} is retired" if known.retired_at is not None else f"{known.name} is known with other fields"

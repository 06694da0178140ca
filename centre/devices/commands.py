"""`greengate-centre device`: the devices that may enrol."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from centre.devices.adding import (
    CODE_LIFE,
    CODE_LIFE_MAX,
    Added,
    CodesFileError,
    NewCode,
    add,
    add_with_codes,
    make_code,
)
from centre.devices.csv_file import FILE_MAX_BYTES, DevicesCsvError, Row, checked, parse
from centre.devices.registry import Device, Registry
from centre.output import (
    EX_CANNOT_WRITE,
    EX_DATA,
    EX_NO_INPUT,
    EX_UNAVAILABLE,
    EX_USAGE,
    HOME,
    Home,
    Json,
    iso,
    out,
    progress,
    refuse,
    there,
    told,
)
from drivers.clock import open_clock

app = typer.Typer(help="The devices that may enrol, and their one-time codes.", no_args_is_help=True)

Days = Annotated[int, typer.Option("--days", min=1, max=CODE_LIFE_MAX.days, help="How long codes may be used.")]
Change = Annotated[bool, typer.Option("--change", help="Change known devices; bring retired ones back.")]
List = Annotated[Path | None, typer.Option("--from", metavar="CSV", help="A list: name,site,lane,direction.")]
Codes = Annotated[Path | None, typer.Option("--codes", metavar="FILE", help="With --from: where codes go, a new file.")]


@app.command("add")
def add_(
    name: Annotated[str | None, typer.Argument(help="1 to 32 of a-z, 0-9 and -.")] = None,
    site: Annotated[str, typer.Option()] = "",
    lane: Annotated[str, typer.Option()] = "",
    direction: Annotated[str, typer.Option(metavar="in|out")] = "",
    file: List = None,
    codes: Codes = None,
    days: Days = CODE_LIFE.days,
    home: Home = HOME,
    *,
    change: Change = False,
    json: Json = False,
) -> None:
    """Add a device, and show its one-time code; or add a list of devices, and write their codes to a file.

    A list is taken whole or not at all. A device that has a certificate gets no code: see `device code`.

    Example: greengate-centre device add gate-1 --site "QL1A" --lane 1 --direction in

    Example: greengate-centre device add --from devices.csv --codes codes.csv

    Exit codes: 0 done; 2 wrong usage; 65 the list is wrong; 66 it cannot be opened; 73 the codes' file cannot be
    written; 78 the registry cannot be used.
    """
    life = timedelta(days=days)
    if name is not None and file is None and codes is None:
        _add_one((name, site, lane, direction), home, life, change=change, json=json)
    elif name is None and file is not None and codes is not None and not (site or lane or direction):
        _add_list(file, codes, home, life, change=change, json=json)
    else:
        refuse("give either a NAME, or --from CSV and --codes FILE", EX_USAGE, json=json)


@app.command("list")
def list_(home: Home = HOME, *, json: Json = False) -> None:
    """List the devices: retired, enrolled, invited (a code waits), expired, revoked, or just added.

    Example: greengate-centre device list

    Exit codes: 0 done; 2 wrong usage; 78 the registry cannot be used.
    """
    with told(json=json), Registry.open(there(home)) as registry:
        now = open_clock("system").now()
        for device in registry.devices():
            out(_device(device) | {"state": device.state(now)}, json=json)


@app.command()
def code(
    name: Annotated[str, typer.Argument(help="The device.")],
    days: Days = CODE_LIFE.days,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Make a new one-time code for a device; its unused one is void. Once used, the certificate before is revoked.

    Example: greengate-centre device code gate-1

    Exit codes: 0 done; 2 wrong usage; 69 no such device, or it is retired; 78 the registry cannot be used.
    """
    with told(json=json), Registry.open(there(home)) as registry, registry.change():
        device = registry.device(name)
        if device is None:
            refuse(f"{name[:40]!a}: no such device: run device add first", EX_UNAVAILABLE, json=json)
        if device.retired_at is not None:
            refuse(f"{name} is retired: run device add {name} --change first", EX_UNAVAILABLE, json=json)
        made = make_code(registry, name, open_clock("system").now(), timedelta(days=days))
    out(_code(made), json=json)


def _add_one(fields: tuple[str, str, str, str], home: Path, life: timedelta, *, change: bool, json: bool) -> None:
    with told(json=json), Registry.open(there(home)) as registry:
        now = open_clock("system").now()
        try:
            row = checked(1, *fields)
            with registry.change():
                known = registry.device(row.name)
                waits = known is not None and known.state(now) == "invited"
                added = add(registry, [row], now, life=life, change=change, codes=not waits)
        except DevicesCsvError as error:
            refuse(str(error).removeprefix("line 1: "), EX_USAGE, json=json)
    for made in added.codes:
        out(_code(made), json=json)
    if not added.codes:
        why = "a code waits for it" if waits else "it is enrolled"
        out({"device": row.name, "code": None, "why": f"{why}: for another run device code {row.name}"}, json=json)


def _add_list(file: Path, codes: Path, home: Path, life: timedelta, *, change: bool, json: bool) -> None:
    rows = _rows(file, json=json)
    with told(json=json), Registry.open(there(home)) as registry:
        now = open_clock("system").now()
        try:
            with progress("devices", len(rows), json=json) as advance:
                added = add_with_codes(registry, rows, now, codes, life=life, change=change, advance=advance)
        except DevicesCsvError as error:
            refuse(f"{file}: {error}", EX_DATA, json=json)
        except CodesFileError as error:
            refuse(error, EX_CANNOT_WRITE, json=json)
    out(_added(added) | {"file": str(codes)}, json=json)


def _rows(file: Path, *, json: bool) -> list[Row]:
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        refuse(f"{file}: {error.strerror}: name the list's file", EX_NO_INPUT, json=json)
    try:
        return parse(data)
    except DevicesCsvError as error:
        refuse(f"{file}: {error}", EX_DATA, json=json)


def _added(added: Added) -> dict[str, Any]:
    return {"new": added.new, "changed": added.changed, "known": added.known, "codes": len(added.codes)}


def _code(made: NewCode) -> dict[str, Any]:
    return {"device": made.device, "code": made.code, "until": iso(made.until)}


def _device(device: Device) -> dict[str, Any]:
    return {
        "name": device.name,
        "site": device.site,
        "lane": device.lane,
        "direction": device.direction,
        "code_until": iso(device.code_until),
        "certificate_until": iso(device.certificate_until),
    }

"""`greengate diagnose collect`: one file for support, of how the device is, and nothing of anybody who came by."""

import gzip
import io
import tarfile
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from firmware.events import place_of
from provisioning import evidence
from provisioning.checks import Patient
from provisioning.doctor import ConfigOption, as_results, examine, patient_at, unasked
from provisioning.durable import write_durably
from provisioning.exits import Exit
from provisioning.layout import THIS_MACHINE, RootOption
from provisioning.scrub import clean
from provisioning.talk import DryRunOption, JsonOption, LangOption, Talk

PART_MAX_BYTES = 1024 * 1024  # ours: 2000 events take half of it; seven parts are then 7 MiB before they are packed
LINES_MAX = 5000
FOLDER = "greengate-diagnosis"
MODE = 0o600  # only who collected it decides who sees it
README = """What `greengate diagnose collect` found on one device.

  versions.json       package, libraries, Python, kernel, system, board
  configuration.json  what is in effect; keys and certificates are named, not contained; names of hosts are in it
  doctor.json         the results of `greengate doctor`, as codes and values
  health.json         what gate and uplink say of themselves
  events.jsonl        the last log events: codes and numbers of a closed list
  units.json          the services' states
  machine.json        heat, power, memory, disks

There are no check-ins, pseudonyms, passes, pictures, keys, codes or passwords in it.
"""

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The archive to write, NAME.tar.gz.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace FILE where there is one.")]
LinesOption = Annotated[int, typer.Option("--lines", min=0, max=LINES_MAX, help="How many log events at most.")]

app = typer.Typer(no_args_is_help=True, help="What support needs to know, without personal data.")


@app.callback()
def _common() -> None:
    """What support needs to know, without personal data."""


class Part(NamedTuple):
    """One file of the archive: its name, and how its content is found."""

    name: str
    data: bytes


@app.command("collect")
def collect(
    file: FileArgument,
    config: ConfigOption = None,
    root: RootOption = THIS_MACHINE,
    lines: LinesOption = evidence.LOG_LINES,
    force: ForceOption = False,  # noqa: FBT002 - typer makes flags of these
    dry_run: DryRunOption = False,  # noqa: FBT002 - as above
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Collect versions, configuration, health, the last log events and doctor's results in one archive.

    Without personal data: no check-ins, no passes, no keys, no passwords.

    Example: greengate diagnose collect diagnosis.tar.gz

    Exit codes: 0 collected, 2 wrong usage, 73 FILE is there already or cannot be written.
    """
    talk = Talk("diagnose", lang, as_json=as_json)
    if dry_run:
        for name in NAMES:
            talk.say("would-collect", part=name)
        talk.say("dry-run")
        return
    try:
        if not force and _there(file):
            talk.fail(Exit.CANNOT_WRITE, "file-there", file=str(file))
        if not file.absolute().parent.is_dir():
            talk.fail(Exit.CANNOT_WRITE, "folder-missing", folder=str(file.absolute().parent))
    except OSError as error:  # a folder that may not be looked into, a name that is too long
        talk.fail(Exit.CANNOT_WRITE, "file-unwritable", file=str(file), why=error.strerror or str(error))
    patient = unasked(patient_at(root, config))
    if not patient.root:
        talk.warn("not-root")
    with talk.progress("collecting", len(NAMES)) as advance:
        parts = []
        for part in gathered(patient, lines, Talk("doctor", talk.lang, as_json=True)):
            parts.append(part)
            advance(1)
    data = packed(parts, patient.clock.now())
    try:
        write_durably(file, data, mode=MODE)
    except OSError as error:
        talk.fail(Exit.CANNOT_WRITE, "file-unwritable", file=str(file), why=error.strerror or str(error))
    talk.say("collected", file=str(file), kib=-(-len(data) // 1024), parts=len(parts))


def gathered(patient: Patient, lines: int, talk: Talk) -> Iterator[Part]:
    """Yield every part, cleaned; one that cannot be found says so and the others go on."""
    yield Part("README.txt", README.encode())
    for name, find in _FOUND.items():
        yield Part(name, _json(_or_error(partial(find, patient))))
    yield Part("doctor.json", _json(_or_error(lambda: as_results(list(examine(patient, talk))))))
    events = _or_error(lambda: list(evidence.log_events(patient, lines)))
    yield Part("events.jsonl", _json_lines(events if isinstance(events, list) else [events]))


def packed(parts: list[Part], at: datetime) -> bytes:
    """Return the archive: a compressed tar file, everything in one folder of nobody's."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for part in parts:
            entry = tarfile.TarInfo(f"{FOLDER}/{part.name}")
            entry.size, entry.mtime, entry.mode = len(part.data), int(at.timestamp()), 0o644
            archive.addfile(entry, io.BytesIO(part.data))
    return gzip.compress(raw.getvalue(), mtime=0)


_FOUND: dict[str, evidence.Part] = {
    "versions.json": evidence.versions,
    "configuration.json": evidence.configuration,
    "health.json": evidence.health,
    "units.json": evidence.units,
    "machine.json": evidence.machine,
}
NAMES = ("README.txt", *_FOUND, "doctor.json", "events.jsonl")


def _or_error(find: Callable[[], object]) -> object:
    try:
        return find()
    except Exception as error:  # noqa: BLE001 - support needs the rest all the more
        return {"error": type(error).__name__, "where": place_of(error)}


def _json(value: object) -> bytes:
    data = msgspec.json.format(msgspec.json.encode(clean(msgspec.to_builtins(value))), indent=2) + b"\n"
    return data if len(data) <= PART_MAX_BYTES else msgspec.json.encode({"error": "too large", "bytes": len(data)})


def _json_lines(rows: list[Any]) -> bytes:
    """Return rows as lines, the last ones where not all have room."""
    kept: list[bytes] = []
    size = 0
    for row in reversed(rows):
        line = msgspec.json.encode(row) + b"\n"
        size += len(line)
        if size > PART_MAX_BYTES:
            break
        kept.append(line)
    return b"".join(reversed(kept))


def _there(file: Path) -> bool:
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True

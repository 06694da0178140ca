"""`greengate journal`: how the journal is, and its check-ins on a stick where the network never comes."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from drivers.errors import SoftwareMissingError
from drivers.stick import (
    StickError,
    StickFileTooLargeError,
    StickMissingError,
    StickPermissionError,
    StickRefusedError,
    StickWriteError,
    open_stick,
)
from drivers.stick.folder import read_file
from firmware.config import Config, ConfigError, load_config
from firmware.envelope import Authority
from firmware.export import MAX_EXPORT_BYTES, ExportError, Fault, check_export
from firmware.export_files import unsent
from firmware.journal_base import JournalError, MalformedError
from firmware.journal_snapshot import set_aside, snapshot
from firmware.service_state import in_service_state
from provisioning.alone import alone
from provisioning.exits import Exit
from provisioning.journal_keys import answers_valid_at, load_authority, load_keys, seen_from_here
from provisioning.journal_stick import JournalStick, Own
from provisioning.layout import THIS_MACHINE, Layout, RootOption
from provisioning.talk import DryRunOption, JsonOption, LangOption, Talk

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The device's configuration; else the appliance's.")
]
StickArgument = Annotated[Path, typer.Argument(metavar="STICK", help="The stick's device (/dev/sda1), or a folder.")]
FileArgument = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="An exported journal; without it the device's own journal.")
]
_EXITS: dict[type[StickError], Exit] = {
    StickMissingError: Exit.NO_INPUT,
    StickRefusedError: Exit.DATA,
    StickPermissionError: Exit.NO_PERMISSION,
    StickWriteError: Exit.CANNOT_WRITE,
}

app = typer.Typer(no_args_is_help=True, help="The journal of check-ins: how it is, and on a stick.")


@app.command("status")
def status(
    config: ConfigFile = None,
    root: RootOption = THIS_MACHINE,
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Tell how many check-ins wait for the centre, since when, and which journals were set aside as damaged.

    Example: greengate journal status

    Exit codes: 0 told, 2 wrong usage, 65 the journal is damaged, 75 the journal cannot be read now, 77 this user may
    not read it, 78 the configuration cannot be used.
    """
    talk = Talk("journal", lang, as_json=as_json)
    loaded, journal = _configured(config, Layout(root), talk)
    with _told(talk):
        aside = [path.name for path in set_aside(journal)]
        with snapshot(journal) as now:
            if now is None:
                talk.say("no-journal", path=str(journal))
            else:
                epoch = now.epoch.hex()
                talk.say("state", device=loaded.device.name, epoch=epoch, unsent=now.unsent, sent=now.acked_seq)
                if now.oldest_ms is not None:
                    talk.say("oldest", at=_iso(now.oldest_ms))
        for name in aside:
            talk.say("set-aside", file=name)


@app.command("export")
def export(
    stick: StickArgument,
    config: ConfigFile = None,
    root: RootOption = THIS_MACHINE,
    dry_run: DryRunOption = False,  # noqa: FBT002 - typer makes a flag of it
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Write the check-ins that the centre does not have to a stick, after applying the centre's answers that lie there.

    Example: greengate journal export /dev/sda1

    The files are signed by this device and sealed to its centre: whoever finds the stick reads no check-in. The
    centre's `greengate-centre import` takes the stick and writes its signed answers there; exported again, the stick's
    answers delete what the centre has. The same command twice leaves the same file. In service state only.

    Exit codes: 0 done, 2 wrong usage, 65 what was named is no stick to use, or the journal is damaged, 66 there is no
    such stick, 69 mount is not installed, or the device is not enrolled or has no key of the centre's, 73 the stick
    cannot be written, 75 not in service state, the journal is busy, or another command is at work, 77 only root may,
    78 the configuration or a key cannot be used.
    """
    talk = Talk("journal", lang, as_json=as_json)
    layout = Layout(root)
    loaded, journal = _configured(config, layout, talk)
    if layout.here and not in_service_state(loaded.service_marker):
        talk.fail(Exit.TRY_AGAIN, "service-state-needed")
    keep = loaded.journal.acknowledged_hours > 0
    own = Own(load_keys(loaded, layout, talk), answers_valid_at(loaded), journal, keep)
    with _told(talk):
        if dry_run:
            with open_stick(stick, write=False) as opened:
                _plan(JournalStick(own, opened, talk), talk)
        else:
            with alone(layout, talk), open_stick(stick, write=True) as opened:
                written = _export(JournalStick(own, opened, talk), journal, talk)
            talk.say("take-to-centre" if written else "nothing-unsent")


@app.command("verify")
def verify(
    file: FileArgument = None,
    config: ConfigFile = None,
    root: RootOption = THIS_MACHINE,
    lang: LangOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Check the journal, or an exported one, without changing it: every page, every check-in, numbers without holes.

    Of an exported one, which only the centre can read: every byte, the signatures of its device, numbers and hashes.

    Example: greengate journal verify

    Exit codes: 0 sound, 1 damaged, altered, cut short or not signed by its device, 2 wrong usage, 65 not an exported
    journal, or one that is too large, 66 there is no such file, 69 written by a newer program, or this device is not
    enrolled and knows nobody's signature, 75 the journal cannot be read now, 77 this user may not read it, 78 the
    configuration or a key cannot be used.
    """
    talk = Talk("journal", lang, as_json=as_json)
    layout = Layout(root)
    loaded, journal = _configured(config, layout, talk)
    if file is not None:
        _verify_file(file, load_authority(loaded, layout, talk), talk)
        return
    with _told(talk, damaged=Exit.REFUSED), snapshot(journal) as now:
        if now is None:
            talk.say("no-journal", path=str(journal))
            return
        with talk.progress("verifying", now.unsent) as advance:
            now.check(advance)
        talk.say("sound", unsent=now.unsent, epoch=now.epoch.hex())


def _plan(planned: JournalStick, talk: Talk) -> None:
    for name, records in planned.planned():
        talk.say("would-export", file=name, n=records)
    talk.say("dry-run")


def _export(work: JournalStick, journal: Path, talk: Talk) -> int:
    work.apply_acks()
    work.clear_spent()
    total = 1
    with suppress(JournalError):  # told when it is exported
        total = max(unsent(journal), total)
    with talk.progress("exporting", total) as advance:
        return work.export(advance)


def _verify_file(file: Path, authority: Authority, talk: Talk) -> None:
    try:
        data = read_file(file, MAX_EXPORT_BYTES)
        with talk.progress("verifying", len(data)) as advance:
            found = check_export(data, authority, seen=advance)
    except StickFileTooLargeError as error:
        talk.fail(Exit.DATA, f"file-{Fault.TOO_LARGE}", file=str(file), why=str(error))
    except StickError as error:
        talk.fail(_EXITS.get(type(error), Exit.NO_INPUT), "file-unreadable", file=str(file), why=str(error))
    except ExportError as error:
        exits = {Fault.NEWER: Exit.UNAVAILABLE, Fault.FOREIGN: Exit.DATA, Fault.TOO_LARGE: Exit.DATA}
        talk.fail(exits.get(error.fault, Exit.REFUSED), f"file-{error.fault}", file=str(file), why=str(error))
    talk.say(
        "file-sound",
        file=str(file),
        device=found.device,
        epoch=found.epoch.hex(),
        first=found.first_seq,
        last=found.last_seq,
        n=found.records,
    )


def _configured(config: Path | None, layout: Layout, talk: Talk) -> tuple[Config, Path]:
    """Return the configuration, and where its journal lies seen from here."""
    try:
        loaded = load_config(config or layout.config)
    except ConfigError as error:
        talk.fail(Exit.CONFIG, "configuration-wrong", why=str(error))
    return loaded, seen_from_here(loaded.journal.path, layout)


@contextmanager
def _told(talk: Talk, *, damaged: Exit = Exit.DATA) -> Iterator[None]:
    """Say every error of a journal or a stick in one line, with its exit code."""
    try:
        yield
    except MalformedError as error:
        talk.fail(damaged, "damaged", why=str(error))
    except JournalError as error:
        denied = isinstance(error.__cause__, PermissionError)
        talk.fail(Exit.NO_PERMISSION if denied else Exit.TRY_AGAIN, "journal-unusable", why=str(error))
    except SoftwareMissingError as error:
        talk.fail(Exit.UNAVAILABLE, "stick-unusable", why=str(error))
    except StickError as error:
        talk.fail(_EXITS.get(type(error), Exit.NO_INPUT), "stick-unusable", why=str(error))


def _iso(at_ms: int) -> str:
    """Return a time in milliseconds since the epoch as ISO 8601; a year past 9999 (a clock gone mad) as its number."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"

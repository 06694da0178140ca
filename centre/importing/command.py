"""`greengate-centre import`: exported journals from sticks, where a device's network never comes."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from centre.collecting.config import ConfigError, load_config
from centre.collecting.events import Event
from centre.collecting.store import StoreError, open_store
from centre.devices.registry import Registry
from centre.importing.events import AnswerFailed, AnswerWritten, Imported, ImportRefused
from centre.importing.importing import DEVICE_UNKNOWN, UNREADABLE, UNSTORABLE, Importer, import_from
from centre.importing.keys import keys_of_collector, keys_of_home
from centre.output import (
    EX_CANNOT_WRITE,
    EX_CONFIG,
    EX_DATA,
    EX_NO_INPUT,
    EX_UNAVAILABLE,
    HOME,
    Home,
    Json,
    refuse,
    there,
    told,
)
from centre.store_option import ConfigFile, Where, place
from drivers.clock import open_clock
from drivers.errors import SoftwareMissingError
from drivers.stick import StickError, StickPermissionError, StickRefusedError
from firmware.envelope import SigningError
from firmware.export import Fault

EX_NO_USER = 67  # EX_NOUSER: of a device that the registry does not know
EX_CUT_SHORT = 74  # EX_IOERR: not all of it came onto the stick
EX_NEWER = 76  # EX_PROTOCOL: written by a newer program
EX_NO_PERMISSION = 77
_EXITS: dict[str, int] = {
    Fault.ALTERED: EX_DATA,
    Fault.UNTRUSTED: EX_DATA,
    Fault.SEALED: EX_CONFIG,
    Fault.TOO_LARGE: EX_DATA,
    Fault.FOREIGN: EX_NO_INPUT,
    Fault.CUT_SHORT: EX_CUT_SHORT,
    Fault.NEWER: EX_NEWER,
    DEVICE_UNKNOWN: EX_NO_USER,
    UNREADABLE: EX_NO_INPUT,
    UNSTORABLE: EX_DATA,
}
_CURES: dict[str, str] = {
    Fault.ALTERED: "export it again, and ask who had the stick",
    Fault.UNTRUSTED: "another centre's device, or forged: ask who had the stick",
    Fault.TOO_LARGE: "is it the right file?",
    Fault.FOREIGN: "not an exported journal: is it the right file?",
    Fault.CUT_SHORT: "the stick was pulled out too early: export it again",
    Fault.NEWER: "update greengate-centre",
    DEVICE_UNKNOWN: "a foreign stick? Else add the device: greengate-centre device add",
}

Sources = Annotated[
    list[Path], typer.Argument(metavar="STICK|FILE...", help="Sticks (device or folder), or exported files.")
]


class _Report:
    """Tell each event, and remember the exit code of the first that was not well."""

    def __init__(self, *, json: bool) -> None:
        self.code = 0
        self._json = json

    def unusable(self, source: Path, error: Exception, code: int) -> None:
        """Tell what cannot be read at all."""
        self.code = self.code or code
        self(ImportRefused(str(source), UNREADABLE, str(error)))

    def __call__(self, event: Event) -> None:
        event = _printable(event)
        match event:
            case ImportRefused(fault=fault):
                self.code = self.code or _EXITS[fault]
            case AnswerFailed():
                self.code = self.code or EX_CANNOT_WRITE
            case _:
                pass
        if self._json:
            sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
        else:
            typer.echo(_line(event), err=isinstance(event, ImportRefused | AnswerFailed))
        sys.stdout.flush()


def import_(
    sources: Sources, home: Home = HOME, store: Where = None, config: ConfigFile = None, *, json: Json = False
) -> None:
    """Store what devices exported, each check-in once, and write the answers that let the devices delete it.

    Each file is checked whole before anything of it is kept: its device's signatures, and that it can be unsealed; one
    that is refused is named, and the others are taken. What came by network already, or by the same stick before, is
    known and counts once. A device's certificate may be over or revoked: that is told. Answers are signed with the
    home's certificate centre.import, made where there is none, or with the collector's of --config.

    Example: greengate-centre import --store /var/lib/greengate-centre/centre.db /dev/sdb1

    Exit codes: 0 all is stored and answered (also what was known before); 2 wrong usage; 65 altered, signed by no
    device of this centre, too large, or no stick to use; 66 no such stick or file, or no exported journal; 67 of a
    device that the registry does not know; 69 mount is not installed; 73 stored, but the answer could not be written;
    74 cut short; 76 written by a newer program; 77 only root may mount it; 78 store, registry, keys or configuration
    cannot be used, or it is sealed to a key that is not here.
    """
    report = _Report(json=json)
    try:
        where = place(store, config, json=json)
        collector = None if config is None else load_config(config)
        at = open_clock("system").now()
        with told(json=json), ExitStack() as opened:
            registry = opened.enter_context(Registry.open(there(home)))
            keys = keys_of_home(home, registry, at) if collector is None else keys_of_collector(collector)
            kept = opened.enter_context(open_store(where))
            seen = opened.enter_context(_progress(json=json))
            importer = Importer(kept, registry, keys, at, report)
            for source in sources:
                _import(source, importer, report, seen)
    except (ConfigError, SigningError, StoreError) as error:
        refuse(error, json=json)
    if report.code:
        raise typer.Exit(report.code)


def _import(source: Path, importer: Importer, report: _Report, seen: Callable[[int, int], None]) -> None:
    """Take one source; one that cannot be read is told, and the next one taken."""
    try:
        import_from(source, importer, seen)
    except SoftwareMissingError as error:
        report.unusable(source, error, EX_UNAVAILABLE)
    except StickPermissionError as error:
        report.unusable(source, error, EX_NO_PERMISSION)
    except StickRefusedError as error:
        report.unusable(source, error, EX_DATA)
    except StickError as error:
        report.unusable(source, error, EX_NO_INPUT)


@contextmanager
def _progress(*, json: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar whose end moves as files are found."""
    console, total = Console(stderr=True), 0
    with Progress(console=console, disable=json or not console.is_terminal, transient=True) as bar:
        task = bar.add_task("importing", total=0)

        def seen(more: int, done: int) -> None:
            nonlocal total
            total += more
            bar.update(task, total=total, advance=done)

        yield seen


def _printable(event: Event) -> Event:
    """Return an event with texts of one line; a path may have any bytes."""
    texts = {key: text for key, text in msgspec.structs.asdict(event).items() if isinstance(text, str)}
    shown = {
        key: "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text) for key, text in texts.items()
    }
    return msgspec.structs.replace(event, **shown)


def _line(event: Event) -> str:
    match event:
        case Imported():
            numbers = f"{event.device} {event.first_seq}-{event.last_seq}: {event.new} new, {event.known} known"
            conflicts = f", {event.conflicts} in conflict" if event.conflicts else ""
            broken = f", {event.breaks} batches follow no known one" if event.breaks else ""
            states = [f"the device is {event.state}"] if event.state != "enrolled" else []
            states += [f"its certificate is {event.certificate}"] if event.certificate != "good" else []
            state = f" ({', '.join(states)})" if states else ""
            return f"{event.file}: {numbers}{conflicts}{broken}{state}"
        case ImportRefused():
            cure = f": {_CURES[event.fault]}" if event.fault in _CURES else ""
            return f"{event.file} is refused ({event.fault}): {event.why}{cure}"
        case AnswerWritten():
            return f"{event.file}: written; take the stick back to its device"
        case AnswerFailed():
            return f"{event.file}: stored, but not answered, so the device keeps its check-ins: {event.why}"
        case _:
            return str(event)

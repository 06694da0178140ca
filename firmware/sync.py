"""Bring the trust store up to date: over HTTPS, from a stick or from a folder, with the same checks.

A oneshot program, on a timer and on demand. Whatever happens, the store in use stays in use until a newer one is whole,
checked and on the disk; then one rename takes it into use, and the gate sees it by itself.
"""

import argparse
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import NoReturn

import msgspec

from drivers.clock import Clock
from drivers.errors import DeviceError, DeviceMissingError
from drivers.fetcher import Fetcher, open_fetcher
from drivers.stick import StickError
from firmware.config import Config, ConfigError, load_config
from firmware.crash import report_crash
from firmware.credentials import credential
from firmware.events import LogEvent, log
from firmware.program import EX_CONFIG
from firmware.sync_disk import read_file
from firmware.sync_errors import CannotWriteError, NoSourceError, RefusedError, SyncError, one_line
from firmware.sync_events import ProvinceKept, TrustNotSynced, TrustSynced
from firmware.sync_metadata import LIMITS, stamp_in
from firmware.sync_rights import FetchedAsCaller
from firmware.sync_store import METADATA, Store, opened
from firmware.sync_targets import Seen
from firmware.sync_update import Outcome, Update
from firmware.trust_data import TrustFolderError
from firmware.trust_store import load_store
from firmware.wiring import clock_of

JITTER_MAX_S = 86_400
AHEAD_MAX = timedelta(
    days=1
)  # ours: of what is issued, before a clock that is right; two right clocks agree in seconds
EX_STOPPED = 130  # as a shell says of Ctrl-C
_EPILOG = """\
example:
  python -m firmware.sync --config /etc/greengate/greengate.toml
  python -m firmware.sync --config /etc/greengate/greengate.toml --from /dev/sda1

exit codes:
  0   newer trust was taken, or there is none
  2   wrong usage
  65  refused: signed wrongly, older, expired, cut off, altered, or a link
  66  no such stick or folder, nothing published on it, or no first root
  69  the server, the network or the stick went away: the same command goes on where it ended
  73  the disk is full, or the store cannot be written
  75  another sync runs
  78  the configuration is wrong, or names neither a server nor a certificate that can be read
  130 stopped
"""


def synchronise(
    config: Config,
    where: str | None = None,
    *,
    root: Path | None = None,
    seen: Seen = lambda _done, _total: None,
) -> Outcome:
    """Bring the store of a configuration up to date, from its server or from a stick or folder (`where`).

    `root` is the first root, where the store has none yet. `seen` is told how many bytes of how many have come.
    Raises: SyncError; ConfigError.
    """
    folder = config.trust.folder
    try:
        given = _given(root) if root is not None else None
        with _source(config, where) as fetcher, opened(folder) as store:
            first, latest = _first(store, given), _latest(clock_of(config))
            return Update(store, fetcher, first, check_usable, config.trust.province, latest, seen).run()
    except OSError as error:
        raise CannotWriteError.of(error, folder) from None


def _latest(clock: Clock) -> str | None:
    """Return the latest that can be issued by now, None where the clock does not know."""
    return f"{clock.now() + AHEAD_MAX:%Y-%m-%dT%H:%M:%SZ}" if clock.synchronised() else None


@contextmanager
def _source(config: Config, where: str | None) -> Iterator[Fetcher]:
    trust = config.trust
    place = where or trust.url
    if place is None:
        raise ConfigError("key trust.url is missing: name the server, or a stick or folder with --from")
    ca, certificate, key = map(credential, (trust.ca, trust.certificate, trust.key))
    try:
        source = open_fetcher(place, ca=ca, certificate=certificate, key=key)
    except StickError as error:
        raise NoSourceError(str(error)) from None
    except (ValueError, DeviceMissingError) as error:
        raise ConfigError(f"section trust: {error}") from None
    with source:
        yield FetchedAsCaller(source) if source.local else source


def _given(named: Path) -> bytes:
    """Return the first root that is named. Raises: NoSourceError."""
    try:
        return read_file(named, LIMITS.root_max_length)
    except OSError as error:
        raise NoSourceError(f"{named}: {error.strerror}: name the root.json that the nation gave out") from None


def _first(store: Store, given: bytes | None) -> bytes:
    """Return the store's own first root, or the given one where it has none. Raises: SyncError, OSError."""
    own = read_file(store.root, LIMITS.root_max_length) if store.root.exists() else None
    first = own if given is None else given
    if first is None:
        raise NoSourceError(f"{store.root}: no first root: name the one that the nation gave out with --root")
    if own not in {None, first}:
        raise RefusedError(f"{store.root} is there, another one than what is named: remove it to begin anew")
    return first


def check_usable(stage: Path) -> None:
    """Open a staged store as the gate will. Raises: RefusedError."""
    try:
        load_store(stage)
    except TrustFolderError as error:
        why = str(error).replace(f"{stage}/", "")
        raise RefusedError(f"what was published cannot be used: {why}") from None


def main() -> int:
    """Sync as the command line says; return the exit status."""
    sys.excepthook = report_crash
    args = _parser().parse_args()
    signal.signal(signal.SIGTERM, _stop)
    try:
        time.sleep(random.uniform(0, args.jitter))  # noqa: S311 - so that a fleet does not come at once
        return _synced(args)
    except KeyboardInterrupt:
        return EX_STOPPED


def _synced(args: argparse.Namespace) -> int:
    try:
        config = load_config(args.config)
    except ConfigError as error:
        return _failed(EX_CONFIG, str(error), as_json=args.json)
    try:
        with _bar() as seen:
            outcome = synchronise(config, args.where, root=args.root, seen=seen)
    except SyncError as error:
        return _failed(error.status, f"{error}{_in_use(config)}", as_json=args.json)
    except (ConfigError, DeviceError) as error:
        return _failed(EX_CONFIG, str(error), as_json=args.json)
    _done(config, outcome, as_json=args.json)
    return 0


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Stop in order: a mounted stick is let go of."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m firmware.sync",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, help="the device's configuration (TOML)")
    parser.add_argument(
        "--from", dest="where", metavar="PLACE", help="a stick's device or a folder, in place of trust.url"
    )
    parser.add_argument("--root", type=Path, metavar="FILE", help="the first root.json, where the store has none yet")
    parser.add_argument(
        "--jitter", type=_seconds, default=0.0, metavar="SECONDS", help="wait for a random time up to this first"
    )
    parser.add_argument("--json", action="store_true", help="print the result as one line of JSON")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= JITTER_MAX_S:
        raise argparse.ArgumentTypeError(f"0 to {JITTER_MAX_S} seconds")
    return value


@contextmanager
def _bar() -> Iterator[Seen]:
    """Show a progress bar while something is fetched, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - costs a timer's run nothing
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn  # noqa: PLC0415 - as above

    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", visible=False)  # until something is fetched
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)


def _done(config: Config, outcome: Outcome, *, as_json: bool) -> None:
    """Say how a sync ended well: to the log, and on standard output."""
    if (why := outcome.province_kept) is not None:
        province = config.trust.province or ""
        _tell(ProvinceKept(province, why), f"province {province}: {why}: what was there stays")
    _tell(TrustSynced(outcome.new, outcome.version, outcome.issued, outcome.requests, outcome.fetched_bytes))
    if as_json:
        print(msgspec.json.encode(outcome).decode())  # noqa: T201 - what the command is for
        return
    what = f"taken ({outcome.fetched_bytes} bytes fetched)" if outcome.new else "in use already: nothing new"
    print(f"trust of {outcome.issued}, version {outcome.version}: {what}")  # noqa: T201 - as above


def _failed(status: int, why: str, *, as_json: bool) -> int:
    """Say on one line why there is no newer trust; return the exit status."""
    why = one_line(why)
    if as_json:
        print(msgspec.json.encode({"error": why, "status": status}).decode())  # noqa: T201 - as above
    _tell(TrustNotSynced(status, why), why)
    return status


def _tell(event: LogEvent, words: str = "") -> None:
    """Write an event to the log, or on a terminal its words, if it has any."""
    if not sys.stderr.isatty():
        log(event)
    elif words:
        print(one_line(words), file=sys.stderr)  # noqa: T201 - as above


def _in_use(config: Config) -> str:
    """Return what to say of the trust that stays."""
    try:
        current = Store(config.trust.folder).current
        return f"; the trust of {stamp_in(current / METADATA).issued} stays in use" if current else ""
    except (OSError, SyncError):
        return ""


if __name__ == "__main__":
    sys.exit(main())

"""`greengate sync`: newer trust data now, from the network, or from a stick or folder that somebody brought."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from drivers.errors import DeviceError
from firmware.config import Config, ConfigError, load_config
from firmware.sync_errors import SyncError
from provisioning.doctor import ConfigOption
from provisioning.exits import Exit
from provisioning.layout import THIS_MACHINE, Layout, RootOption
from provisioning.plan import Step, carry_out
from provisioning.talk import DryRunOption, JsonOption, LangOption, Talk
from provisioning.units import ended_by_exceptions

if TYPE_CHECKING:
    from firmware.sync_targets import Seen

PARTS = 100  # of a progress bar, whose whole is known only when something is fetched

FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DEVICE|FOLDER", help="A stick or a folder, in place of trust.url.")
]
FirstRootOption = Annotated[
    Path | None,
    typer.Option("--first-root", metavar="FILE", help="The nation's root.json, where this device has none yet."),
]


def sync(
    source: FromOption = None,
    first_root: FirstRootOption = None,
    config: ConfigOption = None,
    root: RootOption = THIS_MACHINE,
    lang: LangOption = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - typer makes a flag of it
    as_json: JsonOption = False,  # noqa: FBT002 - as above
) -> None:
    """Bring newer trust data to this device now: keys, revocations, rules. greengate-sync.timer does it each hour.

    Example: greengate sync --from /dev/sda1

    Whatever it comes by, only what is signed by the nation's keys and newer than what is here is taken; else what is
    here stays in use. The gate takes it up by itself. Stopped, the same command goes on where it ended.

    Exit codes: 0 newer data are in use, or there are none; 2 wrong usage; 65 refused: signed wrongly, older, expired,
    cut off or altered; 66 no such stick or folder, or no first root; 69 the server, the network or the stick went away;
    73 not written: the disk is full; 75 another sync runs; 77 not root; 78 the configuration is wrong; 130 stopped.
    """
    talk = Talk("sync", lang, as_json=as_json)
    try:
        known = _below(root, load_config(config or Layout(root).config))
    except ConfigError as error:
        talk.fail(Exit.CONFIG, "config-unusable", why=str(error))
    if dry_run:
        values: dict[str, object] = {"source": source or known.trust.url or "-", "folder": str(known.trust.folder)}
        carry_out([Step("step-sync", _later, values)], talk, dry_run=True)
        return
    if not os.access(known.trust.folder, os.W_OK):
        talk.need_root()
    try:
        with ended_by_exceptions():  # a mounted stick is let go of
            _take(known, source, first_root, talk)
    except SyncError as error:
        talk.fail(Exit(error.status), "sync-failed", why=str(error))
    except (ConfigError, DeviceError) as error:
        talk.fail(Exit.CONFIG, "config-unusable", why=str(error))


def _later() -> None:
    """Do nothing: a plan that is only shown."""


def _below(root: Path, config: Config) -> Config:
    """Return a configuration whose trust folder is seen from a root folder."""
    folder = config.trust.folder
    if folder.is_relative_to(root):
        return config
    trust = msgspec.structs.replace(config.trust, folder=root / folder.relative_to(folder.anchor))
    return msgspec.structs.replace(config, trust=trust)


def _take(config: Config, source: str | None, first_root: Path | None, talk: Talk) -> None:
    from firmware.sync import synchronise  # noqa: PLC0415 - python-tuf: 0.1 s that no other command waits for

    with _progress(talk) as seen:
        outcome = synchronise(config, source, root=first_root, seen=seen)
    if outcome.province_kept is not None:
        talk.warn("province-kept", province=config.trust.province, why=outcome.province_kept)
    code = "sync-taken" if outcome.new else "sync-nothing-new"
    talk.say(code, version=outcome.version, issued=outcome.issued, bytes=outcome.fetched_bytes)


@contextlib.contextmanager
def _progress(talk: Talk) -> "Iterator[Seen]":
    """Give what is told how many bytes of how many have come, and shows it."""
    shown = 0
    with talk.progress("fetching", PARTS) as advance:

        def seen(done: int, total: int) -> None:
            nonlocal shown
            now = PARTS * done // max(total, 1)
            advance(now - shown)
            shown = now

        yield seen

"""`greengate-centre gaps`: what is missing, broken or in conflict, by device and journal."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from centre.collecting.store import Account, Key, Store
from centre.output import EX_UNAVAILABLE, EX_UNSOUND, Json, out, progress, refuse
from centre.showing.words import MINUTE_MS, ago, counted, iso_ms, plain
from centre.store_option import ConfigFile, Where, opened
from drivers.clock import open_clock
from firmware.checkin import milliseconds

ON_THE_WAY_MS = 15 * MINUTE_MS  # ours: collectors finish in any order, and a device sends again within minutes
HOLES_SHOWN = 20  # ours: of a journal, for people; --json gives all

Device = Annotated[str | None, typer.Option("--device", metavar="NAME", help="This device only.")]


def gaps(store: Where = None, config: ConfigFile = None, device: Device = None, *, json: Json = False) -> None:
    """Say for each device and journal (epoch) which numbers never came, and which came with two contents.

    A device numbers its check-ins without holes: a number that is not here was recorded, and is missing. Where the
    journal sent anything in the last 15 minutes it may just be on its way. A fork is a number that came again with
    another content: the card was copied, or an old one was put back; both contents are kept. With --json each journal
    is an object, the sound ones too.

    Example: greengate-centre gaps --store centre.db

    Exit codes: 0 nothing is missing; 1 something is missing, broken or in conflict; 2 wrong usage; 66 no such store;
    69 no check-in of that device ever came; 78 the store or the configuration cannot be used.
    """
    now_ms = milliseconds(open_clock("system").now())
    with opened(store, config, json=json) as found:
        journals = found.accounts(device)
        if device is not None and not journals:
            why = f"no check-in of {plain(device)} ever came: greengate-centre devices says who is known"
            refuse(why, EX_UNAVAILABLE, json=json)
        told = journals if json else [journal for journal in journals if not journal.sound]
        with progress("looking for forks", len(told), json=json) as step:
            for journal in told:
                forked_from = first_conflict(found, journal) if journal.conflicts else None
                _tell(journal, forked_from, now_ms, json=json)
                step(1)
    if not all(journal.sound for journal in journals):
        raise typer.Exit(EX_UNSOUND)
    if not json:
        what = f"{counted(sum(one.stored for one in journals), 'check-in')} in {counted(len(journals), 'journal')}"
        typer.echo(f"nothing is missing: {what}, without a hole, a break or a conflict")


def first_conflict(store: Store, journal: Account) -> int | None:
    """Return the first number with two contents; None where they are over and gone. Raises: StoreError."""
    after = Key(journal.device, journal.epoch, 0)
    while entries := store.entries(after, device=journal.device):
        for entry in entries:
            if entry.epoch != journal.epoch:
                return None
            if entry.conflict:
                return entry.seq
        after = entries[-1].key
    return None


def on_its_way(journal: Account, now_ms: int) -> bool:
    """Tell whether what is missing may just be on its way."""
    return bool(journal.missing) and now_ms - journal.last_received_ms <= ON_THE_WAY_MS


def _tell(journal: Account, forked_from: int | None, now_ms: int, *, json: bool) -> None:
    if json:
        out(_fields(journal, forked_from, now_ms), json=True)
    else:
        typer.echo(f"{journal.device}, journal {journal.epoch.hex()}, heard {ago(journal.last_received_ms, now_ms)}")
        for line in _lines(journal, forked_from, now_ms):
            typer.echo(f"  {line}")


def _fields(journal: Account, forked_from: int | None, now_ms: int) -> dict[str, Any]:
    return {
        "device": journal.device,
        "epoch": journal.epoch.hex(),
        "stored": journal.stored,
        "up_to": journal.up_to,
        "last_seq": journal.last_seq,
        "missing": [list(hole) for hole in journal.missing],
        "on_its_way": on_its_way(journal, now_ms),
        "breaks": journal.breaks,
        "conflicts": journal.conflicts,
        "forked_from": forked_from,
        "last_received": iso_ms(journal.last_received_ms),
        "sound": journal.sound,
    }


def _lines(journal: Account, forked_from: int | None, now_ms: int) -> Iterator[str]:
    if journal.missing:
        count = sum(last - first + 1 for first, last in journal.missing)
        more = len(journal.missing) - HOLES_SHOWN
        holes = ", ".join(_range(*hole) for hole in journal.missing[:HOLES_SHOWN])
        may = "; it sent just now: they may be on their way" if on_its_way(journal, now_ms) else ""
        yield f"missing: {counted(count, 'check-in')}: {holes}{f' and {more} ranges more' if more > 0 else ''}{may}"
    if journal.breaks:
        follow = "follows" if journal.breaks == 1 else "follow"
        yield f"chain broken: {counted(journal.breaks, 'batch', 'batches')} {follow} none that came"
    if journal.conflicts:
        where = f"from number {forked_from}" if forked_from else "from a number whose time is over"
        yield (
            f"fork: {where}, {counted(journal.conflicts, 'check-in')} of another content: "
            "the card was copied, or an old one was put back"
        )


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"

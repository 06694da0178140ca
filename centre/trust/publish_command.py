"""`greengate-centre trust publish` and `status`."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from centre.output import EX_DATA, EX_UNAVAILABLE, EX_UNSOUND, EX_USAGE, HOME, Home, Json, out, progress, refuse
from centre.trust.copying import copy
from centre.trust.home import TrustHome
from centre.trust.keys import Held, held_keys
from centre.trust.options import KeyFolders, Province, code_of, day, trust_told
from centre.trust.provincial import publish_province
from centre.trust.publishing import Publication, Publisher
from centre.trust.repository import Repository
from centre.trust.status import statuses
from drivers.clock import Clock, open_clock

Folders = list[Path] | None


def publish(
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Copied there too: a stick, a web server's.")
    ] = None,
    take: Annotated[Folders, typer.Option(metavar="FOLDER", help="What a province published, to be taken in.")] = None,
    province: Province = None,
    keys: KeyFolders = None,
    home: Home = HOME,
    *,
    anew: Annotated[bool, typer.Option("--anew", help="Drop what waits for signatures; begin from the draft.")] = False,
    json: Json = False,
) -> None:
    """Sign and publish what changed, in HOME/trust/repo; where nothing did, only say that it still holds.

    Each publication renews the timestamp, by which kiosks tell how old their knowledge is: run it from a timer, each
    hour. Without changes that needs the keys of timestamp and snapshot alone. What lacks signatures is staged for
    `trust sign`, and what is published is renewed all the same. Readers never meet half of a publication.

    Example: greengate-centre trust publish --to /srv/trust

    Exit codes: 0 published; 2 wrong usage; 65 the draft, or a province's publication, is refused (the rest is
    published); 66 a folder cannot be opened; 69 keys are missing, and which; 73 a folder cannot be written; 75 another
    command works on it; 78 the home has no trust repository, or a key cannot be used.
    """
    trust, clock = TrustHome(home), open_clock("system")
    with trust_told(json=json), trust.alone():
        code = code_of(province)
        if code is not None and take:
            refuse("--take is the nation's: give it without --province", EX_USAGE, json=json)
        held = held_keys(trust.keys, keys or [])
        if code is not None:
            done = publish_province(trust, code, held, clock.now(), anew=anew)
            said = {"role": done.role, "version": done.version, "expires": day(done.expires), "new": done.new}
            _copied(trust.province(code) / "repo", to, json=json)
            out(said, json=json)
            return
        published = _published(trust, held, clock, take or [], anew=anew, json=json)
        _copied(trust.repo, to, json=json)
    _tell(published, json=json)


def status(home: Home = HOME, *, json: Json = False) -> None:
    """Say what is published and until when, whose keys sign it, and what the draft changes.

    Example: greengate-centre trust status

    Exit codes: 0 all is well; 1 something ends within 7 days, is overdue, or waits for signatures; 2 wrong usage;
    65 the draft cannot be published; 78 the home has no trust repository, or it is damaged.
    """
    trust, now = TrustHome(home), open_clock("system").now()
    with trust_told(json=json):
        found = statuses(trust, now)
    for one in found:
        if json:
            out(one, json=True)
        else:
            _show(one)
    raise typer.Exit(EX_UNSOUND if any(one["warnings"] for one in found) else 0)


def _published(trust: TrustHome, held: Held, clock: Clock, take: list[Path], *, anew: bool, json: bool) -> Publication:
    with progress("compiling revocations", 1, json=json) as advance:
        publisher = Publisher(trust, held, clock.now(), clock.synchronised())
        return publisher.publish(take, _steps(advance), anew=anew)


def _copied(repo: Path, to: Path | None, *, json: bool) -> None:
    if to is not None:
        with progress("copying", 1, json=json) as advance:
            copy(Repository(repo), to, _steps(advance))


def _steps(advance: Callable[[float], object]) -> Callable[[int, int], None]:
    """Return what advances a bar of length one; it is told what is done before each of so many steps."""

    def told(done: int, total: int) -> None:
        if done:
            advance(1 / total)

    return told


def _tell(done: Publication, *, json: bool) -> None:
    said: dict[str, Any] = {"version": done.version, "issued": day(done.issued), "expires": day(done.expires)}
    if json:
        out(said | {"new": done.new, "taken": done.taken, "warnings": done.warnings} | _faults(done), json=True)
    else:
        out(said | done.new | {"taken": ", ".join(done.taken) or None}, json=False)
        for line in done.warnings:
            typer.echo(line, err=True)
    for line in [*done.refused, *done.lacking]:
        typer.echo(" ".join(line.split()), err=True)
    if done.refused or done.lacking:
        raise typer.Exit(EX_UNAVAILABLE if done.lacking else EX_DATA)


def _faults(done: Publication) -> dict[str, Any]:
    return {"refused": done.refused, "lacking": done.lacking}


def _show(one: dict[str, Any], above: str = "") -> None:
    """Print a line for each value, called by its way from the top."""
    for name, value in one.items():
        if isinstance(value, dict):
            _show(value, f"{above}{name} ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for inner in value:
                out({f"{above}{name}": "  ".join(f"{key} {said}" for key, said in inner.items())}, json=False)
        else:
            out({f"{above}{name}": _plain(value)}, json=False)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return day(value)
    return ("; ".join(map(str, value)) or None) if isinstance(value, list) else value

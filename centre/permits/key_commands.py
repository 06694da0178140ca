"""`greengate-centre permit key`: the keys that sign permits."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.hazmat.primitives.serialization import Encoding

from centre.files import PUBLIC, write_whole
from centre.output import HOME, Home, Json, iso, out
from centre.permits.home import PermitHome
from centre.permits.keys import ISSUER_MAX_CHARS, LIFE_DAYS, IssuingKey, area, listed, load, make
from centre.trust.home import writing
from centre.trust.options import trust_told
from drivers.clock import open_clock

DAYS_MAX = 3660  # ours: a key that signs for longer is changed by nobody

app = typer.Typer(help="The keys that sign permits.", no_args_is_help=True)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="1 to 32 of a-z, 0-9 and -.")],
    issuer: Annotated[
        str, typer.Option(metavar="NAME", help=f"Whom permits name: VN-SG, or an organisation ({ISSUER_MAX_CHARS}).")
    ],
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="For how many days it may sign.")] = LIFE_DAYS,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Make an issuing key (Ed25519) and its certificate; one that is there stays.

    Both lie in HOME/permits/keys: the key for its owner alone, never printed; back it up. Lanes take its permits once
    the nation has its certificate: see permit key export.

    Example: greengate-centre permit key new sg-2026 --issuer VN-SG

    Exit codes: 0 done, or there already; 2 wrong usage; 65 a key of this name issues as somebody else; 73 the home
    cannot be written; 78 the key that is there cannot be used.
    """
    with trust_told(json=json):
        key, made = make(PermitHome(home), name, issuer, open_clock("system").now(), days)
        out({"new": made} | _shown(key), json=json)


@app.command("list")
def list_(home: Home = HOME, *, json: Json = False) -> None:
    """List the issuing keys: whom permits name, the key's identifier in them, and its end.

    Example: greengate-centre permit key list

    Exit codes: 0 done; 2 wrong usage; 78 a key cannot be used.
    """
    with trust_told(json=json):
        for key in listed(PermitHome(home)):
            out(_shown(key), json=json)


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the certificate goes.")],
    key: Annotated[str | None, typer.Option("--key", metavar="NAME", help="Which key; else the only one.")] = None,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Write a key's certificate, which the nation's centre takes into its list of signers; the key itself stays.

    `trust` is the command for there. Say in it what it may sign, each KIND: vehicle, travel, declaration, test.

    Example: greengate-centre permit key export sg-2026.crt --key sg-2026

    Exit codes: 0 done; 2 wrong usage; 69 no such key; 73 the file cannot be written; 78 the key cannot be used.
    """
    with trust_told(json=json):
        chosen = load(PermitHome(home), key)
        with writing(file):
            write_whole(file, chosen.certificate.public_bytes(Encoding.PEM), PUBLIC)
        where = f" --area {area(chosen)}" if area(chosen) else ""
        trust = f"trust add-key {shlex.quote(str(file))} --format lx1 --kind KIND --issuer {shlex.quote(chosen.issuer)}"
        out(_shown(chosen) | {"file": str(file), "trust": f"{trust}{where}"}, json=json)


def _shown(key: IssuingKey) -> dict[str, Any]:
    return {"key": key.name, "issuer": key.issuer, "kid": key.kid.hex(), "until": iso(key.ends)}

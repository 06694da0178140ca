"""`greengate-centre trust add-key`, `remove-key`, `revoke`: whose passes are trusted, and which are not any more."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from centre.output import EX_DATA, EX_UNAVAILABLE, EX_USAGE, HOME, Home, Json, out, progress, refuse
from centre.trust.home import TrustError, TrustHome
from centre.trust.import_options import said_of, scope_of
from centre.trust.importing import files_of, shown
from centre.trust.options import trust_told
from centre.trust.revocation_db import RevocationDb, RevocationDbError
from centre.trust.revoking import FORMATS as REVOCATION_FORMATS
from centre.trust.revoking import TEXTS, Said, take_file
from centre.trust.signer_draft import Merged, merge, read_draft, remove, write_draft
from centre.trust.signer_entries import FORMATS, KINDS, Found, Scope
from centre.trust.signer_files import read_signed_list, read_signers
from drivers.clock import open_clock
from verifier.signers import SignerEntry

LEFT_OUT_SHOWN_MAX = 100  # ours: lines that somebody reads

Files = Annotated[
    list[Path] | None, typer.Argument(metavar="FILE...", help="Certificates, JWK sets, DID documents; or their folder.")
]
Kinds = Annotated[list[str] | None, typer.Option("--kind", metavar="KIND", help=f"May sign: {', '.join(KINDS)}.")]
Issuers = Annotated[
    list[str] | None, typer.Option("--issuer", metavar="NAME", help="May sign as this issuer; a JWK set's is its URL.")
]
Areas = Annotated[
    list[str] | None, typer.Option("--area", metavar="CODE", help="May sign for this area and all within: VN-SG.")
]


def add_key(
    files: Files = None,
    list_: Annotated[Path | None, typer.Option("--list", metavar="FILE", help="A national signed list.")] = None,
    list_key: Annotated[
        Path | None, typer.Option("--list-key", metavar="PEM", help="The public key that it is signed with.")
    ] = None,
    kind: Kinds = None,
    issuer: Issuers = None,
    area: Areas = None,
    format_: Annotated[
        str | None, typer.Option("--format", metavar="FORMAT", help=f"Signs {', '.join(FORMATS)}.")
    ] = None,
    begins: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Trusted from; 2026-01-31, or with a time.")
    ] = None,
    ends: Annotated[str | None, typer.Option("--until", metavar="DATE", help="Trusted until, that day too.")] = None,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Trust signers: put them into the draft, for the next `trust publish`.

    Taken are certificates (PEM, several in a file, DER, base64) for hcert, JWK sets of SMART Health Card issuers for
    shc, DID documents of NZ COVID Pass for nzcp, and with --list a list as the German national gateway signs it. All
    files can be used, or nothing is taken; single keys of a list or set that sign no passes are named and left out.

    The options bind all that is given: what a signer may sign, as whom, for where, from when until when (UTC); what is
    not said is not bound, beyond what its certificate says. The same key again is replaced. A list, set or document is
    all that its publisher has: what came by it before and is in it no more is removed.

    Example: greengate-centre trust add-key lab-7.pem --kind test --area VN-SG --until 2026-12-31

    Example: greengate-centre trust add-key --list dsc-list.json --list-key dsc-list-signing-key.pem

    Example: greengate-centre trust add-key jwks.json --issuer https://health.example.org/smart

    Exit codes: 0 done; 2 wrong usage; 65 a signature or a file is wrong, or a private key is in one; 66 a file cannot
    be opened; 73 the draft cannot be written; 75 another command works on it; 78 no trust repository, or its draft
    cannot be used.
    """
    if not files and list_ is None:
        refuse("name FILE..., or --list and --list-key", EX_USAGE, json=json)
    if (list_ is None) != (list_key is None):
        refuse("--list and --list-key go together: a list counts only with its signature checked", EX_USAGE, json=json)
    with trust_told(json=json):
        scope = scope_of(format_, kind or [], issuer or [], area or [], begins, ends)
        found = _found(files or [], list_, list_key, scope, json=json)
        merged = _import(TrustHome(home), found)
    _tell(merged, found, json=json)


def remove_key(
    kid: Annotated[str, typer.Argument(metavar="KID", help="Its key identifier: hexadecimal, base64 or text.")],
    issuer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this issuer's: a kid like key-1 is many's.")
    ] = None,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Trust signers no more: take them out of the draft, for the next `trust publish`.

    All signers of this key identifier, where several share it; each is named. A list, set or document that still has
    one brings it back when it is taken again, and names it then.

    Example: greengate-centre trust remove-key 53FOjX/4aJs=

    Exit codes: 0 done; 2 wrong usage; 69 no such signer; 73 the draft cannot be written; 75 another command works on
    it; 78 no trust repository, or its draft cannot be used.
    """
    trust = TrustHome(home)
    with trust_told(json=json):
        trust.there()
        with trust.alone():
            kept, gone = remove(read_draft(trust), kid, issuer)
            if not gone:
                raise TrustError(f"{shown(kid)}: no such signer in the draft: see its kid again", EX_UNAVAILABLE)
            write_draft(trust, kept)
    for one in gone:
        out(_signer(one, "removed"), json=json)


def revoke(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files with revocations, or their folder.")],
    format_: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help=f"{', '.join(REVOCATION_FORMATS)}; JSON is known as it looks."),
    ] = None,
    kid: Annotated[
        str | None, typer.Option(metavar="HEX", help="Of uvci, lx1: only passes that this key signed.")
    ] = None,
    country: Annotated[str | None, typer.Option(metavar="XX", help="Of uvci: only passes of this country.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="DATE", help="Of uvci, lx1: counts until then.")] = None,
    home: Home = HOME,
    *,
    take_out: Annotated[bool, typer.Option("--remove", help="Not revoked any more: take out what is in FILE.")] = False,
    json: Json = False,
) -> None:
    """Revoke passes: take lists of them, for the next `trust publish`. The same file again changes nothing.

    gateway: batches of the EU gateway (JSON; id is batchId, or the file's name) and its list of batches, of which the
    deleted are removed for good. italy: snapshot and delta, chunk by chunk, in order. shc: an issuer's card revocation
    list; a rid with a time revokes all of its cards. uvci: text, an identifier of a pass a line, as it stands in
    passes. lx1: text, a permit's identifier a line: 32 hexadecimal digits, or 64 of its SHA-256.

    Each file is taken whole or not at all; one that is refused is named, and the others are taken. Only hashes are
    kept. But a file with identifiers is itself personal data: destroy it when it is taken. No identifier is shown.

    Example: greengate-centre trust revoke batches/

    Example: greengate-centre trust revoke --format uvci stolen.txt --country VN

    Example: greengate-centre trust revoke --format uvci returned.txt --country VN --remove

    Exit codes: 0 done; 2 wrong usage; 65 a file is wrong, or older than what is known; 66 one cannot be opened; 78 no
    trust repository, or its database cannot be used.
    """
    now = open_clock("system").now()
    with trust_told(json=json):
        said = said_of(format_, kid, country, expires, remove=take_out)
        TrustHome(home).there()
        paths = files_of(files, frozenset({".txt" if said.format in TEXTS else ".json"}))
        with RevocationDb.open(home) as db:
            _take(db, paths, said, now, json=json)


def _take(db: RevocationDb, paths: list[Path], said: Said, now: datetime, *, json: bool) -> None:
    code = 0
    with progress("revocations", sum(map(_size, paths)), json=json) as advance:
        for path in paths:
            try:
                out(take_file(db, path, said, now, advance), json=json)
            except RevocationDbError:
                raise
            except TrustError as error:
                code = code or error.code
                _complain(str(error), json=json)
    if code:
        raise typer.Exit(code)


def _found(files: list[Path], list_: Path | None, list_key: Path | None, scope: Scope, *, json: bool) -> list[Found]:
    """Return what all files have. Raises: TrustError."""
    found = []
    if list_ is not None and list_key is not None:
        found.append(read_signed_list(list_, list_key, scope))
    with progress("signers", len(files), json=json) as advance:
        found += read_signers(files, scope, advance)
    if not any(one.entries for one in found):
        why = next((one.left_out[0] for one in found if one.left_out), "there is none")
        raise TrustError(
            f"no signer to trust in what was given: {why}; to trust one no more: trust remove-key", EX_DATA
        )
    return found


def _import(trust: TrustHome, found: Iterable[Found]) -> Merged:
    trust.there()
    with trust.alone():
        merged = merge(read_draft(trust), found)
        if merged.added or merged.replaced or merged.gone:
            write_draft(trust, merged.entries)
        return merged


def _tell(merged: Merged, found: Iterable[Found], *, json: bool) -> None:
    left_out = [line for one in found for line in one.left_out]
    for line in left_out[:LEFT_OUT_SHOWN_MAX]:
        _complain(f"left out: {line}", json=json)
    back = merged.added if merged.known or merged.replaced or merged.gone else []  # what somebody removed, perhaps
    for change, signers in (("added", back), ("replaced", merged.replaced), ("removed", merged.gone)):
        for one in signers:
            out(_signer(one, change), json=json)
    counts = {"added": len(merged.added), "replaced": len(merged.replaced), "known": len(merged.known)}
    out(counts | {"removed": len(merged.gone), "left_out": len(left_out), "signers": len(merged.entries)}, json=json)


def _signer(one: SignerEntry, change: str) -> dict[str, Any]:
    return {
        "change": change,
        "kid": one.kid.hex(),
        "format": one.format,
        "country": one.country or None,
        "name": one.name,
    }


def _complain(line: str, *, json: bool) -> None:
    if json:
        out({"error": line}, json=True)
    typer.echo(line, err=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # told when it is read
        return 0

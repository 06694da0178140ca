"""`greengate explain`: what a code is, and every layer's result, for whoever asks why it is red."""

import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from drivers.clock import open_clock
from firmware.trust_folder import Trust, TrustFolderError, load_certificate
from provisioning.batch import judge_lines, moment_of
from provisioning.examination import Explained, as_result, explained, show
from provisioning.exits import Exit, emit, fail
from provisioning.pass_source import texts_of
from provisioning.trust_named import load_named
from verifier import Revocations, TrustList, TrustListError, Verifier
from verifier.revocation_set import RevocationSetError
from verifier.signers import parse_signers

_SIGNERS_MAX_BYTES = 16 * 1024 * 1024  # as a list of signers may have (verifier/signers.py)

Source = Annotated[
    str | None, typer.Argument(metavar="- | IMAGE | TEXT", help="A code; - reads it from standard input.")
]
At = Annotated[
    str | None, typer.Option(metavar="TIME", help="Judge at this time, ISO 8601 (UTC where no zone is said).")
]
Dsc = Annotated[list[Path] | None, typer.Option(metavar="CERT", help="Trust only this signer, DER or PEM; repeatable.")]
SignersFile = Annotated[
    Path | None, typer.Option("--signers", metavar="FILE", help="Trust only this list's signers (signers.json).")
]
TrustDir = Annotated[Path | None, typer.Option(metavar="DIR", help="Trust what this folder holds.")]
Batch = Annotated[bool, typer.Option("--batch", help="Judge a JSON object a line from standard input.")]
Json = Annotated[bool, typer.Option("--json", help="One result object a line.")]


def explain(
    source: Source = None,
    at: At = None,
    dsc: Dsc = None,
    signers: SignersFile = None,
    trust: TrustDir = None,
    batch: Batch = False,  # noqa: FBT002 - typer makes a flag of it
    as_json: Json = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Tell what a code is and every layer's result: why is it red?

    Example: greengate explain --trust /var/lib/greengate/trust photo.png

    Every kind of code: health certificates, permits (LX1), SMART Health Cards, NZ COVID Passes, VDS-NC; identity codes,
    which nobody signed; links and other codes are named. Of several codes in a picture each is explained. What rules
    and the lane's profile say of a pass: greengate rules evaluate.

    A pass on the command line stays in the shell's history and in the list of processes: give a picture, or - .

    A line of --batch is {"text": "HC1:...", "at": "2021-06-01T12:00:00Z", "dsc": ["base64 DER", ...], "keys": [...]};
    "keys" are entries as in signers.json. "at", "dsc" and "keys" may be left out.

    Exit codes: 0 accepted, 1 refused, 3 undecided (with --batch: 0), 2 wrong usage, 65 not understood, 66 no such file.
    Of several codes the worst counts, of what is no document only where nothing else is there.
    """
    trusted = _trusted(dsc or [], signers, trust, as_json=as_json)
    moment = _moment(at, as_json=as_json)
    if batch:
        if source is not None:
            fail(Exit.USAGE, "--batch reads its passes from standard input; leave the argument out", as_json=as_json)
        raise typer.Exit(judge_lines(sys.stdin.buffer, trusted, moment))
    if source is None:
        fail(Exit.USAGE, "name a picture or a text, or - for standard input; see --help", as_json=as_json)
    found = _explained(texts_of(source, as_json=as_json), trusted, moment, as_json=as_json)
    for one in found:
        if as_json:
            emit(as_result(one))
        else:
            show(one, moment)
    raise typer.Exit(_exit_code(found))


def _explained(texts: Iterable[str], trusted: Trust, at: datetime, *, as_json: bool) -> list[Explained]:
    verifier = Verifier(trusted.signers, trusted.revocations)
    try:
        return [explained(verifier, text, at) for text in texts]
    except RevocationSetError as error:
        fail(Exit.NO_INPUT, f"{error}; run greengate sync", as_json=as_json)


def _exit_code(found: list[Explained]) -> Exit:
    documents = [one for one in found if not one.beside_the_point] or found
    return max(one.exit_code for one in documents)


def _moment(text: str | None, *, as_json: bool) -> datetime:
    if text is None:
        return open_clock("system").now()
    try:
        return moment_of(text)
    except ValueError:
        fail(Exit.USAGE, f"--at {text}: not a time; write it as 2021-06-01T12:00:00Z", as_json=as_json)


def _trusted(certificates: list[Path], signers: Path | None, folder: Path | None, *, as_json: bool) -> Trust:
    try:
        found = load_named(folder) if folder else Trust(TrustList(), Revocations())
        singles = TrustList(load_certificate(path) for path in certificates)
        if signers is not None:  # then only these are trusted, whatever else the folder holds
            listed = _listed(signers)
            return Trust(TrustList([*listed.signers(), *singles.signers()], listed.unusable), found.revocations)
    except TrustFolderError as error:
        fail(Exit.NO_INPUT, str(error), as_json=as_json)
    return Trust(singles, found.revocations) if certificates else found


def _listed(path: Path) -> TrustList:
    """Return a list of signers. Raises: TrustFolderError."""
    try:
        with path.open("rb") as file:
            return parse_signers(file.read(_SIGNERS_MAX_BYTES + 1))
    except OSError as error:
        raise TrustFolderError(f"{path}: {error.strerror}; name a file that can be read") from None
    except TrustListError as error:
        raise TrustFolderError(f"{path}: {error}; it must be as signers.json of a trust repository") from None

"""`greengate-centre ca`: the certificate authority."""

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from centre.authority.ca import CA_NAME, CRL, Authority
from centre.authority.issue import IssuedFiles, collector_names, copy_crl, issue_files, server_names
from centre.authority.request import REQUEST_MAX_BYTES, CsrError, Request
from centre.authority.sealing import ISSUED, ensure_keys, give_batches, public_keys
from centre.authority.sealing_command import sealing
from centre.broker.telling import tell_broker
from centre.collecting.collectors import GroupError, give_group
from centre.devices.codes import TYPED_MAX_CHARS
from centre.devices.registry import Certificate, Kind, Registry
from centre.enrolment.enrolment import Enrolment
from centre.files import PUBLIC, write_whole
from centre.output import (
    EX_CANNOT_WRITE,
    EX_DATA,
    EX_NO_INPUT,
    EX_UNAVAILABLE,
    EX_USAGE,
    HOME,
    Failures,
    Home,
    Json,
    iso,
    out,
    refuse,
    there,
    told,
)
from drivers.clock import open_clock

app = typer.Typer(help="The certificate authority of devices, servers and collectors.", no_args_is_help=True)

WHY_MAX_CHARS = 200
Names = Annotated[list[str] | None, typer.Option("--server", metavar="HOST", help="A server's host name or address.")]


@app.command()
def init(
    home: Home = HOME,
    name: Annotated[str, typer.Option(help="The CA's name, in its certificate.")] = CA_NAME,
    *,
    json: Json = False,
) -> None:
    """Make the CA, once: a key that never leaves this machine, a certificate for ten years, a revocation list.

    And the keys that devices seal to (`ca sealing`). What is there stays. Back up the whole folder: without the CA's
    key, every device has to enrol anew; without the sealing keys, what was sealed to them is lost.

    Example: greengate-centre ca init

    Exit codes: 0 done, or there already; 2 wrong usage; 78 the folder cannot be used.
    """
    if not (0 < len(name) <= 64 and name.isprintable()):  # noqa: PLR2004 - RFC 5280's bound of a common name
        refuse("--name: 1 to 64 printable characters", EX_USAGE, json=json)
    with told(json=json):
        now = open_clock("system").now()
        authority, new = Authority.init(home, now, name)
        with Registry.open(home) as registry:
            ensure_keys(authority, registry, now)
    result = {"new": new, "fingerprint": authority.fingerprint, "ca": str(home / "ca.pem")}
    out(result | {"until": iso(authority.certificate.not_valid_after_utc)}, json=json)


@app.command()
def issue(
    server: Names = None,
    collector: Annotated[str | None, typer.Option(metavar="NAME", help="A collector: centre.NAME.")] = None,
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to; else `issued` in the home.")] = None,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Issue key and certificate for one of the centre's own: a server by all its hosts, or a collector.

    What is there and good for another 30 days stays; a key whose certificate was revoked is replaced. A collector also
    gets the group's secret name (its configuration's key `broker.group`), what opens batches (`centre.batches`), and
    the revocation list (`centre.crl`): the centre's own, or with --to a copy, to be brought anew.

    Example: greengate-centre ca issue --server broker.example.vn --server 192.0.2.7

    Exit codes: 0 done; 2 wrong usage; 78 CA, registry or folder cannot be used.
    """
    if bool(server) == (collector is not None):
        refuse("give either --server (once for each of its hosts) or --collector", EX_USAGE, json=json)
    with told(json=json), Registry.open(there(home)) as registry:
        authority, now = Authority.open(home), open_clock("system").now()
        folder = to or home / ISSUED
        kind: Kind = "server" if server else "collector"
        names = server_names(server) if server else collector_names(collector or "")
        files = _files(issue_files(authority, registry, kind, names, folder, now))
        if kind == "collector":
            ensure_keys(authority, registry, now)
            files |= _collectors(home, folder, json=json)
    out(files, json=json)


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The request that `greengate enrol --csr` wrote.")],
    device: Annotated[str | None, typer.Option(help="The device; else the request's own name.")] = None,
    to: Annotated[Path | None, typer.Option(metavar="OUT", help="Where to; else standard output.")] = None,
    home: Home = HOME,
    *,
    without_code: Annotated[bool, typer.Option("--without-code", help="You vouch for it: no one-time code.")] = False,
    json: Json = False,
) -> None:
    """Sign a device's request from a stick; its one-time code is read from standard input.

    Prints the device's certificate, those that it seals to, and the CA's, for `greengate enrol --certificate`.

    Example: greengate-centre ca sign /media/stick/gate-1.csr --to /media/stick/gate-1.pem

    Exit codes: 0 done; 2 wrong usage; 65 request or code refused; 66 the file cannot be opened; 69 no such device;
    73 --to cannot be written; 75 signed, but the broker does not know yet what this revoked; 78 CA or registry cannot
    be used.
    """
    csr, failures = _csr(file, json=json), Failures()
    with told(json=json), Registry.open(there(home)) as registry:
        authority, now = Authority.open(home), open_clock("system").now()
        enrolment = Enrolment(authority, registry, failures, revoked=tell_broker(home))
        name = _text(device or _name_in(csr, json=json))
        if without_code:
            issued = enrolment.sign(name, csr, now)
        else:
            issued = enrolment.enrol(name, _typed_code(json=json), csr, now)
        ensure_keys(authority, registry, now)
        others = public_keys(home) + authority.pem  # the CA's last, where devices look for it
    _give(name, issued.certificate, others, to, json=json)
    failures.end()


@app.command()
def revoke(
    who: Annotated[str, typer.Argument(metavar="NAME|SERIAL", help="All of a name's certificates, or one.")],
    why: Annotated[str, typer.Option(help="Why, for the registry.")] = "revoked",
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """Revoke certificates: written to the revocation list, told to the broker; unused codes of the device are void.

    Example: greengate-centre ca revoke gate-7 --why stolen

    Exit codes: 0 done, or done before; 2 wrong usage; 69 no such certificate; 75 revoked, but the broker does
    not know it yet: the same again; 78 CA or registry cannot be used.
    """
    if len(why) > WHY_MAX_CHARS or not why.isprintable():
        refuse(f"--why: at most {WHY_MAX_CHARS} printable characters", EX_USAGE, json=json)
    failures = Failures()
    with told(json=json), Registry.open(there(home)) as registry:
        authority, now = Authority.open(home), open_clock("system").now()
        enrolment = Enrolment(authority, registry, failures, revoked=tell_broker(home))
        found = enrolment.revoke(_text(who).lower(), why, now)
        if not found:
            refuse(f"{who[:64]!a}: no such certificate: see greengate-centre ca list", EX_UNAVAILABLE, json=json)
    for certificate in found:
        out(_certificate(certificate), json=json)
    failures.end()


@app.command("list")
def list_(
    name: Annotated[str | None, typer.Argument(help="Only those of this name.")] = None,
    home: Home = HOME,
    *,
    json: Json = False,
) -> None:
    """List the certificates that were issued, the oldest first.

    Example: greengate-centre ca list gate-7

    Exit codes: 0 done; 2 wrong usage; 78 the registry cannot be used.
    """
    with told(json=json), Registry.open(there(home)) as registry:
        for certificate in registry.certificates(None if name is None else _text(name)):
            out(_certificate(certificate), json=json)


@app.command()
def crl(home: Home = HOME, *, json: Json = False) -> None:
    """Write the revocation list anew (good for 30 days) and tell the broker; `enrol serve` does so by itself each day.

    Example: greengate-centre ca crl

    Exit codes: 0 done; 2 wrong usage; 75 written, but the broker does not know it yet: the same again; 78 CA or
    registry cannot be used.
    """
    failures = Failures()
    with told(json=json), Registry.open(there(home)) as registry:
        authority, now = Authority.open(home), open_clock("system").now()
        authority.write_crl(registry, now)
        Enrolment(authority, registry, failures, revoked=tell_broker(home)).publish([], now)
        out({"crl": str(home / CRL), "revoked": len(registry.revoked(now))}, json=json)
    failures.end()


app.command()(sealing)


def _text(argument: str) -> str:
    """Return an argument that may be looked up, whatever bytes it came as."""
    return argument.encode("utf-8", "replace").decode()


def _csr(file: Path, *, json: bool) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(REQUEST_MAX_BYTES + 1)
    except OSError as error:
        refuse(f"{file}: {error.strerror}: name the request's file", EX_NO_INPUT, json=json)


def _give(name: str, certificate: Certificate, others: str, to: Path | None, *, json: bool) -> None:
    chain = certificate.pem + others
    if to is None:
        sys.stdout.write(msgspec.json.encode({"device": name, "certificate": chain}).decode() + "\n" if json else chain)
        return
    try:
        write_whole(to, chain.encode("ascii"), PUBLIC)
    except OSError as error:
        refuse(f"{to}: {error.strerror}: the certificate is issued; run the same again", EX_CANNOT_WRITE, json=json)
    out({"device": name, "file": str(to), "until": iso(certificate.not_after)}, json=json)


def _name_in(csr: bytes, *, json: bool) -> str:
    try:
        name = Request(csr).name()
    except CsrError as error:
        refuse(error, EX_DATA, json=json)
    return name or refuse("the request names no device: give --device", EX_USAGE, json=json)


def _typed_code(*, json: bool) -> str:
    if sys.stdin.isatty():
        return _unseen("one-time code: ")
    line = sys.stdin.buffer.readline(TYPED_MAX_CHARS + 2).decode("ascii", "replace").strip()
    return line or refuse("no one-time code on standard input: give it there, or --without-code", EX_USAGE, json=json)


def _unseen(question: str) -> str:
    """Ask with the echo off before the question is there: typer's prompt shows what is pasted at once."""
    try:
        return getpass.getpass(question).strip()
    except EOFError:
        raise typer.Abort from None


def _files(issued: IssuedFiles) -> dict[str, Any]:
    files = {"key": str(issued.key), "certificate": str(issued.certificate), "ca": str(issued.ca)}
    return {"new": issued.new} | files | {"until": iso(issued.until)}


def _collectors(home: Path, folder: Path, *, json: bool) -> dict[str, str]:
    """Give a collector what it needs beside key and certificate; return where that is. Raises: CaError."""
    try:
        group = give_group(home, folder)
    except GroupError as error:
        refuse(error, json=json)
    crl = home / CRL if folder == home / ISSUED else copy_crl(home, folder)
    return {"crl": str(crl), "group": str(group), "batches": str(give_batches(home, folder))}


def _certificate(certificate: Certificate) -> dict[str, Any]:
    return {
        "serial": certificate.serial,
        "name": certificate.name,
        "kind": certificate.kind,
        "from": iso(certificate.not_before),
        "until": iso(certificate.not_after),
        "revoked": None if certificate.revoked_at is None else iso(certificate.revoked_at),
        "why": certificate.why,
    }

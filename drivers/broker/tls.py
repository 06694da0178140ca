"""TLS to a broker or web server, and its errors in words."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from drivers.errors import DeviceError, DeviceMissingError

if TYPE_CHECKING:
    from pathlib import Path


def client_context(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Make the context of a client that trusts `ca` alone, or without it the system's, and shows its own certificate.

    Raises:
        DeviceMissingError: a file cannot be read or is not what it should be; the message names it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the host's name and requires a certificate
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for path in filter(None, (ca, certificate, key)):  # because OpenSSL's own errors do not name the file
        _check_readable(path)
    if ca is None:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(ca)
        except (ssl.SSLError, ValueError) as error:
            raise DeviceMissingError(f"{ca} holds no certificate", cure="name a file in PEM format") from error
    if certificate is not None:
        try:
            context.load_cert_chain(certificate, key, password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            raise DeviceMissingError(
                f"{certificate} and {key} are no certificate and its key",
                cure="name files in PEM format that belong together, the key without a password",
            ) from error
    return context


def in_words(error: BaseException, host: str, port: int) -> str:
    """Say in one line why a connection to host and port failed."""
    where = f"{host}:{port}"
    match error:
        case DeviceError():
            text = str(error)
        case socket.gaierror() | UnicodeError():
            text = f"the host {host} is not found"
        case ssl.SSLCertVerificationError():
            text = f"the certificate of {where} is not trusted: {getattr(error, 'verify_message', error)}"
        case ssl.SSLError():  # those that do not come from OpenSSL itself lack a reason
            text = f"{where} does not agree on TLS: {getattr(error, 'reason', None) or error}"
        case ConnectionRefusedError():
            text = f"{where} refuses connections"
        case TimeoutError():
            text = f"{where} does not answer"
        case OSError():
            text = f"{where} cannot be reached: {error.strerror or error}"
        case _:
            text = f"{where} sent what cannot be read: {type(error).__name__}"
    return " ".join(text.split())


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise DeviceMissingError(
            f"{path} cannot be read: {error.strerror}", cure="name a file that exists and may be read"
        ) from error


def _no_password() -> str:
    raise ValueError("the key has a password")  # OpenSSL would ask for it on the terminal

"""Files with signers, whichever of the known kinds they are."""

from collections.abc import Callable
from pathlib import Path

from centre.trust.did_sources import did_document
from centre.trust.home import read_bounded
from centre.trust.importing import TrustImportError, files_of, json_names, shown
from centre.trust.jwk_sources import jwk_set
from centre.trust.signer_entries import Found, Scope
from centre.trust.signer_sources import certificates, signed_list

FILE_MAX_BYTES = 4 * 1024 * 1024  # ours: a bundle of a thousand certificates; against a wrong file
LIST_MAX_BYTES = 64 * 1024 * 1024  # ours: a union's signers take 4 MB
SUFFIXES = frozenset({".pem", ".crt", ".cer", ".der", ".txt", ".json"})


def read_signers(paths: list[Path], scope: Scope, advance: Callable[[int], None] = lambda _: None) -> list[Found]:
    """Return what files have, and folders of them; all can be read, or nothing is taken. `advance`: a file is done.

    Raises: TrustError, which names the file.
    """
    found = []
    for path in files_of(paths, SUFFIXES):
        found.append(_named(path, read_bounded(path, FILE_MAX_BYTES), lambda data: _signers(data, scope)))
        advance(1)
    return found


def read_signed_list(path: Path, key: Path, scope: Scope) -> Found:
    """Return what a signed list has. Raises: TrustError, which names the file."""
    pem = read_bounded(key, FILE_MAX_BYTES)
    return _named(path, read_bounded(path, LIST_MAX_BYTES), lambda data: signed_list(data, pem, scope))


def _signers(data: bytes, scope: Scope) -> Found:
    if not data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        if data.partition(b"\n")[2].lstrip().startswith(b'{"certificates"'):
            raise TrustImportError("a signed list: give it with --list, and the key it is signed with with --list-key")
        return certificates(data, scope)
    names = json_names(data)
    if "keys" in names:
        return jwk_set(data, scope)
    if "verificationMethod" in names:
        return did_document(data, scope)
    raise TrustImportError("neither certificate, JWK set (keys) nor DID document (verificationMethod)")


def _named(path: Path, data: bytes, read: Callable[[bytes], Found]) -> Found:
    try:
        return read(data)
    except TrustImportError as error:
        raise TrustImportError(f"{shown(path)}: {error}") from None

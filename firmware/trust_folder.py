"""The folder a device trusts from: the store in it that `firmware.sync` keeps, else plain files, read once at start.

    FOLDER/current                     the store in use: see `firmware.trust_store`; without one:
    FOLDER/*.der *.cer *.crt *.pem     signer certificates, one each
    FOLDER/dsc-list.json               a signed list of signers, with dsc-list-signing-key.pem beside it
    FOLDER/revoked.json                {"uci": [hex, ...], "country_uci": [...], "signature": [...]}, 16 bytes each

Whoever can write the folder decides what is trusted: on an appliance only the trust store's own program can.
"""

import base64
import binascii
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from firmware.trust_data import Trust, TrustFolderError
from firmware.trust_store import load_current
from verifier import Revocations, Signer, TrustList, TrustListError, parse_signed_list
from verifier.revocation import PlainSet
from verifier.revocation_set import HASH_BYTES, Kind

__all__ = ["Trust", "TrustFolderError", "load_certificate", "load_trust"]

SIGNED_LIST, LIST_KEY, REVOKED = "dsc-list.json", "dsc-list-signing-key.pem", "revoked.json"
_SUFFIXES = {".der", ".cer", ".crt", ".pem"}
_FILE_MAX_BYTES = 64 * 1024 * 1024  # a whole union's signers take 2 MB; guards against a wrong file


class _Revoked(msgspec.Struct, forbid_unknown_fields=True):
    uci: list[str] = []
    country_uci: list[str] = []
    signature: list[str] = []


def load_trust(folder: Path) -> Trust:
    """Read a trust folder: the store in use where there is one, else its files.

    Raises:
        TrustFolderError: The folder or a file in it cannot be read, or means nothing.
    """
    if current := load_current(folder):
        return current
    try:
        paths = {path.name: path for path in sorted(folder.iterdir())}
    except (OSError, ValueError):  # ValueError: a name with a zero byte
        raise TrustFolderError(f"{folder}: no folder that can be read; put the trust list's files there") from None
    # By the listing: of a link that leads nowhere exists() says no, and nothing would be revoked.
    listed = _listed(folder) if SIGNED_LIST in paths else TrustList()
    revocations = _revocations(paths[REVOKED]) if REVOKED in paths else Revocations()
    singles = [
        load_certificate(path) for name, path in paths.items() if path.suffix.lower() in _SUFFIXES and name != LIST_KEY
    ]
    return Trust(TrustList([*listed.signers(), *singles], listed.unusable), revocations)


def load_certificate(path: Path) -> Signer:
    """Read one signer certificate: DER, PEM, or DER in base64.

    Raises:
        TrustFolderError: The file cannot be read or is no signer certificate.
    """
    data = _read(path)
    try:
        return Signer.from_der(_der(data))
    except (TrustListError, ValueError) as error:
        raise TrustFolderError(f"{path}: {error}; it must hold one X.509 certificate, DER, PEM or base64") from None


def _der(data: bytes) -> bytes:
    if data.lstrip().startswith(b"-----BEGIN"):
        return x509.load_pem_x509_certificate(data).public_bytes(Encoding.DER)
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)  # as test suites carry certificates
    except binascii.Error:
        return data


def _listed(folder: Path) -> TrustList:
    try:
        return parse_signed_list(_read(folder / SIGNED_LIST), _read(folder / LIST_KEY))
    except TrustListError as error:
        raise TrustFolderError(f"{folder / SIGNED_LIST}: {error}") from None


def _revocations(path: Path) -> Revocations:
    try:
        revoked = msgspec.json.decode(_read(path), type=_Revoked)
        listed: dict[Kind, list[str]] = {
            "uci": revoked.uci,
            "country-uci": revoked.country_uci,
            "signature": revoked.signature,
        }
        return Revocations(PlainSet(kind, hashes=_hashes(texts)) for kind, texts in listed.items())
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise TrustFolderError(f"{path}: {error}") from None


def _hashes(texts: list[str]) -> frozenset[bytes]:
    hashes = frozenset(bytes.fromhex(text) for text in texts)
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ValueError(f"a revocation hash has {HASH_BYTES} bytes, {2 * HASH_BYTES} hexadecimal digits")
    return hashes


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_MAX_BYTES + 1)
    except OSError as error:
        raise TrustFolderError(f"{path}: {error.strerror}; name a file that can be read") from None
    if len(data) > _FILE_MAX_BYTES:
        raise TrustFolderError(f"{path}: larger than {_FILE_MAX_BYTES} bytes")
    return data

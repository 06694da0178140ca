"""The folder a device trusts from: the store in it that `firmware.sync` keeps, else plain files, read once at start.

    FOLDER/current                     the store in use: see `firmware.trust_store`; without one:
    FOLDER/*.der *.cer *.crt *.pem     signer certificates, one each
    FOLDER/signers.json                signers of any format, as in a store
    FOLDER/dsc-list.json               a signed list of signers, with dsc-list-signing-key.pem beside it
    FOLDER/revoked.json                {"uci": [hex, ...], "country_uci": [...], "signature": [...]}, 16 bytes each
    FOLDER/rules/... profiles/... value-sets.json      what must be shown: see `firmware.rule_folder`

Whoever can write the folder decides what is trusted: on an appliance only the trust store's own program can.
"""

import base64
import binascii
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from firmware import rule_folder
from firmware.trust_data import Trust, TrustFolderError
from firmware.trust_store import SIGNERS, load_current
from verifier import Revocations, Signer, TrustList, TrustListError, parse_signed_list
from verifier.profile import Profiles
from verifier.revocation import PlainSet
from verifier.revocation_set import HASH_BYTES, Kind
from verifier.rules import RuleSet
from verifier.signers import parse_signers

__all__ = ["Trust", "TrustFolderError", "load_certificate", "load_trust"]

SIGNED_LIST, LIST_KEY, REVOKED = "dsc-list.json", "dsc-list-signing-key.pem", "revoked.json"
_SUFFIXES = {".der", ".cer", ".crt", ".pem"}
_CURE = "name a file that can be read"


class _Revoked(msgspec.Struct, forbid_unknown_fields=True):
    uci: list[str] = []
    country_uci: list[str] = []
    signature: list[str] = []


def load_trust(folder: Path, site_folder: Path | None = None) -> Trust:
    """Read a trust folder: the store in use where there is one, else its files; and a site's own rules and profiles.

    Raises:
        TrustFolderError: A folder or a file in it cannot be read, or means nothing.
    """
    site = rule_folder.site_files(site_folder) if site_folder is not None else ()
    if current := load_current(folder, site):
        return current
    try:
        paths = {path.name: path for path in sorted(folder.iterdir())}
    except (OSError, ValueError):  # ValueError: a name with a zero byte
        raise TrustFolderError(f"{folder}: no folder that can be read; put the trust list's files there") from None
    # By the listing: of a link that leads nowhere exists() says no, and nothing would be revoked.
    lists = [read(folder) for name, read in ((SIGNED_LIST, _listed), (SIGNERS, _named)) if name in paths]
    revocations = _revocations(paths[REVOKED]) if REVOKED in paths else Revocations()
    singles = [
        load_certificate(path) for name, path in paths.items() if path.suffix.lower() in _SUFFIXES and name != LIST_KEY
    ]
    rules = [*rule_folder.signed_files(folder, _CURE), *site]
    return Trust(
        TrustList(
            [*(signer for one in lists for signer in one.signers()), *singles],
            [why for one in lists for why in one.unusable],
        ),
        revocations,
        RuleSet(rules, rule_folder.value_sets(folder, _CURE)),
        Profiles(rules),
    )


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


def _named(folder: Path) -> TrustList:
    try:
        return parse_signers(_read(folder / SIGNERS))
    except TrustListError as error:
        raise TrustFolderError(f"{folder / SIGNERS}: {error}") from None


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
    return rule_folder.read(path, _CURE)

"""What an import needs to know whom to believe, to unseal, and to sign answers: the home's, or a collector's."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from centre.authority.ca import Authority as OwnAuthority
from centre.authority.issue import collector_names, issue_files
from centre.authority.sealing import ISSUED, key_files, public_keys
from centre.collecting.config import Config
from centre.devices.registry import Registry
from firmware.envelope import Authority, Signer
from firmware.sealing import Unsealer

NAME = "import"  # of the certificate with which a home signs answers: centre.import


class Keys(NamedTuple):
    """Hold whose signatures are believed, the keys that unseal batches, and what answers are signed with."""

    authority: Authority
    unsealer: Unsealer
    signer: Signer


def keys_of_home(home: Path, registry: Registry, at: datetime) -> Keys:
    """Return the keys of a home folder; a certificate to sign with is issued where there is none in force.

    Raises: CaError, RegistryError, SigningError.
    """
    public_keys(home)  # one without keys of its own says how to make them
    names = collector_names(NAME)
    issued = issue_files(OwnAuthority.open(home), registry, "collector", names, home / ISSUED, at)
    unsealer = Unsealer.load(key_files(home, "batches"))
    return Keys(Authority.load(home / "ca.pem"), unsealer, Signer.load(issued.certificate, issued.key))


def keys_of_collector(config: Config) -> Keys:
    """Return the keys that a collector's configuration names. Raises: SigningError."""
    ca, certificate, key = config.signing
    return Keys(Authority.load(ca), Unsealer.load(config.keys), Signer.load(certificate, key))

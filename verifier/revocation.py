"""Layer 11: revocation lists of truncated hashes (DCC revocation, volume 7 of the guidelines)."""

import hashlib
from dataclasses import dataclass

from verifier.cose import ES256, Sign1
from verifier.cwt import Claims
from verifier.documents.hcert import Entry
from verifier.reasons import Reason, RefusedError

HASH_BYTES = 16  # the lists carry the first 128 bits of a SHA-256


def truncated_hash(data: bytes) -> bytes:
    """Return the first 16 bytes of the SHA-256."""
    return hashlib.sha256(data).digest()[:HASH_BYTES]


def uci_hash(uci: str) -> bytes:
    """Return the hash that revokes by certificate identifier (type UCI)."""
    return truncated_hash(uci.encode())


def country_uci_hash(country: str, uci: str) -> bytes:
    """Return the hash that revokes by issuing country and certificate identifier (type COUNTRYCODEUCI)."""
    return truncated_hash((country + uci).encode())


def signature_hash(message: Sign1) -> bytes:
    """Return the hash that revokes by signature (type SIGNATURE).

    For ES256 it covers r only, since anybody can turn s into n - s; for PS256 all of it.
    """
    signature = message.signature
    return truncated_hash(signature[: len(signature) // 2] if message.alg == ES256 else signature)


@dataclass(frozen=True, slots=True)
class Revocations:
    """Hashes of revoked passes, 16 bytes each, by what they cover."""

    uci: frozenset[bytes] = frozenset()
    country_uci: frozenset[bytes] = frozenset()
    signature: frozenset[bytes] = frozenset()

    def check(self, entry: Entry, claims: Claims, message: Sign1) -> None:
        """Check a pass against all three lists.

        Raises:
            RefusedError: REVOKED, with the list that names it.
        """
        if self.uci and any(uci_hash(uci) in self.uci for uci in _forms(entry.uci)):
            raise RefusedError(Reason.REVOKED, "by its identifier")
        if self.country_uci and any(
            country_uci_hash(country, uci) in self.country_uci
            for country in _forms(entry.country) | _forms(claims.issuer)  # they may differ; either may be on a list
            for uci in _forms(entry.uci)
        ):
            raise RefusedError(Reason.REVOKED, "by its country and identifier")
        if self.signature and signature_hash(message) in self.signature:
            raise RefusedError(Reason.REVOKED, "by its signature")


def _forms(text: str) -> set[str]:
    """Return the forms in which a list's maker may have hashed a text: as it stands, trimmed, in capitals."""
    return {text, text.strip(), text.strip().upper()}

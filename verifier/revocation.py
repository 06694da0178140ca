"""Layer 11: revocation by truncated hashes (DCC revocation, volume 7 of the guidelines), in sets by signer and kind."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from verifier.cose import ES256, Sign1
from verifier.reasons import Reason, RefusedError
from verifier.revocation_set import HASH_BYTES, Kind

__all__ = [
    "HASH_BYTES",
    "HashSet",
    "Kind",
    "PlainSet",
    "Revocations",
    "country_uci_hash",
    "hcert_hashes",
    "lx1_hash",
    "shc_rid_hash",
    "signature_hash",
    "truncated_hash",
    "uci_hash",
]


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


def lx1_hash(identifier: bytes) -> bytes:
    """Return the hash that revokes a signed permit: of its CWT claim 7, 16 random bytes (LX1, `cti` of RFC 8392)."""
    return truncated_hash(identifier)


def shc_rid_hash(rid: str) -> bytes:
    """Return the hash that revokes a SMART Health Card: of its `vc.rid` as UTF-8 text, not decoded.

    A card revocation list (SMART Health Cards 1.2.0, "Revocation") may write `rid.seconds`: only cards that were issued
    before then. A set holds no times: the rid alone is hashed, and revokes whenever the card was issued.
    """
    return truncated_hash(rid.encode())


class HashSet(Protocol):
    """A set of hashes of one kind, of passes of one signer (`kid`), or of anybody's where that is empty."""

    @property
    def kind(self) -> Kind: ...  # noqa: D102 - as the class says
    @property
    def kid(self) -> bytes: ...  # noqa: D102 - as the class says

    def __contains__(self, hash16: bytes, /) -> bool: ...
    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class PlainSet:
    """A set in memory, for what one person can write."""

    kind: Kind
    kid: bytes = b""
    hashes: frozenset[bytes] = frozenset()

    def __contains__(self, hash16: bytes) -> bool:
        return hash16 in self.hashes

    def __len__(self) -> int:
        return len(self.hashes)


class Revocations:
    """What is revoked.

    Attributes:
        sets: The sets that are looked into.
    """

    def __init__(self, sets: Iterable[HashSet] = ()) -> None:
        self.sets = tuple(sets)
        self._sets: dict[tuple[Kind, bytes], tuple[HashSet, ...]] = {}
        for each in self.sets:
            self._sets[each.kind, each.kid] = (*self._sets.get((each.kind, each.kid), ()), each)

    def check(self, kid: bytes | None, named: Iterable[tuple[Kind, str, Iterable[bytes]]]) -> None:
        """Check a pass by all that a list may name it by: the kind, how that is called, and its hashes of it.

        `kid` is None where nobody vouches for it: a key may be listed under two kids, and the other's sets count too.

        Raises:
            RefusedError: REVOKED, with what names it.
            RevocationSetError: A set is damaged: nobody can say.
        """
        if not self.sets:
            return
        for kind, called, hashes in named:
            if self.revoked(kind, kid, hashes):
                raise RefusedError(Reason.REVOKED, f"by its {called}")

    def revoked(self, kind: Kind, kid: bytes | None, hashes: Iterable[bytes]) -> bool:
        """Tell whether a signer's sets of a kind, or anybody's, hold one of the hashes; no set, and none is drawn.

        Where nobody vouches for the `kid` (None), the sets of every signer count.

        Raises:
            RevocationSetError: A set is damaged.
        """
        if kid is None:
            sets = tuple(each for each in self.sets if each.kind == kind)
        else:
            sets = self._sets.get((kind, b""), ())
            if kid:
                sets += self._sets.get((kind, kid), ())
        return bool(sets) and any(value in each for value in hashes for each in sets)


def hcert_hashes(country: str, uci: str, issuer: str, message: Sign1) -> Iterator[tuple[Kind, str, Iterable[bytes]]]:
    """Give all that a health certificate may be listed by: country and identifier of its entry, the token's issuer."""
    yield "uci", "identifier", (uci_hash(form) for form in _forms(uci))
    named = (
        country_uci_hash(place, form)
        for place in _forms(country) | _forms(issuer)  # they may differ; either may be on a list
        for form in _forms(uci)
    )
    yield "country-uci", "country and identifier", named
    yield "signature", "signature", (signature_hash(signed) for signed in (message,))


def _forms(text: str) -> set[str]:
    """Return the forms in which a list's maker may have hashed a text: as it stands, trimmed, in capitals."""
    return {text, text.strip(), text.strip().upper()}

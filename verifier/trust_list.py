"""The signers that are trusted, by key identifier. Certificates may wait unread until a pass names them."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from verifier.cose import Kid
from verifier.documents.document import FormatName
from verifier.trust import Signer, TrustListError

Reader = Callable[[], Signer]
"""Reads a signer that waits; raises TrustListError where it is unusable."""


class TrustList:
    """Signers by format and key identifier; several may share one.

    Args:
        signers: Signers that were read.
        unusable: Why entries of a published list were left out, a line each.
        unread: Signers to be read when a pass names them: a union's take 50 ms, the one that is named 0.1 ms.
        demo: Whether any of the unread may be the demo issuer's.
        others: How many signers of formats that are not known the list carries, by format.

    Attributes:
        demo: True where any signer is the demo issuer's.
        others: As given.
    """

    def __init__(
        self,
        signers: Iterable[Signer] = (),
        unusable: Iterable[str] = (),
        *,
        unread: Iterable[tuple[FormatName, Kid, Reader]] = (),
        demo: bool = False,
        others: Mapping[str, int] | None = None,
    ) -> None:
        listed: dict[tuple[FormatName, Kid], tuple[Signer | Reader, ...]] = {}
        for signer in signers:
            listed[signer.format, signer.kid] = (*listed.get((signer.format, signer.kid), ()), signer)
        for format_, kid, reader in unread:
            listed[format_, kid] = (*listed.get((format_, kid), ()), reader)
        self._listed = listed
        self._read: dict[tuple[FormatName, Kid], tuple[Signer, ...]] = {}
        everyone = [one for found in listed.values() for one in found]
        self._length = len(everyone)
        self.demo = demo or any(isinstance(one, Signer) and one.demo for one in everyone)
        self._unusable = dict.fromkeys(unusable)
        self.others = dict(others or {})

    def __len__(self) -> int:
        """Return how many signers are listed; the unread among them may turn out unusable."""
        return self._length

    def __bool__(self) -> bool:
        """Tell whether there is any signer that can be used."""
        return any(self.by_kid(kid, format_) for format_, kid in self._listed)

    def signers(self) -> list[Signer]:
        """Return all signers; reads all that wait, so that `unusable` is complete."""
        return [signer for format_, kid in self._listed for signer in self.by_kid(kid, format_)]

    def of_format(self, format_: FormatName) -> list[Signer]:
        """Return all signers of a format; reads those of them that wait."""
        return [signer for own, kid in self._listed if own == format_ for signer in self.by_kid(kid, own)]

    def by_kid(self, kid: Kid | None, format_: FormatName = "hcert") -> tuple[Signer, ...]:
        """Return the signers that passes of a format with this key identifier may be of, none for None."""
        if kid is None or (format_, kid) not in self._listed:
            return ()
        found = self._read.get((format_, kid))
        if found is None:  # of two threads that ask at once, both read, and find the same
            found = self._read[format_, kid] = tuple(self._usable(self._listed[format_, kid]))
        return found

    @property
    def unusable(self) -> tuple[str, ...]:
        """Return why entries were left out, a line each: their passes meet an unknown issuer, nobody else's suffer.

        Entries that wait are not in it before they are read.
        """
        return tuple(self._unusable)

    def _usable(self, listed: Iterable[Signer | Reader]) -> Iterator[Signer]:
        for one in listed:
            try:
                yield one if isinstance(one, Signer) else one()
            except TrustListError as error:
                self._unusable[str(error)] = None

"""What every document says of itself, whatever its format: who it is about, what kinds, and how rules see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

FormatName = Literal["hcert", "lx1", "shc", "nzcp", "vds-nc", "qrqg", "cccd", "bhyt"]
"""The formats that are read; the last three are identity codes that nobody signed."""

IDENTITY = "identity"
"""The kind of an unsigned identity code."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a document names; empty where it does not say.

    Attributes:
        family, given: Names in the holder's own letters; identity codes have one name, in `given`.
        family_standard, given_standard: As in the machine-readable zone (ICAO Doc 9303, part 3).
        birth_date: ISO 8601, possibly in part: `YYYY`, `YYYY-MM`, `YYYY-MM-DD`.
        document_digits: The last characters of the identity document's number, as many as are given.
    """

    family: str = ""
    given: str = ""
    family_standard: str = ""
    given_standard: str = ""
    birth_date: str = ""
    document_digits: str = ""


class Document(Protocol):
    """A document that was read, whether or not anybody vouches for it."""

    @property
    def format(self) -> FormatName:
        """Return its format."""
        ...

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of documents in it, as profiles and check-ins name them."""
        ...

    @property
    def country(self) -> str:
        """Return who issued it (ISO 3166-1, two capitals), empty where it does not say."""
        ...

    @property
    def holder(self) -> Holder | None:
        """Return whom it names, None where it is about nobody (a vehicle)."""
        ...

    @property
    def payload(self) -> Mapping[str, Any]:
        """Return what rules see: the health certificate's payload, or what says the same in its shape."""
        ...

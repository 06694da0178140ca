"""Where a centre's permits lie: HOME/permits.

keys/NAME.pem       an issuing key, 0600, and beside it NAME.crt, its certificate, which the nation trusts
permits.db          which permits were issued
"""

from dataclasses import dataclass
from pathlib import Path

from centre.output import EX_DATA
from centre.trust.home import TrustError


class PermitError(TrustError):
    """Something about permits that cannot be done: what and the cure, on one line, with an exit code."""

    def __init__(self, why: str, code: int = EX_DATA) -> None:
        """Say why, and with which code the command ends."""
        super().__init__(why, code)


@dataclass(frozen=True, slots=True)
class PermitHome:
    """The permits' part of a centre's home."""

    home: Path

    @property
    def folder(self) -> Path:
        """Return where all of it lies."""
        return self.home / "permits"

    @property
    def keys(self) -> Path:
        """Return where the issuing keys lie."""
        return self.folder / "keys"

    @property
    def ledger(self) -> Path:
        """Return the file of what was issued."""
        return self.folder / "permits.db"

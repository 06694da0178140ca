"""Which of a holder's details a profile may ask for."""

from typing import Final, Literal

Detail = Literal["name", "birth-date"]
DETAILS: Final[tuple[Detail, ...]] = ("name", "birth-date")

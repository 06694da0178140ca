"""What can be wrong with a card: a code of `words/prepare.toml`, its values, and the exit code."""

from provisioning.exits import Exit


class CardError(Exception):
    """A card that cannot or must not be written."""

    def __init__(self, exit_: Exit, code: str, **values: object) -> None:
        super().__init__(code)
        self.exit = exit_
        self.code = code
        self.values = values

"""The one-time code as somebody typed it (pure)."""

CHARACTERS = 26  # of Crockford's base32: 128 bits, after two that are zero
_ALPHABET = frozenset("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
_MISREAD = str.maketrans("OIL", "011")


class CodeShapeError(ValueError):
    """What was typed can be no code; `n`: how many characters it has. The text itself is nowhere."""

    def __init__(self, n: int) -> None:
        super().__init__("no code")
        self.n = n


def plain(typed: str) -> str:
    """Return a code without what stands between its characters, O as 0, I and L as 1. Raises: CodeShapeError."""
    code = "".join(typed.split()).replace("-", "").upper().translate(_MISREAD)
    if len(code) != CHARACTERS or not set(code) <= _ALPHABET or code[0] > "7":
        raise CodeShapeError(len(code))
    return code

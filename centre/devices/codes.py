"""One-time codes with which a device gets its first certificate (pure, but for the system's randomness).

128 bits, shown as 26 characters of Crockford's base32 in groups: `0ABCD-EFGHJ-KMNPQ-RSTVW-XYZ012`. Only their SHA-256
is kept: 128 random bits cannot be found again from it, so it needs neither salt nor a slow hash.
"""

import hashlib
import secrets

BYTES = 16
CHARACTERS = 26  # 130 bits: the first two are zero
GROUPS = (5, 5, 5, 5, 6)
TYPED_MAX_CHARS = 64  # ours: 26 characters, and whatever somebody puts between them
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: neither I, L, O nor U
_MISREAD = str.maketrans("OIL", "011")
_BETWEEN = str.maketrans("", "", " -\t")


class CodeError(ValueError):
    """What was typed can be no code: what is wrong with it, never the text itself."""


def new_code() -> str:
    """Return a new code as it is shown."""
    number = int.from_bytes(secrets.token_bytes(BYTES))
    text = "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(CHARACTERS)))
    groups = []
    for length in GROUPS:
        groups.append(text[:length])
        text = text[length:]
    return "-".join(groups)


def digest_of(typed: str) -> bytes:
    """Return the SHA-256 of a code as somebody typed it: any case, O for 0, I and L for 1, with or without hyphens.

    Raises: CodeError.
    """
    if len(typed) > TYPED_MAX_CHARS or not typed.isascii():
        raise CodeError("too long, or with characters that no code has")
    text = typed.strip().upper().translate(_BETWEEN).translate(_MISREAD)
    if len(text) != CHARACTERS:
        raise CodeError(f"{len(text)} characters instead of {CHARACTERS}")
    if not set(text) <= set(_ALPHABET) or text[0] > "7":  # "7": the first two of 130 bits are zero
        raise CodeError("with characters that no code has")
    return hashlib.sha256(text.encode("ascii")).digest()

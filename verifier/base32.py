"""Base32 without padding (RFC 4648, section 6), to the letter: each text stands for bytes that no other stands for."""

import base64
import re

from verifier.reasons import Reason, RefusedError

_ALPHABET = re.compile(r"[A-Z2-7]*")
_GROUP = 8
_TAIL_LENGTHS = (0, 2, 4, 5, 7)  # of 0 to 4 bytes


def decode(text: str) -> bytes:
    """Return the bytes.

    Raises:
        RefusedError: BAD_ENCODING for other characters, padding, a length that no bytes have, or bits left over that
            are not zero.
    """
    if _ALPHABET.fullmatch(text) is None or len(text) % _GROUP not in _TAIL_LENGTHS:
        raise RefusedError(Reason.BAD_ENCODING, "not base32")
    data = base64.b32decode(text + "=" * (-len(text) % _GROUP))
    if encode(data) != text:
        raise RefusedError(Reason.BAD_ENCODING, "base32 with bits behind its last byte")
    return data


def encode(data: bytes) -> str:
    """Return the text of bytes, without padding."""
    return base64.b32encode(data).decode().rstrip("=")

"""Base64 for URLs (RFC 4648, section 5), to the letter: each text stands for bytes that no other text stands for."""

import base64
import re

from verifier.reasons import Reason, RefusedError

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")
_GROUP = 4


def decode(text: str, *, padded: bool = False) -> bytes:
    """Return the bytes; `padded` where `=` may fill up the last group, as it need not.

    Raises:
        RefusedError: BAD_ENCODING for other characters, padding, or bits left over that are not zero.
    """
    bare = text
    if padded and len(text) % _GROUP == 0:
        bare = text[:-2] + text[-2:].rstrip("=")
    if _ALPHABET.fullmatch(bare) is None or len(bare) % _GROUP == 1:
        raise RefusedError(Reason.BAD_ENCODING, "not base64url")
    data = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % _GROUP))
    if encode(data) != bare:
        raise RefusedError(Reason.BAD_ENCODING, "base64url with bits behind its last byte")
    return data


def encode(data: bytes) -> str:
    """Return the text of bytes, without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")

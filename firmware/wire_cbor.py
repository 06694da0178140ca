"""CBOR of the wire: flat arrays of scalars, for bytes that anyone may have sent (RFC 8949).

No map is ever decoded: in many languages keys can be chosen that all have one hash, and a message of them takes
seconds. An array within the array is refused by its depth, before anything of it is built.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any, Final, NoReturn

import cbor2

BYTE_STRING, ARRAY = 2, 4  # major types (RFC 8949, section 3.1)
LENGTH_BYTES: Final = {24: 1, 25: 2, 26: 4}  # by additional information (RFC 8949, section 3)
MAX_DEPTH = 1  # scalars in one array


class WireError(Exception):
    """A message that is not what it should be; the text quotes nothing of it."""


def byte_string(data: bytes) -> tuple[bytes, bytes]:
    """Return the byte string in front, and what is behind it (RFC 8949, section 3).

    Raises: WireError, also for another form than the shortest.
    """
    require(data[:1] != b"" and data[0] >> 5 == BYTE_STRING, "message is no COSE_Sign1")
    info = data[0] & 0x1F
    start = 1 + LENGTH_BYTES.get(info, 0)
    length = int.from_bytes(data[1:start], "big") if start > 1 else info
    content, behind = data[start : start + length], data[start + length :]
    require(dumps(content) == data[: start + length], "a length is not the shortest, or the message is cut short")
    return content, behind


def dumps(value: object) -> bytes:
    """Return a value as CBOR in its one deterministic form (RFC 8949, section 4.2.1)."""
    return cbor2.dumps(value, canonical=True)


class _NoTags(dict[int, Callable[..., NoReturn]]):
    """Refuse every tag: cbor2 would make dates, decimals and regular expressions of hostile bytes."""

    def __missing__(self, tag: int) -> NoReturn:
        raise ValueError("a tag")


_NO_TAGS = _NoTags()


def loads(data: bytes) -> list[Any]:
    """Return the values of one flat CBOR array.

    Raises: WireError for anything else: what is nested, tagged, of indefinite length, or followed by more.
    """
    require(data[:1] != b"" and data[0] >> 5 == ARRAY, "not the CBOR expected")
    stream = BytesIO(data)
    decoder = cbor2.CBORDecoder(stream, semantic_decoders=_NO_TAGS, max_depth=MAX_DEPTH, allow_indefinite=False)
    try:
        values: list[Any] = decoder.decode()
    except (cbor2.CBORError, ValueError, TypeError, RecursionError, OverflowError):
        raise WireError("not the CBOR expected") from None
    require(stream.tell() == len(data), "more follows the CBOR expected")
    return values


def loads_as(data: bytes, version: int, types: tuple[type | tuple[type, ...], ...]) -> list[Any]:
    """Return the values of a flat array that begins with a version, and has just these types behind it.

    Raises: WireError.
    """
    values = loads(data)
    require(bool(values) and type(values[0]) is int, "not the CBOR expected")
    require(values[0] == version, "its version is not known here: update this program")
    require(len(values) == 1 + len(types), "fields are not as written")
    for value, kinds in zip(values[1:], types, strict=True):
        allowed = kinds if isinstance(kinds, tuple) else (kinds,)
        require(type(value) in allowed, "a field's type is wrong")  # not isinstance: True is an int, too
    return values[1:]


def require(condition: bool, problem: str) -> None:  # noqa: FBT001 - reads as an assertion
    """Check what a message has to be. Raises: WireError."""
    if not condition:
        raise WireError(problem)

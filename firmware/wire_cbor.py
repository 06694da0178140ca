"""CBOR of the wire, in its one deterministic form (RFC 8949, section 4.2.1), for bytes that anyone may have sent."""

from collections.abc import Callable
from typing import Any, NoReturn

import cbor2

MAX_DEPTH = 4  # payload, records, record, kinds
UNSCANNED_MAX_BYTES = 1024  # ours: keys that all have one hash cost under 2 ms in so few bytes
BYTE_STRING, LENGTH_BYTES = 2, {24: 1, 25: 2, 26: 4}  # major type, and bytes by additional information (RFC 8949, 3)


class WireError(Exception):
    """A message that is no well-formed batch or acknowledgement; the text quotes nothing of it."""


def byte_string(data: bytes) -> tuple[bytes, bytes]:
    """Return the byte string in front, and what is behind it (RFC 8949, section 3).

    Raises: WireError.
    """
    require(data[:1] != b"" and data[0] >> 5 == BYTE_STRING, "message is no COSE_Sign1")
    info = data[0] & 0x1F
    start = 1 + LENGTH_BYTES.get(info, 0)
    end = start + (int.from_bytes(data[1:start], "big") if start > 1 else info)
    content, behind = data[start:end], data[end:]
    require(dumps(content) == data[:end], "a length is not deterministic, or the message is cut short")
    return content, behind


def dumps(value: object) -> bytes:
    """Return a value as CBOR."""
    return cbor2.dumps(value, canonical=True)


class _NoTags(dict[int, Callable[..., NoReturn]]):
    """Refuse every tag: cbor2 would make dates, decimals and regular expressions of hostile bytes."""

    def __missing__(self, tag: int) -> Callable[..., NoReturn]:
        def refuse(*_: object) -> NoReturn:
            raise ValueError("a tag")

        return refuse


_NO_TAGS = _NoTags()


def loads(data: bytes) -> Any:  # noqa: ANN401 - callers check what it is
    """Return one CBOR item without any tag in it.

    Raises: WireError, also for any other form than the deterministic one.
    """
    require(len(data) <= UNSCANNED_MAX_BYTES or _has_plain_keys(data), "not the CBOR expected")
    try:
        value = cbor2.loads(
            data,
            semantic_decoders=_NO_TAGS,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
        again = dumps(value)
    except (cbor2.CBORError, ValueError, TypeError, RecursionError):
        raise WireError("not the CBOR expected") from None
    require(again == data, "CBOR is not deterministic, or more follows")
    return value


def _has_plain_keys(data: bytes) -> bool:
    # Imported late: only a centre's messages are long enough, and a device's uplink saves 7 MiB.
    from verifier.cbor import has_plain_keys  # noqa: PLC0415 - see above

    return has_plain_keys(data)


def require(condition: bool, problem: str) -> None:  # noqa: FBT001 - reads as an assertion
    """Check what a message has to be. Raises: WireError."""
    if not condition:
        raise WireError(problem)

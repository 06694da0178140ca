"""One plate in one message: a JSON object in a datagram, `{"plate": "51C-123.45", "captured_ns": 123456789}`.

`captured_ns` is `time.monotonic_ns()` at the moment it was seen; left out, that is the moment it arrives.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from drivers.plates import PlateSeen

PLATE_MAX_CHARS = 16  # ours: with its blanks, dots and dashes no plate is longer
MESSAGE_MAX_BYTES = 256  # ours: holds any plate, with every character escaped


class PlateMessageError(Exception):
    """A message that is none of ours; its text quotes nothing of it."""


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    plate: Annotated[str, Meta(min_length=1, max_length=PLATE_MAX_CHARS)]
    captured_ns: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None


_decoder = msgspec.json.Decoder(_Message)
_encoder = msgspec.json.Encoder()


def encode_plate(text: str, captured_ns: int | None = None) -> bytes:
    """Return a plate as a message.

    Raises:
        ValueError: a text of a length that no plate has, or with characters that nobody can see.
    """
    if not (1 <= len(text) <= PLATE_MAX_CHARS and text.isprintable()):
        raise ValueError(
            f"a plate has 1 to {PLATE_MAX_CHARS} printable characters: type it as it stands on the vehicle"
        )
    return _encoder.encode(_Message(text, captured_ns))


def decode_plate(data: bytes, now_ns: int) -> PlateSeen:
    """Return the plate in a message that arrives now; one that was seen later than that was seen now.

    Raises:
        PlateMessageError: anything but one well-formed message within its bounds.
    """
    if len(data) > MESSAGE_MAX_BYTES:
        raise PlateMessageError(f"message over {MESSAGE_MAX_BYTES} bytes")
    try:
        message = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # ValidationError is a DecodeError
        raise PlateMessageError(f"malformed message: {type(error).__name__}") from None
    if not message.plate.isprintable():
        raise PlateMessageError("malformed message: characters that nobody can see")
    captured_ns = now_ns if message.captured_ns is None else message.captured_ns
    return PlateSeen(message.plate, min(captured_ns, now_ns))

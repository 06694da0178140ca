"""What crosses the socket between the reader and its rescue's process: jobs there, answers back."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from drivers.symbols.bounds import CHARACTERS_MAX, SIDE_MAX_PX

FRAME_MAX_BYTES = 2_100_000  # of shared memory: 1920 x 1080; of larger frames the likeliest part is taken
NUMBER_AT = FRAME_MAX_BYTES  # where in it the worker notes which job it has begun
NUMBER_BYTES = 8
MEMORY_BYTES = FRAME_MAX_BYTES + NUMBER_BYTES
MESSAGE_MAX_BYTES = 32 * 1024  # an answer holds one code: its text, in four bytes a character, and its bytes

Corner = tuple[
    Annotated[int, Meta(ge=-SIDE_MAX_PX, le=2 * SIDE_MAX_PX)], Annotated[int, Meta(ge=-SIDE_MAX_PX, le=2 * SIDE_MAX_PX)]
]


class Job(msgspec.Struct, frozen=True, array_like=True):
    """One frame to rescue; its pixels are in the shared memory."""

    number: int
    presentation: int
    height_px: int
    width_px: int
    regions: tuple[tuple[int, int, int, int, float], ...]
    limit_ms: float | None = None  # None: as long as any job may take


class Told(msgspec.Struct, frozen=True, array_like=True):
    """A symbol, within what one can be: who tells it has met a stranger's pixels."""

    text: Annotated[str, Meta(max_length=CHARACTERS_MAX)]
    format: Literal["QRCode", "Aztec"]
    corners: tuple[Corner, Corner, Corner, Corner]
    data: Annotated[bytes, Meta(max_length=2 * CHARACTERS_MAX)]


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Everything is loaded."""


class Done(msgspec.Struct, frozen=True, tag=True):
    """A job's end: what was read, if anything."""

    number: int
    symbol: Told | None


class Died(msgspec.Struct, frozen=True, tag=True):
    """The worker died over a job, or of its time limit; there is a fresh one."""

    number: int


Message = Ready | Done | Died
jobs = msgspec.msgpack.Decoder(Job)
messages: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)
encode = msgspec.msgpack.Encoder().encode

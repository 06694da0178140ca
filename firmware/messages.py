"""What crosses the Unix sockets: readings into the gate, events out of it."""

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from drivers.symbols import Hint

MAX_MESSAGE_BYTES = 64 * 1024  # ours: one SOCK_SEQPACKET message; holds any one symbol, and eight of plain text
MAX_TEXTS = 8  # ours: of one frame; drivers/symbols may report more symbols, and the reader keeps passes first
MAX_PLATE_CHARS = 12  # of a permit's plate, letters and digits (docs/formats/lx1.md)
MAX_TEXT_CHARS = 7089  # digits in a version 40 QR code (ISO/IEC 18004, table 7): no symbol holds more

ReaderFault = Literal["no-camera", "camera-stalled"]
Aspect = Literal[
    "ready", "accepted", "refused", "undecided", "next-document", "attendance", "identify", "out-of-service"
]
WAITING: tuple[Aspect, ...] = ("ready", "next-document")  # a code is waited for: a hint may stand beside it
Freshness = Literal["fresh", "ageing", "stale"]
VerdictName = Literal["accepted", "refused", "undecided"]
M = TypeVar("M")
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class MessageError(Exception):
    """A message that is not one of ours: too large, malformed, or out of its bounds."""


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """What all messages share: they are values, and strict."""


class Reading(_Message, frozen=True, tag="reading"):
    """The texts of one frame, with `time.monotonic_ns()` at its capture and when it was read."""

    texts: Annotated[tuple[Annotated[str, Meta(max_length=MAX_TEXT_CHARS)], ...], Meta(max_length=MAX_TEXTS)]
    captured_ns: Count
    read_ns: Count


class Heartbeat(_Message, frozen=True, tag="heartbeat"):
    """How many frames the reader has really read since its start, and what keeps it from reading more."""

    frames: Count
    fault: ReaderFault | None = None


class Hinted(_Message, frozen=True, tag="hinted"):
    """Why nothing reads, by the frame captured at `captured_ns` (monotonic); "no-code": nobody shows anything."""

    hint: Hint
    captured_ns: Count


class Shown(_Message, frozen=True, tag="shown"):
    """What lamps and screen show from now on; `until_ns` on `time.monotonic_ns()`, None = until the next.

    `plate` is a vehicle permit's, for the person who looks at the vehicle.
    """

    aspect: Aspect
    reason: str
    vi: str
    en: str
    checkin: str | None = None
    verdict: VerdictName | None = None
    until_ns: int | None = None
    timings_ms: dict[str, float] = {}
    plate: Annotated[str, Meta(max_length=MAX_PLATE_CHARS)] | None = None


class Advised(_Message, frozen=True, tag="advised"):
    """What helps the code to be read, to be shown while one is waited for and until the next; None: nothing."""

    hint: Hint | None = None
    vi: str = ""
    en: str = ""


class Notice(_Message, frozen=True, tag="notice"):
    """One line for technicians, in both languages."""

    code: str
    vi: str
    en: str


class KnowledgeTold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How old what the device knows is: the trust data's number, their age, how fresh each part is, in words too.

    Ages are None where the clock is not to be trusted, the state of rules where there are none.
    """

    version: Count
    vi: str
    en: str
    age_hours: Annotated[float, Meta(ge=0)] | None = None
    keys: Freshness | None = None
    revocations: Freshness | None = None
    rules: Freshness | None = None


class Health(_Message, frozen=True, tag="health"):
    """How the device is: what technicians see, and nothing of any holder."""

    in_service: bool
    device: str
    lane: str
    demo: bool
    clock_trusted: bool
    frames: Count
    unsent: Count | None
    uplink_connected: bool | None
    last_ack_age_s: float | None
    uplink_fault: str | None = None
    bytes_per_record: Count | None = None
    knowledge: KnowledgeTold | None = None
    notices: tuple[Notice, ...] = ()


ReaderMessage = Reading | Heartbeat | Hinted
Event = Shown | Health | Advised

_reader_messages: msgspec.json.Decoder[ReaderMessage] = msgspec.json.Decoder(ReaderMessage)
_events: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()


def encode(message: ReaderMessage | Event) -> bytes:
    """Return the message as JSON.

    Raises: MessageError where it would be over `MAX_MESSAGE_BYTES`, or holds text that is none (a lone surrogate).
    """
    try:
        data = _encoder.encode(message)
    except UnicodeEncodeError:
        raise MessageError("text that is not Unicode") from None  # the error's own text quotes it
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageError(f"message of {len(data)} bytes, at most {MAX_MESSAGE_BYTES}")
    return data


def encode_fitting(message: ReaderMessage) -> bytes:
    """Return the message as JSON; a reading that cannot be sent whole loses its last texts (passes are its first).

    Raises: MessageError where not even its first text can be sent.
    """
    while True:
        try:
            return encode(message)
        except MessageError:
            if not (isinstance(message, Reading) and len(message.texts) > 1):
                raise
            message = msgspec.structs.replace(message, texts=message.texts[:-1])


def decode_reader_message(data: bytes) -> ReaderMessage:
    """Return what the reader says.

    Raises: MessageError for anything but one well-formed message within its bounds.
    """
    return _decode(data, _reader_messages)


def decode_event(data: bytes) -> Event:
    """Return what the gate says.

    Raises: MessageError for anything but one well-formed message within its bounds.
    """
    return _decode(data, _events)


def _decode(data: bytes, decoder: msgspec.json.Decoder[M]) -> M:
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageError(f"message over {MAX_MESSAGE_BYTES} bytes")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # ValidationError is a DecodeError
        raise MessageError(f"malformed message: {type(error).__name__}") from None  # its text may quote a pass

"""Strict CBOR (RFC 8949) for bytes that nobody has vouched for yet."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Never

from cbor2 import CBORDecodeEOF, CBORDecodeError, CBORDecoder, CBORTag

from verifier.reasons import Reason, RefusedError

UNSCANNED_MAX_BYTES = 1024  # ours: real passes have under 800; colliding keys in so few bytes cost under 2 ms
MAX_DEPTH = 12  # a COSE message in a CWT tag reaches 4, an HCERT payload 6; guards against nesting bombs
COSE_SIGN1_TAG = 18  # RFC 9052, section 2
CWT_TAG = 61  # RFC 8392, section 6
_PASSED_THROUGH = (0, 1, 100, 1004)  # dates: some issuers tag what the schema wants as plain text
_REFUSED = (2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 43000, 52, 54, 256, 258, 260, 261, 55799)
"""Tags that cbor2 would turn into objects: big numbers, shared references, regular expressions, addresses ..."""


def _inner(value: Any, _immutable: bool) -> Any:  # noqa: ANN401, FBT001 - cbor2's callback signature
    return value


def _refuse(_value: Any, _immutable: bool) -> Never:  # noqa: ANN401, FBT001 - cbor2's callback signature
    raise ValueError("a tag that no pass needs")


def _unknown(tag: CBORTag, _immutable: bool) -> CBORTag:  # noqa: FBT001 - cbor2's callback signature
    if tag.tag in {COSE_SIGN1_TAG, CWT_TAG}:
        return tag
    raise ValueError("a tag that no pass needs")


_DECODERS = dict.fromkeys(_REFUSED, _refuse) | dict.fromkeys(_PASSED_THROUGH, _inner)


def decode(data: bytes, reason: Reason) -> Any:  # noqa: ANN401 - CBOR holds anything; callers check types
    """Decode one CBOR item.

    Tagged dates come back as what the tag holds, tags 18 and 61 as `CBORTag`.

    Raises:
        RefusedError: `reason`, for what is malformed, nested deeper than `MAX_DEPTH`, has duplicate keys,
            other tags, or bytes behind the item.
    """
    if len(data) > UNSCANNED_MAX_BYTES and not has_plain_keys(data):
        raise RefusedError(reason, "malformed CBOR, or a map key that is neither a number nor a string")
    stream = BytesIO(data)
    decoder = CBORDecoder(
        stream,
        tag_hook=_unknown,
        semantic_decoders=_DECODERS,
        max_depth=MAX_DEPTH,
        allow_duplicate_keys=False,
    )
    try:
        item = decoder.decode()
    except CBORDecodeError as error:
        raise RefusedError(reason, _in_short(error)) from None
    if stream.read(1):
        raise RefusedError(reason, "bytes behind the CBOR item")
    return item


def _in_short(error: CBORDecodeError) -> str:
    """Say what is wrong in our own words: cbor2's quote the data, which may name the holder."""
    if isinstance(error, CBORDecodeEOF):
        return "the CBOR item is cut short"
    text = str(error)
    if "Duplicate" in text:
        return "a map has the same key twice"
    return "CBOR nested too deeply" if "depth" in text else "malformed CBOR, or a tag that no pass needs"


_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = range(7)  # major types, RFC 8949, section 3.1
_KEY_TYPES = frozenset({_UNSIGNED, _NEGATIVE, _BYTES, _TEXT})
_ARGUMENT_BYTES = {24: 1, 25: 2, 26: 4, 27: 8}  # by additional information, RFC 8949, section 3
_OPENS = frozenset({_ARRAY, _MAP, _TAG})
_INDEFINITE = 31
_INDEFINITE_TYPES = frozenset({_BYTES, _TEXT, _ARRAY, _MAP})
_MALFORMED = -1
_SCAN_DEPTH_MAX = 64  # ours: nothing that is decoded here nests deeper than a dozen
_BREAK = 0xFF


def has_plain_keys(data: bytes) -> bool:
    """Tell whether an item is well formed and every map key in it is an integer or a string.

    Python hashes arrays of -1 and -2, and many other containers, alike, so that a map of them takes quadratic time to
    build: a quarter of a second for 16 KiB. This takes time in proportion to the data, whatever it holds. Bytes behind
    the item count as malformed.
    """
    try:
        return _scan(data) == len(data)
    except IndexError:  # cut short
        return False


def _scan(data: bytes) -> int:
    """Return where the item ends, -1 where it is malformed or a key is not plain."""
    position = 0
    open_ = [_Open(left=1)]
    while open_:
        container = open_[-1]
        if container.left == 0:
            open_.pop()
        elif data[position] == _BREAK:
            if not container.may_end():
                return -1
            open_.pop()
            position += 1
        else:
            major, argument, position = _head(data, position)
            if argument == _MALFORMED or not container.takes(major):
                return -1
            if len(open_) > _SCAN_DEPTH_MAX:
                return -1
            if major in _OPENS:
                open_.append(_opened(major, argument))
            elif major in {_BYTES, _TEXT}:
                if argument is None:
                    open_.append(_Open(left=None))  # its pieces
                else:
                    position += argument
    return position


def _head(data: bytes, position: int) -> tuple[int, int | None, int]:
    """Read an item's head: major type, argument (None: indefinite length), and where what follows begins."""
    major, info = data[position] >> 5, data[position] & 0x1F
    position += 1
    if info < min(_ARGUMENT_BYTES):
        return major, info, position
    if info in _ARGUMENT_BYTES:
        end = position + _ARGUMENT_BYTES[info]
        return major, int.from_bytes(data[position:end], "big"), end
    return major, None if info == _INDEFINITE and major in _INDEFINITE_TYPES else _MALFORMED, position


def _opened(major: int, argument: int | None) -> "_Open":
    is_map = major == _MAP
    if argument is None:
        return _Open(left=None, is_map=is_map)
    return _Open(left=1 if major == _TAG else argument * (1 + is_map), is_map=is_map)


@dataclass(slots=True)
class _Open:
    """A container whose items are being scanned; `left` is None where a break ends it."""

    left: int | None
    is_map: bool = False
    seen: int = 0

    def takes(self, major: int) -> bool:
        """Count an item; tell whether one of this type may stand here."""
        is_key = self.is_map and self.seen % 2 == 0
        self.seen += 1
        if self.left is not None:
            self.left -= 1
        return not is_key or major in _KEY_TYPES

    def may_end(self) -> bool:
        """Tell whether a break may stand here: not between a key and its value."""
        return self.left is None and not (self.is_map and self.seen % 2)

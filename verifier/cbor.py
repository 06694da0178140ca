"""Strict CBOR (RFC 8949) for bytes that nobody has vouched for yet."""

from io import BytesIO
from typing import Any, Never

from cbor2 import CBORDecodeError, CBORDecoder, CBORTag

from verifier.reasons import Reason, RefusedError

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
        raise RefusedError(reason, f"not the CBOR of a pass: {error}") from None
    if stream.read(1):
        raise RefusedError(reason, "bytes behind the CBOR item")
    return item

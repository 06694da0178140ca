"""Strict JSON (RFC 8259, I-JSON of RFC 7493) for texts that nobody has vouched for yet.

One text has one meaning: a name twice in an object, a number that is not exact everywhere and half a surrogate pair are
refused. How large a text may be, its callers say.
"""

import json
import math
import re
from typing import Any, Never

from verifier.reasons import Reason, RefusedError

MAX_DEPTH = 32  # ours: a health card's bundle reaches 10; guards against nesting bombs
INTEGER_MAX = 2**53 - 1  # RFC 7493, section 2.2: beyond it two readers may see two numbers
_NUMBER_MAX_CHARS = 32  # ours: times have up to 20; a number of thousands of digits takes long to read
# A string that is not closed reaches to the end: no character is looked at twice.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def decode(text: str) -> Any:  # noqa: ANN401 - JSON holds anything; callers check types
    """Return what a JSON text holds: numbers as int within `INTEGER_MAX`, or as finite float.

    Raises:
        RefusedError: BAD_ENCODING, without anything of the text.
    """
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise RefusedError(Reason.BAD_ENCODING, f"JSON nested deeper than {MAX_DEPTH}")
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_no_constant
        )
    except json.JSONDecodeError:
        raise RefusedError(Reason.BAD_ENCODING, "not JSON") from None
    if "\\u" in text or not text.isascii():
        _check_surrogates(value)
    return value


def _depth(text: str) -> int:
    deepest = depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RefusedError(Reason.BAD_ENCODING, "JSON with a name twice in one object")
    return found


def _integer(digits: str) -> int:
    if len(digits) > _NUMBER_MAX_CHARS or abs(value := int(digits)) > INTEGER_MAX:
        raise RefusedError(Reason.BAD_ENCODING, f"JSON with a whole number beyond {INTEGER_MAX}")
    return value


def _float(digits: str) -> float:
    if len(digits) > _NUMBER_MAX_CHARS or not math.isfinite(value := float(digits)):
        raise RefusedError(Reason.BAD_ENCODING, "JSON with a number that is too long or too large")
    return value


def _no_constant(_: str) -> Never:
    raise RefusedError(Reason.BAD_ENCODING, "JSON with NaN or Infinity")


def _check_surrogates(value: Any) -> None:  # noqa: ANN401 - JSON holds anything
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise RefusedError(Reason.BAD_ENCODING, "JSON with half a surrogate pair") from None

"""The one form of a JSON value that is signed (JSON Canonicalization Scheme, RFC 8785), of values without fractions."""

import json
from typing import Any

from verifier.reasons import Reason, RefusedError
from verifier.strict_json import INTEGER_MAX


def encode(value: Any) -> bytes:  # noqa: ANN401 - JSON holds anything
    """Return the canonical bytes of a value that `verifier.strict_json` decoded.

    Raises:
        RefusedError: BAD_ENCODING for a number that is no whole one, which nothing that is signed this way has.
    """
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":")).encode()


def _ordered(value: Any) -> Any:  # noqa: ANN401 - JSON holds anything
    """Return the value with names in the order of their UTF-16 (section 3.2.3) and whole floats as int."""
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value, key=_utf16)}
    if isinstance(value, list):
        return [_ordered(one) for one in value]
    if isinstance(value, float):
        if not value.is_integer() or abs(value) > INTEGER_MAX:
            raise RefusedError(Reason.BAD_ENCODING, "a number that is no whole one, where none belongs")
        return int(value)
    return value


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be")

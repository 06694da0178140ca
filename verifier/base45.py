"""Layer 2: Base45, strictly as in RFC 9285."""

from verifier.reasons import Reason, RefusedError

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"  # RFC 9285, table 1
_INVALID = 45
_VALUES = bytes(max(ALPHABET.find(chr(byte)), -1) % 46 for byte in range(256))  # -1 (not found) becomes 45
_BYTE_MAX = 255
_TAIL_LENGTHS = (0, 2)  # RFC 9285, section 4: two characters for an odd last byte, never one


def decode(text: str) -> bytes:
    """Decode a Base45 text.

    Raises:
        RefusedError: BAD_BASE45 for a character outside the alphabet, a length of 3n + 1, or a group
            above 65535 (255 for the last two characters).
    """
    if not text.isascii():
        raise RefusedError(Reason.BAD_BASE45, "a character outside the Base45 alphabet")
    values = text.encode("ascii").translate(_VALUES)
    if _INVALID in values:
        raise RefusedError(Reason.BAD_BASE45, "a character outside the Base45 alphabet")
    if len(values) % 3 not in _TAIL_LENGTHS:
        raise RefusedError(Reason.BAD_BASE45, "the length leaves a single character over")
    return _triples(values) + _tail(values)


def _triples(values: bytes) -> bytes:
    """Turn whole groups c, d, e into c + 45 d + 2025 e, two bytes each, most significant first.

    A group takes one 24-bit lane of long integers, so that all groups are worked out in a few operations:
    a loop over the groups took a quarter as long as the signature check.
    """
    groups = len(values) // 3
    lanes = int.from_bytes(values[: 3 * groups], "little")
    low_bytes = int.from_bytes(b"\xff\0\0" * groups, "little")
    c, d, e = (lanes >> 8 * place & low_bytes for place in range(3))
    numbers = (c + 45 * d + 2025 * e).to_bytes(3 * groups, "little")  # 91124 at most: no lane runs over
    if numbers[2::3].count(0) != groups:
        raise RefusedError(Reason.BAD_BASE45, "a group of three characters above 65535")
    pairs = bytearray(2 * groups)
    pairs[0::2], pairs[1::2] = numbers[1::3], numbers[0::3]
    return bytes(pairs)


def _tail(values: bytes) -> bytes:
    if len(values) % 3 == 0:
        return b""
    last = values[-2] + 45 * values[-1]
    if last > _BYTE_MAX:
        raise RefusedError(Reason.BAD_BASE45, "the last two characters stand for more than a byte")
    return bytes([last])


def encode(data: bytes) -> str:
    """Encode bytes as Base45 text (RFC 9285, section 4)."""
    characters: list[str] = []
    for start in range(0, len(data), 2):
        group = data[start : start + 2]
        number = int.from_bytes(group, "big")
        for _ in range(len(group) + 1):
            number, value = divmod(number, 45)
            characters.append(ALPHABET[value])
    return "".join(characters)

"""Whether a QR code is one part of a divided message (structured append, ISO/IEC 18004): its text is no whole one.

zxing-cpp does not say so in Python, but gives the modules as it sampled them, before they were corrected.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from drivers.symbols.rescue.layout import blocks_of, layout_of, masks

if TYPE_CHECKING:
    import zxingcpp
    from numpy.typing import NDArray

NUMERIC, ALPHANUMERIC, BYTES, KANJI = 0b0001, 0b0010, 0b0100, 0b1000  # modes, table 2
DIVIDED: Final = np.array([0, 0, 1, 1], bool)  # the mode of a part, before all else
MODE_BITS: Final = 4
COUNT_BITS: Final = (  # table 3: of the character count, for versions up to
    (9, {NUMERIC: 10, ALPHANUMERIC: 9, BYTES: 8, KANJI: 8}),
    (26, {NUMERIC: 12, ALPHANUMERIC: 11, BYTES: 16, KANJI: 10}),
    (40, {NUMERIC: 14, ALPHANUMERIC: 13, BYTES: 16, KANJI: 12}),
)
DIVIDED_BITS: Final = 20  # mode, place, last place, and the parity of the whole message, before the part's own head
HEAD_BYTES: Final = 5  # of all that: 20 + 4 + 16 bits at most
WRONG_MAX: Final = 2  # bits of a part's head that error correction put right; by chance one code in 1,000 has no more


def is_part(code: zxingcpp.Barcode) -> bool:
    """Tell whether a QR code that was read is only a part; False also where that cannot be told."""
    told = getattr(code, "extra", {})  # since zxing-cpp 3.1
    if not {"Version", "DataMask", "ECLevel"} <= told.keys():
        return False
    version, level, mask = int(told["Version"]), told["ECLevel"], int(told["DataMask"])
    dark = np.asarray(code.to_image(scale=1, add_quiet_zones=False)) == 0
    if dark.shape != (layout_of(version).side,) * 2:
        return False
    heads = [
        _head(modules, version, level, mask) for modules in (dark, dark.T)
    ]  # a mirrored code is sampled as it lies
    own = _heads(code, version)
    whole = min(_wrong(head, bits) for head in heads for bits in own)
    part = min(_wrong(head, DIVIDED) + min(_wrong(head[DIVIDED_BITS:], bits) for bits in own) for head in heads)
    return part <= WRONG_MAX and part < whole


def _head(dark: NDArray[np.bool_], version: int, level: str, mask: int) -> NDArray[np.bool_]:
    """Return the first bits of the data, as they were sampled."""
    layout, codewords = layout_of(version), blocks_of(version, level).codewords_at[0]
    first = codewords[codewords >= 0][:HEAD_BYTES]
    head = replace(layout, data_at=layout.data_at.reshape(-1, 8)[first].ravel())
    unmasked: NDArray[np.bool_] = dark.ravel()[head.data_at] ^ masks(head)[mask]
    return unmasked


def _heads(code: zxingcpp.Barcode, version: int) -> list[NDArray[np.bool_]]:
    """Return how data may begin that are this text and nothing else: mode and count."""
    counts = {
        NUMERIC: len(code.text),
        ALPHANUMERIC: len(code.text),
        BYTES: len(code.bytes),
        KANJI: len(code.bytes) // 2,
    }
    widths = next(widths for upto, widths in COUNT_BITS if version <= upto)
    return [_bits((mode << widths[mode]) + count, MODE_BITS + widths[mode]) for mode, count in counts.items()]


def _wrong(sampled: NDArray[np.bool_], expected: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(sampled[: expected.size] != expected))


def _bits(number: int, width: int) -> NDArray[np.bool_]:
    return np.array([number >> place & 1 for place in reversed(range(width))], bool)

"""One reader alone as a reader of frames: to compare with, and for machines that are too slow for more."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from drivers.symbols import Seen
from drivers.symbols.bounds import largest
from drivers.symbols.course import around
from drivers.symbols.frame import frame_of
from drivers.symbols.hints import hint_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from drivers.symbols import ReaderKind, Symbol

    Luma = NDArray[np.uint8]


class Single:
    """One reader alone, as a reader of frames: no arms, no rescue."""

    fault: str | None = None
    pending = False

    def __init__(self, codes: Callable[[Luma], list[Symbol]]) -> None:
        """Read by `codes`, which takes any picture."""
        self._codes = codes

    def ready(self, timeout_s: float) -> bool:  # noqa: ARG002 - there is nothing to wait for
        """Be ready."""
        return True

    def read(self, luma: Luma, captured_ns: int = 0) -> Seen:
        """Read a frame (see `FrameReader.read`)."""
        frame = frame_of(luma)
        if symbols := largest(self._codes(frame.picture)):
            return Seen(symbols, None, "whole", around(symbols[0]), captured_ns)
        regions = frame.regions()
        region = regions[0] if regions else None
        return Seen([], hint_of(frame.picture, region), None, region, captured_ns)

    def poll(self, timeout_s: float) -> Seen | None:  # noqa: ARG002 - there is nothing to wait for
        """Give nothing."""
        return None

    def forget(self) -> None:
        """Know nothing anyway."""

    def close(self) -> None:
        """Have nothing to close."""


def open_single(kind: ReaderKind) -> Single:
    """Open one reader alone.

    Raises:
        DeviceMissingError: its library is not installed.
    """
    match kind:  # imported late: a process pays for the reader that it uses
        case "zxing":
            from drivers.symbols import zxing  # noqa: PLC0415 - see match

            return Single(lambda picture: zxing.codes_of(picture, zxing.BOTH, inverted=True, large=True))
        case "pyzbar":
            from drivers.symbols import zbar  # noqa: PLC0415 - see match

            return Single(zbar.codes_of)
        case _:
            assert_never(kind)

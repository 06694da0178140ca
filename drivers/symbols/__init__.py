"""The symbol reader ports: which codes a picture holds, and why a camera's frames give none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, assert_never

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from drivers.symbols.region import Region

ReaderKind = Literal["zxing", "pyzbar"]
FrameReaderKind = Literal["pipeline", "zxing", "pyzbar"]
Hint = Literal[
    "no-code", "too-far", "too-near", "motion", "out-of-focus", "glare", "too-dark", "too-bright", "partly-in-frame"
]
Arm = Literal[
    "whole",
    "sharpened",
    "inverted",
    "region",
    "smoothed",
    "threshold",
    "enlarged",
    "downscaled",
    "aztec",
    "zbar",
    "rescue",
]


@dataclass(frozen=True, slots=True)
class Symbol:
    """One code of a picture, with what it says."""

    text: str  # empty where its bytes are no text
    format: str  # "QRCode" or "Aztec", as zxing-cpp calls them, whichever reader read it
    # 4 of (x, y) in pixels, clockwise; from the symbol's own top left (zxing), else from the picture's (pyzbar)
    corners: tuple[tuple[int, int], ...]
    data: bytes = b""  # as the code has them


@dataclass(frozen=True, slots=True)
class Seen:
    """What a frame showed: its codes, or why there are none."""

    symbols: list[Symbol]
    hint: Hint | None = None  # None where something was read
    arm: Arm | None = None  # what read it
    region: Region | None = None  # where a code seems to be, in px of the frame: for exposure and focus
    captured_ns: int = 0  # of the frame that was read: an earlier one's where the rescue read it


class SymbolReader(Protocol):
    """Find codes in frames that anyone may have made: whatever the pixels are, no exception comes of them."""

    def read(self, luma: NDArray[np.uint8]) -> list[Symbol]:
        """Read the codes of a picture of (height_px, width_px): the largest of each text, the largest first.

        At most `bounds.SYMBOLS_MAX`. A code whose bytes are not text is left out.

        Raises:
            ValueError: this is no picture: wrong type, dimensions or size.
        """
        ...


class FrameReader(Protocol):
    """Read the frames of one camera, one after the other; what was learnt of a presentation serves its next frame."""

    def read(self, luma: NDArray[np.uint8], captured_ns: int = 0) -> Seen:
        """Read a frame of (height_px, width_px), within the budget; where it gives nothing, what a rescue read since.

        Codes whose bytes are no text are reported with an empty one. Whatever the pixels are, no exception comes
        of them. `captured_ns` comes back with what was read of this frame.

        Raises:
            ValueError: this is no picture: wrong type, dimensions or size.
        """
        ...

    def poll(self, timeout_s: float) -> Seen | None:
        """Give the rescue's answer for an earlier frame, waiting for it at most so long; None where none came."""
        ...

    @property
    def pending(self) -> bool:
        """Tell whether the rescue works on a frame now."""
        ...

    @property
    def fault(self) -> str | None:
        """Tell what keeps the rescue from working, in one line; None where nothing does."""
        ...

    def ready(self, timeout_s: float) -> bool:
        """Wait for the rescue's process at most so long; tell whether all is there."""
        ...

    def forget(self) -> None:
        """Carry nothing over: what comes next is another presentation, or another picture."""
        ...

    def close(self) -> None:
        """End the rescue's processes; twice is the same as once."""
        ...


def open_symbol_reader(kind: ReaderKind) -> SymbolReader:
    """Load a single reader.

    Raises:
        DeviceMissingError: its library is not installed; the cure names it.
    """
    match kind:  # imported late: a process pays for the reader that it uses
        case "zxing":
            from drivers.symbols.zxing import ZxingReader  # noqa: PLC0415 - see match

            return ZxingReader()
        case "pyzbar":
            from drivers.symbols.zbar import ZbarReader  # noqa: PLC0415 - see match

            return ZbarReader()
        case _:
            assert_never(kind)


def open_frame_reader(kind: FrameReaderKind, *, budget_ms: float, rescue_limit_ms: float) -> FrameReader:
    """Load the configured reader of a camera's frames.

    `budget_ms` bounds what a frame may cost, `rescue_limit_ms` a frame's rescue on another core (0: no rescue).
    Opened before any thread is started: the rescue's process is forked from this one.

    Raises:
        DeviceMissingError: a library is not installed; the cure names it.
    """
    if kind == "pipeline":  # imported late, as above
        from drivers.symbols.pipeline import open_pipeline  # noqa: PLC0415 - see if

        return open_pipeline(budget_ms=budget_ms, rescue_limit_ms=rescue_limit_ms)
    from drivers.symbols.single import open_single  # noqa: PLC0415 - as above

    return open_single(kind)

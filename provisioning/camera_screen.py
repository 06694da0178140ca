"""The live table of `greengate camera tune`: bars that grow as the picture gets better."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from provisioning.camera_advice import BLUR_FIT_PX, turning
from provisioning.camera_sight import Sight
from provisioning.camera_watch import Seen
from provisioning.talk import Talk
from provisioning.words import plain

BAR_CHARS = 20  # with its name and its value within 80 columns, in both languages
MODULE_FULL_PX = 6.0  # a bar that is full: no reader asks for more
WHITE = 255.0


class Screen:
    """Draw what is seen, where somebody looks on; for scripts nothing."""

    def __init__(self, talk: Talk, *, sweep: bool) -> None:
        """Draw on standard error, so that what is told at the end stays alone on standard output."""
        console = Console(stderr=True)
        self._talk, self._waiting = talk, "sweeping" if sweep else "opening"
        self._live = None if talk.as_json or not console.is_terminal else Live(console=console, transient=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
            self._live.update(self._talk.text("opening"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, seen: Seen) -> None:
        """Draw the newest sight."""
        if self._live is None:
            return
        if not seen.sights:
            self._live.update(self._talk.text(self._waiting))
        else:
            self._live.update(table(self._talk, seen))


def table(talk: Talk, seen: Seen) -> Table:
    """Return the newest sight as a table: what, how much, a bar."""
    sight = seen.sights[-1]
    best = min((one.blur_px for one in seen.sights if one.blur_px is not None), default=None)
    drawn = Table.grid(padding=(0, 2))
    for name, value, share in rows(talk, sight, best):
        drawn.add_row(name, value, bar(share))
    if seen.opened.lens is None:
        drawn.add_row("", talk.text(turning(sight.blur_px, best)), "")
    return drawn


def rows(talk: Talk, sight: Sight, best_px: float | None) -> list[tuple[str, str, float]]:
    """Return name, value and share (0 to 1) of each row."""
    state = "code-read" if sight.read else "code-none" if sight.bright is None else "code-seen"
    told = " · ".join(
        text
        for text in (
            "" if sight.exposure_us is None else f"{sight.exposure_us / 1000:.1f} ms",
            "" if sight.gain is None else f"x {sight.gain:.1f}",
            "" if sight.lens_position is None else f"{sight.lens_position:.1f} dpt",
        )
        if text
    )
    return [
        (talk.text("row-code"), talk.text(state), float(sight.read)),
        (talk.text("row-sharpness"), _px(sight.blur_px), sharpness(sight.blur_px, best_px)),
        (
            talk.text("row-brightness"),
            "-" if sight.bright is None else f"{sight.bright:.0f}",
            (sight.bright or 0) / WHITE,
        ),
        (talk.text("row-module"), _px(sight.module_px), (sight.module_px or 0) / MODULE_FULL_PX),
        (talk.text("row-taken"), plain(told) or "-", 0.0),
        (talk.text("row-fps"), f"{sight.fps:.1f}", 0.0),
    ]


def sharpness(blur_px: float | None, best_px: float | None) -> float:
    """Return how sharp it is, 0 to 1 (as sharp as a lens makes it, or as it was at the best)."""
    if blur_px is None or best_px is None:
        return 0.0
    return min(1.0, min(best_px, BLUR_FIT_PX) / max(blur_px, 0.01))


def bar(share: float) -> str:
    """Return a bar of so much of its length."""
    return "█" * round(min(max(share, 0.0), 1.0) * BAR_CHARS)


def _px(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} px"

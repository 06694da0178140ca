"""The last words of a program that ends by an unexpected error."""

from types import TracebackType

from firmware.events import Crashed, log, place_of


def report_crash(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """Log an error's kind and place (a `sys.excepthook`): Python's own would print its text, which may quote a pass."""
    log(Crashed(kind.__name__, place_of(error)))

"""Ctrl-C between two steps, never within one.

cbor2 calls Python from C and throws away what is raised there: one Ctrl-C in twelve came while it encoded a permit, and
was lost with two lines of trace on standard error.
"""

import contextlib
import signal
from collections.abc import Iterator

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def unbroken() -> Iterator[None]:
    """Do a step whole: who stops the command meanwhile stops it right after.

    For a command's main thread, where signals that stop it raise KeyboardInterrupt.
    """
    heard: list[int] = []
    held = [number for number in _STOPS if signal.getsignal(number) is signal.default_int_handler]
    for number in held:
        signal.signal(number, lambda which, _frame: heard.append(which))
    try:
        yield
    finally:
        for number in held:
            signal.signal(number, signal.default_int_handler)
    if heard:
        raise KeyboardInterrupt

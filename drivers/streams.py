"""A command's three streams: there even where its caller closed them, and no traceback where nobody takes its words."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_UNHEARD = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE, errno.EBADF}


@contextlib.contextmanager
def standard_streams(cannot_write: int) -> Iterator[None]:
    """Run a command with all three streams, whatever its terminal knows; leave with `cannot_write` where they fail.

    A closed one is put to /dev/null, or the next file that is opened, which may hold a key, would become the stream of
    every program that the command starts.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - open until the process ends
            setattr(sys, name, nowhere)
        elif isinstance(stream, io.TextIOWrapper):  # a terminal that knows no Vietnamese still gets its answer
            stream.reconfigure(errors="replace" if name == "stdin" else "backslashreplace")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or error.errno not in _UNHEARD:
            raise
        _give_up(error, cannot_write)


def _give_up(error: OSError, cannot_write: int) -> None:
    with contextlib.suppress(OSError):
        if error.errno != errno.EPIPE:  # `| head`: nobody wants to know
            sys.stderr.write(f"standard output: {error.strerror}: make room, or send it elsewhere\n")
    with Path(os.devnull).open("wb") as nowhere:  # what is buffered goes there at the end
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    sys.exit(cannot_write)

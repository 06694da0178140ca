"""Tell the supervisor (systemd or ours) how this program is: sd_notify(3), protocol only."""

import contextlib
import os
import socket
from typing import Final

READY: Final = "READY=1"
ALIVE: Final = "WATCHDOG=1"
STOPPING: Final = "STOPPING=1"
STATUS: Final = "STATUS="  # and how it is, in words

_untold: list[str] = []


def notify(*states: str) -> None:
    """Send the states to `$NOTIFY_SOCKET`, without ever blocking or failing; do nothing where there is none.

    READY, which is said once only and begins the watchdog, goes with the next states where it was not taken.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # an abstract socket: unix(7)
        address = "\0" + address[1:]
    said = (*_untold, *states)
    _untold[:] = [READY] if READY in said else []
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0)  # a supervisor that does not read must not stop a gate
        sock.sendto("\n".join(said).encode(), address)
        _untold.clear()

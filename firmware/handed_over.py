"""The panel's listening socket where systemd has bound it: sd_listen_fds(3), protocol only.

So the panel needs no network of its own: in a network namespace that is empty (PrivateNetwork=) it answers who comes in
by this socket, and can reach nobody.
"""

import os
import socket
from ipaddress import ip_address

from firmware.config import ConfigError
from firmware.config_sections import PanelConfig

FIRST = 3  # SD_LISTEN_FDS_START
CURE = "set ListenStream= of the panel's socket unit to panel.host and panel.port"


def handed_over(panel: PanelConfig) -> socket.socket | None:
    """Return the listening socket that this program was started with, None where there is none.

    Raises: ConfigError where it is not the page's address, or there are several.
    """
    count = os.environ.pop("LISTEN_FDS", "")  # popped: it is not for this program's own children
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()) or count in {"", "0"}:
        return None
    if count != "1":
        raise ConfigError(f"{count} sockets were handed over: the panel takes one")
    try:
        os.set_inheritable(FIRST, False)  # noqa: FBT003 - the library's own signature
        listener = socket.socket(fileno=FIRST)
    except OSError:
        raise ConfigError(f"what was handed over is no socket: {CURE}") from None
    try:
        _check(listener, panel)
    except ConfigError:
        listener.close()
        raise
    return listener


def _check(listener: socket.socket, panel: PanelConfig) -> None:
    """Make sure that the socket is the configured one: a page meant for this machine alone must not be open to all."""
    listening = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if listener.family not in {socket.AF_INET, socket.AF_INET6} or not listening:
        raise ConfigError(f"the socket handed over takes no TCP connections: {CURE}")
    host, port, *_ = listener.getsockname()
    if port != panel.port or not _same_host(host, panel.host):
        raise ConfigError(f"the socket handed over is {host} port {port}, not {panel.host} port {panel.port}: {CURE}")


def _same_host(bound: str, configured: str) -> bool:
    try:
        return ip_address(bound) == ip_address(configured)
    except ValueError:  # a name, which only a network could tell
        return configured != "localhost" or ip_address(bound).is_loopback

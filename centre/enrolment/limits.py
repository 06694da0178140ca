"""What the enrolment service allows strangers: how many connections, how long, how often.

128 bits cannot be guessed, so the limits guard the machine, not the codes: nobody can lock a device out by sending
wrong codes in its name, as the right one is never counted.
"""

import gc
import socket
from collections import OrderedDict
from ipaddress import ip_address
from typing import Any, NamedTuple

CONNECTIONS_MAX = 256  # ours: 500 devices take turns; far from 1024 descriptors
CONNECTIONS_OF_ONE = 128  # ours: a site's devices may share one address
KEYS_MAX = 10_000  # ours: addresses and names that are remembered, about 2 MB
GARBAGE_EVERY = 64  # ours: connections; asyncio's TLS leaves 256 KiB each in a cycle, and Python looks for those rarely
IPV6_SITE_BYTES = 8  # an IPv6 client has a whole /64 to choose from


class Rate(NamedTuple):
    """So many at once, and then so many a second."""

    burst: float
    per_s: float


class Limits(NamedTuple):
    """How often what may be asked."""

    requests: Rate = Rate(1500, 10)  # by address: 500 devices of one site, three requests each, all at once
    refusals: Rate = Rate(10, 1 / 60)  # by device's name, of codes that are wrong
    renewals: Rate = Rate(10, 1 / 60)  # by device


class Buckets:
    """Count by key at one rate; what has not been seen for longest is forgotten first."""

    def __init__(self, rate: Rate) -> None:
        """Begin with nothing counted."""
        self._rate = rate
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now_s: float) -> bool:
        """Count one; return whether it is within the rate."""
        left = self._left_at(key, now_s)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now_s)
        self._left.move_to_end(key)
        if len(self._left) > KEYS_MAX:
            self._left.popitem(last=False)
        return allowed

    def _left_at(self, key: str, now_s: float) -> float:
        left, since_s = self._left.get(key, (self._rate.burst, now_s))
        return min(self._rate.burst, left + max(0.0, now_s - since_s) * self._rate.per_s)


def site_of(address: str) -> str:
    """Return what is counted as one address."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if ip.version == 6 and ip.ipv4_mapped is None:  # noqa: PLR2004 - IP's version
        return ip.packed[:IPV6_SITE_BYTES].hex()
    return str(ip)


class Listener(socket.socket):
    """A listening socket that makes room: over the limit, the oldest connection (of that address) is ended.

    So whoever connects and says nothing, TLS not even begun, keeps nobody out.
    """

    _open: dict[socket.socket, str]
    _accepted = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept, and end what is too many; what uses that one sees its end and closes it."""
        made, address = super().accept()
        known = getattr(self, "_open", {})
        self._open = {other: whose for other, whose in known.items() if other.fileno() >= 0}
        self._open[made] = site = site_of(address[0])
        _end_oldest(list(self._open), CONNECTIONS_MAX)
        _end_oldest([other for other, whose in self._open.items() if whose == site], CONNECTIONS_OF_ONE)
        self._accepted += 1
        if self._accepted % GARBAGE_EVERY == 0:
            gc.collect()
        return made, address


def _end_oldest(connections: list[socket.socket], limit: int) -> None:
    for other in connections[: max(0, len(connections) - limit)]:
        try:
            other.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue  # it has ended by itself

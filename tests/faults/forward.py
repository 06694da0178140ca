"""The packets' way between two namespaces, as a program: `python -m tests.faults.forward SEED` (tests/faults/link.py).

It makes two network namespaces with a tun device in each, and carries packets from one to the other. Nothing of it has
a name in the system: namespaces and devices are gone with this process, however it ends. Tun devices and no pair of
veth: what is read from them has real checksums and is no larger than the MTU, as on a wire.

Standard input: one JSON object a line, `Impairment` for one direction each; answered by an empty line. It ends with it.
"""

import ctypes
import fcntl
import heapq
import json
import os
import selectors
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

CLONE_NEWNET = 0x40000000  # sched.h
TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TUN, IFF_NO_PI = 0x1, 0x1000
PACKET_MAX_BYTES = 2048  # the MTU is 1500
ADDRESSES = ("10.99.0.1", "10.99.0.2")  # in namespaces of their own: they meet nobody else's


@dataclass
class Impairment:
    """What happens to the packets of one direction; the chances are independent of each other."""

    loss: float = 0.0
    duplicate: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0  # evenly before and after the delay: later packets overtake earlier ones
    cut: bool = False  # silently: nobody is told


@dataclass(order=True)
class Waiting:
    due_s: float
    number: int
    end: int = field(compare=False)
    packet: bytes = field(compare=False)


class Forwarder:
    """Carries packets between the tun devices of both ends."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self._impairments = [Impairment(), Impairment()]  # of what leaves the kiosk's end, the centre's end
        self._queue: list[Waiting] = []
        self._number = 0
        self.namespaces, self._tuns = zip(*(_end(number) for number in range(2)), strict=True)

    def run(self) -> None:
        """Carry packets until standard input ends."""
        selector = selectors.DefaultSelector()
        selector.register(sys.stdin.buffer.raw, selectors.EVENT_READ)  # type: ignore[attr-defined] # unbuffered
        for tun in self._tuns:
            selector.register(tun, selectors.EVENT_READ)
        pending = b""
        while True:
            for key, _ in selector.select(self._wait_s()):
                if key.fd != sys.stdin.fileno():
                    self._arrived(self._tuns.index(key.fd))
                    continue
                data = os.read(key.fd, 65536)
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self._told(json.loads(line))
            self._send_due()

    def _told(self, message: dict[str, Any]) -> None:
        end = message.pop("end")
        self._impairments[end] = Impairment(**message)
        sys.stdout.write("\n")
        sys.stdout.flush()

    def _wait_s(self) -> float | None:
        return max(0.0, self._queue[0].due_s - time.monotonic()) if self._queue else None

    def _arrived(self, end: int) -> None:
        packet, how = os.read(self._tuns[end], PACKET_MAX_BYTES), self._impairments[end]
        for _ in range(1 + (self._random.random() < how.duplicate)):
            if how.cut or self._random.random() < how.loss:
                continue
            delay_s = how.delay_s + self._random.uniform(-how.jitter_s, how.jitter_s)
            self._number += 1
            heapq.heappush(self._queue, Waiting(time.monotonic() + delay_s, self._number, 1 - end, packet))

    def _send_due(self) -> None:
        now_s = time.monotonic()
        while self._queue and self._queue[0].due_s <= now_s:
            waiting = heapq.heappop(self._queue)
            os.write(self._tuns[waiting.end], waiting.packet)


def _end(number: int) -> tuple[int, int]:
    """Enter a new namespace and make one end in it; return the namespace's and the device's descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"wire", IFF_TUN | IFF_NO_PI))
    address = ("address", "add", ADDRESSES[number], "peer", ADDRESSES[1 - number], "dev", "wire")
    for command in (address, ("link", "set", "dev", "wire", "up"), ("link", "set", "dev", "lo", "up")):
        subprocess.run(("ip", *command), check=True)
    return os.open("/proc/self/ns/net", os.O_RDONLY), tun


def main() -> int:
    """Make the ends, say which descriptors the namespaces have, and carry packets."""
    forwarder = Forwarder(int(sys.argv[1]))
    sys.stdout.write("{} {}\n".format(*forwarder.namespaces))
    sys.stdout.flush()
    forwarder.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

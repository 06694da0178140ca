"""A broker that says it has a message and loses it: between a client and a real broker, over plain TCP.

It answers PUBLISH packets that it swallows with a PUBACK of its own, in both directions; all else goes through.
"""

import selectors
import socket
import threading
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Self

from tests.fixtures_mqtt import HOST

PUBLISH, PUBACK = 3, 4  # MQTT 3.1.1 and 5, 2.1.2
LENGTH_BITS = 7


class Liar:
    """Listens on a port of its own; `share` of the messages with QoS 1 are acknowledged and lost."""

    def __init__(self, broker_port: int, share: float, seed: int = 1) -> None:
        self.share = share
        self.swallowed = 0
        self._broker_port = broker_port
        self._random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):  # it is closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with suppress(OSError), socket.create_connection((HOST, self._broker_port)) as broker, client:
            self._open += [client, broker]
            pending = {client: b"", broker: b""}
            selector = selectors.DefaultSelector()
            for end in pending:
                selector.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    source = client if key.fileobj is client else broker
                    data = source.recv(65536)
                    if not data:
                        return
                    pending[source] = self._pass(pending[source] + data, source, broker if source is client else client)

    def _pass(self, data: bytes, source: socket.socket, target: socket.socket) -> bytes:
        """Pass whole packets on, or swallow them; return what is left of the last."""
        while (length := _packet_length(data)) is not None and len(data) >= length:
            packet, data = data[:length], data[length:]
            identifier = _identifier(packet)
            if identifier is not None and self._random.random() < self.share:
                self.swallowed += 1
                source.sendall(bytes([PUBACK << 4, 2]) + identifier)
            else:
                target.sendall(packet)
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in (self._listener, *self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _head(data: bytes) -> tuple[int, int] | None:
    """Return how long a packet's fixed header and its rest are (2.2.3); None while that has not all come."""
    rest = 0
    for place, byte in enumerate(data[1:5]):
        rest |= (byte & 0x7F) << (LENGTH_BITS * place)
        if byte < 1 << LENGTH_BITS:
            return 2 + place, rest
    return None


def _packet_length(data: bytes) -> int | None:
    head = _head(data)
    return None if head is None else sum(head)


def _identifier(packet: bytes) -> bytes | None:
    """Return the number of a message with QoS 1, None of all else."""
    if packet[0] >> 4 != PUBLISH or not packet[0] & 0b110:
        return None
    head = _head(packet)
    assert head is not None
    begin = head[0]
    topic = int.from_bytes(packet[begin : begin + 2], "big")
    return packet[begin + 2 + topic : begin + 4 + topic]

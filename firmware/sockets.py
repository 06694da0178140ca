"""Unix sockets that keep message boundaries (SOCK_SEQPACKET), and who sits on them."""

import contextlib
import selectors
import socket
from collections.abc import Callable
from pathlib import Path

from firmware.messages import (
    MAX_MESSAGE_BYTES,
    Event,
    MessageError,
    ReaderMessage,
    decode_reader_message,
    encode,
)
from firmware.program import FOLDER_MODE
from firmware.small_files import inode_of

CLIENTS_MAX = 16  # ours: a panel, a desk screen, and some left over; bounds memory and descriptors
BACKLOG = 8
SOCKET_MODE = 0o660  # readers and panels run as users of their own, in the gate's group


def listen(path: Path) -> socket.socket:
    """Listen on a Unix socket, in place of one that a dead program left behind.

    Raises: OSError.
    """
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        server.bind(str(path))
        path.chmod(SOCKET_MODE)
        server.listen(BACKLOG)
        server.settimeout(0)
    except OSError:
        server.close()
        raise
    return server


def connect(path: Path) -> socket.socket:
    """Connect to a Unix socket, non-blocking.

    Raises: OSError where nobody listens.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        client.settimeout(0)
        client.connect(str(path))
    except OSError:
        client.close()
        raise
    return client


class Clients:
    """A listening socket with its clients in a selector; each one that misbehaves is dropped, none is waited for."""

    def __init__(self, selector: selectors.BaseSelector, path: Path) -> None:
        """Listen on `path`. Raises: OSError."""
        self._selector = selector
        self._path = path
        self.sockets: list[socket.socket] = []
        self._listen()

    def mend(self) -> None:
        """Listen anew where the socket's file was deleted or replaced: nobody would find us any more."""
        if inode_of(self._path) == self._inode:
            return
        with contextlib.suppress(OSError):  # not yet: again at the next call
            before = self._server
            self._listen()
            self._selector.unregister(before)
            before.close()

    def joined(self, client: socket.socket) -> None:
        """Greet a new client."""

    def readable(self, client: socket.socket) -> None:
        """Take what a client has sent."""
        raise NotImplementedError

    def drop(self, client: socket.socket) -> None:
        """Close a client's socket; a second call does nothing."""
        if client in self.sockets:
            self.sockets.remove(client)
            self._selector.unregister(client)
            client.close()

    def close(self) -> None:
        """Close all sockets."""
        for client in list(self.sockets):
            self.drop(client)
        self._selector.unregister(self._server)
        self._server.close()

    def _listen(self) -> None:
        self._path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._server = listen(self._path)
        self._inode = inode_of(self._path)
        self._selector.register(self._server, selectors.EVENT_READ, self._accept)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # gone again already, or out of descriptors
            client, _ = self._server.accept()
            client.settimeout(0)
            if len(self.sockets) >= CLIENTS_MAX:
                self.drop(self.sockets[0])  # the oldest: silent ones must not shut the next reader out
            self.sockets.append(client)
            self._selector.register(client, selectors.EVENT_READ, lambda: self.readable(client))
            self.joined(client)


class ReaderPort(Clients):
    """Where readers send what they read."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        path: Path,
        take: Callable[[ReaderMessage], None],
        malformed: Callable[[], None],
    ) -> None:
        """Hand each message to `take`; call `malformed` for what is none. Raises: OSError."""
        super().__init__(selector, path)
        self._take = take
        self._malformed = malformed

    def readable(self, client: socket.socket) -> None:
        """Take one message, so that lamps have their turn between two."""
        try:
            data = client.recv(MAX_MESSAGE_BYTES + 1)
            message = decode_reader_message(data) if data else None
        except BlockingIOError:
            return
        except OSError:
            message = None
        except MessageError:
            self._malformed()
            message = None
        if message is None:
            self.drop(client)
        else:
            self._take(message)


class EventPort(Clients):
    """Where panels listen: each new one learns the latest state at once."""

    def __init__(self, selector: selectors.BaseSelector, path: Path) -> None:
        """Listen. Raises: OSError."""
        super().__init__(selector, path)
        self._latest: dict[type, bytes] = {}

    def tell(self, event: Event) -> None:
        """Send an event to all; who does not keep up is dropped."""
        data = encode(event)
        self._latest[type(event)] = data
        for client in list(self.sockets):
            self._send(client, data)

    def joined(self, client: socket.socket) -> None:
        """Send the latest of each kind."""
        for data in self._latest.values():
            self._send(client, data)

    def readable(self, client: socket.socket) -> None:
        """Drop who speaks or has gone: panels only listen."""
        self.drop(client)

    def _send(self, client: socket.socket, data: bytes) -> None:
        try:
            client.send(data)
        except OSError:  # full, or gone
            self.drop(client)

"""A broker in this process, whose bus can be cut, and can lose, repeat and hold back messages."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Self

from drivers.broker import PAYLOAD_MAX_BYTES, Message
from drivers.broker.topics import Filter, check_topic, matches, parse_filter
from drivers.errors import BrokerError

if TYPE_CHECKING:
    from types import TracebackType


class SimulatedBus:
    """What joins simulated brokers; its verbs may be called from any thread."""

    def __init__(self) -> None:
        self.turn = threading.Condition()  # guards everything on the bus, and tells of each message
        self._clients: list[SimulatedBroker] = []
        self._cut = False
        self._drop = self._repeat = self._hold = 0
        self._held: list[Message] = []
        self._shares: defaultdict[str, itertools.count[int]] = defaultdict(itertools.count)

    @property
    def fault(self) -> str | None:
        """Why nobody is connected."""
        return "the bus is cut" if self._cut else None

    def broker(self, client_id: str) -> SimulatedBroker:
        """Open a client."""
        return SimulatedBroker(self, client_id)

    def join(self, client: SimulatedBroker) -> None:
        """Take a client in; one of the same name is closed, as a real broker does."""
        with self.turn:
            for same in [known for known in self._clients if known.client_id == client.client_id]:
                same.close()
            self._clients.append(client)

    def cut(self) -> None:
        """Disconnect everybody."""
        with self.turn:
            self._cut = True

    def restore(self) -> None:
        """Connect everybody again, with their subscriptions."""
        with self.turn:
            self._cut = False

    def drop_next(self, count: int) -> None:
        """Lose the next messages, unnoticed by who sends them."""
        with self.turn:
            self._drop += count

    def duplicate_next(self, count: int) -> None:
        """Deliver the next messages twice."""
        with self.turn:
            self._repeat += count

    def delay_next(self, count: int) -> None:
        """Hold the next messages back until `release`, so that later ones overtake them."""
        with self.turn:
            self._hold += count

    def release(self) -> None:
        """Deliver what was held back."""
        with self.turn:
            held, self._held = self._held, []
            for message in held:
                self._deliver(message)

    def carry(self, message: Message) -> None:
        """Take a message from a client, to whatever is to become of it."""
        if self._drop:
            self._drop -= 1
        elif self._hold:
            self._hold -= 1
            self._held.append(message)
        else:
            self._deliver(message)
            if self._repeat:
                self._repeat -= 1
                self._deliver(message)

    def remove(self, client: SimulatedBroker) -> None:
        """Forget a client."""
        if client in self._clients:
            self._clients.remove(client)

    def _deliver(self, message: Message) -> None:
        if self._cut:
            return
        groups: defaultdict[str, list[SimulatedBroker]] = defaultdict(list)
        for client in self._clients:
            wanted = [found for found in client.filters if matches(found, message.topic)]
            if any(found.group is None for found in wanted):
                client.put(message)
            for group in {found.group for found in wanted if found.group is not None}:
                groups[group].append(client)
        for group, members in groups.items():
            members[next(self._shares[group]) % len(members)].put(message)
        self.turn.notify_all()


class SimulatedBroker:
    """A `Broker` on a `SimulatedBus`."""

    def __init__(self, bus: SimulatedBus, client_id: str) -> None:
        self.client_id = client_id
        self.filters: set[Filter] = set()
        self._bus = bus
        self._received: deque[Message] = deque()
        self._closed = False
        bus.join(self)

    @property
    def connected(self) -> bool:
        """See `Broker.connected`."""
        return self.fault is None

    @property
    def fault(self) -> str | None:
        """See `Broker.fault`."""
        return "closed" if self._closed else self._bus.fault

    @property
    def dropped(self) -> int:
        """See `Broker.dropped`: what `publish` takes is never too large or unreadable."""
        return 0

    def subscribe(self, topic: str) -> None:
        """Subscribe; see `Broker.subscribe`."""
        wanted = parse_filter(topic)
        with self._bus.turn:
            self.filters.add(wanted)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish; see `Broker.publish`."""
        check_topic(topic)
        if len(payload) > PAYLOAD_MAX_BYTES:
            raise BrokerError(f"a message of {len(payload)} bytes is too large", cure="send it in parts")
        with self._bus.turn:
            if self.fault is not None:
                raise BrokerError(f"not connected: {self.fault}", cure="restore the bus")
            self._bus.carry(Message(topic, payload))

    def receive(self, timeout_s: float) -> Message | None:
        """Take a message; see `Broker.receive`."""
        with self._bus.turn:
            self._bus.turn.wait_for(lambda: bool(self._received) or self._closed, timeout_s)
            return self._received.popleft() if self._received else None

    def put(self, message: Message) -> None:
        """Take a message from the bus."""
        self._received.append(message)

    def close(self) -> None:
        """Leave the bus; see `Broker.close`."""
        with self._bus.turn:
            self._closed = True
            self._bus.remove(self)
            self._bus.turn.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

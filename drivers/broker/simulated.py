"""A broker in this process, whose bus can be cut, and can lose, repeat and hold back messages."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING, NamedTuple, Self

from drivers.broker import PAYLOAD_MAX_BYTES, Message, Will
from drivers.broker.topics import Filter, check_topic, matches, parse_filter
from drivers.errors import BrokerError

if TYPE_CHECKING:
    from types import TracebackType


class _Published(NamedTuple):
    message: Message
    retained: bool


class SimulatedBus:
    """What joins simulated brokers; its verbs may be called from any thread.

    Sessions last for as long as the bus; what waits in them is kept through any cut.
    """

    def __init__(self) -> None:
        self.turn = threading.Condition()  # guards everything on the bus, and tells of each message
        self._clients: list[SimulatedBroker] = []
        self._away: dict[str, SimulatedBroker] = {}  # closed clients whose sessions are kept
        self._retained: dict[str, Message] = {}
        self._cut = False
        self._drop = self._repeat = self._hold = 0
        self._held: list[_Published] = []
        self._shares: defaultdict[str, itertools.count[int]] = defaultdict(itertools.count)

    def broker(self, client_id: str, will: Will | None = None, session_s: int = 0) -> SimulatedBroker:
        """Open a client; see `open_broker`."""
        return SimulatedBroker(self, client_id, will, session_s)

    def join(self, client: SimulatedBroker) -> None:
        """Take a client in; one of the same name is lost, and closed, as with a real broker."""
        with self.turn:
            for same in [known for known in self._clients if known.client_id == client.client_id]:
                self.lose(same.client_id)
                same.close()
            before = self._away.pop(client.client_id, None)
            if before is not None and client.session_s:
                client.resume(before)
            self._clients.append(client)
            client.cut_off = self._cut
            client.begin()

    def cut(self) -> None:
        """Disconnect everybody; the broker learns of it, and publishes their wills."""
        with self.turn:
            self._cut = True
            for client in self._clients:
                self.lose(client.client_id)

    def restore(self) -> None:
        """Connect everybody again, with their subscriptions."""
        with self.turn:
            self._cut = False
            for client in [client for client in self._clients if client.cut_off]:
                client.cut_off = False
                client.begin()
                for wanted in client.filters:
                    self.give_retained(client, wanted)
            self.turn.notify_all()

    def lose(self, client_id: str) -> None:
        """Disconnect one client without a word, until `restore`; its will is published."""
        with self.turn:
            for client in [client for client in self._clients if client.client_id == client_id and not client.cut_off]:
                client.cut_off = True
                if client.will_now is not None:
                    self._deliver(_Published(client.will_now, retained=True))

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
            for published in held:
                self._deliver(published)

    def carry(self, message: Message, *, retained: bool) -> None:
        """Take a message from a client, to whatever is to become of it."""
        published = _Published(message, retained)
        if self._drop:
            self._drop -= 1
        elif self._hold:
            self._hold -= 1
            self._held.append(published)
        else:
            self._deliver(published)
            if self._repeat:
                self._repeat -= 1
                self._deliver(published)

    def give_retained(self, client: SimulatedBroker, wanted: Filter) -> None:
        """Deliver what is retained to who subscribes; not to who shares (MQTT 5, 4.8.2)."""
        if wanted.group is None and client.fault is None:
            for message in [kept for topic, kept in self._retained.items() if matches(wanted, topic)]:
                client.put(message)
            self.turn.notify_all()

    def remove(self, client: SimulatedBroker) -> None:
        """Forget a client, but not its session."""
        if client in self._clients:
            self._clients.remove(client)
            if client.session_s:
                self._away[client.client_id] = client

    def _deliver(self, published: _Published) -> None:
        message, retained = published
        if retained and message.payload:
            self._retained[message.topic] = message
        elif retained:
            self._retained.pop(message.topic, None)
        groups: defaultdict[str, list[SimulatedBroker]] = defaultdict(list)
        for client in [*self._clients, *self._away.values()]:
            if client.fault is not None and not client.session_s:
                continue
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

    def __init__(self, bus: SimulatedBus, client_id: str, will: Will | None = None, session_s: int = 0) -> None:
        self.client_id = client_id
        self.session_s = session_s
        self.filters: set[Filter] = set()
        self.cut_off = False
        self.will_now: Message | None = None
        self._bus = bus
        self._will = will
        self._received: deque[Message] = deque()
        self._waiting: deque[Message] = deque()  # at the broker, for when this client is back
        self._closed = False
        self._connections = 0
        bus.join(self)

    @property
    def connected(self) -> bool:
        """See `Broker.connected`."""
        return self.fault is None

    @property
    def connection(self) -> int:
        """See `Broker.connection`."""
        return self._connections

    @property
    def fault(self) -> str | None:
        """See `Broker.fault`."""
        if self._closed:
            return "closed"
        return "the bus is cut" if self.cut_off else None

    @property
    def dropped(self) -> int:
        """See `Broker.dropped`: what `publish` takes is never too large or unreadable."""
        return 0

    def subscribe(self, topic: str) -> None:
        """Subscribe; see `Broker.subscribe`."""
        wanted = parse_filter(topic)
        with self._bus.turn:
            self.filters.add(wanted)
            self._bus.give_retained(self, wanted)

    def publish(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """Publish; see `Broker.publish`."""
        check_topic(topic)
        if len(payload) > PAYLOAD_MAX_BYTES:
            raise BrokerError(f"a message of {len(payload)} bytes is too large", cure="send it in parts")
        with self._bus.turn:
            if self.fault is not None:
                raise BrokerError(f"not connected: {self.fault}", cure="restore the bus")
            self._bus.carry(Message(topic, payload), retained=retained)

    def receive(self, timeout_s: float) -> Message | None:
        """Take a message; see `Broker.receive`."""
        with self._bus.turn:
            self._bus.turn.wait_for(lambda: bool(self._arrived()) or self._closed, timeout_s)
            arrived = self._arrived()
            return arrived.popleft() if arrived else None

    def put(self, message: Message) -> None:
        """Take a message from the bus, or let it wait there in this client's session."""
        (self._received if self.fault is None else self._waiting).append(message)

    def resume(self, before: SimulatedBroker) -> None:
        """Go on with the session of a client of the same name that has gone."""
        self.filters |= before.filters
        self._waiting.extend(before._waiting)

    def begin(self) -> None:
        """Begin a connection, with a will of its own; see `Will`."""
        self._connections += 1
        payload = None if self._will is None else self._will.payload()
        self.will_now = Message(self._will.topic, payload) if self._will is not None and payload is not None else None

    def close(self) -> None:
        """Leave the bus; see `Broker.close`."""
        with self._bus.turn:
            self._closed = True
            self._bus.remove(self)
            self._bus.turn.notify_all()

    def _arrived(self) -> deque[Message]:
        """Return what is here, after what waited at the broker has come if this client is connected."""
        if self.fault is None and self._waiting:
            self._received.extend(self._waiting)
            self._waiting.clear()
        return self._received

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

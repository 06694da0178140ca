"""The brokers that every promise is tested on: the simulated bus and a real mosquitto in each of its kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from drivers.broker import Broker, Will, open_broker
from drivers.broker.simulated import SimulatedBroker, SimulatedBus
from tests.drivers.broker_rig import lose, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fixtures_mqtt import Authority, Mosquitto


class Site(Protocol):
    """A broker that clients connect to, and that can go away."""

    def client(self, client_id: str, will: Will | None = None, session_s: int = 0) -> Broker: ...
    def cut(self) -> None: ...
    def restore(self) -> None: ...
    def lose(self, client: Broker) -> None:
        """End a client's connection without a word; it reconnects."""
        ...


class SimulatedSite:
    def __init__(self) -> None:
        self._bus = bus = SimulatedBus()
        self.client, self.cut, self.restore = bus.broker, bus.cut, bus.restore

    def lose(self, client: Broker) -> None:
        assert isinstance(client, SimulatedBroker)
        self._bus.lose(client.client_id)
        self._bus.restore()


class RealSite:
    def __init__(self, mosquitto: Mosquitto, protocol: str, authority: Authority | None = None) -> None:
        self._mosquitto, self._protocol, self._authority = mosquitto, protocol, authority
        self.cut, self.restore = mosquitto.stop, mosquitto.start

    def lose(self, client: Broker) -> None:
        lose(client)

    def client(self, client_id: str, will: Will | None = None, session_s: int = 0) -> Broker:
        ca = certificate = key = None
        if self._authority is not None:
            ca, (certificate, key) = self._authority.file, self._authority.issue(client_id)
        return open_broker(
            "mqtt",
            host=self._mosquitto.host,
            port=self._mosquitto.port,
            client_id=client_id,
            ca=ca,
            certificate=certificate,
            key=key,
            protocol=self._protocol,
            will=will,
            session_s=session_s,
            retry_min_s=0.05,
        )


SITES: dict[str, Callable[[pytest.FixtureRequest], Site]] = {
    "simulated": lambda _: SimulatedSite(),
    "mqtt-5": lambda request: RealSite(request.getfixturevalue("mosquitto"), "5"),
    "mqtt-3.1.1": lambda request: RealSite(request.getfixturevalue("mosquitto"), "3.1.1"),
    "mqtt-5-tls": lambda request: RealSite(
        request.getfixturevalue("mosquitto_tls"), "5", request.getfixturevalue("authority")
    ),
}


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest) -> Site:
    return SITES[request.param](request)


@pytest.fixture
def connect(site: Site) -> Iterator[Callable[..., Broker]]:
    clients: list[Broker] = []

    def connect(client_id: str, *topics: str, will: Will | None = None, session_s: int = 0) -> Broker:
        client = site.client(client_id, will, session_s)
        clients.append(client)
        for topic in topics:
            client.subscribe(topic)
        until(lambda: client.connected)
        return client

    yield connect
    for client in clients:
        client.close()

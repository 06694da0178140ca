"""Brokers that lose what they acknowledged, forget everything, replay, and carry what others forged."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.broker import Broker, Message, open_broker
from firmware.checkin import to_row
from firmware.wire import (
    Ack,
    Batch,
    EncodedBatch,
    ack_topic,
    batch_topic,
    encode_ack,
    encode_batch,
    open_batch,
    unseal_batch,
)
from tests.faults.liar import Liar
from tests.faults.programs import until
from tests.faults.site import Centre, Kiosk, Site, Way
from tests.firmware.checkins import checkin
from tests.fixtures_mqtt import Mosquitto
from tests.pki import Pki

OTHERS = Pki()  # another centre's


def laid(folder: Path, port: int, centre_port: int | None = None, kiosks: int = 1) -> Site:
    pki = Pki.shared()
    made = [Kiosk(folder / f"gate-{one}", f"gate-{one}", Way(port), pki, one) for one in range(1, kiosks + 1)]
    return Site(made, Centre(folder, str(folder / "centre.db"), Way(centre_port or port), pki))


@pytest.fixture
def site(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Site]:
    with laid(tmp_path, mosquitto.port, kiosks=2) as site:
        yield site


@pytest.fixture
def attacker(mosquitto: Mosquitto) -> Iterator[Broker]:
    """Let somebody into the broker who may read and write everything there."""
    with open_broker("mqtt", host=mosquitto.host, port=mosquitto.port, client_id="attacker") as broker:
        broker.subscribe("greengate/#")
        until(lambda: broker.connected)
        yield broker


def test_a_broker_that_loses_what_it_acknowledged(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with Liar(mosquitto.port, 0.4) as liar, laid(tmp_path, liar.port, mosquitto.port, kiosks=2) as site:
        site.start()
        site.append(60, 1.0)
        site.await_drained()
        site.check()
        assert liar.swallowed


def test_a_broker_that_forgets_everything_again_and_again(site: Site, mosquitto: Mosquitto) -> None:
    site.start()
    for _ in range(3):
        site.append(20, 0.5)
        mosquitto.stop()  # kill -9, and it keeps nothing on disk
        site.append(5)
        mosquitto.start()
    site.await_drained()
    site.check()


def captured(attacker: Broker, topic: str, count: int = 1) -> list[Message]:
    found: list[Message] = []

    def enough() -> bool:
        message = attacker.receive(0.1)
        if message is not None and message.topic == topic:
            found.append(message)
        return len(found) >= count

    until(enough)
    return found


def test_replayed_batches_and_acknowledgements(site: Site, attacker: Broker) -> None:
    site.start()
    first, other = site.kiosks
    first.append(5)
    batch = captured(attacker, batch_topic(first.name))[0]
    ack = captured(attacker, ack_topic(first.name))[0]
    site.await_drained()
    site.centre.kill()
    first.append(5)
    other.append(5)
    for _ in range(20):
        attacker.publish(ack.topic, ack.payload)  # of what is acknowledged already
        attacker.publish(ack_topic(other.name), ack.payload)  # of another's
    until(lambda: "ack-ignored" in other.uplink.said(), site.said)
    assert [kiosk.journal.unsent() for kiosk in site.kiosks] == [5, 5]
    site.centre.start()
    site.await_drained()
    for _ in range(20):
        attacker.publish(batch.topic, batch.payload)
        attacker.publish(batch_topic(other.name), batch.payload)
    site.append(1)
    site.await_drained()
    until(lambda: "batch-refused" in site.centre.collectors[0].said(), site.said)
    site.check()


def forged(kiosk: Kiosk, pki: Pki, signer: str) -> EncodedBatch:
    """Return a batch in a device's name, signed by somebody else."""
    epoch = bytes(8)
    rows = tuple(to_row(checkin(number)) for number in (990_001, 990_002))
    return encode_batch(Batch(kiosk.name, epoch, 1, rows), pki.signer(signer), Pki.shared().recipient())


@pytest.mark.parametrize(
    ("pki", "signer"), [(Pki.shared(), "gate-2"), (Pki.shared(), "centre.main"), (OTHERS, "gate-1")]
)
def test_forged_batches(site: Site, attacker: Broker, pki: Pki, signer: str) -> None:
    site.start()
    kiosk = site.kiosks[0]
    until(lambda: '"connected"' in site.centre.collectors[0].said(), site.said)
    attacker.publish(batch_topic(kiosk.name), forged(kiosk, pki, signer).message)
    kiosk.append(3)
    genuine = captured(attacker, batch_topic(kiosk.name), 2)[1].payload  # behind the forged one
    for place in (3, len(genuine) // 2, len(genuine) - 1):  # header, sealed records, signature
        flipped = bytearray(genuine)
        flipped[place] ^= 1
        attacker.publish(batch_topic(kiosk.name), bytes(flipped))
    until(lambda: "batch-refused" in site.centre.collectors[0].said(), site.said)
    site.append(3)
    site.await_drained()
    site.check()


LIES: dict[str, Callable[[Ack], tuple[Ack, Pki, str]]] = {
    "signed by another device": lambda ack: (ack, Pki.shared(), "gate-2"),
    "signed by the device itself": lambda ack: (ack, Pki.shared(), "gate-1"),
    "signed by another centre": lambda ack: (ack, OTHERS, "centre.main"),
    "of more than was sent": lambda ack: (replace(ack, up_to=ack.up_to + 1), Pki.shared(), "centre.main"),
    "of another batch": lambda ack: (replace(ack, digest=bytes(32)), Pki.shared(), "centre.main"),
    "of another journal": lambda ack: (replace(ack, epoch=bytes(8)), Pki.shared(), "centre.main"),
}


@pytest.mark.parametrize("lie", LIES)
def test_forged_acknowledgements_delete_nothing(site: Site, attacker: Broker, lie: str) -> None:
    kiosk = site.kiosks[0]
    kiosk.append(5)
    kiosk.uplink.start()  # and no collector
    message = captured(attacker, batch_topic(kiosk.name))[0]
    pki = Pki.shared()
    arrived = unseal_batch(open_batch(message.payload, pki.authority, datetime.now(UTC)), pki.unsealer())
    true = Ack(kiosk.name, arrived.batch.epoch, arrived.batch.last_seq, arrived.digest)
    ack, whose, signer = LIES[lie](true)
    attacker.publish(ack_topic(kiosk.name), encode_ack(ack, whose.signer(signer)))
    until(lambda: "ack-ignored" in kiosk.uplink.said(), site.said)
    assert kiosk.journal.unsent() == 5
    site.start()
    site.await_drained()
    site.check()

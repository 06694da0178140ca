"""The simulated bus's verbs, and its topics beside those of paho."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from drivers.broker import Message, Will
from drivers.broker.simulated import SimulatedBroker, SimulatedBus
from drivers.broker.topics import matches, parse_filter


def arrived(client: SimulatedBroker) -> list[bytes]:
    payloads = []
    while message := client.receive(0):
        payloads.append(message.payload)
    return payloads


@pytest.fixture
def bus() -> SimulatedBus:
    return SimulatedBus()


@pytest.fixture
def centre(bus: SimulatedBus) -> SimulatedBroker:
    centre = bus.broker("centre")
    centre.subscribe("t")
    return centre


def test_messages_are_lost(bus: SimulatedBus, centre: SimulatedBroker) -> None:
    bus.drop_next(2)
    for number in range(4):
        centre.publish("t", b"%d" % number)
    assert arrived(centre) == [b"2", b"3"]


def test_messages_are_repeated(bus: SimulatedBus, centre: SimulatedBroker) -> None:
    bus.duplicate_next(1)
    for number in range(2):
        centre.publish("t", b"%d" % number)
    assert arrived(centre) == [b"0", b"0", b"1"]


def test_messages_are_overtaken(bus: SimulatedBus, centre: SimulatedBroker) -> None:
    bus.delay_next(1)
    for number in range(2):
        centre.publish("t", b"%d" % number)
    assert arrived(centre) == [b"1"]
    bus.release()
    bus.release()
    assert arrived(centre) == [b"0"]


def test_what_is_released_into_a_cut_is_lost(bus: SimulatedBus, centre: SimulatedBroker) -> None:
    bus.delay_next(1)
    centre.publish("t", b"0")
    bus.cut()
    bus.release()
    bus.restore()
    assert arrived(centre) == []


def test_a_second_client_of_the_same_name_ends_the_first(bus: SimulatedBus, centre: SimulatedBroker) -> None:
    again = bus.broker("centre")
    assert not centre.connected
    assert again.connected


def test_what_is_retained_does_not_go_to_a_shared_subscription(bus: SimulatedBus, centre: SimulatedBroker) -> None:
    centre.publish("t", b"1", retained=True)  # mosquitto 2.0.11 gives it to them, MQTT 5 (4.8.2) does not
    shared = bus.broker("shared")
    shared.subscribe("$share/collectors/t")
    assert arrived(shared) == []


def test_wills_wait_in_sessions_while_all_are_away(bus: SimulatedBus) -> None:
    centre = bus.broker("centre", session_s=60)
    centre.subscribe("status")
    gate = bus.broker("gate", Will("status", lambda: b"lost"))
    bus.cut()
    assert bus.broker("late").fault == "the bus is cut"
    assert arrived(centre) == []
    bus.restore()
    assert set(arrived(centre)) == {b"lost"}
    assert gate.connected


def test_a_client_that_is_taken_over_is_lost(bus: SimulatedBus, centre: SimulatedBroker) -> None:
    first = bus.broker("gate", Will("t", lambda: b"lost"), session_s=60)
    first.subscribe("mine")
    second = bus.broker("gate", session_s=60)
    assert arrived(centre) == [b"lost"]
    centre.publish("mine", b"1")
    assert (arrived(first), arrived(second)) == ([], [b"1"])
    third = bus.broker("gate")
    centre.publish("mine", b"2")
    assert arrived(third) == []


def test_a_waiting_receiver_is_woken(bus: SimulatedBus, centre: SimulatedBroker) -> None:
    received: list[Message | None] = []
    waiting = threading.Thread(target=lambda: received.append(centre.receive(10)))
    waiting.start()
    bus.broker("gate").publish("t", b"1")
    waiting.join(5)
    assert received == [Message("t", b"1")]


def test_closing_wakes_a_waiting_receiver(centre: SimulatedBroker) -> None:
    waiting = threading.Thread(target=lambda: centre.receive(30))
    waiting.start()
    centre.close()
    waiting.join(5)
    assert not waiting.is_alive()


@pytest.mark.parametrize(
    "wrong",
    ["", "a#", "#/a", "a/b+", "$share", "$share/g", "$share//t", "$share/+/t", "$share/g/", "$share/g/#/a", "a\0"],
)
def test_what_is_no_filter_is_refused(centre: SimulatedBroker, wrong: str) -> None:
    with pytest.raises(ValueError, match=r"topic|shared subscription|\+ fills"):
        centre.subscribe(wrong)


@pytest.mark.parametrize(
    ("wanted", "topic", "expected"),
    [
        ("a/#", "a", True),  # MQTT 5, 4.7.1.2: # takes the parent too
        ("+", "a/b", False),
        ("+/+", "/a", True),
        ("+", "/a", False),
        ("#", "$SYS/load", False),
        ("+/load", "$SYS/load", False),
        ("$SYS/#", "$SYS/load", True),
        ("$share/g/a/+", "a/b", True),
    ],
)
def test_filters_take_what_the_standard_says(wanted: str, topic: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert matches(parse_filter(wanted), topic) is expected


LEVELS = st.lists(st.sampled_from(["", "a", "b", "$c"]), min_size=1, max_size=4)
FILTERS = st.builds(
    lambda levels, more: "/".join([*levels, *more]),
    st.lists(st.sampled_from(["", "a", "b", "$c", "+"]), min_size=1, max_size=4),
    st.sampled_from([[], ["#"]]),
)


@given(FILTERS, LEVELS.map("/".join))
def test_filters_agree_with_paho(wanted: str, topic: str) -> None:
    if wanted and topic and not wanted.startswith("$share"):
        assert matches(parse_filter(wanted), topic) is topic_matches_sub(wanted, topic)

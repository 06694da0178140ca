"""What every broker promises to keep for later: retained messages, wills and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.broker import Broker, Message, Will
from tests.drivers.broker_rig import WAIT_S, next_of, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drivers.broker_sites import Site

pytest_plugins = ["tests.drivers.broker_sites"]


def test_what_is_retained_meets_who_comes_later(connect: Callable[..., Broker]) -> None:
    gate = connect("gate", "t/other")
    for payload in (b"1", b"2"):
        gate.publish("t/status", payload, retained=True)
    gate.publish("t/other", b"not retained")
    assert next_of(gate, "t/other") == b"not retained"  # so all of them are at the broker
    centre = connect("centre", "t/#")
    assert centre.receive(WAIT_S) == Message("t/status", b"2")
    assert centre.receive(0.05) is None
    gate.publish("t/status", b"", retained=True)
    assert centre.receive(WAIT_S) == Message("t/status", b"")
    assert connect("later", "t/#").receive(0.05) is None


def test_what_is_retained_arrives_again_after_a_reconnect(site: Site, connect: Callable[..., Broker]) -> None:
    centre = connect("centre", "t")
    centre.publish("t", b"1", retained=True)
    assert next_of(centre, "t") == b"1"
    site.lose(centre)
    assert next_of(centre, "t") == b"1"


def test_a_will_is_published_when_its_client_is_lost_and_made_anew_each_time(
    site: Site, connect: Callable[..., Broker]
) -> None:
    made = iter(range(1, 100))
    centre = connect("centre", "gate/status")
    gate = connect("gate", will=Will("gate/status", lambda: b"%d" % next(made)))
    for expected in (b"1", b"2"):
        site.lose(gate)
        assert next_of(centre, "gate/status") == expected
        until(lambda: gate.connected)
    assert connect("later", "gate/status").receive(WAIT_S) == Message("gate/status", b"2")


def test_who_leaves_in_order_leaves_no_will(connect: Callable[..., Broker]) -> None:
    centre = connect("centre", "status")
    connect("gate", will=Will("status", lambda: b"lost")).close()
    assert centre.receive(0.05) is None


def test_a_will_may_be_none(site: Site, connect: Callable[..., Broker]) -> None:
    centre = connect("centre", "status")
    gate = connect("gate", will=Will("status", lambda: None))
    site.lose(gate)
    assert centre.receive(0.05) is None


def test_a_session_keeps_what_comes_while_its_client_is_away(connect: Callable[..., Broker]) -> None:
    centre = connect("centre", "done")
    connect("gate", "ack", session_s=3600).close()
    for number in range(3):
        centre.publish("ack", b"%d" % number)
    centre.publish("done", b"")
    assert centre.receive(WAIT_S) is not None
    gate = connect("gate", "ack", session_s=3600)
    assert [next_of(gate, "ack") for _ in range(3)] == [b"0", b"1", b"2"]
    assert gate.receive(0.05) is None


def test_without_a_session_nothing_is_kept(connect: Callable[..., Broker]) -> None:
    centre = connect("centre", "done")
    connect("gate", "ack").close()
    centre.publish("ack", b"1")
    centre.publish("done", b"")
    assert centre.receive(WAIT_S) is not None
    assert connect("gate", "ack").receive(0.05) is None


def test_a_session_goes_on_after_many_messages_of_either_connection(site: Site, connect: Callable[..., Broker]) -> None:
    """Packet numbers begin anew on this side, and go on at the broker's: they must not be mixed up."""
    centre, gate = connect("centre", "batch"), connect("gate", "ack", session_s=3600)
    for _ in range(3):
        for number in range(5):
            gate.publish("batch", b"%d" % number)
            assert next_of(centre, "batch") == b"%d" % number
            centre.publish("ack", b"%d" % number)
            expected = b"%d" % number
            until(lambda: next_of(gate, "ack") == expected)  # noqa: B023 - after what was not yet confirmed, again
        site.lose(gate)
        until(lambda: gate.connected)

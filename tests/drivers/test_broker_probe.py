"""What a broker takes and refuses, asked of a real one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from drivers.broker.probe import Settings, probe
from tests.drivers.broker_rig import opened, server, until
from tests.fixtures_mqtt import HOST, Authority, Mosquitto, free_port

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

OWN, OTHER = "greengate/v1/gate/probe", "greengate/v1/nobody/batch"
ACL = "pattern readwrite greengate/v1/%u/#\n"


def settings(port: int, **more: object) -> Settings:
    values = {"ca": None, "certificate": None, "key": None, "protocol": "5"} | more
    return Settings(HOST, port, "gate", **values)  # type: ignore[arg-type]


def test_an_access_list_that_holds_takes_the_own_and_refuses_the_others(
    start_mosquitto: Callable[..., Mosquitto], authority: Authority, tmp_path: Path
) -> None:
    acl = tmp_path / "acl"
    acl.write_text(ACL)
    acl.chmod(0o644)
    tmp_path.chmod(0o755)
    broker = start_mosquitto(authority=authority, options=(f"acl_file {acl}", "use_username_as_clientid true"))
    certificate, key = authority.issue("gate")
    with opened(broker.port, ca=authority.file, certificate=certificate, key=key) as uplink:
        until(lambda: uplink.connected)
        own = settings(broker.port, ca=authority.file, certificate=certificate, key=key)
        probed = probe(own, [OWN, OTHER], 5.0)
        assert probed.fault is None
        assert probed.answers == {OWN: "taken", OTHER: "refused"}
        until(lambda: uplink.connected)  # it was ended, and comes back


def test_what_waits_for_the_client_is_still_there_afterwards(mosquitto: Mosquitto) -> None:
    with opened(mosquitto.port, session_s=60) as uplink:
        uplink.subscribe("ack")
        until(lambda: uplink.connected)
    with opened(mosquitto.port, client_id="centre") as centre:
        until(lambda: centre.connected)
        for _ in range(2):
            centre.publish("ack", b"of the centre's")
        assert probe(settings(mosquitto.port, session_s=60), [OWN, OTHER], 5.0).fault is None
    with opened(mosquitto.port, session_s=60) as uplink:
        uplink.subscribe("ack")
        assert [uplink.receive(5.0), uplink.receive(5.0)] == [("ack", b"of the centre's")] * 2


def test_a_broker_without_an_access_list_takes_everything(mosquitto: Mosquitto) -> None:
    assert probe(settings(mosquitto.port), [OWN, OTHER], 5.0).answers == {OWN: "taken", OTHER: "taken"}


def test_of_an_older_protocol_nothing_is_known(mosquitto: Mosquitto) -> None:
    probed = probe(settings(mosquitto.port, protocol="3.1.1"), [OWN, OTHER], 5.0)
    assert probed.fault is None
    assert probed.answers == {OWN: "unknown", OTHER: "unknown"}


def test_nobody_there_a_stranger_and_no_certificate_are_faults_in_words(
    mosquitto_tls: Mosquitto, authority: Authority, tmp_path: Path
) -> None:
    assert "refuses connections" in str(probe(settings(free_port()), [OWN], 2.0).fault)
    other = Authority(tmp_path / "other", "other-ca")
    assert "not trusted" in str(probe(settings(mosquitto_tls.port, ca=other.file), [OWN], 2.0).fault)
    assert probe(settings(mosquitto_tls.port, ca=authority.file), [OWN], 2.0).fault
    missing = settings(mosquitto_tls.port, ca=tmp_path / "none.pem")
    assert "none.pem cannot be read" in str(probe(missing, [OWN], 2.0).fault)


def test_a_broker_that_says_nothing_is_given_up() -> None:
    def silent(client: socket.socket) -> None:
        while client.recv(1024):
            pass

    with server(silent) as port:
        start_s = time.monotonic()
        probed = probe(settings(port), [OWN], 0.5)
        assert probed.fault == "the broker does not answer"
        assert time.monotonic() - start_s < 3


def test_a_server_that_is_no_broker_is_a_fault() -> None:
    with server(lambda client: client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        assert probe(settings(port), [OWN], 2.0).fault

"""TLS to the broker: whom it trusts, what it shows, and what it says where that fails."""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from drivers.broker import open_broker
from drivers.broker.tls import client_context, in_words
from drivers.errors import BrokerError, DeviceMissingError
from tests.drivers.broker_rig import opened, server, until, until_fault
from tests.fixtures_mqtt import HOST, Authority, Mosquitto, private_pem

if TYPE_CHECKING:
    from pathlib import Path


def test_a_broker_of_another_authority_is_not_trusted(mosquitto_tls: Mosquitto, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", "other-ca")
    certificate, key = other.issue("gate")
    with opened(mosquitto_tls.port, ca=other.file, certificate=certificate, key=key) as broker:
        until_fault(broker, "is not trusted")


def test_a_broker_of_another_name_is_not_trusted(mosquitto_tls: Mosquitto, authority: Authority) -> None:
    certificate, key = authority.issue("gate")
    with opened(mosquitto_tls.port, host="localhost", ca=authority.file, certificate=certificate, key=key) as broker:
        until_fault(broker, "is not trusted")


def test_a_client_without_or_with_a_foreign_certificate_is_refused(
    mosquitto_tls: Mosquitto, authority: Authority, tmp_path: Path
) -> None:
    certificate, key = Authority(tmp_path / "other", "other-ca").issue("gate")
    for own in ({}, {"certificate": certificate, "key": key}):
        with opened(mosquitto_tls.port, ca=authority.file, **own) as broker:
            until(lambda broker=broker: not str(broker.fault).startswith("connecting"))
            assert not broker.connected
            assert "alert" in str(broker.fault).lower() or "ended" in str(broker.fault)


def test_a_broker_without_tls_is_not_spoken_to(mosquitto: Mosquitto, authority: Authority) -> None:
    with opened(mosquitto.port, ca=authority.file) as broker:
        until(lambda: not str(broker.fault).startswith("connecting"))
        assert not broker.connected


def test_tls_is_new_and_checks_the_broker(authority: Authority) -> None:
    context = client_context(authority.file, None, None)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_renewed_certificate_is_taken_at_the_next_connect(
    mosquitto_tls: Mosquitto, authority: Authority, tmp_path: Path
) -> None:
    foreign, foreign_key = Authority(tmp_path / "other", "other-ca").issue("gate")
    with opened(mosquitto_tls.port, ca=authority.file, certificate=foreign, key=foreign_key) as broker:
        until(lambda: not str(broker.fault).startswith("connecting"))
        certificate, key = authority.issue("gate")
        certificate.replace(foreign)
        key.replace(foreign_key)
        until(lambda: broker.connected)


def test_a_certificate_that_vanishes_is_told_and_survived(mosquitto_tls: Mosquitto, authority: Authority) -> None:
    certificate, key = authority.issue("gate")
    with opened(mosquitto_tls.port, ca=authority.file, certificate=certificate, key=key) as broker:
        until(lambda: broker.connected)
        hidden = certificate.rename(certificate.with_suffix(".hidden"))
        mosquitto_tls.stop()
        until_fault(broker, "cannot be read")
        hidden.rename(certificate)
        mosquitto_tls.start()
        until(lambda: broker.connected)


def test_wrong_files_are_noticed_at_start(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("gate")
    _, other_key = authority.issue("other")
    locked = tmp_path / "locked.key"
    locked.write_bytes(private_pem(ec.generate_private_key(ec.SECP256R1()), b"password"))
    empty, missing = tmp_path / "empty.pem", tmp_path / "missing.pem"
    empty.touch()
    for ca, own, own_key, named in (
        (missing, certificate, key, "missing.pem"),
        (empty, certificate, key, "empty.pem"),
        (tmp_path, certificate, key, tmp_path.name),
        (authority.file, missing, key, "missing.pem"),
        (authority.file, empty, key, "empty.pem"),
        (authority.file, certificate, missing, "missing.pem"),
        (authority.file, certificate, other_key, "other.key"),
        (authority.file, certificate, locked, "locked.key"),
    ):
        with pytest.raises(DeviceMissingError, match=named) as wrong:
            open_broker("mqtt", host=HOST, port=1, client_id="gate", ca=ca, certificate=own, key=own_key)
        assert wrong.value.cure


def test_a_certificate_without_an_authority_is_refused(authority: Authority) -> None:
    certificate, key = authority.issue("gate")
    with pytest.raises(ValueError, match="checked with"):
        open_broker("mqtt", host=HOST, port=8883, client_id="gate", certificate=certificate, key=key)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BrokerError("no file", cure="put it there"), "no file (put it there)"),
        (socket.gaierror(-2, "Name or service not known"), "the host h is not found"),
        (UnicodeError("label too long"), "the host h is not found"),
        (ConnectionRefusedError(111, "Connection refused"), "h:1 refuses connections"),
        (TimeoutError("timed out"), "h:1 does not answer"),
        (OSError(113, "No route to host"), "h:1 cannot be reached: No route to host"),
        (OSError("odd\nthings"), "h:1 cannot be reached: odd things"),
        (ssl.SSLError(1, "WRONG_VERSION"), "h:1 does not agree on TLS"),
        (ssl.SSLCertVerificationError(1, "expired"), "the certificate of h:1 is not trusted"),
        (IndexError("7"), "h:1 sent what cannot be read: IndexError"),
    ],
)
def test_errors_are_told_in_one_line(error: Exception, words: str) -> None:
    assert in_words(error, "h", 1).startswith(words)
    assert "\n" not in in_words(error, "h", 1)


def test_closing_does_not_wait_for_a_silent_tls_handshake(authority: Authority) -> None:
    with server(lambda client: client.recv(1 << 16) and client.recv(1)) as port:
        broker = open_broker("mqtt", host=HOST, port=port, client_id="gate", ca=authority.file)
        time.sleep(0.05)  # into the handshake
        start_s = time.monotonic()
        broker.close()
        assert time.monotonic() - start_s < 2

"""The enrolment service over real TLS: what a device gets, and what it does not."""

import base64
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from centre.authority.issue import issue_files
from centre.authority.profile import fingerprint_of, serial_of
from centre.authority.sealing import public_keys, rotate
from centre.enrolment.events import Enrolled, Refused, Renewed, Retired
from tests.centre.enrolling import Centre, Client, Running, csr, enrol, new_key, refused


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path / "home")
    yield made
    made.registry.close()


@pytest.fixture
def running(centre: Centre) -> Iterator[Running]:
    with Running(centre) as service:
        yield service


def flipped(pem: bytes) -> bytes:
    """Return a request whose signature is another's."""
    der = bytearray(x509.load_pem_x509_csr(pem).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    return b"-----BEGIN CERTIFICATE REQUEST-----\n%s-----END CERTIFICATE REQUEST-----\n" % base64.encodebytes(der)


def enrolled(running: Running, folder: Path, name: str = "gate-1") -> Client:
    client = Client(folder / name, name)
    client.took(enrol(running, client, running.centre.add(name)))
    return client


def test_the_ca_is_given_to_everybody_who_then_compares_its_fingerprint(running: Running) -> None:
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    with unverified.wrap_socket(running.raw()) as tls:
        tls.sendall(b"GET /ca.pem HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: tls.recv(4096), b""))
    pem = answer.partition(b"\r\n\r\n")[2]
    assert fingerprint_of(x509.load_pem_x509_certificate(pem)) == running.centre.authority.fingerprint
    assert running.ask("GET", "/ca.pem") == (200, {"text": pem.decode()})


def test_what_is_sealed_to_is_given_to_everybody_as_it_is_now(running: Running) -> None:
    centre = running.centre
    first = running.ask("GET", "/centre.pem")
    assert first == (200, {"text": public_keys(centre.home)})
    rotate(centre.authority, centre.registry, "batches", centre.at)
    assert running.ask("GET", "/centre.pem") == (200, {"text": public_keys(centre.home)}) != first
    (centre.home / "sealing" / "centre.pem").unlink()
    assert refused(running.ask("GET", "/centre.pem")) == (503, "busy")


def test_a_device_enrols_with_its_code(running: Running, tmp_path: Path) -> None:
    code = running.centre.add()
    client = Client(tmp_path / "device")
    answer = enrol(running, client, code.lower().replace("-", " "))
    certificate = client.took(answer)
    assert certificate.subject.rfc4514_string() == "CN=gate-1"
    assert answer[1]["ca"] == running.centre.authority.pem
    assert answer[1]["centre"] == public_keys(running.centre.home)
    assert answer[1]["settings"] == {
        "site": "site",
        "lane": "lane",
        "direction": "in",
        "broker_host": "broker.example",
        "broker_port": 8883,
    }
    assert running.centre.events[-1] == Enrolled("gate-1", serial_of(certificate), again=False)


def test_the_name_is_the_registrys_whatever_the_request_says(running: Running, tmp_path: Path) -> None:
    code = running.centre.add()
    client = Client(tmp_path / "device", "centre.boss")
    assert client.took(enrol(running, client, code, "gate-1")).subject.rfc4514_string() == "CN=gate-1"


def test_an_answer_lost_on_the_way_comes_again_to_the_same_key_only(running: Running, tmp_path: Path) -> None:
    code = running.centre.add()
    client = Client(tmp_path / "device")
    first = enrol(running, client, code)
    running.centre.at += timedelta(days=30)  # the code would be over
    assert enrol(running, client, code) == first
    thief = Client(tmp_path / "thief")
    assert refused(enrol(running, thief, code)) == (403, "code-used")
    assert isinstance(running.centre.events[-1], Refused)


def test_codes_that_are_wrong_over_or_of_another(running: Running, tmp_path: Path) -> None:
    mine, other = running.centre.add("gate-1"), running.centre.add("gate-2")
    client = Client(tmp_path / "device")
    wrong = "0" * 26
    assert refused(enrol(running, client, wrong)) == (403, "code-wrong")
    assert refused(enrol(running, client, "what")) == (403, "code-wrong")
    assert refused(enrol(running, client, other)) == (403, "code-of-another-device")
    assert refused(enrol(running, client, mine, "gate-9")) == (404, "device-unknown")
    running.centre.at += timedelta(days=7)
    assert refused(enrol(running, client, mine)) == (403, "code-expired")
    assert running.centre.registry.certificates("gate-1") == []


def test_a_new_code_makes_the_one_before_void(running: Running, tmp_path: Path) -> None:
    old = running.centre.add()
    new = running.centre.add()
    client = Client(tmp_path / "device")
    assert refused(enrol(running, client, old)) == (403, "code-wrong")
    client.took(enrol(running, client, new))


def test_of_two_devices_at_once_with_one_code_exactly_one_wins(running: Running, tmp_path: Path) -> None:
    code = running.centre.add()
    clients = [Client(tmp_path / str(number)) for number in range(8)]
    answers: list[tuple[int, dict[str, Any]]] = []
    threads = [threading.Thread(target=lambda c=client: answers.append(enrol(running, c, code))) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in answers) == [200] + [403] * 7
    assert {refused(answer)[1] for answer in answers if answer[0] != 200} == {"code-used"}
    assert len(running.centre.registry.certificates("gate-1")) == 1


def test_enrolling_anew_revokes_what_was_before_and_tells_the_broker(running: Running, tmp_path: Path) -> None:
    before = enrolled(running, tmp_path / "before")
    enrolled(running, tmp_path / "after")
    old, new = running.centre.registry.certificates("gate-1")
    assert old.why == "superseded"
    assert new.revoked_at is None
    assert running.centre.crl_serials() == {old.serial}
    assert running.centre.told == [["gate-1"]]
    answer = running.ask("POST", "/v1/renew", {"csr": csr(new_key()).decode()}, before)
    assert refused(answer) == (403, "certificate-revoked")


@pytest.mark.parametrize("name", ["a\0b", "đường", "x" * 64, "*", "gate-1,O=x"])
def test_hostile_names_in_a_request_are_nothing(running: Running, tmp_path: Path, name: str) -> None:
    code = running.centre.add()
    client = Client(tmp_path / "device", name)
    assert client.took(enrol(running, client, code, "gate-1")).subject.rfc4514_string() == "CN=gate-1"


@pytest.mark.parametrize(
    "request_",
    [
        csr(rsa.generate_private_key(65537, 2048)),
        csr(ec.generate_private_key(ec.SECP384R1())),
        flipped(csr(new_key())),
        csr(new_key())[:300] + b"\n-----END CERTIFICATE REQUEST-----\n",
        csr(new_key()) * 2,
        b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        b"",
        b"\0" * 100,
        csr(new_key(), "x" * 64).replace(b"MII", b"MIJ", 1),
    ],
    ids=["rsa", "p384", "bad-signature", "cut", "two", "no-der", "empty", "nul", "bad-der"],
)
def test_requests_that_are_none(running: Running, tmp_path: Path, request_: bytes) -> None:
    code = running.centre.add()
    body = {"device": "gate-1", "code": code, "csr": request_.decode()}
    assert refused(running.ask("POST", "/v1/enrol", body)) == (400, "csr-bad")
    client = Client(tmp_path / "device")
    client.took(enrol(running, client, code))  # the code is not spent


def test_renewing_takes_a_new_key_each_time(running: Running, tmp_path: Path) -> None:
    client = enrolled(running, tmp_path)
    assert refused(running.ask("POST", "/v1/renew", {"csr": client.csr}, client)) == (400, "csr-bad")
    later = Client(tmp_path / "later")
    answer = running.ask("POST", "/v1/renew", {"csr": later.csr}, client)
    assert set(answer[1]) == {"certificate", "ca", "centre"}
    certificate = later.took(answer)
    assert certificate.subject.rfc4514_string() == "CN=gate-1"
    assert running.centre.events[-1] == Renewed("gate-1", serial_of(certificate), again=False)
    assert running.ask("POST", "/v1/renew", {"csr": later.csr}, client) == answer, "the answer may have been lost"
    last = Client(tmp_path / "last")
    last.took(running.ask("POST", "/v1/renew", {"csr": last.csr}, later))
    assert refused(running.ask("POST", "/v1/renew", {"csr": csr(new_key()).decode()}, client)) == (
        403,
        "certificate-revoked",
    )
    assert [one.why for one in running.centre.registry.certificates("gate-1")] == ["superseded", None, None]
    assert running.centre.told == [[]], "the broker reads its list anew, and drops nobody"


def test_without_a_certificate_of_this_ca_there_is_nothing_to_renew(running: Running, tmp_path: Path) -> None:
    client = enrolled(running, tmp_path)
    assert refused(running.ask("POST", "/v1/renew", {"csr": client.csr})) == (400, "request-bad")
    other = Centre(tmp_path / "other")
    other.add()
    stranger = Client(tmp_path / "stranger")
    issued = other.enrolment.enrol("gate-1", other.add(), stranger.csr.encode(), other.at)
    stranger.took((200, {"certificate": issued.certificate.pem}))
    with pytest.raises((ssl.SSLError, OSError)):
        running.ask("POST", "/v1/renew", {"csr": csr(new_key()).decode()}, stranger)
    other.registry.close()


def test_a_collector_is_no_device(running: Running, tmp_path: Path) -> None:
    collector = Client(tmp_path / "collector")
    made = running.centre.authority.sign(collector.key.public_key(), "collector", ["centre.a"], running.centre.at)
    with running.centre.registry.change():
        running.centre.registry.put_certificate(made)
    collector.took((200, {"certificate": made.pem}))
    for path in ("/v1/renew", "/v1/retire"):
        answer = running.ask("POST", path, {"csr": csr(new_key()).decode()}, collector)
        assert refused(answer) == (404, "device-unknown")


def test_a_servers_certificate_opens_no_connection(running: Running, tmp_path: Path) -> None:
    server = Client(tmp_path / "server")
    made = running.centre.authority.sign(server.key.public_key(), "server", ["gate-1"], running.centre.at)
    server.took((200, {"certificate": made.pem}))
    with pytest.raises((ssl.SSLError, OSError)):
        running.ask("POST", "/v1/renew", {"csr": csr(new_key()).decode()}, server)


def test_a_revoked_device_renews_nothing(running: Running, tmp_path: Path) -> None:
    client = enrolled(running, tmp_path)
    running.centre.enrolment.revoke("gate-1", "stolen", running.centre.at)
    answer = running.ask("POST", "/v1/renew", {"csr": csr(new_key()).decode()}, client)
    assert refused(answer) == (403, "certificate-revoked")
    assert refused(running.ask("POST", "/v1/retire", {}, client)) == (403, "certificate-revoked")


def test_retiring_revokes_and_may_be_said_twice(running: Running, tmp_path: Path) -> None:
    client = enrolled(running, tmp_path)
    for _ in range(2):
        assert running.ask("POST", "/v1/retire", {}, client) == (200, {"retired": True})
    (certificate,) = running.centre.registry.certificates("gate-1")
    assert certificate.why == "retired"
    assert running.centre.crl_serials() == {certificate.serial}
    device = running.centre.registry.device("gate-1")
    assert device is not None
    assert device.state(running.centre.at) == "retired"
    assert running.centre.told[0] == ["gate-1"]
    assert Retired("gate-1") in running.centre.events
    answer = running.ask("POST", "/v1/renew", {"csr": csr(new_key()).decode()}, client)
    assert refused(answer) == (403, "certificate-revoked")


def test_a_server_that_is_called_like_a_device_is_somebody_else(running: Running, tmp_path: Path) -> None:
    centre = running.centre
    issue_files(centre.authority, centre.registry, "server", ["broker"], tmp_path, centre.at)
    enrolled(running, tmp_path, "broker")
    enrolled(running, tmp_path, "broker")
    found = [(one.kind, one.revoked_at is None) for one in centre.registry.certificates("broker")]
    assert found == [("server", True), ("device", False), ("device", True)]

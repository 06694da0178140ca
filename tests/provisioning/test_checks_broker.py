"""Doctor's checks of broker and certificate, with a real broker."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from centre.broker.template import acl_text
from drivers.clock.simulated import SimulatedClock
from firmware.config_sections import BrokerConfig
from provisioning.checks import Patient, broker
from tests.fixtures_mqtt import HOST, Authority, Mosquitto
from tests.provisioning.patients import at_site, results


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return at_site(tmp_path)


def with_broker(patient: Patient, **values: object) -> Patient:
    config = msgspec.structs.replace(patient.known, broker=BrokerConfig(**values))  # type: ignore[arg-type]
    return dataclasses.replace(patient, config=config, clock=SimulatedClock(datetime.now(UTC)))


@pytest.fixture
def enrolled(patient: Patient, authority: Authority) -> Patient:
    certificate, key = authority.issue("kiosk-1")
    key.chmod(0o600)
    return with_broker(patient, host=HOST, port=1, ca=authority.file, certificate=certificate, key=key)


def to_port(patient: Patient, port: int) -> Patient:
    return with_broker(patient, **(msgspec.structs.asdict(patient.known.broker) | {"port": port}))


def test_the_access_list_has_to_hold(
    enrolled: Patient, start_mosquitto: Callable[..., Mosquitto], authority: Authority, tmp_path: Path
) -> None:
    acl = tmp_path / "acl"
    acl.write_text(acl_text([]))
    acl.chmod(0o644)
    tight = start_mosquitto(authority=authority, options=(f"acl_file {acl}",))
    told = {"broker-reached": "ok", "acl-own": "ok", "acl-others": "ok"}
    assert results(broker.broker, to_port(enrolled, tight.port)) == told
    acl.write_text(acl_text([]) + "pattern write greengate/v1/%u/command\n")
    own_commands = start_mosquitto(authority=authority, options=(f"acl_file {acl}",))
    assert results(broker.broker, to_port(enrolled, own_commands.port))["acl-others-taken"] == "fault"
    loose = start_mosquitto(authority=authority)
    assert results(broker.broker, to_port(enrolled, loose.port))["acl-others-taken"] == "fault"
    acl.write_text("topic read nothing\n")
    shut = start_mosquitto(authority=authority, options=(f"acl_file {acl}",))
    assert results(broker.broker, to_port(enrolled, shut.port))["acl-own-refused"] == "fault"


def test_a_broker_in_the_clear_is_a_warning_also_where_it_is_away(patient: Patient, mosquitto: Mosquitto) -> None:
    plain = with_broker(patient, host=HOST, port=mosquitto.port)
    found = results(broker.broker, plain)
    assert (found["broker-plain"], found["acl-none"]) == ("warning", "warning")
    old = with_broker(patient, host=HOST, port=mosquitto.port, protocol="3.1.1")
    assert results(broker.broker, old)["acl-unknown"] == "skipped"
    mosquitto.stop()
    assert results(broker.broker, plain) == {"broker-away": "warning"}, "a fresh kiosk in simulation has none"


def test_an_enrolled_devices_broker_that_is_away_is_a_fault(enrolled: Patient) -> None:
    assert results(broker.broker, to_port(enrolled, 1)) == {"broker-fault": "fault"}


def test_a_device_without_its_key_is_not_enrolled(enrolled: Patient) -> None:
    key = enrolled.known.broker.key
    assert key is not None
    key.unlink()
    assert results(broker.broker, enrolled) == {"broker-not-enrolled": "skipped"}
    assert results(broker.certificate, enrolled) == {"certificate-missing": "warning"}
    assert results(broker.broker, dataclasses.replace(enrolled, root=False)) == {"skip-root": "skipped"}


def test_a_certificate_is_looked_at_from_all_sides(enrolled: Patient, authority: Authority, tmp_path: Path) -> None:
    assert results(broker.certificate, enrolled) == {"certificate-ends": "warning"}  # issued for a day
    files = msgspec.structs.asdict(enrolled.known.broker)
    _, other_key = authority.issue("kiosk-2")
    other_key.chmod(0o644)
    found = results(broker.certificate, with_broker(enrolled, **(files | {"key": other_key})))
    assert found == {"certificate-other-key": "fault", "key-open": "fault", "certificate-ends": "warning"}
    other = Authority(tmp_path / "other", "other-ca")
    certificate, key = other.issue("kiosk-9")
    key.chmod(0o600)
    found = results(broker.certificate, with_broker(enrolled, **(files | {"certificate": certificate, "key": key})))
    assert found["certificate-other-name"] == found["certificate-other-ca"] == "fault"
    key.write_text("no key")
    found = results(broker.certificate, with_broker(enrolled, **(files | {"key": key})))
    assert found == {"certificate-unreadable": "fault"}
    assert results(broker.certificate, with_broker(enrolled, host=HOST)) == {"certificate-none": "warning"}


@pytest.mark.parametrize(("year", "code"), [(2020, "certificate-not-yet"), (2060, "certificate-expired")])
def test_a_certificate_has_its_time(enrolled: Patient, year: int, code: str) -> None:
    then = dataclasses.replace(enrolled, clock=SimulatedClock(datetime(year, 1, 1, tzinfo=UTC)))
    assert results(broker.certificate, then) == {code: "fault"}


def test_paths_of_the_configuration_are_seen_from_the_root(patient: Patient) -> None:
    assert patient.at(Path("/etc/hostname")) == patient.layout.root / "etc/hostname"
    assert patient.at(patient.layout.root / "journal.db") == patient.layout.root / "journal.db"

from pathlib import Path

import msgspec
import pytest

from firmware.credentials import credential
from firmware.wiring import broker_of
from tests.firmware.appliance import wait_until
from tests.firmware.site import make_site
from tests.fixtures_mqtt import Authority

CONFIGURED = Path("/var/lib/greengate/identity/current/device.key")


def test_without_a_service_manager_it_is_the_configured_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert credential(CONFIGURED) == CONFIGURED
    assert credential(None) is None


def test_what_was_handed_over_goes_before_the_configured_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert credential(CONFIGURED) == CONFIGURED
    (tmp_path / "device.key").touch()
    assert credential(CONFIGURED) == tmp_path / "device.key"
    assert credential(None) is None


@pytest.mark.parametrize("folder", ["", "relative"])
def test_a_folder_that_is_none_is_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    (tmp_path / "relative").mkdir()
    (tmp_path / "relative" / "device.key").touch()
    (tmp_path / "device.key").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", folder)
    assert credential(CONFIGURED) == CONFIGURED


def test_the_uplink_shows_the_broker_what_was_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    certificate, key = authority.issue("device")
    identity = tmp_path / "identity"
    config = make_site(tmp_path / "site").config
    broker = msgspec.structs.replace(
        config.broker,
        ca=identity / authority.file.name,
        certificate=identity / certificate.name,
        key=identity / key.name,
    )
    config = msgspec.structs.replace(config, broker=broker)
    with broker_of(config) as broker:
        wait_until(lambda: str(identity) in (broker.fault or ""), "the missing files are told")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(certificate.parent))
    with broker_of(config) as broker:
        wait_until(lambda: broker.fault, "nobody answers")
        assert str(identity) not in str(broker.fault)

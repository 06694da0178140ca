"""The CA: what its certificates say, that it is made once, and that its revocation list is always there."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from centre.authority import ca
from centre.authority.ca import Authority, CaError
from centre.authority.issue import collector_names, issue_files, server_names
from centre.authority.profile import serial_of
from centre.broker.telling import TellLater
from centre.devices.registry import Registry, RegistryError
from centre.enrolment.events import CentreFailed
from tests.centre.enrolling import Centre, csr, new_key


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path / "home")
    yield made
    made.registry.close()


def issued(centre: Centre, key: object = None) -> x509.Certificate:
    if centre.registry.device("gate-1") is None:
        centre.add()
    pem = centre.enrolment.sign("gate-1", csr(key or new_key()), centre.at).certificate.pem
    return x509.load_pem_x509_certificate(pem.encode())


def test_the_key_is_its_owners_alone(centre: Centre) -> None:
    assert (centre.home / "ca").stat().st_mode & 0o777 == 0o700
    assert (centre.home / "ca" / "ca.key").stat().st_mode & 0o777 == 0o600
    assert (centre.home / "registry.db").stat().st_mode & 0o777 == 0o600
    for public in ("ca.pem", "crl.pem"):
        assert (centre.home / public).stat().st_mode & 0o777 == 0o644


def test_a_key_that_others_may_read_is_not_used(centre: Centre) -> None:
    (centre.home / "ca" / "ca.key").chmod(0o640)
    with pytest.raises(CaError, match="chmod 600"):
        Authority.open(centre.home)


def test_made_once_it_stays(centre: Centre) -> None:
    before = (centre.home / "ca" / "ca.key").read_bytes(), (centre.home / "ca.pem").read_bytes()
    again, new = Authority.init(centre.home, centre.at, "another name")
    assert not new
    assert again.fingerprint == centre.authority.fingerprint
    assert before == ((centre.home / "ca" / "ca.key").read_bytes(), (centre.home / "ca.pem").read_bytes())


def test_broken_off_after_the_key_it_goes_on(centre: Centre, tmp_path: Path) -> None:
    home = tmp_path / "another"
    Authority.init(home, centre.at)
    key = (home / "ca" / "ca.key").read_bytes()
    (home / "ca.pem").unlink()
    _, new = Authority.init(home, centre.at)
    assert new
    assert (home / "ca" / "ca.key").read_bytes() == key


def test_a_ca_that_has_issued_is_never_made_anew(centre: Centre) -> None:
    issued(centre)
    (centre.home / "ca.pem").unlink()
    with pytest.raises(CaError, match="bring it from a backup"):
        Authority.init(centre.home, centre.at)


def test_a_home_without_its_key_or_with_anothers_is_told(centre: Centre, tmp_path: Path) -> None:
    other = Centre(tmp_path / "other")
    shutil.copy(other.home / "ca.pem", centre.home / "ca.pem")
    with pytest.raises(CaError, match="not the certificate of"):
        Authority.open(centre.home)
    (centre.home / "ca" / "ca.key").unlink()
    with pytest.raises(CaError, match="backup"):
        Authority.open(centre.home)
    with pytest.raises(CaError, match="run greengate-centre ca init"):
        Authority.open(tmp_path)
    other.registry.close()


def test_a_devices_certificate_says_what_rfc_5280_asks(centre: Centre) -> None:
    certificate = issued(centre)
    extensions = certificate.extensions
    assert certificate.subject.rfc4514_string() == "CN=gate-1"
    assert certificate.not_valid_before_utc == centre.at - timedelta(hours=1)
    assert certificate.not_valid_after_utc == centre.at + timedelta(days=365)
    assert 0 < certificate.serial_number < 1 << 159
    assert extensions.get_extension_for_class(x509.BasicConstraints).critical
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate.verify_directly_issued_by(centre.authority.certificate)


def test_no_certificate_outlives_the_ca(centre: Centre) -> None:
    end = centre.authority.certificate.not_valid_after_utc
    centre.at = end - timedelta(days=3)
    assert issued(centre).not_valid_after_utc == end
    centre.at = end
    with pytest.raises(CaError, match="is over"):
        issued(centre)


def test_the_list_is_written_when_it_is_missing_old_or_behind(centre: Centre) -> None:
    crl = centre.home / "crl.pem"
    assert not centre.authority.renew_crl(centre.registry, centre.at)
    crl.unlink()
    assert centre.authority.renew_crl(centre.registry, centre.at)
    crl.write_text("broken")
    assert centre.authority.renew_crl(centre.registry, centre.at)
    assert centre.authority.renew_crl(centre.registry, centre.at + timedelta(days=1))
    serial = serial_of(issued(centre))
    with centre.registry.change():
        centre.registry.revoke([serial], "lost", centre.at)
    assert centre.authority.renew_crl(centre.registry, centre.at + timedelta(days=1))
    assert centre.crl_serials() == {serial}
    numbers = x509.load_pem_x509_crl(crl.read_bytes()).extensions.get_extension_for_class(x509.CRLNumber)
    assert numbers.value.crl_number == 5


def test_what_is_over_leaves_the_list(centre: Centre) -> None:
    serial = serial_of(issued(centre))
    centre.enrolment.revoke("gate-1", "lost", centre.at)
    assert centre.crl_serials() == {serial}
    centre.at += timedelta(days=366)
    centre.authority.write_crl(centre.registry, centre.at)
    assert centre.crl_serials() == set()


def test_a_list_that_cannot_be_written_is_reported_and_written_later(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = serial_of(issued(centre))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(ca, "write_whole", full)
        centre.enrolment.revoke("gate-1", "lost", centre.at)
    assert "No space left" in str(centre.events[-1])
    centre.enrolment.refresh(centre.at)
    assert centre.crl_serials() == {serial}


def test_a_broker_that_cannot_be_told_is_told_with_the_next(centre: Centre) -> None:
    said: list[list[str]] = []

    def tell(names: list[str]) -> None:
        said.append(names)
        if len(said) < 3:
            raise RuntimeError("away")

    later = TellLater(tell, centre.events.append)
    later(["gate-1"])
    later(["gate-2"])
    later.close()
    again = TellLater(tell, centre.events.append)
    again(["gate-3"])
    again.again()
    again.close()
    assert said == [["gate-1"], ["gate-1", "gate-2"], ["gate-3"]]
    assert centre.events[-2:] == [CentreFailed("the broker was not told: away")] * 2


def test_a_new_list_is_told_to_the_broker(centre: Centre) -> None:
    centre.enrolment.refresh(centre.at)
    assert centre.told == []
    centre.enrolment.refresh(centre.at + timedelta(days=1))
    assert centre.told == [[]]


def test_another_command_is_waited_for_but_not_for_ever(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ca, "BUSY_S", 0.05)
    with (centre.home / "ca" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CaError, match="another command works on it"):
            centre.authority.write_crl(centre.registry, centre.at)
    centre.authority.write_crl(centre.registry, centre.at)


def test_servers_and_collectors_get_key_and_certificate_once(centre: Centre) -> None:
    folder = centre.home / "issued"
    names = server_names(["Broker.example.", "192.0.2.7", "2001:DB8::1", "broker.example"])
    assert names == ["broker.example", "192.0.2.7", "2001:db8::1"]
    first = issue_files(centre.authority, centre.registry, "server", names, folder, centre.at)
    assert first.new
    assert first.key.stat().st_mode & 0o777 == 0o600
    again = issue_files(centre.authority, centre.registry, "server", names, folder, centre.at)
    assert again == first._replace(new=False)
    first.certificate.unlink()  # broken off before it was written
    assert not issue_files(centre.authority, centre.registry, "server", names, folder, centre.at).new
    assert first.certificate.exists()
    assert issue_files(centre.authority, centre.registry, "server", names[:2], folder, centre.at).new
    later = centre.at + timedelta(days=340)
    assert issue_files(centre.authority, centre.registry, "server", names[:2], folder, later).new
    collector = issue_files(centre.authority, centre.registry, "collector", collector_names("a"), folder, centre.at)
    assert collector.key.name == "centre.a.key"
    assert centre.registry.collectors() == ["centre.a"]
    assert centre.registry.collectors(centre.at + timedelta(days=366)) == []


def test_a_key_whose_certificate_was_revoked_is_replaced(centre: Centre) -> None:
    folder = centre.home / "issued"
    first = issue_files(centre.authority, centre.registry, "collector", ["centre.a"], folder, centre.at)
    key = first.key.read_bytes()
    centre.enrolment.revoke("centre.a", "stolen", centre.at)
    assert centre.registry.collectors() == []
    assert issue_files(centre.authority, centre.registry, "collector", ["centre.a"], folder, centre.at).new
    assert first.key.read_bytes() != key


@pytest.mark.parametrize("host", ["", "https://x", "a b", "-x", "x" * 65, "é", "*.example", "a..b", "x\0"])
def test_hosts_that_are_none(host: str) -> None:
    with pytest.raises(CaError):
        server_names([host])


@pytest.mark.parametrize("name", ["", "A", "a.b", "x" * 33, "centre.", "a\n"])
def test_collectors_that_are_none(name: str) -> None:
    with pytest.raises(CaError):
        collector_names(name)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_agrees(centre: Centre, tmp_path: Path) -> None:
    (tmp_path / "device.pem").write_text(
        centre.enrolment.enrol("gate-1", centre.add(), csr(new_key()), centre.at).certificate.pem
    )
    server = issue_files(
        centre.authority, centre.registry, "server", ["broker.example"], tmp_path / "issued", centre.at
    )
    line = ["openssl", "verify", "-x509_strict", "-crl_check", "-CAfile", str(centre.home / "ca.pem")]
    line += ["-CRLfile", str(centre.home / "crl.pem"), "-purpose"]

    def verified(*arguments: str) -> bool:
        return subprocess.run([*line, *arguments], capture_output=True, check=False).returncode == 0

    assert verified("sslclient", str(tmp_path / "device.pem"))
    assert not verified("sslserver", str(tmp_path / "device.pem"))
    assert verified("sslserver", "-verify_hostname", "broker.example", str(server.certificate))
    centre.enrolment.revoke("gate-1", "lost", centre.at)
    assert not verified("sslclient", str(tmp_path / "device.pem"))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, centre: Centre) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CaError, match="check --home"):
        Authority.init(tmp_path / "file" / "home", centre.at)


def test_another_programs_database_is_not_touched(tmp_path: Path, centre: Centre) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "registry.db").write_bytes(os.urandom(4096))
    with pytest.raises(RegistryError):
        Registry.open(tmp_path / "x")
    assert centre.registry.devices() == []

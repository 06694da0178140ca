"""Files of a collector's that others write: the revocation list, and the name of its group."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from centre.collecting.collectors import FILE, GroupError, give_group, read_group, subscription
from centre.collecting.config import ConfigError, load_config
from centre.collecting.events import RevocationsStale
from centre.collecting.revocations import Revocations
from firmware.wire import BATCHES_TOPIC
from tests.centre.test_collector import BATCH, Site
from tests.pki import NOW, PEM, Pki


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    with site.store:
        yield site


def test_the_revocation_list_is_read_when_it_changes_and_stale_once(site: Site, tmp_path: Path) -> None:
    pki, file = site.pki, tmp_path / "crl.pem"
    serial = pki.identity("gate-1")[1].serial_number
    revocations = Revocations(site.authority, [pki.certificate], file, site.events.append)

    def write(*serials: int, by: Pki = pki) -> None:
        builder = x509.CertificateRevocationListBuilder().issuer_name(by.certificate.subject)
        builder = builder.last_update(NOW).next_update(NOW + timedelta(days=7))
        for one in serials:
            revoked = x509.RevokedCertificateBuilder().serial_number(one).revocation_date(NOW)
            builder = builder.add_revoked_certificate(revoked.build())
        file.unlink(missing_ok=True)
        file.write_bytes(builder.sign(by.key, hashes.SHA256()).public_bytes(PEM))

    def stale() -> list[str]:
        return [event.why for event in site.events if isinstance(event, RevocationsStale)]

    revocations.look(NOW)
    revocations.look(NOW)
    assert len(stale()) == 1
    assert "No such file" in stale()[0]
    write(serial)
    revocations.look(NOW)
    assert site.authority.revoked == {serial}
    write(by=Pki())
    revocations.look(NOW)
    assert "another authority's" in stale()[1]
    file.write_bytes(b"nonsense")
    revocations.look(NOW)
    assert "no revocation list" in stale()[2]
    assert site.authority.revoked == {serial}
    write()
    revocations.look(NOW)
    assert site.authority.revoked == frozenset()
    revocations.look(NOW + timedelta(days=8))
    assert "over" in stale()[3]
    assert len(stale()) == 4


def test_collectors_of_one_group_share_the_batches(site: Site, tmp_path: Path) -> None:
    other = site.bus.broker("centre-2")
    (tmp_path / "issued").mkdir()
    for broker in (site.broker, other):
        broker.subscribe(subscription(give_group(tmp_path, tmp_path / "issued")))
    for _ in range(4):
        site.device.publish(*site.message(BATCH))
    received = [sum(broker.receive(0) is not None for _ in range(5)) for broker in (site.broker, other)]
    assert received == [2, 2]


def test_a_groups_name_is_drawn_once_and_for_its_owner_only(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    names = {read_group(give_group(tmp_path, folder)) for folder in folders * 2}
    assert len(names) == 1
    assert [(folder / FILE).stat().st_mode & 0o777 for folder in (*folders, tmp_path)] == [0o600] * 3
    (tmp_path / FILE).unlink()
    assert read_group(give_group(tmp_path, folders[0])) not in names
    assert subscription(None) == BATCHES_TOPIC


@pytest.mark.parametrize("content", [None, b"", b"collectors", b"a" * 32 + b"/#\n", b"+" * 32, b"a" * 10_000])
def test_a_file_without_a_groups_name_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / FILE
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    with pytest.raises(GroupError, match="ca issue --collector"):
        subscription(path)
    path.write_bytes(b"a" * 32)
    path.chmod(0o644)
    with pytest.raises(GroupError, match="chmod 600"):
        subscription(path)


def test_a_configuration_from_before_there_were_sealing_keys_is_told_what_to_add(tmp_path: Path) -> None:
    file = tmp_path / "collector.toml"
    file.write_text("[broker]\nhost = 'b'\nca = 'a'\ncertificate = 'c'\nkey = 'k'\n[store]\npath = 'x'\n")
    with pytest.raises(ConfigError, match=r"section \[centre\] is missing.*ca issue --collector NAME"):
        load_config(file)

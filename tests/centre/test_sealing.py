"""The keys that devices seal to: made once, rotated without losing one, and given to whom they are meant for."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from centre.authority import sealing
from centre.authority.ca import CaError
from centre.authority.sealing import ensure_keys, give_batches, key_files, public_keys, rotate
from firmware.envelope import Authority
from firmware.sealing import Purpose, Recipient, Unsealer
from tests.centre.enrolling import Centre


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path / "home")
    yield made
    made.registry.close()


def recipient(centre: Centre, purpose: Purpose = "batches") -> Recipient:
    """Return whom a device would seal to."""
    authority = Authority([centre.authority.certificate])
    return Recipient.load(centre.home / "sealing" / "centre.pem", purpose, authority)


def opened(paths: list[Path], to: Recipient) -> bytes:
    return Unsealer.load(paths).unseal(to.key_id, to.seal(b"a batch", b"context"), b"context")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_devices_seal_to_them_the_centre_opens(centre: Centre) -> None:
    for purpose in ("batches", "details"):
        assert opened(key_files(centre.home, purpose), recipient(centre, purpose)) == b"a batch"
        assert mode(centre.home / "sealing" / f"{purpose}.key") == 0o600
    assert mode(centre.home / "sealing") == 0o700
    assert recipient(centre).key_id != recipient(centre, "details").key_id


def test_their_certificates_are_for_key_agreement_and_nothing_else(centre: Centre) -> None:
    for certificate in x509.load_pem_x509_certificates(public_keys(centre.home).encode()):
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
        assert usage.critical
        assert usage.value.key_agreement
        assert not usage.value.digital_signature
        assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        with pytest.raises(x509.ExtensionNotFound):
            certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        certificate.verify_directly_issued_by(centre.authority.certificate)
    kinds = {one.name: one.kind for one in centre.registry.certificates()}
    assert kinds == {"seal.batches": "sealing", "seal.details": "sealing"}
    assert centre.registry.collectors() == []


def test_the_same_again_changes_nothing_and_a_certificate_that_ends_soon_is_renewed(centre: Centre) -> None:
    before, pem = recipient(centre).key_id, public_keys(centre.home)
    ensure_keys(centre.authority, centre.registry, centre.at + timedelta(days=334))
    assert public_keys(centre.home) == pem
    ensure_keys(centre.authority, centre.registry, centre.at + timedelta(days=336))
    assert public_keys(centre.home) != pem
    assert recipient(centre).key_id == before


def test_rotating_keeps_every_key_before(centre: Centre) -> None:
    seen = [recipient(centre)]
    details = recipient(centre, "details").key_id
    for older in range(1, 12):
        batches, _ = rotate(centre.authority, centre.registry, "batches", centre.at)
        seen.append(recipient(centre))
        assert (batches.older, batches.key_id) == (older, seen[-1].key_id)
    files = key_files(centre.home, "batches")
    assert [path.name for path in files[:3]] == ["batches.key", "batches-11.key", "batches-10.key"]
    assert all(opened(files, to) == b"a batch" for to in seen)
    assert len({to.key_id for to in seen}) == 12
    assert recipient(centre, "details").key_id == details


@pytest.mark.parametrize("nth", range(3))
def test_broken_off_anywhere_no_key_is_lost(centre: Centre, monkeypatch: pytest.MonkeyPatch, nth: int) -> None:
    first, write, left = recipient(centre), sealing.write_whole, [nth]

    def stops(path: Path, data: bytes, *more: int, **how: bool) -> None:
        if left[0] == 0:
            raise OSError(28, "No space left on device", str(path))
        left[0] -= 1
        write(path, data, *more, **how)

    monkeypatch.setattr(sealing, "write_whole", stops)
    with pytest.raises(CaError, match="check disk and rights"):
        rotate(centre.authority, centre.registry, "batches", centre.at)
    monkeypatch.undo()
    assert opened(key_files(centre.home, "batches"), recipient(centre)) == b"a batch"
    rotate(centre.authority, centre.registry, "batches", centre.at)
    assert opened(key_files(centre.home, "batches"), first) == b"a batch"
    assert recipient(centre).key_id != first.key_id


def test_a_key_whose_certificate_was_revoked_is_replaced(centre: Centre) -> None:
    first = recipient(centre)
    centre.enrolment.revoke("seal.batches", "the collector was stolen", centre.at)
    assert centre.told == [[]], "the broker knows no such client"
    ensure_keys(centre.authority, centre.registry, centre.at)
    assert recipient(centre).key_id != first.key_id
    assert opened(key_files(centre.home, "batches"), first) == b"a batch"


def test_a_lost_key_is_not_replaced_unasked(centre: Centre) -> None:
    (centre.home / "sealing" / "batches.key").unlink()
    with pytest.raises(CaError, match="bring it back from a backup; if it is lost"):
        ensure_keys(centre.authority, centre.registry, centre.at)
    rotate(centre.authority, centre.registry, "batches", centre.at)
    assert opened(key_files(centre.home, "batches"), recipient(centre)) == b"a batch"


def test_keys_that_cannot_be_used_are_told(centre: Centre) -> None:
    path = centre.home / "sealing" / "details.key"
    path.chmod(0o644)
    with pytest.raises(CaError, match="chmod 600"):
        ensure_keys(centre.authority, centre.registry, centre.at)
    path.chmod(0o600)
    path.write_bytes((centre.home / "ca" / "ca.key").read_bytes())
    with pytest.raises(CaError, match="not an X25519 key"):
        ensure_keys(centre.authority, centre.registry, centre.at)
    path.write_text("none")
    with pytest.raises(CaError, match="backup"):
        ensure_keys(centre.authority, centre.registry, centre.at)
    (centre.home / "sealing" / "centre.pem").unlink()
    with pytest.raises(CaError, match="run greengate-centre ca sealing"):
        public_keys(centre.home)


def test_a_collector_is_given_what_opens_batches_and_never_what_opens_details(centre: Centre, tmp_path: Path) -> None:
    first = recipient(centre)
    given = give_batches(centre.home, tmp_path / "stick")
    rotate(centre.authority, centre.registry, "batches", centre.at)
    assert [path.name for path in given.iterdir()] == ["batches.key"]
    give_batches(centre.home, tmp_path / "stick")
    assert sorted(path.name for path in given.iterdir()) == ["batches-1.key", "batches.key"]
    assert {mode(path) for path in given.iterdir()} == {0o600}
    assert mode(given) == 0o700
    for to in (first, recipient(centre)):
        assert opened(list(given.iterdir()), to) == b"a batch"


def test_collectors_on_this_machine_have_a_new_key_before_devices_do(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, write = give_batches(centre.home, centre.home / "issued"), sealing.write_whole
    written: list[Path] = []

    def noted(path: Path, data: bytes, *more: int, **how: bool) -> None:
        written.append(path)
        write(path, data, *more, **how)

    monkeypatch.setattr(sealing, "write_whole", noted)
    rotate(centre.authority, centre.registry, "batches", centre.at)
    assert opened(list(given.iterdir()), recipient(centre)) == b"a batch"
    assert written[-2:] == [given / "batches.key", centre.home / "sealing" / "centre.pem"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who makes what is another's")
def test_what_root_makes_belongs_to_whom_the_home_belongs(tmp_path: Path) -> None:
    home, user = tmp_path / "home", 12345
    home.mkdir()
    os.chown(home, user, user)
    made = Centre(home)
    rotate(made.authority, made.registry, "batches", made.at)
    made.registry.close()
    strangers = [path for path in home.rglob("*") if (path.stat().st_uid, path.stat().st_gid) != (user, user)]
    assert strangers == []

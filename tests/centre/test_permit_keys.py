"""Issuing keys: for their owner alone, never shown, with a certificate that the nation's centre takes."""

import shlex
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from centre.permits.keys import make
from centre.trust.signer_draft import read_draft
from tests.centre.permit_site import AT, VEHICLE, Office, flags, new_office
from verifier.trust import Signer


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    return new_office(tmp_path, monkeypatch)


def test_a_new_key_is_for_its_owner_alone_and_never_shown(office: Office) -> None:
    (told,) = office.json("key", "new", "lab-7", "--issuer", "Trung tâm Y tế Quận 1")
    assert (told["new"], told["issuer"], told["until"]) == (True, "Trung tâm Y tế Quận 1", "2028-11-21T06:00:00+00:00")
    path = office.permits.keys / "lab-7.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    assert office.permits.keys.stat().st_mode & 0o777 == 0o700
    raw = office.key("lab-7").private.private_bytes_raw()
    shown = office.run("key", "list").stdout + office.run("key", "list", "--json").stdout
    assert path.read_text().splitlines()[1] not in shown
    assert raw.hex() not in shown


def test_a_key_that_is_there_stays(office: Office) -> None:
    before = (office.permits.keys / "sg.pem").read_bytes()
    assert office.json("key", "new", "sg", "--issuer", "VN-SG")[0]["new"] is False
    assert "sg is there, and issues as VN-SG" in office.refused("key", "new", "sg", "--issuer", "VN-HN", code=65)
    assert (office.permits.keys / "sg.pem").read_bytes() == before


def test_broken_off_before_the_certificate_the_key_stays(office: Office) -> None:
    path = office.permits.keys / "sg.pem"
    before = path.read_bytes()
    path.with_suffix(".crt").unlink()
    assert make(office.permits, "sg", "VN-SG", AT)[1]
    assert path.read_bytes() == before


def test_the_exported_certificate_is_the_keys(office: Office) -> None:
    file = office.folder / "sg.crt"
    (told,) = office.json("key", "export", file)
    assert told["trust"] == f"trust add-key {file} --format lx1 --kind KIND --issuer VN-SG --area VN-SG"
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    signer = Signer.from_der(certificate.public_bytes(Encoding.DER), format_="lx1", kinds=("vehicle",))
    assert (signer.country, signer.not_after) == ("VN", office.key().ends)
    assert b"PRIVATE" not in file.read_bytes()
    office.run("key", "new", "lab", "--issuer", "Lab 7")
    (told,) = office.json("key", "export", file, "--key", "lab")
    assert told["trust"].endswith("--issuer 'Lab 7'")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["Ä", "--issuer", "VN"], "is no key's name"),
        (["a", "--issuer", " VN"], "--issuer: 1 to 64 printable"),
        (["a", "--issuer", "x" * 65], "--issuer: 1 to 64 printable"),
        (["a", "--issuer", "ế" * 41], "--issuer: 123 bytes in UTF-8: at most 120"),
        (["a", "--issuer", "vn-sg"], "--issuer: codes are in capitals: VN-SG"),
    ],
    ids=["name", "spaces", "long", "bytes", "small"],
)
def test_names_are_bounded(office: Office, words: list[str], told: str) -> None:
    assert told in office.refused("key", "new", *words, code=2)


def test_a_key_that_cannot_be_used_is_told(office: Office) -> None:
    path, certificate = office.permits.keys / "sg.pem", office.permits.keys / "sg.crt"
    good = path.read_bytes(), certificate.read_bytes()
    p256 = ec.generate_private_key(ec.SECP256R1())
    office.run("key", "new", "other", "--issuer", "VN-SG")
    others = (office.permits.keys / "other.crt").read_bytes()
    for pem, crt, told in (
        (b"no key", good[1], "sg.pem holds no key without a password"),
        (p256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), good[1], "sg.pem is no Ed25519 key"),
        (good[0], b"none", "sg.crt is no certificate"),
        (good[0], others, "sg.crt is of another key"),
    ):
        path.write_bytes(pem)
        certificate.write_bytes(crt)
        assert told in office.refused("key", "list", code=78)
    path.write_bytes(good[0])
    certificate.write_bytes(good[1])
    path.chmod(0o640)
    assert f"{path} may be read by others: run chmod 600" in office.refused("key", "list", code=78)


def test_keys_are_bounded(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("centre.permits.keys.KEYS_MAX", 0)
    assert "holds more than 0 keys" in office.refused("key", "list", code=78)


def test_the_nations_centre_takes_the_certificate_under_the_kid_of_permits(office: Office) -> None:
    office.with_trust()
    told = office.json("key", "export", office.folder / "sg.crt")[0]["trust"]
    office.run(*shlex.split(told.removeprefix("trust ").replace("KIND", "vehicle")), of="trust")
    assert [entry.kid for entry in read_draft(office.trust)] == [office.key().kid]
    assert len(office.json("issue", "vehicle", *flags(VEHICLE), "--out", office.out)) == 1  # without a warning

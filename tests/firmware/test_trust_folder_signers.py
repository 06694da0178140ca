"""A plain trust folder with a list of signers as a store has it: other formats than health certificates, too."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from firmware.trust_folder import TrustFolderError, load_trust
from firmware.trust_store import SIGNERS
from provisioning.issuer import DemoIssuer
from tests.simulators.lx1 import Lx1Issuer
from verifier.signers import SignerEntry, encode_signers

AT = datetime(2026, 6, 1, tzinfo=UTC)


def test_its_signers_stand_beside_certificates(tmp_path: Path) -> None:
    office, issuer = Lx1Issuer(kinds=("vehicle",)), DemoIssuer(AT)
    (tmp_path / SIGNERS).write_bytes(encode_signers([office.entry()]))
    (tmp_path / "one.der").write_bytes(issuer.certificate_der)
    trust = load_trust(tmp_path)
    found = {signer.kid: (signer.format, signer.demo) for signer in trust.signers.signers()}
    assert found == {office.kid: ("lx1", False), issuer.kid: ("hcert", True)}
    assert trust.demo
    assert trust.knowledge is None


def test_an_entry_that_cannot_be_used_is_left_out_and_told(tmp_path: Path) -> None:
    good = Lx1Issuer()
    broken = SignerEntry(kid=b"12345678", format="lx1", certificate=b"none", kinds=("test",))
    listed = encode_signers([good.entry()]).replace(b'"signers":[', b'"signers":[' + msgspec.json.encode(broken) + b",")
    (tmp_path / SIGNERS).write_bytes(listed)
    trust = load_trust(tmp_path)
    assert [signer.kid for signer in trust.signers.signers()] == [good.kid]
    (why,) = trust.signers.unusable
    assert why.startswith("entry 1: not a usable certificate")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"version": 2, "signers": []}', b"\xff"])
def test_a_list_that_is_none_is_told_with_its_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / SIGNERS).write_bytes(data)
    with pytest.raises(TrustFolderError, match=rf"{SIGNERS}: the list of signers cannot be read"):
        load_trust(tmp_path)

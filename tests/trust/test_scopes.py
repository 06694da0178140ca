"""What a centre says of a signer, and what it revokes by another's list, holds at the gate."""

import base64
import hashlib
import json
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import cbor2
import pytest

from tests.trust.world import ACCEPTED, ISSUER, NOW, OTHER, REVOKED, Centre, Kiosk, pass_of, uvci
from verifier import base45
from verifier.revocation import country_uci_hash, uci_hash

NOT_VALID, OUTSIDE = ("refused", "signer-not-valid"), ("refused", "outside-scope")
OTHER_KIND = ("refused", "wrong-key-usage")
DAY = timedelta(days=1)
Hash = Callable[[str], bytes]


def taken(centre: Centre, kiosk: Kiosk) -> Kiosk:
    centre.publish()
    kiosk.take(centre.web)
    return kiosk


@pytest.mark.parametrize(
    ("words", "vaccination", "test"),
    [
        (["--kind", "test"], OTHER_KIND, ACCEPTED),
        (["--kind", "test", "--kind", "vaccination"], ACCEPTED, ACCEPTED),
        (["--issuer", "VN"], ACCEPTED, ACCEPTED),
        (["--issuer", "LA"], OUTSIDE, OUTSIDE),
        (["--area", "VN"], ACCEPTED, ACCEPTED),
        (["--area", "LA-VT"], OUTSIDE, OUTSIDE),
        (["--until", f"{NOW - DAY:%F}"], NOT_VALID, NOT_VALID),
        (["--from", f"{NOW + DAY + DAY:%F}"], NOT_VALID, NOT_VALID),
        (["--until", f"{NOW + DAY:%F}", "--from", f"{NOW - DAY:%F}"], ACCEPTED, ACCEPTED),
    ],
    ids=["kind", "kinds", "issuer", "other-issuer", "area", "other-area", "over", "to-come", "now"],
)
def test_a_signer_signs_what_it_was_named_for(
    centre: Centre, kiosk: Kiosk, words: list[str], vaccination: tuple[str, str], test: tuple[str, str]
) -> None:
    assert kiosk.answer(ISSUER.issue(kind="t")) == ACCEPTED
    centre.quick("add-key", centre.folder / "issuer.der", *words)
    taken(centre, kiosk)
    assert kiosk.answer(pass_of(1)) == vaccination
    assert kiosk.answer(ISSUER.issue(kind="t")) == test


def _by_signature(text: str) -> bytes:
    signature = cbor2.loads(zlib.decompress(base45.decode(text[4:]))).value[3]
    return hashlib.sha256(signature[:32]).digest()[:16]


@pytest.mark.parametrize(
    ("kind", "hashed"),
    [
        ("UCI", lambda _text: uci_hash(uvci(1))),
        ("COUNTRYCODEUCI", lambda _text: country_uci_hash("VN", uvci(1))),
        ("SIGNATURE", _by_signature),
    ],
    ids=["uci", "country-uci", "signature"],
)
def test_a_gateway_s_batch_revokes_passes_of_its_key_alone(
    centre: Centre, kiosk: Kiosk, tmp_path: Path, kind: str, hashed: Hash
) -> None:
    centre.quick("add-key", centre.given("other.der", OTHER.certificate_der))
    mine, theirs = pass_of(1), pass_of(1, OTHER)
    entries = [{"hash": base64.b64encode(hashed(text)).decode()} for text in (mine, theirs)]
    batch = {
        "batchId": "8d1f8c1e-batch",
        "country": "VN",
        "expires": f"{NOW + 30 * DAY:%FT%TZ}",
        "kid": base64.b64encode(ISSUER.kid).decode(),
        "hashType": kind,
        "entries": entries,
    }
    path = tmp_path / "batch.json"
    path.write_text(json.dumps(batch), "utf-8")
    centre.quick("revoke", path)
    taken(centre, kiosk)
    assert [kiosk.answer(text) for text in (mine, theirs, pass_of(2))] == [REVOKED, ACCEPTED, ACCEPTED]
    path.write_text(json.dumps({"more": False, "batches": [batch | {"deleted": True, "date": "2026-01-01T00:00:00Z"}]}))
    centre.quick("revoke", path)
    assert taken(centre, kiosk).answer(mine) == ACCEPTED

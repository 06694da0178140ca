"""What the centre may publish of signers: nothing that a kiosk cannot use."""

from datetime import timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from tests.simulators.ecdsa import base64url
from tests.verifier.certificates import certificate
from tests.verifier.signer_lists import AT, EDWARDS, OFF_THE_CURVE, P256, entry
from verifier import TrustListError
from verifier.signers import (
    Jwk,
    encode_signers,
    jwk_of,
    parse_signers,
)


def ed25519_certificate() -> bytes:
    return certificate(key=ed25519.Ed25519PrivateKey.generate())


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"format": "lx2"}, "entry 2: format lx2 is not known; known are hcert, lx1, shc, nzcp, vds-nc"),
        ({"format": "lx1", "certificate": None, "jwk": Jwk(**P256)}, "needs kinds: some of vehicle, travel"),
        ({"kinds": ("vehicle",)}, "kinds of hcert are test, vaccination, recovery; not vehicle"),
        ({"kinds": ("recovery",)}, "allows none of the kinds"),
        ({"certificate": b"none"}, "entry 2: not a usable certificate"),
        ({"certificate": ed25519_certificate}, "signs no passes"),
        ({"format": "vds-nc", "certificate": b"none"}, "entry 2: not a usable certificate"),
        ({"format": "shc", "certificate": None, "jwk": Jwk(**OFF_THE_CURVE)}, "entry 2: not a usable key"),
        ({"kid": b""}, "signers[1].kid"),
        ({"areas": ("vn",)}, "signers[1].areas"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_nothing_is_published_that_a_kiosk_cannot_use(fields: dict[str, Any], says: str) -> None:
    made = {name: value() if callable(value) else value for name, value in fields.items()}
    with pytest.raises(TrustListError) as caught:
        encode_signers([entry(), entry(**made)])
    assert says in str(caught.value)


def test_a_certificate_of_another_format_may_have_another_key() -> None:
    listed = [entry(format="lx1", certificate=ed25519_certificate(), kinds=("test",))]
    assert [one.format for one in parse_signers(encode_signers(listed)).signers()] == ["lx1"]


def test_an_entry_refuses_contradictions_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="not both"):
        entry(jwk=Jwk(**P256))
    with pytest.raises(ValueError, match="in UTC"):
        entry(not_before=AT.astimezone(timezone(timedelta(hours=7))))
    with pytest.raises(ValueError, match="not_before is after"):
        replace(entry(not_before=AT), not_after=AT - timedelta(seconds=1))


@pytest.mark.parametrize("fields", [P256, EDWARDS], ids=["P-256", "Ed25519"])
def test_a_published_key_is_taken_without_what_is_beside_it(fields: dict[str, Any]) -> None:
    jwk = jwk_of(fields | {"kid": "3Kfdg", "use": "sig", "alg": "ES256", "x5c": ["..."]})
    assert jwk == Jwk(**fields)
    raw = jwk.public_key().public_bytes(
        *((Encoding.Raw, PublicFormat.Raw) if jwk.y is None else (Encoding.X962, PublicFormat.UncompressedPoint))
    )
    assert base64url(raw[-32:]) == (jwk.y or jwk.x)


@pytest.mark.parametrize("fields", [{}, {"kty": "RSA"}, P256 | {"x": 7}, P256 | {"x": "AAAA"}, OFF_THE_CURVE], ids=str)
def test_a_published_key_that_is_none(fields: dict[str, Any]) -> None:
    with pytest.raises(TrustListError, match="not a usable key"):
        jwk_of(fields)

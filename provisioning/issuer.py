"""An issuer of demonstration passes: real signatures by a key that lives in this process's memory only.

Its certificates name it in their subject, so that a gate with real lamps refuses to start on them.
"""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from verifier import base45
from verifier.cose import ES256, PS256
from verifier.prefix import HC1
from verifier.trust import DEMO_ORGANISATION

Algorithm = Literal["ES256", "PS256"]
SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
_USAGES = {"test": 1, "vaccination": 2, "recovery": 3}  # last arc of the extended key usage
_CERTIFICATE_DAYS = 730
_PASS_DAYS = 180


class DemoIssuer:
    """Signs demonstration passes.

    Args:
        at: Now, aware; the certificate holds from 30 days before it.
        algorithm: What it signs with.
        kinds: Kinds of entries that its certificate allows; none named means all.
        country: ISO 3166-1 code.
        curve, rsa_bits: Other keys than passes are signed with, to see them refused.
    """

    def __init__(
        self,
        at: datetime,
        *,
        algorithm: Algorithm = "ES256",
        kinds: tuple[str, ...] = (),
        country: str = "VN",
        curve: Literal["P-256", "P-384"] = "P-256",
        rsa_bits: int = 2048,
    ) -> None:
        self.country = country
        self._at = at.astimezone(UTC).replace(microsecond=0)
        self._key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = (
            ec.generate_private_key(ec.SECP256R1() if curve == "P-256" else ec.SECP384R1())
            if algorithm == "ES256"
            else rsa.generate_private_key(65537, rsa_bits)
        )
        self.alg = ES256 if algorithm == "ES256" else PS256
        self.certificate_der = demo_certificate(self._key, country, self._at, kinds)
        self.kid = hashlib.sha256(self.certificate_der).digest()[:8]

    def issue(self, entry: Mapping[str, Any] | None = None, *, kind: str = "v", **claims: Any) -> str:  # noqa: ANN401 - claims hold anything CBOR does
        """Return the `HC1:` text of a pass.

        Args:
            entry: Fields that replace those of the demonstration entry.
            kind: "v", "t" or "r".
            claims: `issued` and `expires` (aware times).
        """
        issued = claims.get("issued", self._at - timedelta(days=1))
        expires = claims.get("expires", self._at + timedelta(days=_PASS_DAYS))
        certificate = {
            "ver": "1.3.0",
            "nam": {"fn": "Nguyễn", "gn": "Văn An", "fnt": "NGUYEN", "gnt": "VAN<AN"},
            "dob": "1990-01-01",
            kind: [demo_entry(kind, self.country, self._at) | dict(entry or {})],
        }
        return self.text(
            {1: self.country, 4: int(expires.timestamp()), 6: int(issued.timestamp()), -260: {1: certificate}}
        )

    def text(self, claims: Mapping[int, Any]) -> str:
        """Return the `HC1:` text of signed claims (a CWT)."""
        return hc1(cbor2.dumps(cbor2.CBORTag(18, self.sign1(cbor2.dumps(claims)))))

    def sign1(
        self,
        payload: bytes,
        *,
        protected: Mapping[int, Any] | None = None,
        unprotected: Mapping[int, Any] | None = None,
    ) -> list[Any]:
        """Return the four parts of a COSE_Sign1 over the payload; the headers are the usual ones where not given."""
        header = {1: self.alg, 4: self.kid} if protected is None else protected
        return signed_parts(self.sign, payload, header, unprotected or {})

    def sign(self, message: bytes) -> bytes:
        """Return the COSE form of the signature: r and s for ES256, the RSA block for PS256."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
            return self._key.sign(message, pss, hashes.SHA256())
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(hashes.SHA256())))
        size = self._key.key_size // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def signed_parts(
    sign: Callable[[bytes], bytes], payload: bytes, protected: Mapping[int, Any], unprotected: Mapping[int, Any]
) -> list[Any]:
    """Return the four parts of a COSE_Sign1 (RFC 9052, section 4.4); `sign` gives COSE's form of a signature."""
    header = cbor2.dumps(dict(protected))
    signature = sign(cbor2.dumps(["Signature1", header, b"", payload]))
    return [header, dict(unprotected), payload, signature]


def demo_certificate(key: SigningKey, country: str, at: datetime, kinds: tuple[str, ...] = ()) -> bytes:
    """Return a certificate (DER) of a key's own that says that it is a demonstration's; `kinds` as of `DemoIssuer`."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, DEMO_ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, "Cong Xanh demo signer"),
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=30))
        .not_valid_after(at + timedelta(days=_CERTIFICATE_DAYS))
    )
    if kinds:
        oids = [x509.ObjectIdentifier(f"1.3.6.1.4.1.1847.2021.1.{_USAGES[kind]}") for kind in kinds]
        builder = builder.add_extension(x509.ExtendedKeyUsage(oids), critical=False)
    hashed = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()  # Ed25519 hashes by itself
    return builder.sign(key, hashed).public_bytes(Encoding.DER)


def hc1(cose: bytes) -> str:
    """Return the `HC1:` text around a COSE message."""
    return HC1 + base45.encode(zlib.compress(cose, 9))


def demo_entry(kind: str, country: str, at: datetime) -> dict[str, Any]:
    """Return an invented entry: "v" vaccination, "t" test, "r" recovery."""
    day = (at - timedelta(days=20)).date()
    common = {
        "tg": "840539006",
        "co": country,
        "is": "Cong Xanh demo",
        "ci": f"URN:UVCI:01:{country}:DEMO{kind.upper()}0001#A",
    }
    specific: dict[str, dict[str, Any]] = {
        "v": {
            "vp": "1119349007",
            "mp": "EU/1/20/1528",
            "ma": "ORG-100030215",
            "dn": 2,
            "sd": 2,
            "dt": day.isoformat(),
        },
        "t": {
            "tt": "LP6464-4",
            "nm": "demo PCR",
            "sc": (at - timedelta(hours=6)).isoformat(),
            "tr": "260415000",
            "tc": "Cong Xanh demo",
        },
        "r": {
            "fr": day.isoformat(),
            "df": (day + timedelta(days=11)).isoformat(),
            "du": (day + timedelta(days=180)).isoformat(),
        },
    }
    return common | specific[kind]

"""An issuer of signed permits (LX1); `lx1_faulty` makes every faulty variant. It encodes by itself, byte by byte.

Keys are in memory: random ones, or made of a seed for the published vectors.
"""

import hashlib
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.simulators.ecdsa import P256_ORDER, base64url
from verifier import base45
from verifier.signers import Jwk, SignerEntry

Algorithm = Literal["EdDSA", "ES256"]
KindName = Literal["vehicle", "travel", "declaration", "test"]
ALG_NUMBERS = {"EdDSA": -8, "ES256": -7}
KIND_NAMES: tuple[KindName, ...] = ("vehicle", "travel", "declaration", "test")
PERMIT = -65537


class Lx1Issuer:
    """Signs permits.

    Args:
        algorithm: What it signs with.
        issuer: The name that it issues under.
        kinds: What the list of signers lets it sign.
        seed: Makes its key and identifiers the same each time; None: random.
    """

    def __init__(
        self,
        algorithm: Algorithm = "EdDSA",
        *,
        issuer: str = "VN-SG",
        kinds: tuple[KindName, ...] = KIND_NAMES,
        seed: str | None = None,
    ) -> None:
        self.algorithm = algorithm
        self.issuer = issuer
        self.kinds = kinds
        self._key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey = _key(algorithm, seed)
        public = self._key.public_key()
        self.kid = hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()[:8]
        self.jwk = _jwk(public)
        self._seed = seed
        self._issued = 0

    @property
    def private(self) -> str:
        """Return the private part of the key as a JWK has it (`d`), for keys that are published as test keys."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return base64url(self._key.private_bytes_raw())
        return base64url(self._key.private_numbers().private_value.to_bytes(32, "big"))

    def entry(self, **changes: Any) -> SignerEntry:  # noqa: ANN401 - fields of any sort
        """Return its entry in the list of signers."""
        fields = {
            "kid": self.kid,
            "format": "lx1",
            "jwk": Jwk(**self.jwk),
            "kinds": self.kinds,
            "issuers": (self.issuer,),
            "country": "VN",
        }
        return SignerEntry(**(fields | changes))

    def claims(self, kind: KindName, at: datetime, **permit: Any) -> dict[int, Any]:  # noqa: ANN401 - any CBOR
        """Return good claims of a kind; `permit` replaces fields by `f` and their number, `None` leaves one out."""
        fields = _permit(kind, at) | {int(name.removeprefix("f")): value for name, value in permit.items()}
        return {
            1: self.issuer,
            4: seconds(at + timedelta(days=7)),
            5: seconds(at - timedelta(hours=1)),
            6: seconds(at - timedelta(days=1)),
            7: self._identifier(),
            PERMIT: {number: value for number, value in fields.items() if value is not None},
        }

    def issue(self, kind: KindName, at: datetime, **permit: Any) -> str:  # noqa: ANN401 - any CBOR
        """Return the text of a good permit; see `claims`."""
        return self.text(self.claims(kind, at, **permit))

    def text(self, claims: Any) -> str:  # noqa: ANN401 - any CBOR
        """Return the text of any claims, signed."""
        return text_of(self.message(encoded(claims)))

    def message(self, payload: bytes, **headers: Any) -> bytes:  # noqa: ANN401 - any CBOR
        """Return the COSE message over a payload; see `parts`."""
        return b"\xd2" + cbor2.dumps(list(self.parts(payload, **headers)))

    def parts(
        self, payload: bytes, *, protected: bytes | None = None, unprotected: Mapping[Any, Any] | None = None
    ) -> tuple[bytes, dict[Any, Any], bytes, bytes]:
        """Return the four parts of a COSE_Sign1."""
        header = encoded({1: ALG_NUMBERS[self.algorithm], 4: self.kid}) if protected is None else protected
        signature = self.sign(cbor2.dumps(["Signature1", header, b"", payload]))
        return header, dict(unprotected or {}), payload, signature

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of signature."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        der = self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=self._seed is not None))
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def _identifier(self) -> bytes:
        self._issued += 1
        drawn = f"{self._seed} {self._issued}" if self._seed is not None else f"{id(self)} {self._issued}"
        return hashlib.sha256(drawn.encode()).digest()[:16]


def seconds(at: datetime) -> int:
    """Return seconds since the epoch."""
    return int(at.timestamp())


def encoded(item: Any) -> bytes:  # noqa: ANN401 - any CBOR
    """Return the deterministic encoding."""
    return cbor2.dumps(item, canonical=True)


def text_of(message: bytes, *, packed: bool | None = None) -> str:
    """Return the text around a message; compressed where that is shorter, or as `packed` says."""
    small = zlib.compress(message, 9)
    if packed is None:
        packed = len(small) < len(message)
    return "LX1:" + base45.encode(small if packed else message)


def message_of(text: str) -> bytes:
    """Return the message in a text of ours."""
    data = base45.decode(text.removeprefix("LX1:"))
    return zlib.decompress(data) if data[:1] == b"\x78" else data


def _key(algorithm: Algorithm, seed: str | None) -> ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
    if seed is None:
        made = ed25519.Ed25519PrivateKey.generate
        return made() if algorithm == "EdDSA" else ec.generate_private_key(ec.SECP256R1())
    secret = hashlib.sha256(f"LX1 test key of no value: {seed}".encode()).digest()
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.from_private_bytes(secret)
    return ec.derive_private_key(int.from_bytes(secret, "big") % (P256_ORDER - 1) + 1, ec.SECP256R1())


def _jwk(key: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey) -> dict[str, str]:
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url(key.public_bytes_raw())}
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {"kty": "EC", "crv": "P-256", "x": base64url(point[1:33]), "y": base64url(point[33:])}


def _permit(kind: KindName, at: datetime) -> dict[int, Any]:
    """Return the fields of a permit with every optional one."""
    holder = {1: "NGUYEN", 2: "VAN<AN", 3: "1990-02-03", 4: "4567"}
    fields: dict[KindName, dict[int, Any]] = {
        "vehicle": {
            10: "51C12345", 11: 2, 12: "0301234567", 13: ["QL1A", "QL51"], 14: 1, 15: [[1320, 300]], 16: 2,
        },
        "travel": {1: holder, 15: [[300, 1200]], 20: "0312345678", 21: 1, 22: ["VN-SG", "VN-43"]},
        "declaration": {1: holder, 22: ["VN-SG"], 30: seconds(at - timedelta(hours=2)), 31: 0},
        "test": {
            1: holder, 40: 1, 41: seconds(at - timedelta(hours=30)), 42: seconds(at - timedelta(hours=24)), 43: 0,
            44: "Viện Pasteur TP. Hồ Chí Minh",
        },
    }  # fmt: skip
    return {0: KIND_NAMES.index(kind)} | fields[kind]

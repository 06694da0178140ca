"""Offices that issue demonstration permits (LX1, docs/formats/lx1.md), with keys in this process's memory only.

In a list of signers their keys come with certificates that name them a demonstration's, so that a gate with real lamps
refuses to start on them: a bare key says nothing of whose it is.
"""

import hashlib
import secrets
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import cbor2
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provisioning.issuer import demo_certificate, signed_parts
from verifier import base45
from verifier.cbor import COSE_SIGN1_TAG
from verifier.cose import EDDSA
from verifier.documents.lx1 import IDENTIFIER_BYTES, KID_BYTES
from verifier.prefix import LX1
from verifier.signers import SignerEntry

Kind = Literal["vehicle", "travel", "declaration", "test"]
_NUMBERS: dict[Kind, int] = {"vehicle": 0, "travel": 1, "declaration": 2, "test": 3}
_COUNTRY = "VN"
_VALID_DAYS = 7


class DemoOffice:
    """Signs demonstration permits.

    Args:
        at: Now, aware.
        name: Whom its permits name as their issuer: an area's code or an organisation.
        kinds: What it may sign.
    """

    def __init__(self, at: datetime, name: str, kinds: tuple[Kind, ...]) -> None:
        self.name = name
        self._at = at.astimezone(UTC).replace(microsecond=0)
        self._kinds = kinds
        self._key = ed25519.Ed25519PrivateKey.generate()
        public = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.kid = hashlib.sha256(public).digest()[:KID_BYTES]

    def entry(self) -> SignerEntry:
        """Return what a list of signers says of it."""
        return SignerEntry(
            kid=self.kid,
            format="lx1",
            certificate=demo_certificate(self._key, _COUNTRY, self._at),
            kinds=self._kinds,
            issuers=(self.name,),
            country=_COUNTRY,
            name=self.name,
        )

    def issue(self, kind: Kind, content: Mapping[int, Any]) -> str:
        """Return the text of a permit, issued an hour ago; `content` is by the numbers of docs/formats/lx1.md."""
        claims = {
            1: self.name,
            4: int((self._at + timedelta(days=_VALID_DAYS)).timestamp()),
            6: int((self._at - timedelta(hours=1)).timestamp()),
            7: secrets.token_bytes(IDENTIFIER_BYTES),
            -65537: {0: _NUMBERS[kind], **content},
        }
        payload = cbor2.dumps(claims, canonical=True)
        parts = signed_parts(self._key.sign, payload, {1: EDDSA, 4: self.kid}, {})
        plain = cbor2.dumps(cbor2.CBORTag(COSE_SIGN1_TAG, parts))
        return LX1 + base45.encode(min(plain, zlib.compress(plain, 9), key=len))

"""An issuer of NZ COVID Passes, with a key in memory, which can also make every faulty variant."""

import base64
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec

from tests.simulators.ecdsa import flipped, jwk_of, signed_raw
from verifier.signers import Jwk, SignerEntry

Variant = tuple[str, str, str]
"""A name, a text, and the reason that it must get."""
PREFIX = "NZCP:/1/"
CONTEXTS = ["https://www.w3.org/2018/credentials/v1", "https://nzcp.covid19.health.nz/contexts/v1"]
LABELS = {"iss": 1, "exp": 4, "nbf": 5, "cti": 7, "vc": "vc"}


class NzcpIssuer:
    """Signs passes.

    Args:
        at: Now, aware.
        did: The name that it issues under.
        kid: The name of its key behind the #.
    """

    def __init__(self, at: datetime, did: str = "did:web:issuer.example", kid: bytes = b"key-1") -> None:
        self.at = at
        self.did = did
        self.kid = kid
        self.key = ec.generate_private_key(ec.SECP256R1())

    def trust_entry(self, **changes: Any) -> SignerEntry:  # noqa: ANN401 - fields of any sort
        """Return its entry in the list of signers."""
        jwk = Jwk(**jwk_of(self.key))
        fields = {"kid": self.kid, "format": "nzcp", "jwk": jwk, "issuers": (self.did,), "country": "NZ"}
        return SignerEntry(**(fields | changes))

    def claims(self, **changes: Any) -> dict[int | str, Any]:  # noqa: ANN401 - any CBOR
        """Return good claims; `changes` replace some by name, `None` leaves one out."""
        good = {
            "iss": self.did,
            "nbf": int((self.at - timedelta(days=3)).timestamp()),
            "exp": int((self.at + timedelta(days=180)).timestamp()),
            "vc": credential(),
            "cti": uuid.UUID("60a4f54d-4e30-4332-be33-ad78b1eafa4b").bytes,
        }
        return {LABELS[name]: value for name, value in (good | changes).items() if value is not None}

    def issue(self, **changes: Any) -> str:  # noqa: ANN401 - any CBOR
        """Return the text of a pass; see `claims`."""
        return self.text(cbor2.dumps(self.claims(**changes)))

    def text(self, payload: bytes, **headers: Any) -> str:  # noqa: ANN401 - any CBOR
        """Return the text of any signed bytes; see `parts`."""
        return text_of(cbor2.dumps(cbor2.CBORTag(18, list(self.parts(payload, **headers)))))

    def parts(
        self,
        payload: bytes,
        *,
        protected: Mapping[int, Any] | None = None,
        unprotected: Mapping[int, Any] | None = None,
    ) -> tuple[bytes, dict[int, Any], bytes, bytes]:
        """Return the four parts of a COSE_Sign1; the headers are the usual ones where not given."""
        header = cbor2.dumps({4: self.kid, 1: -7} if protected is None else dict(protected))
        signature = signed_raw(self.key, cbor2.dumps(["Signature1", header, b"", payload]))
        return header, dict(unprotected or {}), payload, signature

    def faulty(self) -> dict[str, str]:
        """Return the texts of all faulty variants by name."""
        return {name: text for name, text, _ in self.variants()}

    def variants(self) -> Iterator[Variant]:
        """Give all faulty variants."""
        yield from self._texts()
        yield from self._envelopes()
        yield from self._claims()
        yield from self._credentials()

    def _texts(self) -> Iterator[Variant]:
        text = self.issue()
        body = text.removeprefix(PREFIX)
        yield "another prefix", text.replace("NZCP:", "NZCQ:"), "unsupported-kind"
        yield "version 2", "NZCP:/2/" + body, "unsupported-version"
        yield "no version", "NZCP:/" + body, "bad-encoding"
        yield "version a letter", "NZCP:/A/" + body, "bad-encoding"
        yield "padded", text + "=" * (-len(body) % 8 or 8), "bad-encoding"
        yield "small letters", PREFIX + body.lower(), "bad-encoding"
        yield "digits that base32 has not", PREFIX + "01189" + body, "bad-encoding"
        yield "a length that no bytes have", PREFIX + "A", "bad-encoding"
        yield "bits behind the last byte", PREFIX + "AB", "bad-encoding"
        yield "a line behind", text + "\n", "bad-encoding"
        yield "longer than a QR code holds", PREFIX + "A" * 4296, "bad-encoding"
        yield "nothing", PREFIX, "bad-cose"
        yield "bytes behind the message", text_of(bytes_of(text) + b"\0"), "bad-cose"

    def _envelopes(self) -> Iterator[Variant]:
        payload = cbor2.dumps(self.claims())
        protected, _, _, signature = self.parts(payload)

        def made(payload: bytes = payload, signature: bytes = signature) -> str:
            return text_of(cbor2.dumps([protected, {}, payload, signature]))

        def headed(protected: Mapping[int, Any], **more: Any) -> str:  # noqa: ANN401 - any CBOR
            return self.text(payload, protected=protected, **more)

        stranger = NzcpIssuer(self.at, self.did, self.kid)
        yield "signed by another key", stranger.issue(), "bad-signature"
        yield "a flipped byte of the payload", made(payload=flipped(payload, payload.index(b"Jack"))), "bad-signature"
        yield "a flipped byte of the signature", made(signature=flipped(signature, 20)), "bad-signature"
        yield "signature of 63 bytes", made(signature=signature[:63]), "bad-signature"
        yield "no signature", made(signature=b""), "bad-signature"
        yield "a key of nobody's", headed({4: b"key-2", 1: -7}), "unknown-issuer"
        yield "no kid", headed({1: -7}), "unknown-issuer"
        yield "kid a text", headed({4: "key-1", 1: -7}), "unknown-issuer"
        yield "no alg", headed({4: self.kid}), "bad-cose"
        yield "alg a text", headed({4: self.kid, 1: "ES256"}), "bad-cose"
        yield "alg EdDSA", headed({4: self.kid, 1: -8}), "bad-signature"
        yield "alg PS256", headed({4: self.kid, 1: -37}), "bad-signature"
        yield "critical header", headed({4: self.kid, 1: -7, 2: [99], 99: 0}), "bad-cose"
        yield "critical header, unprotected", headed({4: self.kid, 1: -7}, unprotected={2: [99]}), "bad-cose"

    def _claims(self) -> Iterator[Variant]:
        now_s = int(self.at.timestamp())
        yield "not active", self.issue(nbf=now_s + 1), "not-yet-valid"
        yield "expired", self.issue(exp=now_s - 1), "expired"
        yield "nbf missing", self.issue(nbf=None), "bad-cwt"
        yield "nbf a text", self.issue(nbf="2022"), "bad-cwt"
        yield "exp missing", self.issue(exp=None), "bad-cwt"
        yield "iss missing", self.issue(iss=None), "bad-cwt"
        yield "iss no did:web", self.issue(iss="https://issuer.example"), "bad-cwt"
        yield "iss of another", self.issue(iss="did:web:issuer.example:2"), "outside-scope"
        yield "cti missing", self.issue(cti=None), "bad-cwt"
        yield "cti of 15 bytes", self.issue(cti=bytes(15)), "bad-cwt"
        yield "cti a text", self.issue(cti="60a4f54d-4e30-4332-be33-ad78b1eafa4b"), "bad-cwt"
        yield "vc missing", self.issue(vc=None), "bad-cwt"
        yield "vc a list", self.issue(vc=[]), "bad-cwt"
        yield "claims a list", self.text(cbor2.dumps([])), "bad-cwt"
        twice = cbor2.dumps(self.claims())
        yield "a claim twice", self.text(bytes([twice[0] + 1]) + b"\x01\x61A" + twice[1:]), "bad-cwt"

    def _credentials(self) -> Iterator[Variant]:
        def of(**changes: Any) -> str:  # noqa: ANN401 - any CBOR
            return self.issue(vc=credential(**changes))

        def about(**changes: Any) -> str:  # noqa: ANN401 - any CBOR
            return of(credentialSubject=subject(**changes))

        yield "another context", of(**{"@context": CONTEXTS[:1]}), "unsupported-kind"
        yield "context a text", of(**{"@context": CONTEXTS[0]}), "unsupported-kind"
        yield "another type", of(type=["VerifiableCredential", "PrivatePass"]), "unsupported-kind"
        yield "type missing", of(type=None), "unsupported-kind"
        yield "pass version 2.0.0", of(version="2.0.0"), "unsupported-version"
        yield "pass version one", of(version="one"), "bad-payload"
        yield "pass version a number", of(version=1), "bad-payload"
        yield "subject missing", of(credentialSubject=None), "bad-payload"
        yield "givenName missing", about(givenName=None), "bad-payload"
        yield "givenName empty", about(givenName=" "), "bad-payload"
        yield "givenName a number", about(givenName=1), "bad-payload"
        yield "familyName a list", about(familyName=["Sparrow"]), "bad-payload"
        yield "dob missing", about(dob=None), "bad-payload"
        yield "dob a year", about(dob="1960"), "bad-payload"
        yield "dob a number", about(dob=1960), "bad-payload"


def credential(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any CBOR
    """Return a good credential; `None` leaves a member out."""
    types = ["VerifiableCredential", "PublicCovidPass"]
    good = {"@context": CONTEXTS, "version": "1.0.0", "type": types, "credentialSubject": subject()}
    return {name: value for name, value in (good | changes).items() if value is not None}


def subject(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any CBOR
    """Return whom a pass is about; `None` leaves a member out."""
    good = {"givenName": "Jack", "familyName": "Sparrow", "dob": "1960-04-16"}
    return {name: value for name, value in (good | changes).items() if value is not None}


def text_of(message: bytes) -> str:
    """Return the text around a message."""
    return PREFIX + base64.b32encode(message).decode().rstrip("=")


def bytes_of(text: str) -> bytes:
    """Return the message in a text of ours."""
    body = text.removeprefix(PREFIX)
    return base64.b32decode(body + "=" * (-len(body) % 8))

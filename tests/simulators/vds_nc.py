"""A country's authority (CSCA) and its signer of VDS-NC seals, with keys in memory; faulty seals: `vds_nc_faulty`."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.simulators.ecdsa import base64url, signed_raw
from verifier import canonical_json
from verifier.signers import SignerEntry

SealKind = Literal["vaccination", "test"]
AuthorityKey = Literal["P-256", "P-521", "RSA", "RSA-PSS"]
SignerKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
VDS_NC = x509.ObjectIdentifier("2.23.136.1.1.14.2")
ALGORITHMS = {256: "ES256", 384: "ES384", 521: "ES512"}
CURVES: dict[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


class VdsNcIssuer:
    """Signs seals.

    Args:
        at: Now, aware.
        alg: What its signer signs with.
        authority: What key the country's authority has.
        country, state: The country's code of two letters, and of three.
        rsa_bits: Of an authority's key.
    """

    def __init__(
        self,
        at: datetime,
        alg: str = "ES256",
        *,
        authority: AuthorityKey = "P-256",
        country: str = "AU",
        state: str = "AUS",
        rsa_bits: int = 2048,
    ) -> None:
        self.at = at
        self.state = state
        self.country = country
        self.key = ec.generate_private_key(CURVES[alg])
        self.pss = authority == "RSA-PSS"
        self.authority_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = (
            rsa.generate_private_key(65537, rsa_bits)
            if authority.startswith("RSA")
            else ec.generate_private_key(ec.SECP521R1() if authority == "P-521" else ec.SECP256R1())
        )
        self.authority = self.certified(self.authority_key, "Country Signing Authority", ca=True)
        self.certificate = self.certified(self.key, "Barcode Signer")

    def trust_entry(self, **changes: Any) -> SignerEntry:  # noqa: ANN401 - fields of any sort
        """Return its authority's entry in the list of signers."""
        kid = hashlib.sha256(self.authority).digest()[:8]
        fields = {"kid": kid, "format": "vds-nc", "certificate": self.authority, "country": self.country}
        return SignerEntry(**(fields | changes))

    def certified(
        self,
        key: SignerKey,
        name: str,
        *,
        ca: bool | None = None,
        usages: tuple[x509.ObjectIdentifier, ...] = (VDS_NC,),
        types: tuple[str, ...] = (),
        extensions: tuple[x509.ExtensionType, ...] = (),
        not_before: timedelta = timedelta(days=-30),
        not_after: timedelta = timedelta(days=365),
        by: "VdsNcIssuer | None" = None,
        algorithm: hashes.HashAlgorithm | None = None,
    ) -> bytes:
        """Return a certificate of this country's authority (DER), or of another's under this one's name."""
        issuing = (by or self).authority_key
        builder = (
            x509.CertificateBuilder()
            .subject_name(self._named(name))
            .issuer_name(self._named("Country Signing Authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.at + not_before)
            .not_valid_after(self.at + not_after)
        )
        held = [x509.BasicConstraints(ca=ca, path_length=None)] if ca is not None else []
        held += [x509.ExtendedKeyUsage(usages)] if usages and not ca else []
        held += [document_types(*types)] if types else []
        for extension in (*held, *extensions):
            builder = builder.add_extension(extension, critical=False)
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size) if self.pss else None
        return builder.sign(issuing, algorithm or hashes.SHA256(), rsa_padding=pss).public_bytes(Encoding.DER)

    def issue(self, kind: SealKind = "vaccination", **changes: Any) -> str:  # noqa: ANN401 - any JSON
        """Return the text of a seal; `changes` replace members of its message, `None` leaves one out."""
        return self.text(self.data(kind, **changes))

    def data(self, kind: SealKind = "vaccination", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Return what is signed."""
        good = vaccination(self.at, self.state) if kind == "vaccination" else test(self.at, self.state)
        message = {name: value for name, value in (good | changes).items() if value is not None}
        type_ = "icao.vacc" if kind == "vaccination" else "icao.test"
        return {"hdr": {"t": type_, "v": 1, "is": self.state}, "msg": message}

    def text(self, data: Any, **seal: Any) -> str:  # noqa: ANN401 - any JSON
        """Return the text of any data, signed; `seal` replaces members of the signature, `None` leaves one out."""
        members = {
            "alg": ALGORITHMS[self.key.key_size],
            "cer": base64url(self.certificate),
            "sigvl": base64url(signed_raw(self.key, canonical_json.encode(data))),
        }
        held = {name: value for name, value in (members | seal).items() if value is not None}
        return json.dumps({"data": data, "sig": held}, ensure_ascii=False, separators=(",", ":"))

    def _named(self, name: str) -> x509.Name:
        return x509.Name(
            [x509.NameAttribute(NameOID.COUNTRY_NAME, self.country), x509.NameAttribute(NameOID.COMMON_NAME, name)]
        )


def document_types(*types: str) -> x509.UnrecognizedExtension:
    """Return the extension that says what a certificate's holder signs: NT, NV or others."""
    held = b"".join(b"\x13\x02" + name.encode() for name in types)
    inner = b"\x02\x01\x00\x31" + bytes([len(held)]) + held
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.23.136.1.1.6.2"), b"\x30" + bytes([len(inner)]) + inner)


def vaccination(at: datetime, state: str) -> dict[str, Any]:
    """Return a message with two doses, the last 20 days ago."""
    doses = [
        {"dvc": f"{at - timedelta(days=days):%Y-%m-%d}", "seq": number, "ctr": state, "adm": "GP", "lot": "300157P"}
        for number, days in ((1, 50), (2, 20))
    ]
    event = {"des": "XM68M6", "dis": "RA01.0", "nam": "AstraZeneca Vaxzevria", "vd": doses}
    return {"uvci": "VB0009990012", "pid": _person(i="PA0941262"), "ve": [event]}


def test(at: datetime, state: str) -> dict[str, Any]:
    """Return a message with a test of 6 hours ago, negative by PCR."""
    return {
        "utci": "U01932",
        "pid": _person(dt="P", dn="PA0941262"),
        "sp": {"spn": "General Hospital", "ctr": state, "cd": {"p": "+61000000000", "e": "a@example.org"}},
        "dat": {"sc": (at - timedelta(hours=6)).isoformat(), "ri": (at - timedelta(hours=1)).isoformat()},
        "tr": {"tc": "molecular(PCR)", "r": "negative", "m": "saliva"},
    }


def _person(**more: str) -> dict[str, Any]:
    return {"n": "CITIZEN  JANE SUE", "dob": "1961-05-15", "sex": "F", **more}

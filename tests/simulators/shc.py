"""An issuer of SMART Health Cards, with a key in memory; `shc_faulty` makes every faulty variant."""

import hashlib
import json
import zlib
from datetime import datetime, timedelta
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec

from tests.simulators.ecdsa import base64url, jwk_of, signed_raw
from verifier.signers import Jwk, SignerEntry

CardKind = Literal["vaccination", "test"]
HEALTH_CARD = "https://smarthealth.cards#health-card"
_PAIRS = {code: f"{code - 45:02}" for code in range(45, 145)}


class ShcIssuer:
    """Signs cards.

    Args:
        at: Now, aware.
        url: The name that it issues under.
    """

    def __init__(self, at: datetime, url: str = "https://issuer.example/shc") -> None:
        self.at = at
        self.url = url
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.jwk = jwk_of(self.key)
        thumbprint = json.dumps(dict(sorted(self.jwk.items())), separators=(",", ":"))
        self.kid = hashlib.sha256(thumbprint.encode()).digest()

    def trust_entry(self, **changes: Any) -> SignerEntry:  # noqa: ANN401 - fields of any sort
        """Return its entry in the list of signers."""
        fields = {"kid": self.kid, "format": "shc", "jwk": Jwk(**self.jwk), "issuers": (self.url,), "country": "US"}
        return SignerEntry(**(fields | changes))

    def issue(self, kind: CardKind = "vaccination", **claims: Any) -> str:  # noqa: ANN401 - any JSON
        """Return the text of a card; `claims` replace those of a good one, `None` leaves one out."""
        return self.text(self.claims(kind, **claims))

    def claims(self, kind: CardKind = "vaccination", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Return good claims."""
        credential = {
            "type": [HEALTH_CARD, "https://smarthealth.cards#covid19"],
            "credentialSubject": {"fhirVersion": "4.0.1", "fhirBundle": bundle(patient(), *self.resources(kind))},
        }
        claims = {"iss": self.url, "nbf": (self.at - timedelta(days=3)).timestamp() + 0.837, "vc": credential}
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def resources(self, kind: CardKind) -> list[dict[str, Any]]:
        """Return two doses, the last 20 days ago, or a test of 6 hours ago."""
        if kind == "test":
            return [observation((self.at - timedelta(hours=6)).isoformat())]
        return [dose(f"{self.at - timedelta(days=days):%Y-%m-%d}") for days in (50, 20)]

    def text(self, claims: Any, **header: Any) -> str:  # noqa: ANN401 - any JSON
        """Return the text of any claims, signed."""
        return numeric(self.jws(deflated(json.dumps(claims).encode()), **header))

    def jws(self, payload: bytes, **header: Any) -> str:  # noqa: ANN401 - any JSON
        """Return a JWS over a payload; `header` replaces members of a good one, `None` leaves one out."""
        members = {"zip": "DEF", "alg": "ES256", "kid": base64url(self.kid)} | header
        return self.signed(json.dumps({name: value for name, value in members.items() if value is not None}), payload)

    def signed(self, header: str | bytes, payload: bytes) -> str:
        """Return a JWS with any header."""
        head = base64url(header.encode() if isinstance(header, str) else header)
        signing_input = f"{head}.{base64url(payload)}"
        return f"{signing_input}.{base64url(signed_raw(self.key, signing_input.encode()))}"


def patient(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return whom a card is about."""
    name = [{"family": "Nguyễn", "given": ["Văn", "An"]}]
    return {"resourceType": "Patient", "name": name, "birthDate": "1990-02-03"} | changes


def dose(date: str, cvx: str = "208", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a dose that was given."""
    immunization = {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": cvx}]},
        "patient": {"reference": "resource:0"},
        "occurrenceDateTime": date,
        "lotNumber": "0000002",
    }
    return immunization | changes


def observation(
    sampled_at: str,
    loinc: str = "94500-6",
    result: str = "260415000",
    **changes: Any,  # noqa: ANN401 - any JSON
) -> dict[str, Any]:
    """Return a test, negative by PCR."""
    found = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
        "effectiveDateTime": sampled_at,
        "performer": [{"display": "ABC General Hospital"}],
        "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": result}]},
    }
    return found | changes


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    """Return a bundle of resources."""
    entries = [{"fullUrl": f"resource:{number}", "resource": one} for number, one in enumerate(resources)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def deflated(data: bytes) -> bytes:
    """Return it as raw DEFLATE (RFC 1951)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def numeric(jws: str) -> str:
    """Return the text of a code, two digits for each character."""
    return "shc:/" + jws.translate(_PAIRS)


def jws_of(text: str) -> str:
    """Return the JWS in a text of ours."""
    digits = text.removeprefix("shc:/")
    return "".join(chr(int(digits[place : place + 2]) + 45) for place in range(0, len(digits), 2))

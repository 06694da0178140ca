"""What tests of verdicts show, and to whom."""

from datetime import datetime
from typing import Any

import cbor2

from provisioning.issuer import DemoIssuer, demo_entry, hc1
from verifier import (
    Reason,
    Revocations,
    Signer,
    TrustList,
    Verdict,
    Verifier,
)


def payload_of(issuer: DemoIssuer, at: datetime, **claims: object) -> bytes:
    """Return a signed payload, good but for the claims that are named."""
    labels = {"iss": 1, "exp": 4, "nbf": 5, "iat": 6}
    certificate = {"ver": "1.3.0", "nam": {}, "dob": "", "v": [demo_entry("v", issuer.country, at)]}
    base: dict[int, Any] = {1: "VN", 4: int(at.timestamp()) + 60, 6: int(at.timestamp()) - 60, -260: {1: certificate}}
    return cbor2.dumps(base | {labels[name]: value for name, value in claims.items()})


def shown(message: object) -> str:
    """Return the text of a COSE message."""
    return hc1(cbor2.dumps(message))


def trusting(*issuers: DemoIssuer) -> Verifier:
    """Return a verifier that trusts these."""
    return Verifier(TrustList(Signer.from_der(issuer.certificate_der) for issuer in issuers), Revocations())


def reason_of(verdict: Verdict) -> Reason:
    """Return why; the type checker is to forget what it knows of a verdict."""
    return verdict.reason

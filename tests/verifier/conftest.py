from datetime import UTC, datetime

import pytest

from provisioning.issuer import DemoIssuer
from verifier import Revocations, Signer, TrustList, Verifier

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def at() -> datetime:
    return AT


@pytest.fixture(scope="session")
def issuer() -> DemoIssuer:
    return DemoIssuer(AT)


@pytest.fixture(scope="session")
def rsa_issuer() -> DemoIssuer:
    return DemoIssuer(AT, algorithm="PS256")


@pytest.fixture(scope="session")
def verifier(issuer: DemoIssuer, rsa_issuer: DemoIssuer) -> Verifier:
    return Verifier(
        TrustList([Signer.from_der(issuer.certificate_der), Signer.from_der(rsa_issuer.certificate_der)]), Revocations()
    )

"""The demo issuer: passes that a verifier takes, and that no real gate does."""

import hashlib
from datetime import UTC, datetime, timedelta

import cbor2
import pytest
from cryptography import x509

from provisioning.issuer import Algorithm, DemoIssuer, hc1
from verifier import Accepted, Refused, Revocations, Signer, TrustList, Verifier, base45, compression, cose
from verifier.prefix import unprefixed
from verifier.trust import DEMO_ORGANISATION

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


def verifier_of(*issuers: DemoIssuer) -> Verifier:
    return Verifier(TrustList(Signer.from_der(issuer.certificate_der) for issuer in issuers), Revocations())


@pytest.mark.parametrize("algorithm", ["ES256", "PS256"])
@pytest.mark.parametrize(("kind", "named"), [("v", "vaccination"), ("t", "test"), ("r", "recovery")])
def test_its_passes_of_every_kind_are_accepted(algorithm: Algorithm, kind: str, named: str) -> None:
    issuer = DemoIssuer(AT, algorithm=algorithm, country="LA")
    verdict = verifier_of(issuer).verify(issuer.issue(kind=kind), AT)
    assert isinstance(verdict, Accepted)
    assert verdict.document.entry.kind == named
    assert verdict.document.entry.country == "LA"


def test_fields_and_times_can_be_set() -> None:
    issuer = DemoIssuer(AT)
    text = issuer.issue({"ci": "URN:UVCI:01:VN:X#1"}, issued=AT, expires=AT + timedelta(hours=1))
    message = cose.decode(compression.inflated(base45.decode(unprefixed(text))))
    claims = cbor2.loads(message.payload)
    assert (claims[1], claims[4] - claims[6]) == ("VN", 3600)
    assert claims[-260][1]["v"][0]["ci"] == "URN:UVCI:01:VN:X#1"
    judge = verifier_of(issuer)
    for at, reason in ((-1, "not-yet-valid"), (0, "valid"), (3600, "valid"), (3601, "expired")):
        assert judge.verify(text, AT + timedelta(seconds=at)).reason == reason


def test_a_certificate_for_some_kinds_signs_no_others() -> None:
    issuer = DemoIssuer(AT, kinds=("test", "recovery"))
    judge = verifier_of(issuer)
    assert judge.verify(issuer.issue(kind="t"), AT).reason == "valid"
    assert judge.verify(issuer.issue(kind="r"), AT).reason == "valid"
    assert judge.verify(issuer.issue(kind="v"), AT).reason == "wrong-key-usage"


def test_keys_that_sign_no_passes_are_refused() -> None:
    for issuer in (DemoIssuer(AT, curve="P-384"), DemoIssuer(AT, algorithm="PS256", rsa_bits=1024)):
        verdict = verifier_of(issuer).verify(issuer.issue(), AT)
        assert isinstance(verdict, Refused)
        assert verdict.reason == "bad-signature"


def test_its_certificate_says_what_it_is() -> None:
    issuer = DemoIssuer(AT)
    certificate = x509.load_der_x509_certificate(issuer.certificate_der)
    assert DEMO_ORGANISATION in certificate.subject.rfc4514_string().replace("\\", "")
    assert certificate.not_valid_before_utc == AT - timedelta(days=30)
    assert certificate.not_valid_after_utc == AT + timedelta(days=730)
    assert Signer.from_der(issuer.certificate_der).demo
    assert issuer.kid == hashlib.sha256(issuer.certificate_der).digest()[:8]


def test_every_issuer_has_a_key_of_its_own() -> None:
    one, other = DemoIssuer(AT), DemoIssuer(AT)
    assert verifier_of(one).verify(other.issue(), AT).reason == "unknown-issuer"
    parts = other.sign1(cbor2.dumps({1: "VN"}), protected={1: -7, 4: one.kid})
    assert verifier_of(one).verify(hc1(cbor2.dumps(cbor2.CBORTag(18, parts))), AT).reason == "bad-signature"

"""The whole verdict: the traps that real passes and attackers set, one by one."""

import hashlib
from datetime import datetime, timedelta

import cbor2
import pytest
from cbor2 import CBORTag
from cryptography.hazmat.primitives.asymmetric import ed25519

from provisioning.issuer import DemoIssuer, demo_entry, hc1
from tests.verifier.showing import payload_of, reason_of, shown, trusting
from verifier import (
    Accepted,
    Layer,
    Outcome,
    Reason,
    Refused,
    Revocations,
    Signer,
    TrustList,
    TrustListError,
    Undecided,
    Verifier,
)
from verifier.cose import Kid

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SEC 2, section 2.4.2


@pytest.mark.parametrize("kind", ["v", "t", "r"])
def test_a_good_pass_of_each_kind_and_algorithm(
    verifier: Verifier, issuer: DemoIssuer, rsa_issuer: DemoIssuer, at: datetime, kind: str
) -> None:
    for signed_by in (issuer, rsa_issuer):
        verdict = verifier.verify(signed_by.issue(kind=kind), at)
        assert isinstance(verdict, Accepted)
        assert len(verdict.identity) == 32
        assert verdict.reason is Reason.VALID


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.UNSUPPORTED_KIND),
        ("Nguyễn|1|2", Reason.UNSUPPORTED_KIND),
        ("https://luongxanh.drvn.gov.vn/tra-cuu?id=1", Reason.ONLINE_ONLY),
        ("https://example.org/x", Reason.ONLINE_ONLY),
        ("NO1:6BF", Reason.FOREIGN_KIND),
        ("HCFR1:6BF", Reason.FOREIGN_KIND),
    ],
    ids=["empty", "fields", "luong-xanh", "link", "norway", "france"],
)
def test_other_kinds_are_undecided_not_refused(verifier: Verifier, at: datetime, text: str, reason: Reason) -> None:
    verdict = verifier.verify(text, at)
    assert isinstance(verdict, Undecided)
    assert verdict.reason is reason
    assert verdict.identity is None
    layers = verifier.examine(text, at).layers
    assert [layer for layer, outcome in layers.items() if outcome is not Outcome.SKIPPED] == [Layer.UNPREFIX]


def test_an_identity_code_is_read_and_proves_nothing(verifier: Verifier, at: datetime) -> None:
    text = "079090000001||Nguyễn Văn An|01011990|Nam|Quận 1, TP. Hồ Chí Minh|01012021"
    verdict = verifier.verify(text, at)
    assert isinstance(verdict, Undecided)
    assert verdict.reason is Reason.UNSIGNED
    assert verdict.document is not None
    assert verdict.document.kinds == ("identity",)
    assert verdict.identity == hashlib.sha256(text.encode()).digest()
    assert verifier.examine(text, at).document == verdict.document


def test_a_time_without_a_zone_is_no_moment(verifier: Verifier, at: datetime) -> None:
    with pytest.raises(ValueError, match="time zone"):
        verifier.verify("HC1:", at.replace(tzinfo=None))
    with pytest.raises(ValueError, match="time zone"):
        verifier.examine("HC1:", at.replace(tzinfo=None))


# Trap 1: extended key usage
@pytest.mark.parametrize(
    ("kinds", "shown_kind", "accepted"),
    [
        (("test",), "t", True),
        (("test",), "v", False),
        (("vaccination",), "v", True),
        (("recovery",), "v", False),
        (("test", "recovery"), "r", True),
        ((), "r", True),
    ],
)
def test_a_signer_signs_only_its_kinds(
    at: datetime,
    kinds: tuple[str, ...],
    shown_kind: str,
    accepted: bool,  # noqa: FBT001 - a table's column
) -> None:
    issuer = DemoIssuer(at, kinds=kinds)
    verdict = trusting(issuer).verify(issuer.issue(kind=shown_kind), at)
    assert reason_of(verdict) is (Reason.VALID if accepted else Reason.WRONG_KEY_USAGE)


# Trap 3: kid in either header, several certificates under one kid
def test_kid_in_the_unprotected_header_only(verifier: Verifier, issuer: DemoIssuer, at: datetime) -> None:
    parts = issuer.sign1(payload_of(issuer, at), protected={1: issuer.alg}, unprotected={4: issuer.kid})
    assert isinstance(verifier.verify(shown(parts), at), Accepted)


def test_a_wrong_unprotected_kid_beside_a_right_protected_one(
    verifier: Verifier, issuer: DemoIssuer, at: datetime
) -> None:
    parts = issuer.sign1(payload_of(issuer, at), unprotected={4: b"wrongkid"})
    assert isinstance(verifier.verify(shown(parts), at), Accepted)


@pytest.mark.parametrize("kid", [b"wrongkid", b"", None])
def test_an_unknown_kid(verifier: Verifier, issuer: DemoIssuer, at: datetime, kid: bytes | None) -> None:
    parts = issuer.sign1(payload_of(issuer, at), protected={1: issuer.alg, 4: kid})
    verdict = verifier.verify(shown(parts), at)
    assert isinstance(verdict, Refused)
    assert verdict.reason is Reason.UNKNOWN_ISSUER


def test_all_signers_under_one_kid_are_tried(at: datetime) -> None:
    issuers = [DemoIssuer(at, algorithm=algorithm) for algorithm in ("ES256", "PS256", "ES256")]
    signers = [Signer.from_der(issuer.certificate_der, Kid(b"shared")) for issuer in issuers]
    verifier = Verifier(TrustList(signers), Revocations())
    for issuer in issuers:
        parts = issuer.sign1(payload_of(issuer, at), protected={1: issuer.alg, 4: b"shared"})
        assert isinstance(verifier.verify(shown(parts), at), Accepted)


def test_key_usage_is_that_of_the_signer_whose_signature_it_is(at: datetime) -> None:
    may, may_not = DemoIssuer(at, kinds=("vaccination",)), DemoIssuer(at, kinds=("test",))
    signers = [Signer.from_der(issuer.certificate_der, Kid(b"shared")) for issuer in (may, may_not)]
    parts = may_not.sign1(payload_of(may_not, at), protected={1: may_not.alg, 4: b"shared"})
    verdict = Verifier(TrustList(signers), Revocations()).verify(shown(parts), at)
    assert reason_of(verdict) is Reason.WRONG_KEY_USAGE


def test_without_any_trust_nothing_is_judged(issuer: DemoIssuer, at: datetime) -> None:
    verdict = Verifier(TrustList(), Revocations()).verify(issuer.issue(), at)
    assert isinstance(verdict, Undecided)
    assert verdict.reason is Reason.NO_TRUST_LIST


# Trap 4: the key decides the algorithm
def test_alg_in_the_unprotected_header_only(verifier: Verifier, issuer: DemoIssuer, at: datetime) -> None:
    parts = issuer.sign1(payload_of(issuer, at), protected={4: issuer.kid}, unprotected={1: issuer.alg})
    assert isinstance(verifier.verify(shown(parts), at), Accepted)


@pytest.mark.parametrize("alg", [-37, -35, -8, 5, 0])
def test_alg_must_agree_with_the_key(
    verifier: Verifier, issuer: DemoIssuer, rsa_issuer: DemoIssuer, at: datetime, alg: int
) -> None:
    for signed_by in (issuer, rsa_issuer):
        wrong = alg if alg != signed_by.alg else -7
        parts = signed_by.sign1(payload_of(signed_by, at), protected={1: wrong, 4: signed_by.kid})
        assert reason_of(verifier.verify(shown(parts), at)) is Reason.BAD_SIGNATURE


# Trap 5: three forms of the message
def test_the_three_forms_are_the_same_pass(verifier: Verifier, issuer: DemoIssuer, at: datetime) -> None:
    parts = issuer.sign1(payload_of(issuer, at))
    verdicts = [verifier.verify(shown(m), at) for m in (parts, CBORTag(18, parts), CBORTag(61, CBORTag(18, parts)))]
    assert all(isinstance(verdict, Accepted) for verdict in verdicts)
    assert len({verdict.identity for verdict in verdicts}) == 1


# Trap 6: times and other claims
def test_both_ends_of_the_time_are_included(verifier: Verifier, issuer: DemoIssuer, at: datetime) -> None:
    text = issuer.issue(issued=at, expires=at + timedelta(hours=1))
    for moment, reason in [
        (at - timedelta(seconds=1), Reason.NOT_YET_VALID),
        (at, Reason.VALID),
        (at + timedelta(hours=1), Reason.VALID),
        (at + timedelta(hours=1, milliseconds=1), Reason.EXPIRED),
    ]:
        assert reason_of(verifier.verify(text, moment)) is reason


@pytest.mark.parametrize("far", [1e300, -1e300, 2**63, 253402300800])
def test_times_beyond_the_calendar(verifier: Verifier, issuer: DemoIssuer, at: datetime, far: float) -> None:
    late = verifier.verify(shown(issuer.sign1(payload_of(issuer, at, exp=far))), at)
    assert reason_of(late) is (Reason.VALID if far > 0 else Reason.EXPIRED)
    early = verifier.verify(shown(issuer.sign1(payload_of(issuer, at, iat=far))), at)
    assert reason_of(early) is (Reason.NOT_YET_VALID if far > 0 else Reason.VALID)


def test_float_times_extra_claims_and_another_issuer_name(verifier: Verifier, issuer: DemoIssuer, at: datetime) -> None:
    payload = cbor2.loads(payload_of(issuer, at, iss="CNAM", exp=at.timestamp() + 0.5, iat=at.timestamp() - 0.5))
    parts = issuer.sign1(cbor2.dumps(payload | {2: "subject", 7: b"id"}))
    assert isinstance(verifier.verify(shown(parts), at), Accepted)


def test_the_pass_may_outlive_its_signers_certificate(verifier: Verifier, issuer: DemoIssuer, at: datetime) -> None:
    text = issuer.issue(issued=at - timedelta(days=1000), expires=at + timedelta(days=5000))
    assert isinstance(verifier.verify(text, at), Accepted)


@pytest.mark.parametrize("days", [-31, 731])
def test_a_signer_counts_only_within_its_own_validity(
    verifier: Verifier, issuer: DemoIssuer, at: datetime, days: int
) -> None:
    text = issuer.issue(issued=at - timedelta(days=1000), expires=at + timedelta(days=5000))
    assert reason_of(verifier.verify(text, at + timedelta(days=days))) is Reason.SIGNER_NOT_VALID


# Trap 7: more than one entry (what real payloads look like otherwise: test_hcert.py)
def test_two_entries_are_refused(verifier: Verifier, issuer: DemoIssuer, at: datetime) -> None:
    payload = cbor2.loads(payload_of(issuer, at))
    payload[-260][1]["t"] = [demo_entry("t", "VN", at)]
    assert reason_of(verifier.verify(shown(issuer.sign1(cbor2.dumps(payload))), at)) is Reason.BAD_PAYLOAD


def test_tagged_dates_in_the_entry(verifier: Verifier, issuer: DemoIssuer, at: datetime) -> None:
    payload = cbor2.loads(payload_of(issuer, at))
    payload[-260][1]["v"][0]["dt"] = CBORTag(0, "2021-05-30T10:00:00Z")
    assert isinstance(verifier.verify(shown(issuer.sign1(cbor2.dumps(payload))), at), Accepted)


# Trap 8: strict encodings (in full: test_transport.py, test_cbor_cose_cwt.py)
def test_duplicate_keys_and_trailing_bytes_even_when_signed(
    verifier: Verifier, issuer: DemoIssuer, at: datetime
) -> None:
    payload = payload_of(issuer, at)
    doubled = bytes([payload[0] + 1]) + payload[1:] + cbor2.dumps(1) + cbor2.dumps("XX")
    assert reason_of(verifier.verify(shown(issuer.sign1(doubled)), at)) is Reason.BAD_CWT
    assert reason_of(verifier.verify(shown(issuer.sign1(payload + b"\x00")), at)) is Reason.BAD_CWT
    cose = cbor2.dumps(issuer.sign1(payload))
    assert reason_of(verifier.verify(hc1(cose + b"\x00"), at)) is Reason.BAD_COSE


# Trap 9: a pass is what was signed, not how it is written
def test_the_mirrored_signature_is_the_same_pass(verifier: Verifier, issuer: DemoIssuer, at: datetime) -> None:
    parts = issuer.sign1(payload_of(issuer, at))
    s = P256_ORDER - int.from_bytes(parts[3][32:], "big")
    verdicts = [
        verifier.verify(shown(form), at) for form in (parts, [*parts[:3], parts[3][:32] + s.to_bytes(32, "big")])
    ]
    assert all(isinstance(verdict, Accepted) for verdict in verdicts)
    assert verdicts[0].identity == verdicts[1].identity


@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"\xff" * 64, b"s" * 63, b"s" * 65, b"s" * 256])
def test_forged_signatures(
    verifier: Verifier, issuer: DemoIssuer, rsa_issuer: DemoIssuer, at: datetime, signature: bytes
) -> None:
    for signed_by in (issuer, rsa_issuer):
        parts = [*signed_by.sign1(payload_of(signed_by, at))[:3], signature]
        verdict = verifier.verify(shown(parts), at)
        assert isinstance(verdict, Refused)
        assert verdict.reason is Reason.BAD_SIGNATURE
        assert verdict.document is None  # what nobody signed is not read


def test_weak_and_huge_keys_prove_nothing(at: datetime) -> None:
    issuer = DemoIssuer(at, algorithm="PS256", rsa_bits=1024)
    assert reason_of(trusting(issuer).verify(issuer.issue(), at)) is Reason.BAD_SIGNATURE


def test_a_key_on_another_curve_proves_nothing(at: datetime) -> None:
    issuer = DemoIssuer(at, curve="P-384")
    assert reason_of(trusting(issuer).verify(issuer.issue(), at)) is Reason.BAD_SIGNATURE


# Examination


def test_a_key_of_a_kind_that_signs_no_such_passes_is_no_signer() -> None:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    with pytest.raises(TrustListError, match="Ed25519PublicKey signs no passes of hcert"):
        Signer.from_key(key, Kid(b"12345678"), "VN", "hcert", ("vaccination",))


def test_a_health_certificate_says_its_format(verifier: Verifier, issuer: DemoIssuer, at: datetime) -> None:
    verdict = verifier.verify(issuer.issue(), at)
    assert isinstance(verdict, Accepted)
    assert verdict.document.format == "hcert"

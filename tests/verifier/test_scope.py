"""What the trust list allows a signer beyond its certificate: issuers, areas, kinds, times."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from provisioning.issuer import DemoIssuer
from tests.verifier.showing import payload_of, reason_of, shown
from verifier import (
    Accepted,
    Layer,
    Outcome,
    Reason,
    Revocations,
    Signer,
    TrustList,
    TrustListError,
    Verifier,
)
from verifier.cose import Kid


def scoped(issuer: DemoIssuer, **scope: Any) -> Verifier:  # noqa: ANN401 - bounds of any sort
    return Verifier(TrustList([Signer.from_der(issuer.certificate_der).narrowed(**scope)]), Revocations())


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ({}, Reason.VALID),
        ({"kinds": ("vaccination", "test")}, Reason.VALID),
        ({"kinds": ("test",)}, Reason.WRONG_KEY_USAGE),
        ({"kinds": ("vehicle",)}, Reason.WRONG_KEY_USAGE),
        ({"issuers": ("Lab 7",)}, Reason.VALID),
        ({"issuers": ("Lab 8",)}, Reason.OUTSIDE_SCOPE),
        ({"areas": ("VN",)}, Reason.VALID),
        ({"areas": ("LA", "VN")}, Reason.VALID),
        ({"areas": ("VN-SG",)}, Reason.OUTSIDE_SCOPE),
        ({"areas": ("LA",)}, Reason.OUTSIDE_SCOPE),
        ({"areas": ("VN",), "issuers": ("Lab 8",)}, Reason.OUTSIDE_SCOPE),
        ({"kinds": ("test",), "areas": ("LA",)}, Reason.WRONG_KEY_USAGE),
    ],
    ids=str,
)
def test_a_signer_signs_only_within_its_scope(
    issuer: DemoIssuer, at: datetime, scope: dict[str, Any], reason: Reason
) -> None:
    text = shown(issuer.sign1(payload_of(issuer, at, iss=" Lab 7 ")))
    verdict = scoped(issuer, **scope).verify(text, at)
    assert reason_of(verdict) is reason
    assert isinstance(verdict, Accepted) is (reason is Reason.VALID)
    layers = scoped(issuer, **scope).examine(text, at).layers
    assert layers[Layer.KEYUSAGE] is (Outcome.OK if reason is Reason.VALID else Outcome.FAILED)


@pytest.mark.parametrize(
    ("country", "accepted"), [("VN-SG", True), (" vn-sg ", True), ("VN-SG-26740", True), ("VN-HN", False), ("", False)]
)
def test_a_provinces_key_signs_for_no_other(
    issuer: DemoIssuer,
    at: datetime,
    country: str,
    accepted: bool,  # noqa: FBT001 - a table's column
) -> None:
    verdict = scoped(issuer, areas=("VN-SG",)).verify(issuer.issue({"co": country}), at)
    assert reason_of(verdict) is (Reason.VALID if accepted else Reason.OUTSIDE_SCOPE)


def test_of_several_signers_one_whose_scope_allows_is_enough(issuer: DemoIssuer, at: datetime) -> None:
    signer = Signer.from_der(issuer.certificate_der)
    here, there, tests = signer.narrowed(areas=("VN",)), signer.narrowed(areas=("LA",)), signer.narrowed(kinds=["test"])
    for signers, reason in [
        ([there, here], Reason.VALID),
        ([tests, there, here], Reason.VALID),
        ([there, there], Reason.OUTSIDE_SCOPE),
        ([tests, there], Reason.OUTSIDE_SCOPE),
    ]:
        assert reason_of(Verifier(TrustList(signers), Revocations()).verify(issuer.issue(), at)) is reason


def test_the_list_narrows_when_a_signer_counts(issuer: DemoIssuer, at: datetime) -> None:
    second = timedelta(seconds=1)
    verifier = scoped(issuer, not_before=at, not_after=at + second)
    for moment, reason in [
        (at - second, Reason.SIGNER_NOT_VALID),
        (at, Reason.VALID),
        (at + second, Reason.VALID),
        (at + 2 * second, Reason.SIGNER_NOT_VALID),
    ]:
        assert reason_of(verifier.verify(issuer.issue(), moment)) is reason


def test_a_list_of_which_nothing_can_be_used_is_no_trust_list(issuer: DemoIssuer, at: datetime) -> None:
    def broken() -> Signer:
        raise TrustListError("broken")

    verifier = Verifier(TrustList(unread=[("hcert", Kid(issuer.kid), broken)]), Revocations())
    assert reason_of(verifier.verify(issuer.issue(), at)) is Reason.NO_TRUST_LIST

"""Every faulty variant of a signed permit gets its reason."""

from datetime import UTC, datetime

import pytest

from tests.simulators.lx1 import KIND_NAMES, Algorithm, Lx1Issuer
from tests.simulators.lx1_faulty import FaultyPermits
from verifier import Accepted, Revocations, TrustList, Undecided, Verifier
from verifier.reasons import UNDECIDED_REASONS
from verifier.revocation import PlainSet

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module", params=["EdDSA", "ES256"])
def faulty(request: pytest.FixtureRequest) -> FaultyPermits:
    algorithm: Algorithm = request.param
    return FaultyPermits(Lx1Issuer(algorithm), AT)


@pytest.fixture(scope="module")
def judge(faulty: FaultyPermits) -> Verifier:
    trust = TrustList(entry.signer() for entry in faulty.entries())
    return Verifier(trust, Revocations([PlainSet("lx1", hashes=faulty.revoked())]))


def test_every_faulty_permit_gets_its_reason(faulty: FaultyPermits, judge: Verifier) -> None:
    found = {one.name: str(judge.verify(one.text, AT).reason) for one in faulty}
    assert found == {one.name: one.reason for one in faulty}
    assert len(found) > 300


def test_none_is_accepted_and_only_another_kind_of_code_is_undecided(faulty: FaultyPermits, judge: Verifier) -> None:
    for one in faulty:
        verdict = judge.verify(one.text, AT)
        assert not isinstance(verdict, Accepted), one.name
        assert isinstance(verdict, Undecided) == (verdict.reason in UNDECIDED_REASONS), one.name


def test_names_are_each_once(faulty: FaultyPermits) -> None:
    names = [one.name for one in faulty]
    assert len(names) == len(set(names))


def test_but_for_its_fault_each_would_be_accepted(faulty: FaultyPermits, judge: Verifier) -> None:
    for kind in KIND_NAMES:
        assert isinstance(judge.verify(faulty.issuer.issue(kind, AT), AT), Accepted)
    assert isinstance(judge.verify(faulty.laboratory.issue("test", AT), AT), Accepted)
    assert isinstance(judge.verify(faulty.province.issue("vehicle", AT), AT), Accepted)

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from firmware.judging import judge, undecided
from provisioning.issuer import DemoIssuer
from verifier import Accepted, Reason, Refused, Revocations, Signer, TrustList, Undecided, Verifier

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
ISSUER = DemoIssuer(NOW)
VERIFIER = Verifier(TrustList([Signer.from_der(ISSUER.certificate_der)]), Revocations())
GOOD = ISSUER.issue()
OTHER = ISSUER.issue(kind="t")
EXPIRED = ISSUER.issue(expires=NOW - timedelta(hours=1))
POSTER = "https://example.org/menu"


@dataclass
class Listening:
    """A judge that remembers what it was asked."""

    asked: list[str]

    def verify(self, text: str, at: datetime) -> Accepted | Refused | Undecided:
        self.asked.append(text)
        return VERIFIER.verify(text, at)


def test_no_text_is_no_judgement() -> None:
    assert judge((), VERIFIER, NOW, clock_trusted=True) is None


def test_a_good_pass_is_accepted_with_its_kinds() -> None:
    judgement = judge((GOOD,), VERIFIER, NOW, clock_trusted=True)
    assert judgement
    assert (judgement.verdict, judgement.reason, judgement.kinds) == ("accepted", "valid", ("vaccination",))
    assert judgement.identity == judgement.key.identity
    assert judgement.clock_trusted


def test_an_expired_pass_is_refused_and_keeps_its_identity() -> None:
    judgement = judge((EXPIRED,), VERIFIER, NOW, clock_trusted=True)
    assert judgement
    assert (judgement.verdict, judgement.reason) == ("refused", "expired")
    assert judgement.identity is not None


def test_what_is_no_pass_is_undecided_and_keyed_by_its_text() -> None:
    first = judge((POSTER,), VERIFIER, NOW, clock_trusted=True)
    second = judge((POSTER + "2",), VERIFIER, NOW, clock_trusted=True)
    assert first
    assert second
    assert (first.verdict, first.reason, first.identity, first.kinds) == ("undecided", "unsupported-kind", None, ())
    assert first.key != second.key


def test_a_pass_goes_before_other_codes() -> None:
    listening = Listening([])
    judgement = judge((POSTER, GOOD, GOOD), listening, NOW, clock_trusted=True)
    assert judgement
    assert judgement.verdict == "accepted"
    assert listening.asked == [GOOD]


def test_what_is_beside_a_pass_has_the_key_that_it_would_have_alone() -> None:
    alone = judge((POSTER,), VERIFIER, NOW, clock_trusted=True)
    assert alone
    assert alone.beside == ()
    for passes in ((GOOD,), (GOOD, OTHER)):
        judgement = judge((POSTER, *passes), VERIFIER, NOW, clock_trusted=True)
        assert judgement
        assert judgement.beside == (alone.key,)


def test_two_passes_are_not_judged_whatever_their_order() -> None:
    listening = Listening([])
    one = judge((GOOD, OTHER), listening, NOW, clock_trusted=True)
    other = judge((OTHER, GOOD), listening, NOW, clock_trusted=True)
    assert one == other
    assert one
    assert (one.verdict, one.reason, one.identity) == ("undecided", "several-codes", None)
    assert listening.asked == []


def test_without_a_trusted_clock_no_pass_is_judged() -> None:
    for text in (GOOD, EXPIRED, GOOD[:-4]):
        judgement = judge((text,), VERIFIER, NOW, clock_trusted=False)
        assert judgement
        assert (judgement.verdict, judgement.reason) == ("undecided", "clock-not-trusted")
        assert judgement.key[1:] == ("undecided", "clock-not-trusted")
        assert not judgement.clock_trusted


def test_without_a_trusted_clock_another_code_is_still_no_pass() -> None:
    judgement = judge((POSTER,), VERIFIER, NOW, clock_trusted=False)
    assert judgement
    assert (judgement.reason, judgement.clock_trusted) == ("unsupported-kind", False)


def test_by_stale_knowledge_no_pass_is_judged() -> None:
    for text in (GOOD, EXPIRED, GOOD[:-4]):
        judgement = judge((text,), VERIFIER, NOW, clock_trusted=True, stale="revocations-stale", wanted=("name",))
        assert judgement
        assert (judgement.verdict, judgement.reason) == ("undecided", "revocations-stale")
        assert judgement.key[1:] == ("undecided", "revocations-stale")
        assert judgement.clock_trusted
        assert judgement.details == {}
    poster = judge((POSTER,), VERIFIER, NOW, clock_trusted=True, stale="keys-stale")
    assert poster
    assert poster.reason == "unsupported-kind"


def test_without_a_trusted_clock_nobody_knows_whether_knowledge_is_stale() -> None:
    judgement = judge((GOOD,), VERIFIER, NOW, clock_trusted=False, stale="keys-stale")
    assert judgement
    assert (judgement.reason, judgement.clock_trusted) == ("clock-not-trusted", False)


def test_a_forged_copy_is_another_presentation_than_the_genuine_pass() -> None:
    forger = DemoIssuer(NOW)
    claims = {1: "VN", 4: int((NOW + timedelta(days=1)).timestamp()), 6: int(NOW.timestamp()), -260: {}}
    genuine = judge((ISSUER.text(claims),), VERIFIER, NOW, clock_trusted=True)
    forged = judge((forger.text(claims),), VERIFIER, NOW, clock_trusted=True)
    assert genuine
    assert forged
    assert genuine.key != forged.key


@given(st.lists(st.text(st.characters(), max_size=20), min_size=1, max_size=4))
def test_any_texts_yield_a_judgement_that_is_not_accepted(texts: list[str]) -> None:
    judgement = judge([f"HC1:{text}" for text in texts], VERIFIER, NOW, clock_trusted=True)
    assert judgement
    assert judgement.verdict != "accepted"


def test_lone_surrogates_have_a_key_too() -> None:
    assert len(undecided(("\ud800",), "internal-error").key.identity) == 32
    assert all(reason != "internal-error" for reason in Reason)

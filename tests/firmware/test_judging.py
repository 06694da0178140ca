"""What one frame is, and what is said of it; what follows from a set: test_lane_documents.py."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.judging import CLOCK_NOT_TRUSTED, missing_words, sighted, undecided
from provisioning.issuer import DemoIssuer
from tests.firmware.judged import TEXTS, judge
from tests.firmware.lane import EXPIRED, GOOD, ISSUER, NOW, OTHER, STRANGER, Judge
from verifier import Accepted, Reason, Refused, Undecided

POSTER = "https://example.org/menu"
JUDGE = Judge()


@dataclass
class Listening(Judge):
    """A judge that remembers what it was asked."""

    asked: tuple[str, ...] = ()

    def verify(self, text: str, at: datetime) -> Accepted | Refused | Undecided:
        self.asked += (text,)
        return super().verify(text, at)


def test_a_good_pass_is_accepted_with_its_kinds() -> None:
    judgement = judge((GOOD,), JUDGE, NOW)
    assert (judgement.verdict, judgement.reason, judgement.kinds) == ("accepted", "valid", ("vaccination",))
    assert [key.identity for key in judgement.keys] == [judgement.identity]
    assert judgement.clock_trusted


def test_an_expired_pass_is_refused_and_keeps_its_identity() -> None:
    judgement = judge((EXPIRED,), JUDGE, NOW)
    assert (judgement.verdict, judgement.reason) == ("refused", "expired")
    assert judgement.identity is not None


def test_what_is_no_pass_is_undecided_and_keyed_by_its_text() -> None:
    first, second = judge((POSTER,), JUDGE, NOW), judge((POSTER + "2",), JUDGE, NOW)
    assert (first.verdict, first.identity, first.kinds) == ("undecided", None, ())
    assert first.reason in {"unsupported-kind", "online-only"}
    assert first.keys != second.keys


def test_each_text_is_verified_once_and_documents_go_before_other_codes() -> None:
    listening = Listening()
    judgement = judge((POSTER, GOOD, GOOD), listening, NOW)
    assert judgement.verdict == "accepted"
    assert listening.asked == (POSTER, GOOD)


def test_two_holders_in_one_frame_are_not_judged_whatever_their_order() -> None:
    one, other = judge((GOOD, STRANGER), JUDGE, NOW), judge((STRANGER, GOOD), JUDGE, NOW)
    assert one == other
    assert (one.verdict, one.reason, one.identity) == ("undecided", "two-holders", None)
    assert one.keys[0] not in judge((GOOD,), JUDGE, NOW).keys


def test_two_documents_of_one_holder_are_one_check_in_whatever_their_order() -> None:
    one, other = judge((GOOD, OTHER), JUDGE, NOW), judge((OTHER, GOOD), JUDGE, NOW)
    assert (one.verdict, set(one.kinds)) == ("accepted", {"vaccination", "recovery"})
    assert one.identity == other.identity
    assert one.identity not in {judge((text,), JUDGE, NOW).identity for text in (GOOD, OTHER)}


def test_without_a_trusted_clock_no_pass_is_judged() -> None:
    for text in (GOOD, EXPIRED, GOOD[:-4]):
        judgement = judge((text,), JUDGE, NOW, clock_trusted=False)
        assert (judgement.verdict, judgement.reason) == ("undecided", "clock-not-trusted")
        assert [key[1:] for key in judgement.keys] == [("undecided", "clock-not-trusted")]
        assert not judgement.clock_trusted
    both = judge((GOOD, STRANGER), JUDGE, NOW, clock_trusted=False)
    assert (both.reason, both.clock_trusted) == ("clock-not-trusted", False)


def test_without_a_trusted_clock_another_code_is_still_no_pass() -> None:
    sight = sighted((POSTER,), JUDGE, NOW, unable=CLOCK_NOT_TRUSTED)
    assert (sight.documents, len(sight.others), sight.clock_trusted) == ((), 1, False)


def test_by_stale_knowledge_no_pass_is_judged() -> None:
    for text in (GOOD, EXPIRED, GOOD[:-4]):
        judgement = judge((text,), JUDGE, NOW, stale="revocations-stale", wanted=("name",))
        assert (judgement.verdict, judgement.reason) == ("undecided", "revocations-stale")
        assert [key[1:] for key in judgement.keys] == [("undecided", "revocations-stale")]
        assert judgement.clock_trusted
        assert judgement.details == {}


def test_without_a_trusted_clock_nobody_knows_whether_knowledge_is_stale() -> None:
    judgement = judge((GOOD,), JUDGE, NOW, clock_trusted=False, stale="keys-stale")
    assert (judgement.reason, judgement.clock_trusted) == ("clock-not-trusted", False)


@pytest.mark.parametrize("reason", [Reason.PROFILE_MISSING, Reason.PROFILE_UNUSABLE])
def test_without_a_profile_no_pass_is_judged(reason: Reason) -> None:
    judgement = judge((EXPIRED,), Judge(required=reason), NOW)
    assert (judgement.verdict, judgement.reason) == ("undecided", reason)


def test_a_forged_copy_is_another_presentation_than_the_genuine_pass_and_not_in_its_way() -> None:
    forger = DemoIssuer(NOW)
    claims = {1: "VN", 4: int((NOW + timedelta(days=1)).timestamp()), 6: int(NOW.timestamp())}
    claims |= {-260: {1: {"ver": "1.3.0", "nam": {"fnt": "AN"}, "dob": "1990-01-01", "v": [{"co": "VN"}]}}}
    genuine, forged = ISSUER.text(claims), forger.text(claims)
    assert judge((genuine,), JUDGE, NOW).keys != judge((forged,), JUDGE, NOW).keys
    for both in ((genuine, forged), (forged, genuine)):
        assert judge(both, JUDGE, NOW).verdict == "accepted"


@given(st.lists(st.text(st.characters(), max_size=20), min_size=1, max_size=4))
def test_any_texts_yield_a_judgement_that_is_not_accepted(texts: list[str]) -> None:
    assert judge([f"HC1:{text}" for text in texts], JUDGE, NOW).verdict != "accepted"


def test_lone_surrogates_have_a_key_too() -> None:
    assert len(undecided(("\ud800",), "internal-error").keys[0].identity) == 32
    assert all(reason != "internal-error" for reason in Reason)


def test_what_is_missing_is_named_in_both_languages_in_the_profile_s_order() -> None:
    words = missing_words((("test", "vaccination"), ("identity",)), TEXTS)
    assert words.en == "Still missing: test result or vaccination certificate, identity document"
    assert words.vi == "Còn thiếu: kết quả xét nghiệm hoặc chứng nhận tiêm chủng, giấy tờ tùy thân"

"""Presentations that are held, and documents that wait for the rest of their set."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.session import GATHERED_MAX, HELD_MAX, UNNAMED_NS, Gathered, Key, Session
from tests.verifier.profiles import AN, BINH, NOBODY, code, health, refused, travel, vehicle
from verifier.profile_judging import Presented
from verifier.reasons import Reason

A = Key(b"a" * 32, "accepted", "valid")
B = Key(b"b" * 32, "refused", "expired")
HELD_NS = 2_000


def test_nothing_is_held_before_it_was_seen() -> None:
    assert not Session(HELD_NS).holds(A, 0)


def test_a_pass_is_held_until_its_time_after_the_last_sighting() -> None:
    session = Session(HELD_NS).seen(A, 0).seen(A, 1_500)
    assert session.holds(A, 3_500)
    assert not session.holds(A, 3_501)


def test_the_session_before_a_sighting_stays_as_it_was() -> None:
    before = Session(HELD_NS)
    before.seen(A, 0)
    assert not before.holds(A, 0)


def test_two_passes_that_alternate_are_each_held() -> None:
    session = Session(HELD_NS).seen(A, 0).seen(B, 1_000).seen(A, 1_900)
    assert session.holds(B, 2_500)
    assert session.holds(A, 2_500)


def test_another_answer_to_the_same_pass_is_another_presentation() -> None:
    session = Session(HELD_NS).seen(A, 0)
    assert not session.holds(A._replace(verdict="refused", reason="bad-signature"), 0)


def test_no_more_are_held_than_fit_and_the_oldest_goes_first() -> None:
    session = Session(HELD_NS)
    for number in range(HELD_MAX + 1):
        session = session.seen(A._replace(identity=bytes([number])), number)
    assert not session.holds(A._replace(identity=bytes([0])), HELD_MAX)
    assert session.holds(A._replace(identity=bytes([1])), HELD_MAX)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 500)), max_size=300))
def test_memory_stays_bounded_and_the_newest_is_always_held(sightings: list[tuple[int, int]]) -> None:
    session, now_ns = Session(HELD_NS), 0
    for number, later_ns in sightings:
        now_ns += later_ns
        key = A._replace(identity=bytes([number]))
        session = session.seen(key, now_ns)
        assert session.holds(key, now_ns)
        assert len(session._held) <= HELD_MAX


def test_a_light_holds_its_presentation_beyond_its_end() -> None:
    session = Session(HELD_NS).seen(A, 0, lit_until_ns=3 * HELD_NS).seen(A, HELD_NS)
    assert session.holds(A, 4 * HELD_NS)
    assert not session.holds(A, 4 * HELD_NS + 1)


def test_codes_that_anybody_makes_up_do_not_push_an_accepted_pass_out() -> None:
    session = Session(HELD_NS).seen(A, 0, lit_until_ns=HELD_NS)
    assert A.verdict == "accepted"
    for number in range(3 * HELD_MAX):
        junk = Key(number.to_bytes(2, "big"), "undecided", "unsupported-kind")
        session = session.seen(junk, 1)
        assert session.holds(junk, 1)
    assert session.holds(A, 1)
    assert len(session._held) <= HELD_MAX


def test_what_was_used_for_a_green_light_stays_used_as_long_as_it_is_held() -> None:
    session = Session(HELD_NS).seen(A, 0)
    assert not session.used(A, 0)
    session = session.seen(A, 0, HELD_NS, used=True).seen(A, HELD_NS)
    assert session.used(A, 2 * HELD_NS)
    assert not session.used(A, 2 * HELD_NS + 1)
    assert not session.seen(A, 2 * HELD_NS + 1).used(A, 2 * HELD_NS + 1)


def test_what_was_used_is_kept_and_all_else_forgotten() -> None:
    session = Session(HELD_NS).seen(A, 0, used=True).seen(B, 0).only_used()
    assert (session.used(A, 1), session.holds(B, 1)) == (True, False)


WINDOW_S = 30
WINDOW_NS = WINDOW_S * 10**9
LORRY, NEXT_LORRY = vehicle(), vehicle("29H00007")
TEST, VACCINATION = health("test"), health("vaccination")
ANOTHER_S_TEST, ANOTHER_S_VACCINATION = health("test", BINH), health("vaccination", BINH)


def waiting(*documents: Presented) -> Gathered:
    return Gathered().waiting(documents, 0, WINDOW_S)


class TestGathered:
    def test_it_waits_for_its_window_from_the_last_new_document_on(self) -> None:
        gathered = waiting(LORRY)
        assert (gathered.waits(WINDOW_NS - 1), gathered.waits(WINDOW_NS)) == (True, False)
        assert gathered.waiting((LORRY,), 5, WINDOW_S) == gathered
        assert gathered.waiting((LORRY, TEST), 5, WINDOW_S).until_ns == WINDOW_NS + 5
        assert not Gathered().waits(0)

    def test_what_names_nobody_joins_only_what_was_just_seen(self) -> None:
        late_ns = UNNAMED_NS + 1
        for first, next_ in permutations((LORRY, TEST)):
            gathered = waiting(first)
            assert gathered.joined([next_], UNNAMED_NS) == (first, next_)
            assert gathered.joined([next_], late_ns) == (next_,)
            assert gathered.joined([next_], late_ns, same_holder=False) == (first, next_)
            assert gathered.seen([next_], 1).joined([next_], late_ns) == (next_,)
            assert gathered.seen([next_, first], 1).joined([next_], late_ns) == (first, next_)
        assert waiting(LORRY, TEST).joined([VACCINATION], late_ns) == (LORRY, TEST, VACCINATION)

    def test_a_plate_that_is_read_is_its_own_permit_s_alone(self) -> None:
        gathered = waiting(LORRY).seen([LORRY], 2)
        assert [gathered.read(plate, 5).seen_ns for plate in ("51C12345", "29H00007")] == [5, 2]
        assert gathered.read("51C12345", 1).seen_ns == 2  # told late
        assert waiting(TEST).read("51C12345", 5).seen_ns == 0

    def test_what_is_new_is_told_while_it_waits(self) -> None:
        assert not waiting(LORRY).new([LORRY], 0)
        assert waiting(LORRY).new([LORRY, TEST], 0)
        assert waiting(LORRY).new([LORRY], WINDOW_NS)
        assert not waiting(LORRY).new([], 0)

    def test_documents_of_one_holder_join_whatever_their_order(self) -> None:
        for first, *rest in permutations((LORRY, TEST, VACCINATION, code())):
            gathered = waiting(first)
            for one in rest:
                joined = gathered.joined([one, first], 1)
                assert not isinstance(joined, Reason)
                gathered = gathered.waiting(joined, 1, WINDOW_S)
            assert {one.identity for one in gathered.documents} == {
                one.identity for one in (LORRY, TEST, VACCINATION, code())
            }

    def test_a_set_past_its_time_is_nobody_s(self) -> None:
        assert waiting(TEST).joined([ANOTHER_S_VACCINATION], WINDOW_NS) == (ANOTHER_S_VACCINATION,)

    def test_the_next_person_and_the_next_vehicle_begin_anew(self) -> None:
        assert waiting(LORRY, TEST).joined([ANOTHER_S_TEST], 1) == (ANOTHER_S_TEST,)
        assert waiting(LORRY, TEST).joined([NEXT_LORRY], 1) == (NEXT_LORRY,)

    @pytest.mark.parametrize(
        ("known", "frame", "beside", "clash"),
        [
            ((TEST,), (ANOTHER_S_VACCINATION,), (), Reason.HOLDER_MISMATCH),
            ((TEST,), (code(BINH),), (), Reason.HOLDER_MISMATCH),
            ((), (TEST, ANOTHER_S_TEST), (), Reason.TWO_HOLDERS),
            ((), (TEST,), (ANOTHER_S_TEST,), Reason.TWO_HOLDERS),
            ((), (LORRY, NEXT_LORRY), (), Reason.TWO_HOLDERS),
            ((), (NEXT_LORRY,), (LORRY,), Reason.TWO_HOLDERS),
            ((), (TEST, refused(document=ANOTHER_S_TEST.document)), (), Reason.TWO_HOLDERS),
            ((TEST,), (health("vaccination", NOBODY),), (), Reason.HOLDER_UNCLEAR),
            ((), (TEST, health("vaccination", NOBODY)), (), Reason.HOLDER_UNCLEAR),
        ],
    )
    def test_what_does_not_belong_together(
        self, known: tuple[Presented, ...], frame: tuple[Presented, ...], beside: tuple[Presented, ...], clash: Reason
    ) -> None:
        assert waiting(*known).joined(frame, 1, beside=beside) == clash

    def test_where_holders_may_differ_they_do(self) -> None:
        gathered = waiting(TEST)
        assert gathered.joined([ANOTHER_S_VACCINATION], 1, same_holder=False) == (TEST, ANOTHER_S_VACCINATION)
        assert waiting(LORRY).joined([NEXT_LORRY], 1, same_holder=False) == (NEXT_LORRY,)

    def test_one_alone_may_name_nobody(self) -> None:
        one = health("test", NOBODY)
        assert Gathered().joined([one, refused()], 1) == (one, refused())
        assert Gathered().joined([travel(holder=AN)], 1) == (travel(holder=AN),)

    def test_memory_stays_bounded(self) -> None:
        many = tuple(health(name=str(number)) for number in range(GATHERED_MAX + 1))
        assert waiting(*many).documents == many[1:]

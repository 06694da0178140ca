from hypothesis import given
from hypothesis import strategies as st

from firmware.session import HELD_MAX, Key, Session

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
        assert len(session._held_until_ns) <= HELD_MAX


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
    assert len(session._held_until_ns) <= HELD_MAX

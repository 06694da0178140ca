from firmware.floods import Allowance, Seldom

SECOND_NS = 1_000_000_000


def test_the_first_is_said_at_once_and_the_rest_once_a_second() -> None:
    said: list[int] = []
    now_ns = SECOND_NS
    seldom = Seldom(said.append, lambda: now_ns)
    for _ in range(5):
        seldom.happened()
    assert said == [1]
    now_ns += SECOND_NS
    seldom.turn()
    seldom.turn()
    assert said == [1, 4]
    now_ns += SECOND_NS
    seldom.turn()
    seldom.happened()
    assert said == [1, 4, 1]


def test_so_many_at_once_then_one_a_second() -> None:
    allowance, now_ns = Allowance(3), 77 * SECOND_NS
    assert [allowance.take(now_ns) for _ in range(5)] == [True, True, True, False, False]
    assert not allowance.take(now_ns + SECOND_NS - 1)
    assert allowance.take(now_ns + SECOND_NS)
    assert not allowance.take(now_ns + SECOND_NS)


def test_what_was_not_taken_is_not_saved_up_without_end() -> None:
    allowance = Allowance(3)
    assert [allowance.take(10**18) for _ in range(4)] == [True, True, True, False]

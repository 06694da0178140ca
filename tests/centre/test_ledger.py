import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from centre.collecting.ledger import added, agree, holes, within
from firmware.checkin import to_row
from tests.firmware.checkins import checkin, detailed

ranges = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)).map(lambda one: (one[0], sum(one))), max_size=20)


@given(ranges)
def test_ranges_are_the_numbers_in_them(found: list[tuple[int, int]]) -> None:
    spans: tuple[tuple[int, int], ...] = ()
    for first, last in found:
        spans = added(spans, first, last)
    numbers = {seq for first, last in found for seq in range(first, last + 1)}
    assert within(spans, 1, 80) == numbers
    assert within(spans, 7, 30) == {seq for seq in numbers if 7 <= seq <= 30}
    assert {seq for first, last in holes(spans) for seq in range(first, last + 1)} == (
        set(range(1, max(numbers, default=0) + 1)) - numbers
    )
    assert all(before[1] + 1 < behind[0] for before, behind in itertools.pairwise(spans))


def test_rows_agree_apart_from_what_a_date_may_have_blanked() -> None:
    full, blank = detailed(1), replace(checkin(1), kinds=(), pseudonym=None)
    assert agree(to_row(full), to_row(blank))
    assert agree(to_row(blank), to_row(full))
    assert not agree(to_row(full), to_row(checkin(1)))
    assert not agree(to_row(full), to_row(replace(blank, verdict="refused")))
    assert not agree(to_row(checkin(1)), to_row(replace(checkin(1), pseudonym=bytes(16))))

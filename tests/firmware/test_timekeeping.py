from datetime import datetime, timedelta

import pytest

from firmware.timekeeping import BUILD_DATE, clock_is_trusted, floor_of

NEWER = BUILD_DATE + timedelta(days=30)


@pytest.mark.parametrize(
    ("now", "synchronised", "trusted"),
    [
        (NEWER, True, True),
        (BUILD_DATE, True, True),
        (BUILD_DATE - timedelta(microseconds=1), True, False),
        (NEWER, False, False),
    ],
)
def test_a_clock_is_trusted_when_synchronised_and_not_before_the_floor(
    now: datetime,
    synchronised: bool,  # noqa: FBT001 - a table of cases
    trusted: bool,  # noqa: FBT001 - likewise
) -> None:
    assert clock_is_trusted(now, synchronised=synchronised, floor=BUILD_DATE) is trusted


def test_a_clock_that_is_assumed_to_be_right_has_no_floor() -> None:
    long_ago = BUILD_DATE.replace(year=1970)
    assert clock_is_trusted(long_ago, synchronised=True, floor=floor_of("assumed"))
    assert not clock_is_trusted(long_ago, synchronised=True, floor=floor_of("system"))

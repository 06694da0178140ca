"""Times that tests of clocks have in common: around a build and trust data that were issued 28 days after it."""

from datetime import UTC, datetime, timedelta

from firmware.timekeeping import BUILD_DATE, span_of

NEWER = BUILD_DATE + timedelta(days=30)
ISSUED = NEWER - timedelta(days=2)
MONTH = timedelta(days=30)
SPAN = span_of("system", ISSUED, MONTH)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
IN_1970, IN_2038 = datetime(1970, 1, 1, tzinfo=UTC), datetime(2038, 1, 19, tzinfo=UTC)

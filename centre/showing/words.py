"""How the commands write times, numbers and what devices sent."""

from datetime import UTC, datetime

SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1000, 60_000, 3_600_000, 86_400_000
_STEPS = ((DAY_MS, "days"), (HOUR_MS, "hours"), (MINUTE_MS, "minutes"), (SECOND_MS, "seconds"))


def iso_ms(at_ms: int | None) -> str | None:
    """Return a time as ISO 8601; a year past 9999 (a clock gone mad) as its number."""
    if at_ms is None:
        return None
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"


def ago(at_ms: int | None, now_ms: int) -> str:
    """Return how long ago a time was."""
    if at_ms is None:
        return "never"
    count, unit = elapsed(now_ms - at_ms)
    return f"{count} {unit} ago" if count > 1 else "just now"


def elapsed(since_ms: int) -> tuple[int, str]:
    """Return a time in its largest unit of which there are two; of less than two seconds, 0 or 1 of them."""
    since_ms = max(0, since_ms)
    step_ms, unit = next((step for step in _STEPS if since_ms >= 2 * step[0]), _STEPS[-1])
    return since_ms // step_ms, unit


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return a number of things."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def plain(text: str) -> str:
    """Return a text that no terminal obeys: what cannot be printed is shown as its code."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)

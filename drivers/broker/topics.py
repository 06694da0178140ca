"""Topic names and filters as MQTT 5 has them (sections 4.7 and 4.8.2)."""

from __future__ import annotations

from typing import NamedTuple

TOPIC_MAX_BYTES = 65_535  # MQTT 5, 1.5.4: a string's length is two bytes


class Filter(NamedTuple):
    """A topic filter, and the group that shares its messages, if any."""

    levels: tuple[str, ...]
    group: str | None


def check_topic(topic: str) -> None:
    """Check that a message may be published on `topic`.

    Raises:
        ValueError: it is empty, too long, or has wildcards or characters that MQTT forbids.
    """
    _check_string(topic)
    if "+" in topic or "#" in topic:
        raise ValueError(f"a topic to publish on has no wildcards: {topic!r}")


def parse_filter(topic: str) -> Filter:
    """Read what may be subscribed to.

    Raises:
        ValueError: it is no topic filter.
    """
    _check_string(topic)
    levels, group = topic.split("/"), None
    if levels[0] == "$share":
        if len(levels) < 3 or not levels[1] or set("+#") & set(levels[1]):  # noqa: PLR2004 - $share/GROUP/FILTER
            raise ValueError(f"a shared subscription is $share/GROUP/FILTER, not {topic!r}")
        group, levels = levels[1], levels[2:]
        _check_string("/".join(levels))
    for index, level in enumerate(levels):
        last = index == len(levels) - 1
        if level != "+" and not (level == "#" and last) and set("+#") & set(level):
            raise ValueError(f"+ fills one level and # the last ones, not as in {topic!r}")
    return Filter(tuple(levels), group)


def matches(wanted: Filter, topic: str) -> bool:
    """Say whether a message on `topic` is what the filter asks for."""
    levels = topic.split("/")
    if topic.startswith("$") and wanted.levels[0] in {"+", "#"}:
        return False  # MQTT 5, 4.7.2: the broker's own topics are not matched by a leading wildcard
    for index, level in enumerate(wanted.levels):
        if level == "#":
            return True
        if index == len(levels) or level not in {"+", levels[index]}:
            return False
    return len(wanted.levels) == len(levels)


def _check_string(text: str) -> None:
    try:
        length = len(text.encode())
    except UnicodeEncodeError as error:
        raise ValueError("a topic is text without surrogates") from error
    if not 1 <= length <= TOPIC_MAX_BYTES or "\0" in text:
        raise ValueError(f"a topic is 1 to {TOPIC_MAX_BYTES} bytes of UTF-8 without NUL")

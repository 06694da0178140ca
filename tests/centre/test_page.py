"""The status page and the metrics, from a snapshot: what they say, what they never say, and how much of it."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from centre.collecting.store import Account, Count, Known, open_store
from centre.page.html import HEADINGS, ROWS, Asked, away_page, status_page
from centre.page.metrics import metrics
from centre.page.plots import HOUR_MS, Bar, bars, by_hour, hours
from centre.page.snapshot import HOURS, LONGEST, Snapshot, take
from centre.page.words import ago, say
from centre.showing.fleet import STATES, TROUBLES
from firmware.checkin import VERDICTS, milliseconds
from tests.centre.fleets import AT, AT_MS, account, batch, forked, holed, known, numbers, sound, store_file

VOID = {"meta", "link", "input", "br"}


class Outline(HTMLParser):
    """Check that what is opened is closed, and gather what a reader of the page relies on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    batches = [*sound(), *holed(), *forked()]
    old_ms = AT_MS - 5 * 24 * HOUR_MS
    said = [known("gate-1").status, known("gate-2", unsent=12_000, fill_permille=900, trust_ms=old_ms).status]
    with open_store(store_file(tmp_path, batches, [one for one in said if one])) as store:
        return take(store, AT)


@cache
def fleet_of(count: int) -> Snapshot:
    return taken([account(f"gate-{number:06}", stored=number) for number in range(count)], [])


def taken(accounts: list[Account], said: list[Known], counts: tuple[Count, ...] = ()) -> Snapshot:
    class Fake:
        def accounts(self) -> list[Account]:
            return accounts

        def devices(self) -> list[Known]:
            return said

        def counts(self, *_: object) -> tuple[Count, ...]:
            return counts

    fake: Any = Fake()
    return take(fake, AT)


# --- the page


def test_the_page_says_what_there_is(snapshot: Snapshot) -> None:
    text = Outline(status_page(snapshot, Asked())).text
    for word in ("gate-1", "gate-2", "gate-3", "12.000", "90 %", say("unsound").vi, say("fork").en, say("gap").vi):
        assert word in text
    assert say("sound").vi not in text


def test_the_page_says_how_old_the_trust_is_by_which_each_device_judges(snapshot: Snapshot) -> None:
    text = status_page(snapshot, Asked())
    told = f'data-label="{say("trust").line}">'
    assert [cell.startswith(said) for cell, said in zip(text.split(told)[1:], ("?", "5", "?"), strict=True)] == [
        True
    ] * 3


def test_those_to_look_at_come_first_the_worst_before_them(snapshot: Snapshot) -> None:
    text = status_page(snapshot, Asked())
    assert text.index(">gate-3<") < text.index(">gate-2<") < text.index(">gate-1<")


def test_the_page_can_be_read_by_ear_and_without_colour(snapshot: Snapshot) -> None:
    page = Outline(status_page(snapshot, Asked()))
    assert page.all("html") == [{"lang": "vi"}]
    assert len(page.all("h1")) == 1
    assert all(one.get("scope") in {"col", "row"} for one in page.all("th"))
    assert all("aria-label" in one or "aria-hidden" in one for one in page.all("svg"))
    identifiers = [one["id"] for _, one in page.tags if one.get("id")]
    assert len(identifiers) == len(set(identifiers))
    assert {one["aria-labelledby"] for one in page.all("section")} <= set(identifiers)
    fills = {one["fill"] for one in page.all("rect") if one.get("class") == "bar"}
    assert fills == {f"url(#{verdict})" for verdict in VERDICTS}
    assert set(VERDICTS) <= set(identifiers)  # a pattern each


def test_the_page_needs_nothing_from_elsewhere_and_no_script(snapshot: Snapshot) -> None:
    for text in (status_page(snapshot, Asked(follow=True)), away_page()):
        page = Outline(text)
        assert not {"script", "img", "iframe", "style"} & {tag for tag, _ in page.tags}
        assert not any(name.startswith("on") or name == "style" for _, one in page.tags for name in one)
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_nothing_personal_is_on_the_page_or_in_the_metrics(snapshot: Snapshot) -> None:
    said = status_page(snapshot, Asked()) + metrics(snapshot).decode()
    assert "00000000000000000000" not in said  # a pseudonym
    assert "Cổng số" not in said


@pytest.mark.parametrize("prefix", ['"><script>alert(1)</script>', "&lt;", "' onfocus='x", "%0a\r\n"])
def test_what_somebody_asks_for_is_never_markup(snapshot: Snapshot, prefix: str) -> None:
    page = Outline(status_page(snapshot, Asked(prefix=prefix)))
    assert page.all("input")[0]["value"] == prefix
    assert not page.all("script")
    assert not any("onfocus" in one for _, one in page.tags)


def test_a_hostile_device_s_name_is_never_markup() -> None:
    page = Outline(status_page(taken([account('<b id="x">')], []), Asked()))
    assert not page.all("b")
    assert '<b id="x">' in page.text


@pytest.mark.parametrize(("page", "first"), [(0, 0), (1, 0), (2, ROWS), (2000, 1999 * ROWS), (10**9, 1999 * ROWS)])
def test_a_hundred_thousand_devices_are_paged(page: int, first: int) -> None:
    made = Outline(status_page(fleet_of(100_000), Asked(page)))
    assert sum(one.get("role") == "rowheader" for one in made.all("th")) == ROWS
    assert f"gate-{first:06}" in made.text
    assert len(made.text) < 40_000


def test_pages_are_linked_with_what_was_asked_for() -> None:
    made = Outline(status_page(fleet_of(1000), Asked(2, "gate-000", follow=True)))
    links = {one.get("rel"): one["href"] for one in made.all("a")}
    assert links["prev"] == "/?device=gate-000&refresh=1"
    assert links["next"] == "/?device=gate-000&page=3&refresh=1"
    assert links[None] == "/?device=gate-000&page=2"
    assert [one["content"] for one in made.all("meta") if one.get("http-equiv")] == ["60"]


def test_a_centre_without_a_device_says_so() -> None:
    assert say("nobody").vi in Outline(status_page(taken([], []), Asked())).text


def test_every_word_that_the_page_may_need_is_there() -> None:
    for code in (*STATES, *set(TROUBLES), *VERDICTS, *HEADINGS):
        assert say(code).vi
        assert say(code).en
    assert ago(None, 0) == say("never")
    assert ago(0, 3 * 86_400_000).vi == "3 ngày trước"


# --- plots


def test_check_ins_stand_in_their_hour_and_verdict() -> None:
    counts = [Count(2 * HOUR_MS, "accepted", 3), Count(3 * HOUR_MS, "refused", 2), Count(9 * HOUR_MS, "accepted", 9)]
    assert by_hour(counts, 2 * HOUR_MS, 3) == [[3, 0, 0], [0, 2, 0], [0, 0, 0]]


@pytest.mark.parametrize("most", [0, 1, 4, 5, 999, 1001, 10_000_000])
def test_no_column_is_taller_than_the_plot(most: int) -> None:
    root = ET.fromstring(hours([Count(0, "accepted", most)], 0, 1))  # noqa: S314 - our own
    bars_px = [float(one.attrib["y"]) for one in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert all(y_px >= 0 for y_px in bars_px)
    assert len(bars_px) == bool(most)


def test_a_few_beside_many_are_still_seen() -> None:
    counts = [Count(0, "accepted", 1_000_000), Count(0, "undecided", 1)]
    root = ET.fromstring(hours(counts, 0, 1))  # noqa: S314 - our own
    assert all(float(one.attrib["height"]) >= 1 for one in root.iter("{http://www.w3.org/2000/svg}rect"))


def test_bars_of_nothing_are_drawn() -> None:
    assert ET.fromstring(bars("a", [Bar("<a>", "b", 0, "accepted")])) is not None  # noqa: S314 - our own


def test_the_plot_s_last_column_is_the_hour_that_goes_on(tmp_path: Path) -> None:
    now = numbers(1, 1, at_ms=AT_MS)
    before = numbers(2, 2, at_ms=AT_MS - HOURS * HOUR_MS)
    with open_store(store_file(tmp_path, [batch("gate-1", 1, now + before)])) as store:
        table = (found := take(store, AT)).hours
    assert by_hour(table, found.since_ms, HOURS)[-1] == [1, 0, 0]
    assert (sum(count.count for count in table), found.today) == (1, 1)


# --- metrics


def samples(snapshot: Snapshot | None) -> dict[tuple[str, str], float]:
    families = text_string_to_metric_families(metrics(snapshot).decode())
    return {(one.name, ",".join(one.labels.values())): one.value for family in families for one in family.samples}


def test_metrics_say_what_there_is(snapshot: Snapshot) -> None:
    found = samples(snapshot)
    assert found["greengate_fleet_store_up", ""] == 1
    assert found["greengate_fleet_devices", "online"] == 2
    assert found["greengate_fleet_devices", "offline"] == 1
    assert found["greengate_fleet_checkins_stored", ""] == 14
    assert found["greengate_fleet_checkins_missing", ""] == 3
    assert found["greengate_fleet_journal_holes", ""] == 2
    assert found["greengate_fleet_journal_breaks", ""] == 3
    assert found["greengate_fleet_journal_conflicts", ""] == 2
    assert found["greengate_fleet_devices_forked", ""] == 1
    assert found["greengate_fleet_last_received_timestamp_seconds", ""] == AT_MS / 1000
    assert found["greengate_fleet_device_unsent", "gate-2"] == 12_000
    assert ("greengate_fleet_oldest_unsent_timestamp_seconds", "") not in found


def test_metrics_of_a_store_that_is_away_say_only_that() -> None:
    assert samples(None) == {("greengate_fleet_store_up", ""): 0}


def test_metrics_of_single_devices_are_bounded() -> None:
    said = [known(f"gate-{number}", unsent=number) for number in range(LONGEST + 11)]
    found = samples(taken([], said))
    assert sum(name == "greengate_fleet_device_unsent" for name, _ in found) == LONGEST
    assert found["greengate_fleet_device_unsent_left_out", ""] == 10
    assert ("greengate_fleet_device_unsent", "gate-10") not in found


def test_metrics_of_the_hour_are_of_this_hour() -> None:
    since_ms = milliseconds(AT)
    now = taken([], [], (Count(since_ms, "accepted", 5), Count(since_ms - HOUR_MS, "refused", 9)))
    assert samples(now)["greengate_fleet_checkins_hour", "accepted"] == 5
    assert samples(now)["greengate_fleet_checkins_hour", "refused"] == 0
    old = taken([], [], (Count(since_ms - HOUR_MS, "refused", 9),))
    assert samples(old)["greengate_fleet_checkins_hour", "refused"] == 0


def test_a_device_that_was_never_heard_is_shown_as_silent() -> None:
    view = taken([], [replace(known("gate-1", ago=timedelta(days=2)))])
    assert view.totals.states["silent"] == 1

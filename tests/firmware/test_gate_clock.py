"""The gate by a false clock: no green, a word for what is wrong, and recovery by itself, over power cuts too."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.clock.simulated import SimulatedClock
from drivers.signal import open_signal
from drivers.signal.simulated import last_lamps
from firmware.messages import Health, Shown
from tests.firmware.site import Site, make_site
from tests.firmware.stores import make_store, use
from tests.firmware.test_gate import NOW, Running

HOUR_S = 3600
IN_1970, IN_2038 = datetime(1970, 1, 1, tzinfo=UTC), datetime(2038, 1, 19, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a site whose clock has to prove itself, with trust data of two hours ago."""
    site = make_site(tmp_path, now=NOW, clock="system")
    make_store(site.config.trust.folder, "1-a", NOW - timedelta(hours=2), [site.issuer])
    use(site.config.trust.folder, "1-a")
    return site


@contextmanager
def powered(site: Site, at: datetime) -> Iterator[Running]:
    """Run a gate from a moment on, as its clock shows it, until the power is cut."""
    with open_signal("simulated", history=site.config.lamp_history) as signal:
        running = Running(site, SimulatedClock(at), signal)
        with closing(running):
            running.see()
            yield running


def wait(running: Running, seconds: int) -> None:
    for _ in range(seconds // 20):
        running.clock.advance(20)
        running.see()
        running.told()  # who does not listen is dropped


def answered(running: Running) -> tuple[str, bool, set[str]]:
    """Show a good pass; return the reason, whether it was green, and what technicians are told of the clock."""
    running.clock.advance(10)
    running.see()
    running.told()
    running.see(running.site.good())
    green = last_lamps(running.site.config.lamp_history).green
    running.clock.advance(1)
    running.see()
    told = running.told()
    reason = next(event.reason for event in told if isinstance(event, Shown))
    health = [event for event in told if isinstance(event, Health)][-1]
    codes = {notice.code for notice in health.notices if notice.code.startswith("clock-")}
    assert health.clock_trusted is not bool(codes)
    return reason, green, codes


GOOD = ("valid", True, set[str]())


def refused(code: str) -> tuple[str, bool, set[str]]:
    return "clock-not-trusted", False, {code}


@pytest.mark.parametrize(
    ("to", "code"),
    [
        (IN_1970, "clock-behind"),
        (IN_2038, "clock-ahead"),
        (NOW - timedelta(hours=1), "clock-jumped"),
        (NOW + timedelta(days=10), "clock-jumped"),
    ],
)
def test_a_clock_that_is_set_falsely_and_back(site: Site, to: datetime, code: str) -> None:
    with powered(site, NOW) as running:
        assert answered(running) == GOOD
        was, was_ns = running.clock.now(), running.clock.monotonic_ns()
        running.clock.jump(to)
        assert answered(running) == refused(code)
        wait(running, HOUR_S // 2)
        assert answered(running) == refused(code)
        running.clock.jump(was + timedelta(microseconds=(running.clock.monotonic_ns() - was_ns) // 1000))
        assert answered(running) == GOOD


def test_a_clock_that_nobody_vouches_for(site: Site) -> None:
    with powered(site, NOW) as running:
        running.clock.lose_sync()
        assert answered(running) == refused("clock-not-synchronised")
        running.clock.regain_sync()
        assert answered(running) == GOOD


@pytest.mark.parametrize("to", [IN_1970, IN_2038])
def test_a_start_by_a_false_clock_is_over_as_soon_as_it_is_right(site: Site, to: datetime) -> None:
    with powered(site, to) as running:
        assert answered(running)[:2] == ("clock-not-trusted", False)
        running.clock.jump(NOW)
        assert answered(running) == GOOD


def test_a_power_cut_amid_a_spoofed_jump_poisons_nothing(site: Site) -> None:
    with powered(site, NOW) as running:
        wait(running, 2 * HOUR_S)
        running.clock.jump(running.clock.now() + timedelta(days=10))
        wait(running, HOUR_S // 2)
        assert answered(running) == refused("clock-jumped")
    with powered(site, NOW + timedelta(hours=3)) as running:
        assert answered(running) == GOOD


def test_a_jump_that_was_believed_is_recovered_from_within_an_hour_even_over_a_power_cut(site: Site) -> None:
    with powered(site, NOW) as running:
        running.clock.jump(NOW + timedelta(days=10))
        wait(running, 2 * HOUR_S)
    with powered(site, NOW + timedelta(hours=3)) as running:
        assert answered(running) == refused("clock-behind")
        wait(running, HOUR_S)
        assert answered(running) == GOOD
        wait(running, 2 * HOUR_S)
    with powered(site, NOW + timedelta(hours=7)) as running:
        assert answered(running) == GOOD


def test_a_clock_that_starts_an_hour_back_after_a_power_cut(site: Site) -> None:
    with powered(site, NOW) as running:
        wait(running, 3 * HOUR_S)
    with powered(site, NOW + timedelta(hours=2)) as running:
        assert answered(running) == refused("clock-behind")
        running.clock.jump(NOW + timedelta(hours=4))
        assert answered(running) == GOOD


def test_the_floor_is_kept_over_a_power_cut_and_is_never_gone_below(site: Site) -> None:
    with powered(site, NOW) as running:
        wait(running, 20 * HOUR_S)
    with powered(site, NOW + timedelta(hours=10)) as running:  # trust data are from two hours before NOW
        assert answered(running) == refused("clock-behind")
        wait(running, 2 * HOUR_S)  # steady for as long as it likes
        assert answered(running) == refused("clock-behind")


def test_trust_data_too_old_for_any_clock_are_over_with_newer_ones(site: Site) -> None:
    with powered(site, NOW + timedelta(days=40)) as running:
        assert answered(running) == refused("clock-ahead")
        folder = site.config.trust.folder
        make_store(folder, "2-b", NOW + timedelta(days=40), [site.issuer], version=2)
        use(folder, "2-b")
        for _ in range(2):
            running.clock.advance(1)
            running.see()
            if running.gate._switch._thread:
                running.gate._switch._thread.join(10)
        assert answered(running) == GOOD


def test_a_journal_that_comes_later_brings_the_floor_before_anybody_is_judged(site: Site) -> None:
    with powered(site, NOW) as running:
        wait(running, 20 * HOUR_S)
    journal = site.config.journal.path
    journal.rename(journal.with_name("away"))
    journal.mkdir()
    with powered(site, NOW + timedelta(hours=10)) as running:
        running.clock.advance(1)
        running.see()
        assert not running.gate._checkpoint.in_service
        journal.rmdir()
        journal.with_name("away").rename(journal)
        running.clock.advance(3)
        running.see()
        assert answered(running) == refused("clock-behind")

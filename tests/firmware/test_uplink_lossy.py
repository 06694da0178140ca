"""Journal, uplink and store over a bus that loses, repeats and reorders: each check-in is stored exactly once."""

import contextlib
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from firmware.checkin import CheckIn, from_row
from firmware.journal import Journal
from firmware.journal_base import Mark, write_mark
from firmware.journal_schema import migrate
from firmware.uplink_sending import RESEND_MAX_S
from tests.firmware.checkins import START_MS, checkin
from tests.firmware.rig import Rig


class LossyBus(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.rig = self._stack.enter_context(Rig(folder))
        self.appended: list[CheckIn] = []
        self.aside: list[CheckIn] = []  # what was unsent, or unacknowledged, when a journal was set aside

    def teardown(self) -> None:
        """Let the network be well, and look at what has come of it all."""
        try:
            self.rig.bus.restore()
            self.rig.bus.release()
            for _ in range(30):  # enough for all that is still to be dropped, held or repeated
                self.append(1)
                self.rig.advance(RESEND_MAX_S)
                self.rig.bus.release()
            stored = self.rig.stored()
            assert len({one.id for one in stored}) == len(stored)
            expected = {one.id for one in self.appended}
            assert {one.id for one in stored} | {one.id for one in self.aside} == expected
            assert self.rig.journal.unsent() == 0
            assert not self.rig.reader.damaged
            assert [account.sound for account in self.rig.store.accounts() if not account.sound] == []
        finally:
            self._stack.close()

    @initialize()
    def begin(self) -> None:
        self.append(1)

    @rule(count=st.integers(0, 3), uplink=st.booleans(), centre=st.booleans(), seconds=st.sampled_from([0, 0, 10, 60]))
    def live(self, count: int, seconds: float, *, uplink: bool, centre: bool) -> None:
        self.append(count)
        self.rig.wait(seconds)
        if uplink:
            self.rig.turn_uplink()
        if centre:
            self.rig.turn_centre()

    def append(self, count: int) -> None:
        for _ in range(count):
            one = checkin(len(self.appended) + 1)
            self.rig.journal.append(one)
            self.appended.append(one)

    @rule(how=st.sampled_from(["drop", "duplicate", "delay", "release", "cut", "restore"]), count=st.integers(1, 2))
    def network(self, how: str, count: int) -> None:
        bus = self.rig.bus
        match how:
            case "drop":
                bus.drop_next(count)
            case "duplicate":
                bus.duplicate_next(count)
            case "delay":
                bus.delay_next(count)
            case "release":
                bus.release()
            case "cut":
                bus.cut()
            case _:
                bus.restore()

    @rule(what=st.sampled_from(["uplink", "gate", "collector"]))
    def restart(self, what: str) -> None:
        match what:
            case "uplink":
                self.rig.restart_uplink()
            case "gate":
                self.rig.journal.close()
                self.rig.journal = Journal.open(self.rig.path, migrate=migrate)
            case _:
                self.kill_collector_before_its_acknowledgement()

    def kill_collector_before_its_acknowledgement(self) -> None:
        message = self.rig.centre_broker.receive(0)
        if message is not None:
            self.rig.collect(message, acknowledge=False)
        self.rig.store.close()
        self.rig.start_collector()

    @rule()
    def blank(self) -> None:
        self.rig.journal.sweep(0, START_MS + len(self.appended) * 500, 0)

    @rule()
    def set_aside(self) -> None:
        unsent = self.rig.reader.batch(10_000)
        self.aside += map(from_row, unsent.rows if unsent else ())
        write_mark(self.rig.path, Mark(self.rig.path.stat().st_ino, "a test"))
        assert self.rig.journal.heed_mark()

    @invariant()
    def nothing_leaves_the_journal_before_it_is_stored(self) -> None:
        gone = len(self.appended) - self.rig.journal.unsent()
        kept = {one.id for one in self.rig.stored()} | {one.id for one in self.aside}
        assert {one.id for one in self.appended[:gone]} <= kept


LossyBus.TestCase.settings = settings(
    max_examples=50, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLossyBus = LossyBus.TestCase

"""A gate that is killed around a press of the staff's button: no green without the record that was to go before it."""

import os
import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from firmware.checkin import from_row
from firmware.journal_reader import JournalReader
from tests.firmware.appliance import TIMING, Appliance, appliance_of, wait_until
from tests.firmware.site import make_site

KILLED_AFTER_S = (0.0, 0.002, 0.005, 0.012)  # before the press is heard, while it is recorded, lit


def press(pipe: Path) -> None:
    with suppress(OSError):  # nobody listens: the gate is being started again
        fd = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        os.write(fd, b"press\n")
        os.close(fd)


def recorded(appliance: Appliance, kind: str) -> int:
    with JournalReader(appliance.site.config.journal.path) as journal:
        unsent = journal.batch(1000)
    return sum(from_row(row).type == kind for row in unsent.rows) if unsent else 0


def test_a_gate_killed_around_a_press_lights_no_green_that_is_not_recorded(tmp_path: Path) -> None:
    site = make_site(tmp_path, timing=TIMING)
    site.show("expired", site.expired())
    with appliance_of(site) as appliance:
        for number, killed_after_s in enumerate(KILLED_AFTER_S):
            wait_until_refused(appliance)
            press(site.config.contacts_pipe)
            time.sleep(killed_after_s)
            appliance.signal("gate", signal.SIGKILL)
            wait_until(partial(_started, appliance, number + 2), "the gate is started again", 30)
            wait_until(lambda: not appliance.lamps().green, "no light outlives its gate", 5)
        wait_until_refused(appliance)
        press(site.config.contacts_pipe)
        wait_until(lambda: appliance.lamps().green, "staff let somebody through", 10)
        greens = sum(lamps.green and lamps.by == "show" for lamps in appliance.history())
        assert 1 <= greens <= recorded(appliance, "override") <= len(KILLED_AFTER_S) + 1


def wait_until_refused(appliance: Appliance) -> None:
    """Wait for an answer of the gate that runs now."""
    before = _refused(appliance)
    wait_until(lambda: _refused(appliance) > before, "the expired pass is refused", 30)


def _refused(appliance: Appliance) -> int:
    return sum(event["verdict"] == "refused" for event in appliance.events("decided"))


def _started(appliance: Appliance, times: int) -> bool:
    return appliance.starts("gate") >= times

"""A self-test by root in folders that the gate's user can write: what lies there is neither followed nor waited for."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware import service_state
from provisioning.selftest import stage as staging
from provisioning.selftest.account import Account
from provisioning.selftest.command import _gate_held_off
from provisioning.selftest.programs import running
from provisioning.talk import Talk
from tests.firmware.appliance import wait_until
from tests.firmware.site import Site, make_site


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="gg-") as folder:  # tmp_path is too long for a Unix socket in it
        monkeypatch.setattr(staging, "IN_MEMORY", Path(folder))
        site = make_site(Path(folder))
        service_state.begin(site.config.service_marker, site.now)
        yield site


def test_what_another_user_puts_into_the_tests_folder_is_not_written_through(site: Site) -> None:
    victim = site.folder / "victim"
    victim.write_text("untouched")
    with staging.staged(site.config, site.now, Account()) as stage:
        for name in ("refusal", "log.jsonl"):
            (stage.folder / name).symlink_to(victim)
        stage.config_path.write_text("[devise]")
        with running(stage, Account()) as runner:
            wait_until(lambda: runner.ended, "it refuses")
            assert runner.refused
            assert "devise" in runner.refusal
    assert victim.read_text() == "untouched"


def test_who_may_only_read_the_marker_cannot_hold_a_test_off(site: Site) -> None:
    with site.config.service_marker.open("rb") as marker:
        fcntl.flock(marker, fcntl.LOCK_EX)
        with _gate_held_off(site.config, Talk("selftest", "en")):
            pass
    assert (site.config.run.folder / "selftest.lock").stat().st_mode & 0o777 == 0o600


def test_a_fifo_in_place_of_a_lock_keeps_nobody_waiting(site: Site) -> None:
    os.mkfifo(site.config.run.folder / "gate.lock")
    with _gate_held_off(site.config, Talk("selftest", "en")):
        pass

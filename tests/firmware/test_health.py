import os
from dataclasses import replace
from pathlib import Path

import pytest

from firmware.config import DeviceConfig
from firmware.health import BACKLOG_NOTICE, SILENT_NS, State, UplinkFile, UplinkStatus, health_of
from firmware.texts import load_texts

DEVICE = DeviceConfig(name="kiosk-1", site="s", lane="l", direction="in")
WELL = State(
    in_service=True,
    demo=False,
    clock_trusted=True,
    frames=9,
    unsent=2,
    set_aside=False,
    uplink=UplinkStatus(connected=True, unsent=2, last_ack_age_s=1.5),
)
TEXTS = load_texts()


def test_a_device_that_is_well_has_no_notices() -> None:
    health = health_of(WELL, DEVICE, TEXTS)
    assert health.notices == ()
    assert (health.in_service, health.device, health.unsent, health.uplink_connected) == (True, "kiosk-1", 2, True)
    assert health.last_ack_age_s == 1.5


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (replace(WELL, demo=True), "demo"),
        (replace(WELL, clock_trusted=False), "clock-not-synchronised"),
        (replace(WELL, set_aside=True), "journal-set-aside"),
        (replace(WELL, uplink=None), "uplink-silent"),
        (replace(WELL, uplink=UplinkStatus(connected=False, unsent=0)), "centre-unreachable"),
        (replace(WELL, unsent=BACKLOG_NOTICE + 1), "records-unsent"),
    ],
)
def test_what_is_wrong_is_noticed_in_both_languages(state: State, code: str) -> None:
    (notice,) = health_of(state, DEVICE, TEXTS).notices
    assert notice.code == code
    assert notice.vi
    assert "{" not in notice.vi + notice.en


def test_a_journal_that_does_not_answer_is_no_backlog() -> None:
    assert health_of(replace(WELL, unsent=None), DEVICE, TEXTS).notices == ()


def test_the_uplinks_status_counts_while_it_is_renewed(tmp_path: Path) -> None:
    path = tmp_path / "uplink.json"
    file = UplinkFile(path)
    assert file.status(0) is None
    path.write_text('{"connected": true, "unsent": 3}')
    assert file.status(1) == UplinkStatus(connected=True, unsent=3)
    assert file.status(1 + SILENT_NS) is not None
    assert file.status(2 + SILENT_NS) is None
    os.utime(path, ns=(5, 5))
    assert file.status(2 + SILENT_NS) is not None


@pytest.mark.parametrize("content", [b"", b"{", b'{"connected": 1}', b'{"connected": true, "unsent": -1}', b"\xff"])
def test_a_status_that_is_none_is_no_status(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "uplink.json"
    path.write_bytes(content)
    assert UplinkFile(path).status(0) is None

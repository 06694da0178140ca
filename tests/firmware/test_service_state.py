"""Who may say that a technician is at work, and for how long: only root (or the desk's own user), for half an hour."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firmware.service_state import LONGEST_S, begin, end, in_service_state, left_s

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
AT_S = 5000.0


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    path = tmp_path / "service" / "state"
    begin(path, NOW, AT_S)
    return path


def test_it_begins_ends_by_itself_and_may_be_begun_again(marker: Path) -> None:
    assert in_service_state(marker, AT_S)
    assert left_s(marker, AT_S + LONGEST_S - 1) == 1
    assert not in_service_state(marker, AT_S + LONGEST_S)
    begin(marker, NOW, AT_S + 2000)
    assert left_s(marker, AT_S + 2000) == LONGEST_S
    end(marker)
    end(marker)
    assert left_s(marker, AT_S + 2000) == 0


def test_another_users_program_can_read_it_and_people_too(marker: Path) -> None:
    assert marker.stat().st_mode & 0o777 == 0o644
    assert marker.parent.stat().st_mode & 0o777 == 0o755
    assert json.loads(marker.read_bytes()) == {"since": "2026-11-20T08:00:00Z", "until_monotonic_s": AT_S + LONGEST_S}


def test_without_a_time_it_is_now(tmp_path: Path) -> None:
    begin(tmp_path / "state", NOW)
    assert in_service_state(tmp_path / "state")


def _linked(marker: Path) -> None:
    marker.rename(marker.with_name("elsewhere"))
    marker.symlink_to("elsewhere")


def _a_fifo(marker: Path) -> None:
    marker.unlink()
    os.mkfifo(marker)


def _a_folder(marker: Path) -> None:
    marker.unlink()
    marker.mkdir()


def _written(text: str) -> Callable[[Path], object]:
    return lambda marker: marker.write_text(text)


@pytest.mark.parametrize(
    "spoil",
    [
        _linked,
        _a_fifo,
        _a_folder,
        lambda marker: marker.chmod(0o664),
        lambda marker: marker.chmod(0o646),
        _written(""),
        _written("{}"),
        _written("[" * 900),
        _written('{"since": "2026-11-20T08:00:00Z", "until_monotonic_s": NaN}'),
        _written('{"since": "2026-11-20T08:00:00Z", "until_monotonic_s": 1e999}'),
        _written('{"since": "2026-11-20T08:00:00Z", "until_monotonic_s": 6800.1}'),  # over half an hour from now
        _written('{"since": "2026-11-20T08:00:00Z", "until_monotonic_s": -1}'),
        _written('{"since": "2026-11-20T08:00:00Z", "until_monotonic_s": 5001}' + " " * 1024),
    ],
)
def test_a_marker_that_anybody_may_have_made_or_that_means_nothing_is_ignored(
    marker: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(marker)
    assert not in_service_state(marker, AT_S)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_marker_is_ignored(marker: Path) -> None:
    os.chown(marker, 65533, -1)
    assert not in_service_state(marker, AT_S)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_roots_marker_counts_for_the_gates_user(marker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65533)
    assert in_service_state(marker, AT_S)
    os.chown(marker, 65533, -1)
    assert in_service_state(marker, AT_S)

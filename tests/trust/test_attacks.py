"""Whoever holds the server or the stick, but no key: what he serves is refused, and what is in use stays."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.trust.world import ACCEPTED, REVOKED, Centre, Kiosk, lists, pass_of

EX_DATA, EX_NO_INPUT = 65, 66
Mixed = Callable[[Path, Path, Path], None]


@pytest.fixture
def yesterday(centre: Centre, kiosk: Kiosk, tmp_path: Path) -> Path:
    """Return what was published before today's revocation, which the kiosk has."""
    old = tmp_path / "yesterday"
    shutil.copytree(centre.web, old)
    centre.quick("revoke", "--format", "uvci", lists(tmp_path, 1))
    centre.publish()
    kiosk.take(centre.web)
    return old


def stays(kiosk: Kiosk, source: Path, code: int = EX_DATA) -> str:
    """Check that a source is refused, and that the kiosk goes on with what it knew; return why."""
    before = kiosk.current
    why = str(kiosk.sync("--from", source, code=code)["error"])
    assert "stays in use" in why
    assert kiosk.current == before
    assert (kiosk.answer(pass_of(1)), kiosk.answer(pass_of(2))) == (REVOKED, ACCEPTED)
    return why


def test_yesterday_s_repository_is_refused(kiosk: Kiosk, yesterday: Path) -> None:
    assert "older" in stays(kiosk, yesterday)


def test_yesterday_s_repository_is_refused_after_the_keys_were_rotated_too(
    centre: Centre, kiosk: Kiosk, yesterday: Path, tmp_path: Path
) -> None:
    for role in ("timestamp", "snapshot", "targets", "root"):
        centre.quick("rotate", role)
    centre.publish()
    today = tmp_path / "today"
    shutil.copytree(centre.web, today)
    kiosk.take(today)
    stays(kiosk, yesterday)
    for name in ("timestamp.json", "1.snapshot.json", "1.targets.json"):  # under the new root
        shutil.copy(yesterday / "metadata" / name, today / "metadata" / name)
    stays(kiosk, today)


def test_another_nation_s_repository_is_refused(kiosk: Kiosk, yesterday: Path, foreign: Path) -> None:
    assert yesterday.exists()
    assert "not to be trusted" in stays(kiosk, foreign)
    refused = kiosk.sync("--from", foreign, "--root", foreign / "root.json", code=EX_DATA)
    assert "remove it to begin anew" in refused["error"]


def test_a_new_kiosk_begins_with_the_root_that_it_was_given_alone(
    centre: Centre, foreign: Path, tmp_path: Path
) -> None:
    kiosk = Kiosk(tmp_path / "new")
    kiosk.sync("--from", centre.web, code=EX_NO_INPUT)
    kiosk.sync("--from", foreign, "--root", centre.web / "root.json", code=EX_DATA)
    assert not (kiosk.store / "current").is_symlink()
    kiosk.sync("--from", centre.web, "--root", centre.web / "root.json")
    assert kiosk.answer(pass_of(1)) == ACCEPTED


def _foreign_role(role: str) -> Mixed:
    def mix(today: Path, _yesterday: Path, foreign: Path) -> None:
        (theirs,) = (foreign / "metadata").glob(f"*{role}.json")
        for ours in (today / "metadata").glob(f"*{role}.json"):
            shutil.copy(theirs, ours)

    return mix


def _old_snapshot(today: Path, yesterday: Path, _foreign: Path) -> None:
    for ours in (today / "metadata").glob("*.snapshot.json"):
        shutil.copy(yesterday / "metadata" / "1.snapshot.json", ours)


def _old_targets(today: Path, yesterday: Path, _foreign: Path) -> None:
    for ours in (today / "metadata").glob("*.targets.json"):
        shutil.copy(yesterday / "metadata" / "1.targets.json", ours)


def _other_contents(today: Path, _yesterday: Path, _foreign: Path) -> None:
    for path in (today / "targets").rglob("*.revocations.json"):
        said = json.loads(path.read_bytes())
        other = json.dumps(dict(reversed(said.items())), separators=(",", ":")).encode()  # as long, and as good to read
        assert (len(other), other != path.read_bytes()) == (path.stat().st_size, True)
        path.write_bytes(other)


@pytest.mark.parametrize(
    "mix",
    [
        _foreign_role("timestamp"),
        _foreign_role("snapshot"),
        _foreign_role("targets"),
        _old_snapshot,
        _old_targets,
        _other_contents,
    ],
    ids=["timestamp", "snapshot", "targets", "old-snapshot", "old-targets", "contents"],
)
def test_two_repositories_do_not_mix(
    mix: Mixed, centre: Centre, kiosk: Kiosk, yesterday: Path, foreign: Path, tmp_path: Path
) -> None:
    centre.quick("revoke", "--format", "uvci", lists(tmp_path, 3))
    centre.publish()
    today = tmp_path / "today"
    shutil.copytree(centre.web, today)
    mix(today, yesterday, foreign)
    stays(kiosk, today)
    kiosk.take(centre.web)
    assert kiosk.answer(pass_of(3)) == REVOKED


def test_a_source_that_lacks_what_its_timestamp_names_changes_nothing(
    centre: Centre, kiosk: Kiosk, yesterday: Path, tmp_path: Path
) -> None:
    centre.quick("revoke", "--format", "uvci", lists(tmp_path, 3))
    centre.publish()
    shutil.copy(centre.web / "metadata" / "timestamp.json", yesterday / "metadata" / "timestamp.json")
    stays(kiosk, yesterday, EX_NO_INPUT)

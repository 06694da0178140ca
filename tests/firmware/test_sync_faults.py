"""Full disks, sticks that are pulled out or lie, two syncs at once: one clear line, and the store in use stays."""

import errno
import fcntl
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.fetcher import open_fetcher
from drivers.fetcher.folder import FolderFetcher
from drivers.stick.mounted import MountedStick
from firmware import sync_targets
from firmware.sync_errors import AbsentError, AwayError, BusyError, CannotWriteError, RefusedError, SyncError
from firmware.sync_store import opened
from tests.drivers.sticks import formatted, run
from tests.firmware.power import ENDED, full_at, in_child
from tests.firmware.sync_rig import ALL_REVOKED, OF_NATION, SET, Kiosk
from tests.firmware.trust_repo import hashes, rule_file, write

HUGE = 1 << 42
MOST = 400


@pytest.fixture
def kiosk(tmp_path: Path) -> Kiosk:
    """A kiosk that may take a newer store."""
    made = Kiosk(tmp_path / "trust")
    made.sync()
    made.nation.files[OF_NATION] = rule_file("R1", version=2)
    made.nation.revoke(SET, ALL_REVOKED | hashes(9000))
    made.nation.publish()
    return made


@pytest.fixture
def stick(kiosk: Kiosk, tmp_path: Path) -> Path:
    """A folder with what the nation has published."""
    return write(kiosk.nation.published, tmp_path / "stick")


def stays(kiosk: Kiosk, stick: Path, kind: type[SyncError], why: str) -> None:
    """Sync from a stick: it fails on one line, the store in use stays, nothing is left of the new one."""
    before, files = kiosk.current, kiosk.files
    with open_fetcher(str(stick)) as fetcher, pytest.raises(kind, match=why) as caught:
        kiosk.sync(fetcher)
    assert "\n" not in str(caught.value)
    assert (kiosk.current, kiosk.files) == (before, files)
    assert [path.name for path in (kiosk.folder / "stores").iterdir()] == [before.name]


def paths_of(stick: Path, part: str) -> list[Path]:
    return sorted(path for path in stick.rglob("*") if part in path.name)


def test_a_stick_is_as_good_as_a_server(kiosk: Kiosk, stick: Path) -> None:
    with open_fetcher(str(stick)) as fetcher:
        assert kiosk.sync(fetcher).new
    kiosk.assert_newest()


def test_a_stick_that_is_mounted_for_the_moment(kiosk: Kiosk, tmp_path: Path) -> None:
    with formatted(tmp_path, "ext4") as device:
        place = tmp_path / "mounted"
        place.mkdir()
        if run("mount", "-t", "ext4", device, place).returncode != 0:
            pytest.skip("nothing can be mounted here")
        write(kiosk.nation.published, place)
        (place / "metadata/link.json").symlink_to("timestamp.json")
        assert run("umount", place).returncode == 0
        with FolderFetcher(MountedStick(device, write=False, kinds=("ext4",))) as fetcher:
            assert kiosk.sync(fetcher).new
    kiosk.assert_newest()


@pytest.mark.parametrize("part", ["timestamp.json", "targets.json", "R1.json", ".delta"])
def test_links_on_a_stick_are_not_followed(kiosk: Kiosk, stick: Path, part: str) -> None:
    path = paths_of(stick, part)[-1]
    path.rename(path.with_name("aside"))
    path.symlink_to("aside")
    stays(kiosk, stick, RefusedError, "a link")


def test_a_folder_that_is_a_link_is_not_followed(kiosk: Kiosk, stick: Path) -> None:
    (stick / "metadata").rename(stick / "aside")
    (stick / "metadata").symlink_to("aside")
    stays(kiosk, stick, RefusedError, "a link")


@pytest.mark.parametrize("part", ["timestamp.json", "snapshot.json", "targets.json", "R1.json", ".delta"])
def test_huge_files_on_a_stick_are_not_read(kiosk: Kiosk, stick: Path, part: str) -> None:
    for path in paths_of(stick, part):
        with path.open("r+b") as file:
            file.truncate(HUGE)
    stays(kiosk, stick, RefusedError, "larger than it may be")


def test_pipes_on_a_stick_are_not_waited_for(kiosk: Kiosk, stick: Path) -> None:
    (stick / "metadata/timestamp.json").unlink()
    os.mkfifo(stick / "metadata/timestamp.json")
    stays(kiosk, stick, RefusedError, "not a file")


def test_a_stick_without_anything_published_is_said(kiosk: Kiosk, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    stays(kiosk, empty, AbsentError, "no such file")


def test_a_stick_pulled_out_at_any_file_leaves_the_store_and_the_next_goes_on(kiosk: Kiosk, tmp_path: Path) -> None:
    before = kiosk.files
    for number in range(30):
        left = Kiosk(tmp_path / "left", kiosk.nation)
        if not number:
            shutil.copytree(kiosk.folder, left.folder, symlinks=True)
        left.source.unplug(after=number)
        try:
            left.sync()
        except AwayError:
            assert left.files == before
        else:
            break
    left.assert_newest()
    assert number > 5


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_change_leaves_the_store_and_the_next_goes_on(kiosk: Kiosk, tmp_path: Path) -> None:
    before, failed = kiosk.files, 0
    for number in range(1, MOST):
        left = Kiosk(tmp_path / "left", kiosk.nation)
        shutil.copytree(kiosk.folder, left.folder, symlinks=True)
        told = tmp_path / "told"

        def sync(left: Kiosk = left, told: Path = told) -> None:
            try:
                left.sync()
            except OSError as error:
                told.write_text(str(CannotWriteError.of(error, left.folder)))

        status = full_at(left.folder, number, errno.ENOSPC, sync)
        assert status in {0, ENDED}, number
        assert left.files in (before, left.expected)
        if told.exists():
            assert "the disk is full" in told.read_text()
            failed += 1
        told.unlink(missing_ok=True)
        left.sync()
        left.assert_newest()
        shutil.rmtree(left.folder)
        if status == ENDED:
            break
    assert status == ENDED
    assert failed > 30


def test_a_bound_on_the_size_of_files_is_a_full_disk(kiosk: Kiosk) -> None:
    before = kiosk.files

    def child() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))  # the set is larger
        try:
            kiosk.sync()
        except OSError as error:
            said = CannotWriteError.of(error, kiosk.folder)
            assert "the disk is full" in str(said)
            os._exit(7)

    assert in_child(child) == 7
    assert kiosk.files == before
    assert [path.name for path in (kiosk.folder / "stores").iterdir()] == [kiosk.current.name]
    kiosk.sync()
    kiosk.assert_newest()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    if run("mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", place).returncode != 0:
        pytest.skip("nothing can be mounted here")
    yield place
    run("umount", place)


def test_a_small_disk_is_full_midway_and_once_there_is_room_it_goes_on(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_targets, "ROOM_BYTES", -(1 << 30))  # as if the room had gone since it was looked at
    kiosk = Kiosk(small_disk / "trust")
    kiosk.nation.revoke(SET, hashes(*range(4000)), rebase=True)
    kiosk.nation.publish()
    with pytest.raises(OSError, match="No space left"):
        kiosk.sync()
    assert not list((kiosk.folder / "stores").iterdir())
    assert run("mount", "-o", "remount,size=1m", small_disk).returncode == 0
    kiosk.sync()
    kiosk.assert_newest()


def test_too_little_room_is_said_before_anything_large_is_fetched(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_targets, "free_bytes", lambda _: 1 << 20)
    with pytest.raises(CannotWriteError, match=r"too full: 16 MiB are needed, 1 MiB are free"):
        kiosk.sync()
    assert not kiosk.targets_asked


def test_a_store_that_is_another_users_is_said(kiosk: Kiosk) -> None:
    said = CannotWriteError.of(PermissionError(errno.EACCES, "Permission denied", "/x/y"), kiosk.folder)
    assert str(said) == f"/x/y: Permission denied: run it as the user that owns {kiosk.folder}"


def test_of_two_syncs_at_once_the_second_ends(kiosk: Kiosk) -> None:
    before = kiosk.current
    with opened(kiosk.folder), pytest.raises(BusyError, match="another sync runs"):
        kiosk.sync()
    assert kiosk.current == before
    assert kiosk.sync().new


def test_two_processes_at_once_leave_a_whole_store(kiosk: Kiosk) -> None:
    begin, go = os.pipe()

    def child() -> None:
        os.read(begin, 1)
        try:
            kiosk.sync()
        except BusyError:
            os._exit(75)

    children = []
    for _ in range(4):
        if (pid := os.fork()) == 0:
            try:
                child()
            except BaseException:  # noqa: BLE001 - the child must not go on with the tests
                os._exit(1)
            os._exit(0)
        children.append(pid)
    os.write(go, b"xxxx")
    ended = {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children}
    os.close(begin)
    os.close(go)
    assert 0 in ended
    assert ended <= {0, 75}
    kiosk.assert_newest()


def test_the_lock_of_a_killed_sync_holds_nobody_up(kiosk: Kiosk) -> None:
    with (kiosk.folder / "lock").open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
    assert kiosk.sync().new


def test_folders_where_files_should_be_hold_nobody_up(kiosk: Kiosk) -> None:
    names = [
        path.rpartition("/")[2].partition(".")[0] for path in kiosk.nation.published if path.startswith("targets/")
    ]
    for name in (*names, "other", ".draft"):
        (kiosk.folder / "incoming" / name / "deep").mkdir(parents=True)
    assert kiosk.sync().new
    kiosk.assert_newest()
    assert not list((kiosk.folder / "incoming").iterdir())


def test_where_links_are_not_to_be_had_files_are_copied(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    assert kiosk.sync().new
    kiosk.assert_newest()

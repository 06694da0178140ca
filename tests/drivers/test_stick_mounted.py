"""Block devices as sticks: which are refused, and what stays mounted (nothing)."""

import os
from pathlib import Path

import pytest

from drivers.errors import SoftwareMissingError
from drivers.stick import StickError, StickPermissionError, StickRefusedError, StickWriteError, mounted, open_stick
from drivers.stick.disks import OURS, Disks
from drivers.stick.mounted import MountedStick
from tests.drivers.sticks import SIZE, formatted, looped, run

MOUNTINFO = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 8:2 / / rw,relatime - ext4 /dev/sda2 rw
28 27 254:0 / /var/lib/greengate rw - ext4 /dev/mapper/data rw
29 27 8:33 / /media/pi/MY\\040STICK rw - vfat /dev/sdc1 rw
"""
DEVICES = {  # a disk, and its partitions with their numbers
    "sda": {"sda1": "8:1", "sda2": "8:2"},
    "sdb": {"sdb1": "8:17"},
    "sdc": {"sdc1": "8:33", "sdc2": "8:34"},
    "sdd": {},
    "sde": {"sde1": "8:65"},
    "mmcblk0": {"mmcblk0p1": "179:1"},
}

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


@pytest.fixture
def disks(tmp_path: Path) -> Disks:
    """Give a machine with a system on two disks, and sticks."""
    sys, proc = tmp_path / "sys", tmp_path / "proc"
    (sys / "class" / "block").mkdir(parents=True)
    (sys / "dev" / "block").mkdir(parents=True)
    for disk, parts in DEVICES.items():
        folder = sys / "devices" / disk
        for part, number in parts.items():
            (folder / part).mkdir(parents=True)
            (folder / part / "partition").write_text("1\n")
            (folder / part / "dev").write_text(f"{number}\n")
            (sys / "class" / "block" / part).symlink_to(folder / part)
            (sys / "dev" / "block" / number).symlink_to(folder / part)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dev").write_text("8:0\n")
        (sys / "class" / "block" / disk).symlink_to(folder)
    volume = sys / "devices" / "dm-0"
    (volume / "slaves" / "sde1").mkdir(parents=True)
    (sys / "class" / "block" / "dm-0").symlink_to(volume)
    (sys / "dev" / "block" / "254:0").symlink_to(volume)
    (proc / "self").mkdir(parents=True)
    (proc / "self" / "mountinfo").write_text(MOUNTINFO)
    (proc / "swaps").write_text("Filename Type Size Used Priority\n/dev/mmcblk0p1 partition 1 0 -2\n")
    return Disks(sys, proc)


@pytest.mark.parametrize("device", ["sda", "sda1", "sda2", "sde", "sde1", "mmcblk0", "mmcblk0p1"])
def test_a_disk_that_the_system_uses_is_refused(disks: Disks, device: str) -> None:
    with pytest.raises(StickRefusedError, match="a disk of this system"):
        disks.partition(Path("/dev") / device)


def test_a_disk_means_its_only_partition(disks: Disks) -> None:
    assert disks.partition(Path("/dev/sdb")) == Path("/dev/sdb1")
    assert disks.partition(Path("/dev/sdb1")) == Path("/dev/sdb1")
    assert disks.partition(Path("/dev/sdd")) == Path("/dev/sdd")
    with pytest.raises(StickRefusedError, match="name one of /dev/sdc1, /dev/sdc2"):
        disks.partition(Path("/dev/sdc"))


def test_where_a_stick_is_mounted(disks: Disks) -> None:
    assert disks.mounts(Path("/dev/sdc1")) == ["/media/pi/MY STICK"]
    assert disks.mounts(Path("/dev/sdb1")) == []
    (disks.proc / "swaps").unlink()
    assert disks.partition(Path("/dev/mmcblk0p1")) == Path("/dev/mmcblk0p1")


def left_mounted() -> list[str]:
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if OURS in line]


@needs_root
def test_it_is_mounted_safely_and_unmounted_whatever_happens(tmp_path: Path) -> None:
    with formatted(tmp_path, "ext4") as device:
        with MountedStick(device, write=False, kinds=("ext4",)):
            (line,) = left_mounted()
            assert {"ro", "nosuid", "nodev", "noexec", "nosymfollow"} <= set(line.split(" ")[5].split(","))
            where = Path(line.split(" ")[4])
            assert where.stat().st_uid == 0
        assert left_mounted() == []
        assert not where.exists()
        with pytest.raises(ZeroDivisionError), MountedStick(device, write=True, kinds=("ext4",)) as stick:
            stick.write("a", bytes(1 // 0))
        assert left_mounted() == []


@needs_root
def test_another_file_system_is_refused(tmp_path: Path) -> None:
    with formatted(tmp_path, "ext4") as device, pytest.raises(StickRefusedError, match="its file system is ext4"):
        open_stick(device, write=False)
    empty = tmp_path / "empty.img"
    empty.write_bytes(bytes(SIZE))
    with looped(empty) as device, pytest.raises(StickRefusedError, match="no file system"):
        open_stick(device, write=False)
    assert left_mounted() == []


@needs_root
def test_one_that_is_mounted_already_is_refused_but_our_own_leftover_taken_away(tmp_path: Path) -> None:
    with formatted(tmp_path, "ext4") as device:
        other = Path("/mnt") / f"{tmp_path.name}-{os.getpid()}"
        other.mkdir(parents=True)
        try:
            assert run("mount", device, other).returncode == 0
            with pytest.raises(StickRefusedError, match=f"mounted at {other}"):
                MountedStick(device, write=False, kinds=("ext4",))
        finally:
            run("umount", other)
            other.rmdir()
        leftover = Path(f"{OURS}left")
        leftover.mkdir()
        assert run("mount", device, leftover).returncode == 0
        with MountedStick(device, write=True, kinds=("ext4",)) as stick:
            stick.write("a", b"1")
        assert not leftover.exists()
        assert left_mounted() == []


@needs_root
def test_a_full_stick_is_one_line_and_keeps_what_was_there(tmp_path: Path) -> None:
    with formatted(tmp_path, "ext4", 4 * 1024 * 1024) as device:
        with MountedStick(device, write=True, kinds=("ext4",)) as stick:
            stick.write("a.journal", b"before")
            with pytest.raises(StickWriteError, match="full"):
                stick.write("a.journal", os.urandom(8 * 1024 * 1024))
        with MountedStick(device, write=False, kinds=("ext4",)) as stick:
            assert stick.read("a.journal", 100) == b"before"
    assert left_mounted() == []


@needs_root
def test_what_was_not_unmounted_well_is_told_to_who_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with formatted(tmp_path, "ext4") as device:
        stick = MountedStick(device, write=True, kinds=("ext4",))
        real = stick._unmount
        monkeypatch.setattr(stick, "_unmount", lambda: real() or "input/output error")
        with pytest.raises(StickWriteError, match="input/output error"):
            stick.close()


def test_others_than_root_and_a_missing_program_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.stick.mounted.os.geteuid", lambda: 1000)
    with pytest.raises(StickPermissionError, match="sudo"):
        MountedStick(Path("/dev/sdz"), write=False)
    monkeypatch.setattr(mounted, "_PATH", "/nowhere")
    with pytest.raises(SoftwareMissingError, match="blkid is not installed"):
        mounted._kind(Path("/dev/sdz"), ("vfat",))


def test_a_program_that_hangs_is_a_stick_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounted, "TIMEOUT_S", 0.05)
    monkeypatch.setattr("drivers.stick.mounted.shutil.which", lambda *_, **__: "/usr/bin/sleep")
    with pytest.raises(StickError, match="pull the stick out"):
        mounted._run("mount", "60")

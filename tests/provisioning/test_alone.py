"""One technician at a time."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from provisioning.alone import alone
from provisioning.layout import Layout
from provisioning.talk import Talk

TALK = Talk("common", "en")
HOLD = """
import sys
from pathlib import Path
from provisioning.alone import alone
from provisioning.layout import Layout
from provisioning.talk import Talk
with alone(Layout(Path(sys.argv[1])), Talk("common", "en")):
    print("held", flush=True)
    sys.stdin.read()
"""


def enter(layout: Layout) -> int:
    """Return the exit code with which a command could not be alone."""
    with pytest.raises(typer.Exit) as left, alone(layout, TALK):
        pytest.fail("two at once")
    return int(left.value.exit_code)


def test_a_second_command_is_told_who_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layout = Layout(tmp_path)
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        assert enter(layout) == 75
        assert f"process {holder.pid}" in capsys.readouterr().err
        holder.kill()
        holder.wait()
        with alone(layout, TALK):
            assert layout.lock.read_text() == str(os.getpid())


def test_it_can_be_held_again_and_again_and_within_it_nobody_else(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for _ in range(2):
        with alone(layout, TALK):
            assert enter(layout) == 75


def test_the_lock_is_ours_and_not_inherited(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with alone(layout, TALK):
        assert layout.lock.stat().st_mode & 0o777 == 0o600
        held = [link for link in Path("/proc/self/fd").iterdir() if _leads_to(link, layout.lock)]
        assert [os.get_inheritable(int(link.name)) for link in held] == [False]
    layout.lock.write_text("12345678901234567890123456789")
    with alone(layout, TALK):
        assert layout.lock.read_text() == str(os.getpid())


def test_a_link_in_its_place_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layout = Layout(tmp_path)
    layout.lock.parent.mkdir(parents=True)
    target = tmp_path / "precious"
    target.write_text("kept")
    layout.lock.symlink_to(target)
    assert enter(layout) == 77
    assert target.read_text() == "kept"
    assert ("cannot be locked" if os.geteuid() == 0 else "sudo") in capsys.readouterr().err


def test_a_fifo_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.lock.parent.mkdir(parents=True)
    os.mkfifo(layout.lock)
    with layout.lock.open("r+b", buffering=0) as stranger:
        fcntl.flock(stranger, fcntl.LOCK_EX)
        assert enter(layout) == 77


def test_a_folder_that_cannot_be_made_is_a_matter_of_rights(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    assert enter(Layout(tmp_path)) == 77


@pytest.mark.parametrize(
    ("number", "says"), [(errno.ENOSPC, "df -h"), (errno.EDQUOT, "df -h"), (errno.EROFS, "remount,rw")]
)
def test_a_full_or_read_only_disk_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, says: str
) -> None:
    def refusing(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pwrite", refusing)
    assert enter(Layout(tmp_path)) == 73
    said = capsys.readouterr().err
    assert (says in said, "delete that file" in said, said.count("\n")) == (True, False, 1)


def _leads_to(link: Path, path: Path) -> bool:
    try:
        return link.readlink() == path
    except OSError:
        return False

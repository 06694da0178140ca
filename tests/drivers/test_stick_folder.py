"""A folder as a stick: links, pipes, and what fails midway."""

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drivers.stick import (
    StickError,
    StickFileTooLargeError,
    StickMissingError,
    StickPermissionError,
    StickRefusedError,
    StickWriteError,
    folder,
    open_stick,
)


def failing(code: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_links_folders_and_pipes_are_no_files_of_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key")
    stick_folder = tmp_path / "stick"
    stick_folder.mkdir()
    (stick_folder / "link").symlink_to(secret)
    (stick_folder / "folder").mkdir()
    os.mkfifo(stick_folder / "pipe")
    (stick_folder / "file").write_text("mine")
    with open_stick(stick_folder, write=True) as stick:
        assert stick.names() == ["file"]
        for name in ("link", "folder", "pipe"):
            with pytest.raises(StickError):
                stick.read(name, 100)
        stick.write("link", b"new")
    assert secret.read_text() == "key"
    assert (stick_folder / "link").read_bytes() == b"new"


def test_a_link_to_a_folder_is_no_stick(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(StickRefusedError):
        open_stick(link, write=False)


def test_what_is_not_there_or_no_stick_is_said_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(StickMissingError, match="plug the stick in"):
        open_stick(tmp_path / "none", write=False)
    with pytest.raises(StickMissingError):
        open_stick(Path("/dev/disk/by-label/none"), write=False)
    with pytest.raises(StickMissingError):
        open_stick(Path("a\0b"), write=False)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StickRefusedError):
        open_stick(file, write=False)
    with pytest.raises(StickRefusedError):
        open_stick(Path("/dev/null"), write=False)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errno.ENOSPC, StickWriteError, "full"),
        (errno.EIO, StickWriteError, "pulled out"),
        (errno.ENODEV, StickWriteError, "pulled out"),
        (errno.EROFS, StickWriteError, "write-protected"),
        (errno.EACCES, StickPermissionError, "sudo"),
        (errno.EINVAL, StickWriteError, "try another"),
    ],
)
def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[StickError], words: str
) -> None:
    with open_stick(tmp_path, write=True) as stick:
        stick.write("a", b"before")
        with monkeypatch.context() as patch:
            patch.setattr("drivers.stick.folder.os.fsync", failing(code))
            with pytest.raises(kind, match=words) as caught:
                stick.write("a", b"after")
            assert "\n" not in str(caught.value)
        assert stick.read("a", 100) == b"before"
        assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_draft_of_a_pulled_stick_does_not_stand_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".a.new").write_bytes(b"half")
    with open_stick(tmp_path, write=True) as stick:
        assert stick.names() == []
        stick.write("a", b"whole")
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES, errno.EINVAL])
def test_reading_that_fails_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    with open_stick(tmp_path, write=True) as stick:
        monkeypatch.setattr("drivers.stick.folder.os.scandir", failing(code))
        with pytest.raises(StickError) as caught:
            stick.names()
        assert "\n" not in str(caught.value)
        monkeypatch.setattr("drivers.stick.folder.os.unlink", failing(code))
        with pytest.raises(StickError):
            stick.remove("a")


def test_a_folder_of_very_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_NAMES", 2)
    for name in "abc":
        (tmp_path / name).touch()
    with open_stick(tmp_path, write=False) as stick, pytest.raises(StickRefusedError):
        stick.names()


def test_two_at_once_write_one_name_one_after_the_other(tmp_path: Path) -> None:
    contents = [bytes([number]) * 100_000 for number in range(16)]

    def write(mine: list[bytes]) -> None:
        with open_stick(tmp_path, write=True) as stick:
            for data in mine:
                stick.write("a", data)
                assert stick.read("a", 100_000) in contents

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, (contents[:8], contents[8:])))
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_what_may_not_be_seen_is_a_matter_of_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "lstat", failing(errno.EACCES))
    with pytest.raises(StickPermissionError, match="sudo"):
        open_stick(tmp_path, write=False)


def test_a_named_file_is_read_but_no_link_pipe_or_device(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    assert folder.read_file(tmp_path / "file", 4) == b"mine"
    with pytest.raises(StickFileTooLargeError):
        folder.read_file(tmp_path / "file", 3)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "link", tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(StickRefusedError):
            folder.read_file(path, 4)

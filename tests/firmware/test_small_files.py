import os
import stat
from pathlib import Path

import pytest

from firmware.small_files import read_small, read_small_json, write_small


def test_what_is_written_is_read_with_the_rights_asked_for_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = os.umask(0o077)
    try:
        write_small(path, b"first", 0o660)
        write_small(path, b"second", 0o640)
    finally:
        os.umask(before)
    data, about = read_small(path, 100)
    assert (data, stat.S_IMODE(about.st_mode)) == (b"second", 0o640)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_draft_that_a_dead_program_left_is_no_obstacle_and_a_link_there_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"untouched")
    (tmp_path / "file.new").symlink_to("victim")
    write_small(tmp_path / "file", b"data", 0o600)
    assert (tmp_path / "victim").read_bytes() == b"untouched"
    assert read_small(tmp_path / "file", 4)[0] == b"data"


def _link(path: Path) -> None:
    path.with_name("target").write_bytes(b"x")
    path.symlink_to("target")


@pytest.mark.parametrize(
    "make", [_link, Path.mkdir, os.mkfifo, lambda path: path.write_bytes(b"12345"), lambda _: None]
)
def test_what_is_no_small_file_is_an_error_and_holds_nobody_up(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "file")
    with pytest.raises(OSError, match=r"."):
        read_small(tmp_path / "file", 4)


def test_what_a_file_says_is_read_with_whose_it_is(tmp_path: Path) -> None:
    write_small(tmp_path / "file", b"[1,2]", 0o600)
    said, about = read_small_json(tmp_path / "file", list[int], 100)
    assert (said, about.st_uid) == ([1, 2], os.geteuid())


@pytest.mark.parametrize("content", [b"", b"[", b'{"a":1}', b'["\xff"]', b"[" * 4000, b"9" * 4000])
def test_a_file_that_says_nothing_is_an_error_of_the_same_kind(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(OSError, match="malformed"):
        read_small_json(tmp_path / "file", list[str], 4096)

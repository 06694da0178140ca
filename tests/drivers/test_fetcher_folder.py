"""What a stranger may put on a stick: links, pipes, files that are too large or fail."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.fetcher import Fetcher, FetchError, FetchMissingError, FetchTooLargeError, open_fetcher
from drivers.stick import StickError

HUGE = 1 << 42


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "stick"
    (place / "metadata").mkdir(parents=True)
    (place / "metadata/good").write_bytes(b"good")
    return place


@pytest.fixture
def fetcher(place: Path) -> Iterator[Fetcher]:
    with open_fetcher(str(place)) as found:
        yield found


def test_links_are_not_followed(place: Path, fetcher: Fetcher, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"key")
    (place / "link").symlink_to(tmp_path / "secret")
    (place / "within").symlink_to("metadata/good")
    (place / "folder").symlink_to(tmp_path)
    (place / "loop").symlink_to("loop")
    for path in ("link", "within", "folder/secret", "loop", "loop/x"):
        with pytest.raises(FetchError, match="a link") as caught:
            list(fetcher.fetch(path, 100))
        assert not isinstance(caught.value, FetchMissingError)


def test_a_pipe_a_folder_and_a_socket_are_no_files(place: Path, fetcher: Fetcher) -> None:
    os.mkfifo(place / "pipe")
    for path in ("pipe", "metadata"):
        with pytest.raises(FetchError, match="not a file"):
            list(fetcher.fetch(path, 100))
    with pytest.raises(FetchError, match="no folder on the way"):
        list(fetcher.fetch("metadata/good/x", 100))


def test_a_huge_file_is_not_even_begun(place: Path, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    with (place / "huge").open("wb") as file:
        file.truncate(HUGE)
    read: list[int] = []
    monkeypatch.setattr(os, "read", lambda *_: read.append(1))
    with pytest.raises(FetchTooLargeError):
        list(fetcher.fetch("huge", HUGE - 1))
    assert not read


def test_a_file_that_grows_has_an_end(place: Path, fetcher: Fetcher) -> None:
    pieces = iter(fetcher.fetch("metadata/good", 10))
    assert next(pieces) == b"good"
    with (place / "metadata/good").open("ab") as file:
        file.write(b"x" * 10)
    with pytest.raises(FetchTooLargeError):
        next(pieces)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (errno.EIO, "pulled out"),
        (errno.ENODEV, "pulled out"),
        (errno.EACCES, "sudo"),
        (errno.EUCLEAN, "another stick"),
    ],
)
def test_a_stick_that_fails_midway_is_said_on_one_line(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, code: int, why: str
) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "read", fail)
    with pytest.raises(FetchError, match=why) as caught:
        list(fetcher.fetch("metadata/good", 10))
    assert not isinstance(caught.value, FetchMissingError)


def test_no_descriptor_is_left(fetcher: Fetcher) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("metadata/good", "metadata/none", "none/x", "metadata/good/x"):
        try:
            list(fetcher.fetch(path, 10))
        except FetchError:
            continue
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_where_there_is_no_folder_the_stick_says_so(tmp_path: Path) -> None:
    with pytest.raises(StickError):
        open_fetcher(str(tmp_path / "none"))

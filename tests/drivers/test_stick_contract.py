"""What every stick promises: a folder always, mounted ones where this machine can mount them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.stick import StickError, StickFileTooLargeError, StickMissingError, StickWriteError
from tests.drivers.sticks import Opener, stick_of


@pytest.fixture(params=["folder", "vfat", "exfat", "ext4"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    with stick_of(request.param, tmp_path) as found:
        yield found


def test_what_was_written_is_read_by_whoever_opens_it_next(opener: Opener) -> None:
    with opener(write=True) as stick:
        stick.write("b.journal", b"one")
        stick.write("a.journal", b"two" * 1000)
        stick.write("b.journal", b"other")
    with opener(write=False) as stick:
        names = [name for name in stick.names() if name.endswith(".journal")]
        assert names == ["a.journal", "b.journal"]
        assert stick.read("b.journal", 5) == b"other"
        assert stick.read("a.journal", 3000) == b"two" * 1000


def test_a_file_is_removed_once(opener: Opener) -> None:
    with opener(write=True) as stick:
        stick.write("a", b"1")
        stick.remove("a")
        stick.remove("a")
        with pytest.raises(StickMissingError):
            stick.read("a", 10)


def test_what_is_opened_to_read_is_not_written(opener: Opener) -> None:
    with opener(write=False) as stick:
        with pytest.raises(StickWriteError):
            stick.write("a", b"1")
        with pytest.raises(StickWriteError):
            stick.remove("a")
        assert "a" not in stick.names()


def test_a_file_over_the_bound_is_not_taken(opener: Opener) -> None:
    with opener(write=True) as stick:
        stick.write("a", b"12345")
        assert stick.read("a", 5) == b"12345"
        with pytest.raises(StickFileTooLargeError):
            stick.read("a", 4)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", ".hidden", "-a", "a\0", "a\n", "x" * 121, "tên"])
def test_a_name_that_leads_elsewhere_is_none(opener: Opener, name: str) -> None:
    with opener(write=True) as stick:
        for action in (lambda: stick.read(name, 1), lambda: stick.write(name, b""), lambda: stick.remove(name)):
            with pytest.raises(ValueError, match="not the name"):
                action()


def test_a_closed_one_gives_nothing(opener: Opener) -> None:
    stick = opener(write=True)
    stick.close()
    stick.close()
    with pytest.raises(StickError):
        stick.names()
    with pytest.raises(StickError):
        stick.read("a", 1)

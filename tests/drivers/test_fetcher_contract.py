"""What every place to fetch from promises: web servers, folders, sticks where this machine can mount them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from drivers.fetcher import Fetcher, FetchError, FetchMissingError, FetchTooLargeError, open_fetcher
from drivers.fetcher.folder import FolderFetcher
from drivers.fetcher.simulated import SimulatedFetcher
from drivers.stick.mounted import KINDS, MountedStick
from tests.drivers.sticks import formatted, run
from tests.drivers.web_server import server_context, serving
from tests.fixtures_mqtt import Authority

LARGE = bytes(range(256)) * 1024  # some pieces
FILES = {
    "metadata/timestamp.json": b"{}",
    "targets/rules/nation/0a.R-1@2.json": b"rule",
    "targets/large": LARGE,
    "empty": b"",
}


@contextmanager
def simulated(_: Path) -> Iterator[Fetcher]:
    yield SimulatedFetcher(FILES)


def written(folder: Path) -> Path:
    for path, data in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@contextmanager
def in_folder(tmp_path: Path) -> Iterator[Fetcher]:
    yield open_fetcher(str(written(tmp_path / "stick")))


@contextmanager
def on_stick(tmp_path: Path, kind: str) -> Iterator[Fetcher]:
    with formatted(tmp_path, kind) as device:
        place = tmp_path / "mounted"
        place.mkdir()
        if run("mount", "-t", kind, device, place).returncode != 0:
            pytest.skip("nothing can be mounted here")
        written(place)
        assert run("umount", place).returncode == 0
        if kind in KINDS:
            yield open_fetcher(str(device))
        else:
            yield FolderFetcher(MountedStick(device, write=False, kinds=(kind,)))


@contextmanager
def over_http(_: Path) -> Iterator[Fetcher]:
    with serving(FILES) as site:
        yield open_fetcher(site.url)


@contextmanager
def over_https(tmp_path: Path) -> Iterator[Fetcher]:
    authority = Authority(tmp_path)
    with serving(FILES, context=server_context(*authority.issue("server", address="127.0.0.1"))) as site:
        yield open_fetcher(site.url, ca=authority.file)


PLACES: dict[str, Callable[[Path], object]] = {
    "simulated": simulated,
    "folder": in_folder,
    "vfat": partial(on_stick, kind="vfat"),
    "exfat": partial(on_stick, kind="exfat"),
    "ext4": partial(on_stick, kind="ext4"),
    "http": over_http,
    "https": over_https,
}


@pytest.fixture(params=PLACES)
def fetcher(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fetcher]:
    with PLACES[request.param](tmp_path) as found, found:  # type: ignore[attr-defined]
        yield found


def test_a_file_comes_whole(fetcher: Fetcher) -> None:
    for path, data in FILES.items():
        assert b"".join(fetcher.fetch(path, len(data))) == data


def test_a_large_file_comes_in_pieces(fetcher: Fetcher) -> None:
    assert max(map(len, fetcher.fetch("targets/large", len(LARGE)))) <= 65_536


@pytest.mark.parametrize("path", ["metadata/2.root.json", "none/at/all", "targets/rules/nation/1"])
def test_a_file_that_is_not_there_is_missing_and_others_still_come(fetcher: Fetcher, path: str) -> None:
    with pytest.raises(FetchMissingError):
        list(fetcher.fetch(path, 100))
    assert b"".join(fetcher.fetch("metadata/timestamp.json", 100)) == b"{}"


def test_no_more_is_taken_than_asked_for(fetcher: Fetcher) -> None:
    taken = 0
    with pytest.raises(FetchTooLargeError):  # noqa: PT012 - how much came before is what matters
        for piece in fetcher.fetch("targets/large", len(LARGE) - 1):
            taken += len(piece)
    assert taken < len(LARGE)
    assert b"".join(fetcher.fetch("metadata/timestamp.json", 2)) == b"{}"


def test_a_file_may_be_left_midway(fetcher: Fetcher) -> None:
    pieces = fetcher.fetch("targets/large", len(LARGE))
    assert LARGE.startswith(next(iter(pieces)))
    pieces.close()  # type: ignore[attr-defined] # as a loop does that ends early
    assert b"".join(fetcher.fetch("metadata/timestamp.json", 2)) == b"{}"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/etc/passwd",
        "../up",
        "a/../b",
        "a//b",
        "a/",
        ".hidden",
        "a/.b",
        "a?b",
        "a#b",
        "a\\b",
        "a\0",
        "a b",
        "ă",
    ],
)
def test_a_path_that_leads_elsewhere_is_none(fetcher: Fetcher, path: str) -> None:
    with pytest.raises(ValueError, match="not the path"):
        list(fetcher.fetch(path, 100))


def test_a_path_of_any_length_is_none(fetcher: Fetcher) -> None:
    with pytest.raises(ValueError, match="not the path"):
        list(fetcher.fetch("a" * 513, 100))


def test_a_closed_one_gives_nothing(fetcher: Fetcher) -> None:
    fetcher.close()
    fetcher.close()
    with pytest.raises(FetchError, match="closed"):
        list(fetcher.fetch("metadata/timestamp.json", 100))


def test_it_says_what_it_is(fetcher: Fetcher) -> None:
    assert fetcher.where
    assert fetcher.local == (not fetcher.where.startswith(("http", "simulated")))

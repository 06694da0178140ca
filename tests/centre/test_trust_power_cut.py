"""A publication that ends at any rename or removal: readers see the one before or the new one; the same goes on."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from centre.trust.copying import copy
from centre.trust.home import TrustError
from tests.centre.trust_site import AT, Kiosk, Nation, Territory, rule

SOON = AT + timedelta(hours=1)


class PowerCutError(BaseException):
    """The power goes: nothing after this is done."""


class Disk:
    """Counts what changes names on the disk, and lets the power go at one of them, before or after it was done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self.looking: Callable[[], object] = lambda: None
        for name in ("replace", "unlink", "link"):
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, real: Callable[..., object]) -> Callable[..., object]:
        def counted(*given: Any, **named: Any) -> object:  # noqa: ANN401 - as os has it
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise PowerCutError
                left, self.left = self.left, None
                self.looking()
                self.left = left
            return real(*given, **named)

        return counted

    def cuts(self, make: Callable[[Path], Callable[[], object]], folder: Path) -> Iterator[Path]:
        """Do it anew in a folder of its own, with the power going at the first change, the second, until it is done."""
        for number in count():
            place = folder / str(number)
            do = make(place)
            self.left = number
            try:
                do()
            except PowerCutError:
                self.left = None
                yield place
            else:
                self.left = None
                assert number > 3
                return


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


class Prepared:
    """A nation that published once, copied for each cut, with a kiosk that knows that publication."""

    def __init__(self, folder: Path, change: Callable[[Nation], object]) -> None:
        self.folder, self.change = folder, change
        self.nation = Nation(folder / "first")
        self.nation.add_rule()
        self.nation.revoke("list", bytes(range(160)))
        self.nation.publish()
        self.known = self.nation.kiosk()
        self.known.files()

    def nation_in(self, place: Path) -> Nation:
        shutil.copytree(self.nation.folder, place)
        nation = Nation(place)
        nation.now = SOON
        self.change(nation)
        return nation

    def kiosk_of(self, place: Path, source: Path | None = None) -> Kiosk:
        kept = place / f"kept-{len(list(place.glob('kept-*')))}"
        kiosk = Kiosk(kept, source or place / "home/trust/repo", self.known.root)
        shutil.rmtree(kept)
        shutil.copytree(self.known.folder, kept)
        return kiosk


def changed(nation: Nation) -> None:
    nation.add_rule(version=2)
    nation.revoke("list", bytes(range(16, 176)))


def rotated(nation: Nation) -> None:
    changed(nation)
    for role in ("root", "targets", "snapshot", "timestamp"):
        nation.rotate(role)


@pytest.mark.parametrize("change", [changed, rotated], ids=["content", "keys"])
def test_a_cut_publication_is_the_old_one_or_the_new_one(
    disk: Disk, tmp_path: Path, change: Callable[[Nation], object]
) -> None:
    prepared = Prepared(tmp_path, change)
    seen = set()

    def make(place: Path) -> Callable[[], object]:
        nation = prepared.nation_in(place)
        disk.looking = lambda: prepared.kiosk_of(place).files(SOON)  # a reader, at every moment
        return nation.publish

    for place in disk.cuts(make, tmp_path):
        kiosk = prepared.kiosk_of(place)
        files = kiosk.files(SOON)
        version = 1 if files["rules/nation/VN-TEST-72H.json"] == rule() else 2
        assert kiosk.version(SOON) == version
        seen.add(version)
        nation = Nation(place)
        nation.now = SOON + timedelta(hours=1)
        nation.publish()
        assert prepared.kiosk_of(place).files(nation.now)["rules/nation/VN-TEST-72H.json"] == rule(version=2)
        assert not nation.home.staged.exists()
        assert nation.repo.versions("root") == ([1] if change is changed else [1, 2])
        for path in nation.home.repo.rglob(".*"):
            raise AssertionError(path)
    assert seen == {1, 2}


def test_a_cut_copy_is_the_old_one_or_the_new_one(disk: Disk, tmp_path: Path) -> None:
    prepared = Prepared(tmp_path, rotated)
    copy(prepared.nation.repo, prepared.nation.folder / "served", _told)

    def make(place: Path) -> Callable[[], object]:
        nation = prepared.nation_in(place)
        nation.publish()
        served = place / "served"
        disk.looking = lambda: prepared.kiosk_of(place, served).files(SOON)
        return lambda: copy(nation.repo, served, _told)

    for place in disk.cuts(make, tmp_path):
        assert prepared.kiosk_of(place, place / "served").version(SOON) in {1, 2}
        nation = Nation(place)
        copy(nation.repo, place / "served", _told)
        files = prepared.kiosk_of(place, place / "served").files(SOON)
        assert files["rules/nation/VN-TEST-72H.json"] == rule(version=2)
        assert not list((place / "served").rglob(".*"))


def test_a_cut_beginning_goes_on(disk: Disk, tmp_path: Path) -> None:
    for place in disk.cuts(lambda place: lambda: Nation(place), tmp_path):
        nation = Nation(place)
        nation.publish()
        assert nation.kiosk().version() == 1
        assert len(list(nation.home.keys.glob("*.pem"))) == 6


def test_a_cut_province_goes_on_and_is_taken_whole(disk: Disk, tmp_path: Path) -> None:
    nation = Nation(tmp_path / "nation")

    def make(place: Path) -> Callable[[], object]:
        territory = Territory(place)
        territory.add_rule()
        return territory.publish

    for place in disk.cuts(make, tmp_path):
        territory = Territory(place)
        territory.publish()
        territory.delegated_by(nation)
        done = nation.publish(territory.out, anew=True)
        assert done.refused == []
        assert done.taken in (["vn-sg"], [])
        shutil.rmtree(nation.folder)
        nation = Nation(tmp_path / "nation")


def test_a_reader_of_the_publication_before_finds_its_files_after_the_next(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path, changed)
    reader = prepared.kiosk_of(tmp_path / "first", prepared.nation.home.repo).refreshed()
    changed(prepared.nation)
    prepared.nation.publish()
    for path in list(reader._trusted_set.targets.targets):
        info = reader.get_targetinfo(path)
        assert info is not None
        reader.download_target(info, str(tmp_path / "downloaded"))


def test_a_full_disk_is_told_and_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    prepared = Prepared(tmp_path, changed)
    nation = prepared.nation_in(tmp_path / "full")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "timestamp.json")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrustError, match="No space left on device"):
        nation.publish()
    assert prepared.kiosk_of(tmp_path / "full").version(SOON) == 1


def _told(_done: int, _total: int) -> None:
    pass

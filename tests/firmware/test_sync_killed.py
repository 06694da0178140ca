"""The power goes at any moment of a sync: what is in use is the store before or the new one, whole, and it goes on."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware.sync_store import Store
from firmware.trust_store import load_store
from tests.firmware.power import GONE, Changes, cut_at, in_child
from tests.firmware.sync_rig import ALL_REVOKED, CODE, OF_NATION, OF_PROVINCE, SET, Kiosk
from tests.firmware.trust_repo import hashes, rule_file

MOST = 600


def first(_: Kiosk) -> None:
    """Sync for the first time."""


def newer(kiosk: Kiosk) -> None:
    """Sync to newer files of every kind, by two deltas, with a new root."""
    kiosk.sync()
    kiosk.nation.rotate("timestamp")
    for number in (2, 3):
        kiosk.nation.files[OF_NATION] = rule_file("R1", version=number)
        kiosk.nation.provinces[CODE][OF_PROVINCE] = rule_file("P1", version=number, areas=("VN-SG",))
        kiosk.nation.revoke(SET, ALL_REVOKED - hashes(number) | hashes(9000 + number))
        kiosk.nation.publish()


def third(kiosk: Kiosk) -> None:
    """Sync to a third store, so that the first one goes."""
    for number in (2, 3):
        kiosk.sync()
        kiosk.nation.files[OF_NATION] = rule_file("R1", version=number)
        kiosk.nation.publish()


@pytest.mark.slow
@pytest.mark.parametrize("before", [first, newer, third])
def test_at_every_change_of_the_disk(tmp_path: Path, before: Callable[[Kiosk], None]) -> None:
    kiosk = Kiosk(tmp_path / "before")
    before(kiosk)
    old = kiosk.files if (kiosk.folder / "current").exists() else None
    seen = set()
    for number in range(1, MOST):
        left = Kiosk(tmp_path / str(number), kiosk.nation)
        if old is not None:
            shutil.copytree(kiosk.folder, left.folder, symlinks=True)
        status = cut_at(left.folder, number, left.sync)
        assert status in {GONE, 0}
        there = (left.folder / "current").exists()
        now = left.files if there else None
        if there:
            load_store(left.current)
        assert now in (old, left.expected), f"at change {number}"
        seen.add(now == old)
        left.sync()
        left.assert_newest()
        assert {path.name for path in left.folder.iterdir()} == {"current", "incoming", "lock", "root.json", "stores"}
        shutil.rmtree(left.folder)
        if status == 0:
            break
    assert status == 0, "it never came to its end"
    assert number > 40
    assert seen == {True, False}


def test_all_is_on_the_disk_before_the_switch(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path / "trust")
    newer(kiosk)

    def child() -> None:
        changes = Changes(kiosk.folder, -1, lambda: None)
        replace = Path.replace

        def switched(path: Path, target: Path) -> Path:
            if target.name == "current":
                new = kiosk.folder / path.readlink()
                assert not list(changes.unsynced(new))
                assert not list(changes.unsynced(new.parent))
            return replace(path, target)

        Path.replace = switched  # type: ignore[method-assign,assignment]
        kiosk.sync()
        assert kiosk.folder.stat().st_ino in changes.synced

    assert in_child(child) == 0
    kiosk.assert_newest()


def test_a_link_that_names_no_store_counts_as_none(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path)
    for name in ("stores/none", "elsewhere", "/etc", "../x", "stores/1-00000000/.."):
        (tmp_path / "current").unlink(missing_ok=True)
        (tmp_path / "current").symlink_to(name)
        assert Store(tmp_path).current is None
    kiosk.sync()
    kiosk.assert_newest()

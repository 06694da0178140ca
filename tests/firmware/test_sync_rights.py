"""Root syncs into another user's folder with that user's rights, and reads the stick with its own."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.fetcher import open_fetcher
from firmware.sync_rights import FetchedAsCaller, as_owner
from tests.firmware.sync_rig import OF_NATION, Kiosk
from tests.firmware.trust_repo import rule_file, write

OWNER = 12345

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to lay down")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that another user can reach, as /var/lib is."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def kiosk(place: Path) -> Kiosk:
    Kiosk(place / "before").sync()  # loads what is loaded late: this interpreter may lie where the owner may not look
    made = Kiosk(place / "trust")
    made.folder.mkdir()
    os.chown(made.folder, OWNER, OWNER)
    return made


def test_all_that_is_written_is_the_owners_at_every_moment(kiosk: Kiosk) -> None:
    owners: set[int] = set()

    def look(_: Path) -> None:
        owners.update(path.lstat().st_uid for path in kiosk.folder.rglob("*"))

    kiosk.check = look
    kiosk.sync()
    look(kiosk.folder)
    assert owners == {OWNER}
    assert (os.geteuid(), os.getegid()) == (0, 0)


def test_what_one_was_killed_in_the_owner_goes_on_with(kiosk: Kiosk) -> None:
    def killed(_: Path) -> None:
        os._exit(9)

    if (pid := os.fork()) == 0:
        try:
            kiosk.check = killed
            kiosk.sync()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    with as_owner(kiosk.folder):
        assert kiosk.sync().new
    kiosk.assert_newest()


@pytest.mark.parametrize("name", ["stores", "incoming"])
def test_a_link_that_the_owner_laid_leads_root_nowhere(kiosk: Kiosk, place: Path, name: str) -> None:
    secret = place / "root" / ".ssh"
    secret.mkdir(parents=True)
    (kiosk.folder / name).symlink_to(place / "root")
    with pytest.raises(PermissionError):
        kiosk.sync()
    assert secret.is_dir()
    assert os.geteuid() == 0


def test_a_stick_that_only_root_may_read(kiosk: Kiosk, place: Path) -> None:
    kiosk.sync()
    kiosk.nation.files[OF_NATION] = rule_file("R1", version=2)
    stick = write(kiosk.nation.publish(), place / "stick")
    stick.chmod(0o700)
    with FetchedAsCaller(open_fetcher(str(stick))) as fetcher:
        assert kiosk.sync(fetcher).new
    kiosk.assert_newest()


def test_whose_folder_it_is_asks_for_no_rights(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service of the first boot may not: its system calls for that are refused, whatever they ask."""

    def refused(*_: object) -> None:
        raise PermissionError

    for name in ("seteuid", "setegid", "setgroups"):
        monkeypatch.setattr(os, name, refused)
    kiosk = Kiosk(place / "trust")
    write(kiosk.nation.publish(), place / "stick")
    with FetchedAsCaller(open_fetcher(str(place / "stick"))) as fetcher:
        assert kiosk.sync(fetcher).new
    kiosk.assert_newest()

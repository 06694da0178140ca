"""What is published, copied to a stick or a web server."""

import shutil
from pathlib import Path

import pytest

from centre.trust.copying import copy
from centre.trust.home import TrustError
from centre.trust.repository import Repository
from tests.centre.trust_site import Kiosk, Nation, names, told


@pytest.fixture
def served(nation: Nation, tmp_path: Path) -> Kiosk:
    nation.add_rule()
    nation.publish()
    copy(nation.repo, tmp_path / "served", told)
    return nation.kiosk(tmp_path / "served")


def test_a_copy_serves_as_the_repository_does(nation: Nation, served: Kiosk) -> None:
    assert served.files() == nation.kiosk().files()
    for version in (2, 3, 4):
        nation.add_rule(version=version)
        nation.publish()
    copy(nation.repo, served.source, told)
    assert names(served.source) == names(nation.home.repo)
    assert served.files() == nation.kiosk().files()


def test_a_copy_leaves_what_is_not_its_own(nation: Nation, served: Kiosk) -> None:
    (served.source / "index.html").write_text("hello")
    (served.source / "metadata/README").write_text("hello")
    nation.publish()
    copy(nation.repo, served.source, told)
    assert {"index.html", "metadata/README"} <= names(served.source)


def test_a_copy_never_leads_readers_backward(nation: Nation, served: Kiosk, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(nation.home.repo, old)
    nation.publish()
    copy(nation.repo, served.source, told)
    with pytest.raises(TrustError, match="holds the newer publication 2"):
        copy(Repository(old), served.source, told)


def test_a_copy_into_another_nations_folder_is_refused(served: Kiosk, tmp_path: Path) -> None:
    other = Nation(tmp_path / "other")
    other.publish()
    with pytest.raises(TrustError, match="another content: empty the folder"):
        copy(other.repo, served.source, told)
    assert served.version() == 1


def test_another_nation_s_newer_versions_leave_a_served_folder_as_it_is(served: Kiosk, tmp_path: Path) -> None:
    other = Nation(tmp_path / "other")
    for version in range(1, 5):
        other.add_rule(version=version)
        other.publish()
    before = names(served.source)
    with pytest.raises(TrustError, match="another content: empty the folder"):
        copy(other.repo, served.source, told)
    assert names(served.source) == before
    assert served.version() == 1


def test_a_copy_does_not_follow_links_of_a_stick(nation: Nation, tmp_path: Path) -> None:
    nation.publish()
    (tmp_path / "stick").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "stick/targets").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TrustError, match="is a link"):
        copy(nation.repo, tmp_path / "stick", told)
    assert names(tmp_path / "elsewhere") == set()


def test_a_stick_s_broken_file_is_called_by_its_folder(nation: Nation, served: Kiosk) -> None:
    (served.source / "metadata/timestamp.json").write_bytes(b"{}")
    with pytest.raises(TrustError, match=f"{served.source}: its timestamp metadata cannot be read"):
        copy(nation.repo, served.source, told)


def test_a_target_that_rotted_is_not_copied(nation: Nation, tmp_path: Path) -> None:
    nation.add_rule()
    nation.publish()
    (path,) = nation.repo.targets.glob("rules/nation/*")
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(TrustError, match="not what was signed"):
        copy(nation.repo, tmp_path / "to", told)
    assert not (tmp_path / "to/metadata/timestamp.json").exists()

"""What a province publishes, and what of it the nation takes."""

import shutil
from pathlib import Path

import pytest
from tuf.api.exceptions import UnsignedMetadataError

from centre.trust.home import TrustError
from centre.trust.keys import held_keys
from centre.trust.provincial import rotate_province
from centre.trust.staging import sign_staged
from tests.centre.trust_site import Nation, Territory, sg

HERE = "rules/province/vn-sg/VN-TEST-72H.json"


def test_a_province_s_rules_reach_its_kiosks(nation: Nation, saigon: Territory) -> None:
    saigon.add_rule()
    saigon.add_rule("profile", id="venue")
    assert saigon.publish().version == 1
    done = nation.publish(saigon.out)
    assert (done.taken, done.refused) == (["vn-sg"], [])
    files = nation.kiosk().files(province="vn-sg")
    assert files[HERE] == sg()
    assert "profiles/province/vn-sg/venue.json" in files


def test_taking_needs_the_keys_of_snapshot_and_timestamp_alone(nation: Nation, saigon: Territory) -> None:
    nation.publish()
    nation.carry("root-1", "root-2", "root-3", "targets-1")
    for version in (1, 2, 3):
        saigon.add_rule(version=version)
        saigon.publish()
        done = nation.publish(saigon.out)
        assert done.new == {"province-vn-sg": version, "snapshot": version + 1, "timestamp": version + 1}
    kiosk = nation.kiosk()
    assert kiosk.files(province="vn-sg")[HERE] == sg(version=3)
    assert nation.repo.versions("province-vn-sg") == [2, 3]


def test_the_same_again_takes_nothing_and_publishes_nothing(nation: Nation, saigon: Territory) -> None:
    saigon.add_rule()
    saigon.publish()
    nation.publish(saigon.out)
    assert not saigon.publish().new
    done = nation.publish(saigon.out)
    assert (done.taken, done.refused, done.new) == ([], [], {"timestamp": 2})


def test_two_provinces_are_taken_at_once_and_one_s_fault_is_its_own(
    nation: Nation, saigon: Territory, tmp_path: Path
) -> None:
    hanoi = Territory(tmp_path, "vn-hn")
    hanoi.delegated_by(nation)
    for one in (saigon, hanoi):
        one.add_rule()
        one.publish()
    (path,) = saigon.out.glob("targets/rules/province/vn-sg/*")
    path.write_bytes(path.read_bytes()[::-1])
    done = nation.publish(saigon.out, hanoi.out)
    assert done.taken == ["vn-hn"]
    assert "is not what was signed" in done.refused[0]
    assert nation.kiosk().files(province="vn-hn")


def test_a_province_of_two_keys_is_completed_by_the_second(nation: Nation, tmp_path: Path) -> None:
    two = Territory(tmp_path, "vn-ct", number=2, threshold=2)
    two.delegated_by(nation, threshold=2)
    two.add_rule()
    stick = tmp_path / "stick"
    stick.mkdir()
    shutil.move(two.home.keys / "province-vn-ct-2.pem", stick)
    with pytest.raises(TrustError, match=r"1 of 2 signatures, missing of province-vn-ct-2 \("):
        two.publish()
    assert not two.out.exists()
    sign_staged(two.home.province("vn-ct") / "staged.json", held_keys(stick))
    assert two.publish().new
    assert nation.publish(two.out).taken == ["vn-ct"]
    assert nation.kiosk().files(province="vn-ct")


def test_a_province_rotates_its_key(nation: Nation, saigon: Territory) -> None:
    saigon.add_rule()
    saigon.publish()
    nation.publish(saigon.out)
    assert rotate_province(saigon.home, "vn-sg", saigon.home.keys) == ("province-vn-sg-2", "province-vn-sg-1")
    saigon.publish()
    assert nation.publish(saigon.out).taken == ["vn-sg"]  # signed by both
    (saigon.home.keys / "province-vn-sg-1.pub").unlink()
    saigon.delegated_by(nation)
    assert nation.publish().warnings == []
    (saigon.home.keys / "province-vn-sg-1.pem").unlink()
    saigon.add_rule(version=2)
    saigon.publish()
    assert nation.publish(saigon.out).taken == ["vn-sg"]
    assert nation.kiosk().files(province="vn-sg")[HERE] == sg(version=2)


def test_keys_that_were_taken_away_leave_what_is_published_to_be_signed_anew(
    nation: Nation, saigon: Territory, tmp_path: Path
) -> None:
    saigon.add_rule()
    saigon.publish()
    nation.publish(saigon.out)
    other = Territory(tmp_path / "other")
    other.delegated_by(nation)
    assert nation.publish().warnings == [
        "province-vn-sg: not signed by the keys that it has now: it has to publish again"
    ]
    with pytest.raises(UnsignedMetadataError):
        nation.kiosk().files(province="vn-sg")
    saigon.add_rule(version=2)
    saigon.publish()
    assert "0 of 1 signatures" in nation.publish(saigon.out).refused[0]
    other.add_rule(version=3)
    other.publish()
    assert "version 1 is not newer than 1" in nation.publish(other.out).refused[0]
    other.add_rule(version=4)
    other.publish()
    assert nation.publish(other.out).taken == ["vn-sg"]
    assert nation.kiosk().files(province="vn-sg")[HERE] == sg(version=4)

"""Keys of the nation's roles that rotate, and keys that are away."""

import shutil
from pathlib import Path

import pytest

from centre.trust.home import TrustError
from centre.trust.keys import held_keys
from centre.trust.roles import ROLES
from centre.trust.staging import read_staged, sign_staged
from tests.centre.trust_site import ONE_EACH, Nation, rule

# --- keys that rotate


@pytest.mark.parametrize("role", ROLES)
def test_a_key_rotates_under_kiosks_old_and_new(nation: Nation, role: str) -> None:
    nation.publish()
    kiosk = nation.kiosk()
    kiosk.files()
    nation.later(hours=1)
    rotated = nation.rotate(role)
    assert rotated.missing == []
    done = nation.publish()
    assert done.new["root"] == 2
    assert kiosk.version() == 2
    assert nation.kiosk().version() == 2
    root = nation.repo.root()
    assert root is not None
    kept = [root.signed.keys[keyid] for keyid in root.signed.roles[role].keyids]
    assert rotated.added.split()[0] in {key.unrecognized_fields["x-greengate-name"] for key in kept}
    assert rotated.revoked.split()[0] not in {key.unrecognized_fields["x-greengate-name"] for key in kept}


@pytest.mark.parametrize("role", ROLES)
def test_the_revoked_key_signs_nothing_that_is_taken_any_more(nation: Nation, role: str) -> None:
    nation.publish()
    nation.rotate(role)
    nation.publish()
    (nation.home.keys / f"{role}-{4 if role == 'root' else 2}.pem").unlink()
    if role == "root":
        (nation.home.keys / "root-3.pem").unlink()
        assert nation.rotate("targets").missing == [
            f"root: 1 of 2 signatures, missing of {', '.join(missing(nation, 'root', 'root-3', 'root-4'))}"
        ]
        return
    nation.add_rule()
    if role == "targets":
        assert nation.publish().lacking
    else:
        with pytest.raises(TrustError, match=f"{role}-2"):
            nation.publish()


def missing(nation: Nation, role: str, *wanted: str) -> list[str]:
    root = nation.repo.root()
    assert root is not None
    keys = [root.signed.keys[keyid] for keyid in root.signed.roles[role].keyids]
    named = [(key.unrecognized_fields["x-greengate-name"], key.keyid[:8]) for key in keys]
    return [f"{name} ({short})" for name, short in named if name in wanted]


def test_several_rotations_make_one_root(nation: Nation) -> None:
    nation.publish()
    nation.rotate("root")
    nation.rotate("targets")
    assert nation.rotate("snapshot").root == 2
    assert nation.publish().new["root"] == 2
    assert nation.kiosk().version() == 2


def test_many_roots_one_after_the_other_are_followed_from_the_first(nation: Nation) -> None:
    nation.publish()
    kiosk = nation.kiosk()
    kiosk.files()
    for role in ROLES * 2:
        nation.rotate(role)
        nation.publish()
    assert nation.repo.versions("root") == list(range(1, 10))
    assert kiosk.version() == 9


def test_a_rotation_can_be_told_which_key_goes(nation: Nation) -> None:
    assert nation.rotate("root", which="root-2").revoked.startswith("root-2 ")
    with pytest.raises(TrustError, match="name one of root-1"):
        nation.rotate("root", which="root-2")


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_keys_of_its_own(nation: Nation, role: str) -> None:
    other = "targets" if role == "root" else "root"
    with pytest.raises(TrustError, match="another role's key: each role has keys of its own"):
        nation.rotate(role, public=nation.home.keys / f"{other}-1.pub")


def test_a_root_key_that_was_lost_is_replaced_by_the_other_two(nation: Nation) -> None:
    nation.publish()
    (nation.home.keys / "root-2.pem").unlink()
    assert nation.rotate("root", which="root-2").missing == []
    assert nation.publish().new["root"] == 2
    assert nation.kiosk().version() == 2


# --- keys that are away


def test_a_root_that_waits_holds_nothing_up_and_is_signed_on_another_machine(nation: Nation, tmp_path: Path) -> None:
    nation.publish()
    nation.carry("root-1", "root-2", "root-3")
    rotated = nation.rotate("timestamp")
    assert "0 of 2 signatures, missing of root-1" in rotated.missing[0]
    nation.later(hours=1)
    done = nation.publish()
    assert done.new == {"timestamp": 2}
    assert "root: 0 of 2 signatures" in done.lacking[0]
    carried = tmp_path / "carried.json"
    shutil.copy(nation.home.staged, carried)
    (one,) = sign_staged(carried, held_keys(nation.stick))
    assert (one["role"], one["version"], one["missing"]) == ("root", 2, [])
    shutil.copy(carried, nation.home.staged)
    assert nation.publish().new == {"root": 2, "timestamp": 3}
    assert nation.kiosk().version() == 3
    assert not nation.home.staged.exists()


def test_targets_of_two_officers_are_completed_by_the_second(nation: Nation, tmp_path: Path) -> None:
    nation = Nation(tmp_path / "two", ONE_EACH | {"targets": 2}, ONE_EACH | {"targets": 2})
    nation.carry("targets-2")
    with pytest.raises(TrustError, match=r"targets: 1 of 2 signatures, missing of targets-2 \("):
        nation.publish()
    assert nation.repo.timestamp() is None
    sign_staged(nation.home.staged, held_keys(nation.stick))
    nation.later(hours=1)
    assert nation.publish().new == {"targets": 1, "snapshot": 1, "timestamp": 1}
    assert nation.kiosk().version() == 1


def test_what_waits_is_what_is_published_until_somebody_begins_anew(nation: Nation) -> None:
    nation.publish()
    nation.carry("targets-1")
    nation.add_rule()
    assert nation.publish().lacking
    nation.add_rule(version=2)
    assert nation.publish().lacking
    staged = read_staged(nation.home.staged)["targets"].parsed()
    before = staged.signed.targets["rules/nation/VN-TEST-72H.json"].hashes
    assert nation.publish(anew=True).lacking
    after = read_staged(nation.home.staged)["targets"].parsed().signed.targets["rules/nation/VN-TEST-72H.json"].hashes
    assert before != after
    sign_staged(nation.home.staged, held_keys(nation.stick))
    assert nation.publish().new["targets"] == 2
    assert nation.kiosk().files()["rules/nation/VN-TEST-72H.json"] == rule(version=2)


def test_a_new_root_waits_for_targets_keys_that_it_asks_for(nation: Nation) -> None:
    nation.publish()
    nation.rotate("targets", to=nation.stick)
    done = nation.publish()
    assert "targets: 0 of 1 signatures, missing of targets-2" in done.lacking[0]
    assert done.new == {"timestamp": 2}
    assert nation.kiosk().version() == 2
    done = nation.publish(keys=[nation.stick])
    assert done.new == {"targets": 2, "snapshot": 2, "root": 2, "timestamp": 3}
    assert nation.kiosk().version() == 3


@pytest.mark.parametrize("role", ["snapshot", "timestamp"])
def test_a_new_root_waits_for_online_keys_that_it_asks_for(nation: Nation, role: str) -> None:
    nation.publish()
    nation.rotate(role, to=nation.stick)
    done = nation.publish()
    assert f"{role}: 0 of 1 keys here, missing {role}-2" in done.lacking[0]
    assert nation.kiosk().version() == 2
    assert nation.publish(keys=[nation.stick]).new["root"] == 2
    assert nation.kiosk().version() == 3


def test_targets_of_a_root_that_waits_wait_with_it(nation: Nation) -> None:
    nation.publish()
    kiosk = nation.kiosk()
    kiosk.files()
    nation.rotate("targets")
    nation.rotate("timestamp", to=nation.stick)
    (nation.home.keys / "targets-1.pem").unlink()
    nation.add_rule()
    assert nation.publish().new == {"timestamp": 2}
    assert set(read_staged(nation.home.staged)) == {"root", "targets"}
    assert kiosk.version() == 2
    assert nation.publish(keys=[nation.stick]).new == {"root": 2, "targets": 2, "snapshot": 2, "timestamp": 3}
    assert "rules/nation/VN-TEST-72H.json" in kiosk.files()


@pytest.mark.parametrize("role", ["snapshot", "timestamp"])
def test_online_keys_that_are_away_are_named(nation: Nation, role: str) -> None:
    nation.carry(f"{role}-1")
    with pytest.raises(TrustError, match=rf"{role}: 0 of 1 signatures, missing of {role}-1 \(.*--keys"):
        nation.publish()
    assert nation.publish(keys=[nation.stick]).version == 1


def test_a_staged_root_that_was_changed_on_its_way_is_not_published(nation: Nation) -> None:
    nation.publish()
    nation.carry("root-2", "root-3")
    nation.rotate("timestamp")
    text = nation.home.staged.read_text()
    nation.home.staged.write_text(text.replace('"threshold":2', '"threshold":1'))
    done = nation.publish()
    assert "root: 0 of 2" in done.lacking[0] or "root: 1 of 2" in done.lacking[0]
    assert "root" not in done.new


def test_what_waits_is_published_only_with_its_files(nation: Nation) -> None:
    nation.publish()
    nation.carry("targets-1")
    nation.add_rule()
    nation.publish()
    sign_staged(nation.home.staged, held_keys(nation.stick))
    (path,) = nation.repo.targets.glob("rules/nation/*")
    path.unlink()
    with pytest.raises(TrustError, match="names files that are not here: publish --anew"):
        nation.publish()


def test_what_waits_and_was_published_already_is_dropped(nation: Nation, tmp_path: Path) -> None:
    nation.publish()
    nation.carry("root-1", "root-2", "targets-1")
    nation.rotate("snapshot")
    nation.add_rule()
    nation.publish()
    sign_staged(nation.home.staged, held_keys(nation.stick))
    shutil.copy(nation.home.staged, tmp_path / "again.json")
    assert nation.publish().new == {"root": 2, "targets": 2, "snapshot": 2, "timestamp": 3}
    shutil.copy(tmp_path / "again.json", nation.home.staged)
    assert nation.publish().new == {"timestamp": 4}
    assert not nation.home.staged.exists()

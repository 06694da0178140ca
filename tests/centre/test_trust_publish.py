"""What the nation publishes, as python-tuf's client sees it: versions, ends, keys that rotate, keys that are away."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.exceptions import ExpiredMetadataError
from tuf.api.metadata import Metadata, Timestamp

from centre.trust.building import issued_of
from centre.trust.copying import copy
from centre.trust.drafts import Draft
from centre.trust.home import TrustError
from centre.trust.keys import held_keys
from centre.trust.repository import Repository
from centre.trust.roles import ROLES
from centre.trust.staging import read_staged, sign_staged
from tests.centre.trust_site import AT, ONE_EACH, Kiosk, Nation, rule


@pytest.fixture
def nation(tmp_path: Path) -> Nation:
    return Nation(tmp_path)


def told(_done: int, _total: int) -> None:
    pass


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# --- a publication


def test_a_client_gets_every_file_of_the_draft(nation: Nation) -> None:
    nation.add_rule()
    nation.add_rule("profile", id="VENUE")
    nation.revoke("list", bytes(range(160)))
    done = nation.publish()
    files = nation.kiosk().files()
    part = next(path for path in files if path.startswith("revocations/"))
    assert done.new == {"targets": 1, "snapshot": 1, "timestamp": 1}
    assert set(files) == {
        "signers.json",
        "freshness.json",
        "revocations.json",
        "rules/nation/VN-TEST-72H.json",
        "profiles/nation/VENUE.json",
        part,
    }
    assert files["rules/nation/VN-TEST-72H.json"] == rule()


def test_the_timestamp_says_when_it_was_issued_and_ends_with_the_longest_time_offline(nation: Nation) -> None:
    nation.now = AT.replace(microsecond=5)
    nation.publish()
    timestamp = nation.kiosk().refreshed()._trusted_set.timestamp
    assert timestamp.unrecognized_fields["issued"] == "2026-11-22T06:00:00Z"
    assert issued_of(timestamp) == AT
    assert timestamp.expires == AT + timedelta(days=30)


def test_without_a_change_only_the_timestamp_is_new_and_only_online_keys_are_needed(nation: Nation) -> None:
    nation.publish()
    nation.carry("root-1", "root-2", "root-3", "targets-1")
    nation.later(hours=1)
    done = nation.publish()
    assert done.new == {"timestamp": 2}
    assert done.issued == AT + timedelta(hours=1)
    assert done.lacking == []
    assert nation.kiosk().version() == 2


def test_what_is_half_over_is_signed_anew_where_its_keys_are_here(nation: Nation) -> None:
    nation.publish()
    nation.later(days=91)
    assert nation.publish().new == {"snapshot": 2, "timestamp": 2}
    nation.later(days=100)
    assert nation.publish().new == {"targets": 2, "snapshot": 3, "timestamp": 3}
    nation.later(days=200)
    assert nation.publish().new == {"targets": 3, "snapshot": 4, "root": 2, "timestamp": 4}
    assert nation.kiosk().version(nation.now) == 4


def test_what_ends_soon_and_cannot_be_signed_is_warned_of(nation: Nation) -> None:
    nation.publish()
    nation.carry("targets-1")
    nation.later(days=360)
    assert nation.publish().warnings == ["targets: ends on 2027-11-22: publish with its keys"]


def test_the_clock_never_leads_the_issued_time_backward(nation: Nation) -> None:
    nation.publish()
    nation.later(minutes=-1)
    with pytest.raises(TrustError, match="clock is behind the last publication"):
        nation.publish()


def test_a_clock_that_nothing_vouches_for_leads_no_kiosk_into_another_year(nation: Nation) -> None:
    nation.publish()
    nation.later(days=29)
    nation.publish(vouched=False)
    nation.later(days=31)
    with pytest.raises(TrustError, match="nothing vouches for it: synchronise it"):
        nation.publish(vouched=False)
    assert nation.publish().version == 3


def test_after_the_root_s_end_only_its_keys_publish(nation: Nation) -> None:
    nation.publish()
    nation.carry("root-1", "root-2")
    nation.later(days=731)
    with pytest.raises(TrustError, match="root ended on 2028-11-21: publish with its keys"):
        nation.publish()
    assert nation.publish(keys=[nation.stick]).new["root"] == 2
    assert nation.kiosk().version(nation.now) == 2


def test_versions_before_the_last_are_pruned_and_their_readers_of_yesterday_still_find_all(nation: Nation) -> None:
    for version in range(1, 5):
        nation.add_rule(version=version)
        nation.later(hours=1)
        nation.publish()
    metadata = {name for name in names(nation.home.repo) if name.startswith("metadata/")}
    assert metadata == {
        "metadata/1.root.json",
        "metadata/timestamp.json",
        *(f"metadata/{number}.{role}.json" for number in (3, 4) for role in ("targets", "snapshot")),
    }
    rules = [name for name in names(nation.home.repo) if "VN-TEST" in name]
    assert len(rules) == 2


def test_a_draft_that_no_kiosk_could_use_is_not_published(nation: Nation) -> None:
    nation.publish()
    (nation.home.draft / "freshness.json").write_text("{}")
    with pytest.raises(TrustError, match=r"freshness\.json: the limits"):
        nation.publish()
    assert nation.kiosk().version() == 1


def test_a_file_in_the_draft_that_is_no_rule_is_told(nation: Nation) -> None:
    nation.add_rule()
    (nation.home.draft / "rules/nation/notes.txt").write_text("hello")
    with pytest.raises(TrustError, match=r"notes\.txt"):
        nation.publish()


def test_a_rule_that_was_removed_is_gone_for_kiosks(nation: Nation) -> None:
    nation.add_rule()
    nation.publish()
    Draft(nation.home).remove_rule("nation", "rule", "VN-TEST-72H")  # type: ignore[arg-type]
    nation.later(hours=1)
    nation.publish()
    assert "rules/nation/VN-TEST-72H.json" not in nation.kiosk().files()


def test_an_expired_timestamp_is_refused_by_the_client(nation: Nation) -> None:
    nation.publish()
    with pytest.raises(ExpiredMetadataError):
        nation.kiosk().refreshed(AT + timedelta(days=31))


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


# --- copied elsewhere


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


def test_a_copy_does_not_follow_links_of_a_stick(nation: Nation, tmp_path: Path) -> None:
    nation.publish()
    (tmp_path / "stick").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "stick/targets").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TrustError, match="is a link"):
        copy(nation.repo, tmp_path / "stick", told)
    assert names(tmp_path / "elsewhere") == set()


def test_a_target_that_rotted_is_not_copied(nation: Nation, tmp_path: Path) -> None:
    nation.add_rule()
    nation.publish()
    (path,) = nation.repo.targets.glob("rules/nation/*")
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(TrustError, match="not what was signed"):
        copy(nation.repo, tmp_path / "to", told)
    assert not (tmp_path / "to/metadata/timestamp.json").exists()


def test_a_timestamp_without_its_time_is_told() -> None:
    with pytest.raises(TrustError, match="says not when it was issued"):
        issued_of(Metadata(Timestamp()).signed)

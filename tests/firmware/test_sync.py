"""A sync takes what is new, all of it and no more, and puts it in use by one rename."""

import os
from pathlib import Path

import pytest

from drivers.fetcher.simulated import SimulatedFetcher
from firmware.sync_errors import AbsentError, AwayError
from firmware.sync_store import opened
from firmware.sync_update import Update
from firmware.trust_store import load_store
from tests.firmware.sync_rig import ALL_REVOKED, OF_NATION, OF_PROVINCE, SET, Kiosk
from tests.firmware.trust_repo import NOW, hashes, rule_file


@pytest.fixture
def kiosk(tmp_path: Path) -> Kiosk:
    return Kiosk(tmp_path / "trust")


@pytest.fixture
def synced(kiosk: Kiosk) -> Kiosk:
    kiosk.sync()
    return kiosk


def test_the_first_sync_takes_everything(kiosk: Kiosk) -> None:
    outcome = kiosk.sync()
    kiosk.assert_newest()
    assert outcome.new
    assert outcome.version == 1
    assert outcome.issued == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    assert outcome.store == kiosk.current.name == (kiosk.folder / "current").readlink().name
    assert outcome.requests == len(kiosk.source.asked) == 5 + len(kiosk.targets_asked)
    assert (kiosk.folder / "root.json").read_bytes() == kiosk.nation.first_root
    assert not list((kiosk.folder / "incoming").iterdir())


def test_every_program_may_read_it(kiosk: Kiosk) -> None:
    before = os.umask(0o077)
    try:
        kiosk.sync()
    finally:
        os.umask(before)
    for path in kiosk.current.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    assert (kiosk.folder / "stores").stat().st_mode & 0o777 == 0o755


def test_where_nothing_is_new_at_most_four_files_are_asked_for(synced: Kiosk) -> None:
    before = synced.current
    outcome = synced.sync()
    assert not outcome.new
    assert (outcome.requests, outcome.fetched_bytes) == (2, 0)
    assert synced.source.asked == ["metadata/2.root.json", "metadata/timestamp.json"]
    assert synced.current == before
    assert [path.name for path in (synced.folder / "stores").iterdir()] == [before.name]


def test_only_what_changed_is_fetched(synced: Kiosk) -> None:
    synced.nation.files[OF_NATION] = rule_file("R1", version=2)
    synced.nation.publish()
    assert synced.sync().new
    assert synced.targets_asked == [OF_NATION]
    synced.assert_newest()


def test_a_new_timestamp_alone_fetches_no_target(synced: Kiosk) -> None:
    synced.nation.publish()
    outcome = synced.sync()
    assert outcome.new
    assert (outcome.version, outcome.fetched_bytes) == (2, 0)
    synced.assert_newest()


def test_a_days_revocations_are_a_delta(synced: Kiosk) -> None:
    synced.nation.revoke(SET, ALL_REVOKED - hashes(7, 8) | hashes(5000, 5001))
    synced.nation.publish()
    outcome = synced.sync()
    assert len(synced.targets_asked) == 2
    assert synced.targets_asked[0] == "revocations.json"
    assert synced.targets_asked[1].endswith(".delta")
    assert outcome.fetched_bytes < 1500
    synced.assert_newest()


def test_whoever_was_away_goes_along_the_chain(synced: Kiosk) -> None:
    for number in range(3):
        synced.nation.revoke(SET, ALL_REVOKED | hashes(*range(6000, 6001 + number)))
        synced.nation.publish()
    synced.sync()
    assert sum(path.endswith(".delta") for path in synced.targets_asked) == 3
    assert not any(path.endswith(".part") for path in synced.targets_asked)
    synced.assert_newest()


def test_a_first_sync_goes_from_the_base_along_the_chain(kiosk: Kiosk) -> None:
    kiosk.nation.revoke(SET, ALL_REVOKED | hashes(9000))
    kiosk.nation.publish()
    kiosk.sync()
    assert sum(path.endswith(".delta") for path in kiosk.targets_asked) == 1
    kiosk.assert_newest()


def test_a_state_that_comes_again_is_reached(synced: Kiosk) -> None:
    for revoked in (ALL_REVOKED | hashes(9000), ALL_REVOKED, ALL_REVOKED | hashes(9001)):
        synced.nation.revoke(SET, revoked)
        synced.nation.publish()
    synced.sync()
    assert sum(path.endswith(".delta") for path in synced.targets_asked) == 1
    synced.assert_newest()


def test_a_state_that_nobody_knows_any_more_begins_at_the_base(synced: Kiosk) -> None:
    synced.nation.revoke(SET, hashes(*range(900)), rebase=True)
    synced.nation.publish()
    synced.sync()
    assert [path.rpartition(".")[2] for path in synced.targets_asked] == ["json", "part", "part", "part"]
    synced.assert_newest()


def test_a_set_in_use_that_rotted_begins_at_the_base(synced: Kiosk) -> None:
    path = synced.current / f"revocations/{SET}.set"
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    synced.nation.revoke(SET, ALL_REVOKED | hashes(9000))
    synced.nation.publish()
    synced.sync()
    assert any(path.endswith(".part") for path in synced.targets_asked)
    synced.assert_newest()


def test_sets_come_and_go(synced: Kiosk) -> None:
    del synced.nation.sets[SET]
    synced.nation.revoke("00ff-signature", hashes(1, 2))
    synced.nation.revoke("any-lx1", set())
    synced.nation.publish()
    synced.sync()
    synced.assert_newest()
    assert not (synced.current / f"revocations/{SET}.set").exists()


def test_a_set_in_use_that_rotted_is_fetched_again_though_it_has_not_changed(synced: Kiosk) -> None:
    path = synced.current / f"revocations/{SET}.set"
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    synced.nation.publish()
    synced.sync()
    assert {path.rpartition(".")[2] for path in synced.targets_asked} == {"part"}
    synced.assert_newest()


@pytest.mark.parametrize(
    "path", ["metadata/timestamp.json", "metadata/targets.json", "signers.json", OF_PROVINCE, f"revocations/{SET}.set"]
)
@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_store_in_use_that_no_gate_can_open_is_made_anew_without_a_new_timestamp(
    synced: Kiosk, path: str, harm: str
) -> None:
    harmed = synced.current / path
    data = harmed.read_bytes()
    harmed.unlink()
    if harm == "cut":
        harmed.write_bytes(data[: len(data) // 2])
    synced.sync()
    synced.sync()
    if not (harm == "gone" and path == OF_PROVINCE):  # nobody misses it until the next publication
        synced.assert_newest()
    synced.nation.publish()
    synced.sync()
    synced.assert_newest()


def test_a_file_in_use_that_rotted_is_fetched_again(synced: Kiosk) -> None:
    (synced.current / OF_NATION).write_bytes(b"{")
    synced.nation.publish()
    synced.sync()
    assert synced.targets_asked == [OF_NATION]
    synced.assert_newest()


def test_what_a_newer_nation_publishes_beside_is_left(kiosk: Kiosk) -> None:
    more = {"messages/vi.json": b"{}", "rules/nation/deep/er.json": b"{}", "rules/nation/R1.txt": b"", "software": b""}
    known = dict(kiosk.nation.files)
    kiosk.nation.files |= more
    kiosk.nation.publish()
    kiosk.sync()
    kiosk.nation.files = known
    kiosk.assert_newest()


def test_the_store_before_stays_and_no_older_one(synced: Kiosk) -> None:
    names = [synced.current.name]
    for _ in range(3):
        synced.nation.publish()
        synced.sync()
        names.append(synced.current.name)
    assert {path.name for path in (synced.folder / "stores").iterdir()} == set(names[-2:])
    assert [name.partition("-")[0] for name in names] == ["1", "2", "3", "4"]


def test_a_gate_goes_on_with_a_store_that_was_removed(synced: Kiosk) -> None:
    trust = load_store(synced.current)
    for _ in range(2):
        synced.nation.revoke(SET, set(), rebase=True)
        synced.nation.publish()
        synced.sync()
    (one,) = hashes(7)
    assert trust.revocations.revoked("uci", b"any kid", [one])
    assert not load_store(synced.current).revocations.revoked("uci", b"any kid", [one])


def test_a_broken_download_goes_on_where_it_ended(kiosk: Kiosk) -> None:
    kiosk.sync_as_it_is()
    asked = list(kiosk.source.asked)
    metadata = [path for path in asked if path.startswith("metadata/")]
    again = Kiosk(kiosk.folder.with_name("again"), kiosk.nation)
    fetched: list[str] = []
    for _ in range(len(asked) - len(metadata)):  # one more target each time
        again.source.unplug(after=len(metadata))
        with pytest.raises(AwayError):
            again.sync()
        targets = [path for path in again.source.asked if path.startswith("targets/")]
        fetched += targets[:1]
        again.source.heal()
        again.source.unplug(after=len(metadata) + 1)
        if len(fetched) < len(asked) - len(metadata):
            with pytest.raises(AwayError):
                again.sync()
    again.source.heal()
    outcome = again.sync()
    assert outcome.new
    again.assert_newest()
    assert outcome.requests <= len(metadata) + 1


def test_an_older_updates_leftovers_go(synced: Kiosk) -> None:
    synced.nation.revoke(SET, hashes(*range(900)), rebase=True)
    synced.nation.publish()
    synced.source.unplug(after=7)
    with pytest.raises(AwayError):
        synced.sync()
    assert list((synced.folder / "incoming").iterdir())
    synced.source.heal()
    synced.nation.revoke(SET, hashes(*range(100)), rebase=True)
    synced.nation.publish()
    synced.sync()
    synced.assert_newest()
    assert not list((synced.folder / "incoming").iterdir())


def test_leftovers_of_a_killed_sync_go(synced: Kiosk) -> None:
    stores = synced.folder / "stores"
    (stores / ".new-1234/metadata").mkdir(parents=True)
    (stores / ".new-1234/metadata/x").write_bytes(b"x")
    (synced.folder / "incoming/.ab").write_bytes(b"x")
    (synced.folder / ".current.new").symlink_to("stores/none")
    synced.nation.publish()
    synced.sync()
    synced.assert_newest()
    left = {path.name for path in (*stores.iterdir(), *synced.folder.iterdir()) if path.name.startswith(".")}
    assert not left


def test_what_is_fetched_is_told(kiosk: Kiosk) -> None:
    told: list[tuple[int, int]] = []
    with opened(kiosk.folder) as store:
        update = Update(store, kiosk.source, kiosk.nation.first_root, kiosk.check, seen=lambda *now: told.append(now))
        outcome = update.run()
    assert told[-1] == (outcome.fetched_bytes, outcome.fetched_bytes)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_source_that_lacks_everything_says_so(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path)
    for local, status in ((True, 66), (False, 69)):
        with pytest.raises(AbsentError) as caught:
            kiosk.sync_as_it_is(SimulatedFetcher({}, local=local))
        assert caught.value.status == status

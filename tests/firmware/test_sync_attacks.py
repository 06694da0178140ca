"""Whoever owns the network, the mirror or the stick cannot bring a kiosk old, foreign or mixed trust."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from tuf.api.metadata import TargetFile

from drivers.fetcher.simulated import Fault
from firmware.sync_errors import AbsentError, AwayError, RefusedError, SyncError
from tests.firmware.sync_rig import ALL_REVOKED, OF_NATION, SET, Kiosk
from tests.firmware.trust_repo import NOW, ROLES, Nation, hashes, rule_file, stranger

HOUR = timedelta(hours=1)


@pytest.fixture
def kiosk(tmp_path: Path) -> Kiosk:
    """A kiosk that has the nation's second publication."""
    made = Kiosk(tmp_path / "trust")
    made.nation.files[OF_NATION] = rule_file("R1", version=2)
    made.nation.revoke(SET, ALL_REVOKED | hashes(7000))
    made.nation.publish()
    made.sync()
    return made


def refused(kiosk: Kiosk, why: str, kind: type[SyncError] = RefusedError) -> None:
    """Sync as the source is: refused on one line, the store in use stays, and the next honest sync succeeds."""
    before, files = kiosk.current, kiosk.files
    with pytest.raises(kind, match=why) as caught:
        kiosk.sync_as_it_is()
    assert "\n" not in str(caught.value)
    assert kiosk.current == before
    assert kiosk.files == files
    assert not [path.name for path in (kiosk.folder / "stores").iterdir() if path.name.startswith(".")]
    kiosk.source.heal()
    kiosk.nation.versions = {role: number + 10 for role, number in kiosk.nation.versions.items() if role != "root"} | {
        "root": kiosk.nation.versions["root"]
    }
    kiosk.nation.publish()
    kiosk.sync()
    kiosk.assert_newest()


def test_an_old_timestamp_is_refused(kiosk: Kiosk) -> None:
    kiosk.source.files["metadata/timestamp.json"] = first_of(kiosk)["metadata/timestamp.json"]
    refused(kiosk, "older than what is here")


def first_of(kiosk: Kiosk) -> dict[str, bytes]:
    """Return the nation's first publication: the same keys, older versions."""
    old = Nation(keys=dict(kiosk.nation.keys), province_keys=dict(kiosk.nation.province_keys))
    old.provinces = dict(kiosk.nation.provinces)
    return old.publish()


@pytest.mark.parametrize("role", ["snapshot", "targets", "provinces"])
def test_an_older_version_of_any_role_under_a_newer_timestamp_is_refused(kiosk: Kiosk, role: str) -> None:
    kiosk.source.files = kiosk.nation.publish(versions={role: 1})
    refused(kiosk, "older than what is here, or mixed")


def test_a_root_that_goes_back_is_none(kiosk: Kiosk) -> None:
    kiosk.nation.rotate("timestamp")
    kiosk.nation.publish()
    kiosk.sync()
    kiosk.source.files["metadata/3.root.json"] = kiosk.nation.first_root
    refused(kiosk, "older than what is here, or mixed")


def test_a_role_may_not_leave_the_snapshot(kiosk: Kiosk) -> None:
    provinces = kiosk.nation.provinces
    kiosk.nation.provinces = {}
    kiosk.source.files = kiosk.nation.publish()
    kiosk.nation.provinces = provinces
    refused(kiosk, "missing info")


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_what_has_expired_is_refused_and_says_since_when(kiosk: Kiosk, role: str) -> None:
    kiosk.source.files = kiosk.nation.publish(expires={role: NOW - HOUR})
    refused(kiosk, rf"{role}.* is expired \(since {NOW - HOUR:%Y-%m-%dT%H}.*: its publisher")


def test_an_expired_root_is_refused(kiosk: Kiosk) -> None:
    kiosk.nation.rotate(expires=NOW - HOUR)
    kiosk.source.files = kiosk.nation.publish()
    kiosk.nation.rotate()
    refused(kiosk, "root.json is expired")


def test_a_timestamp_that_was_frozen_until_it_expired_is_refused_though_it_is_the_one_in_use(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path)
    stamp = kiosk.nation.publish(expires={"timestamp": NOW - HOUR})["metadata/timestamp.json"]
    kiosk.nation.versions["timestamp"] -= 1
    kiosk.nation.publish()
    kiosk.sync()
    (kiosk.current / "metadata/timestamp.json").write_bytes(stamp)  # as if that hour had passed since
    kiosk.source.files["metadata/timestamp.json"] = stamp
    refused(kiosk, "timestamp.json is expired")


def test_roles_of_two_publications_are_not_mixed(kiosk: Kiosk) -> None:
    kiosk.nation.publish()
    mixed = dict(kiosk.nation.published)
    kiosk.nation.files["rules/nation/R9.json"] = rule_file("R9")
    kiosk.nation.publish()
    number = kiosk.nation.versions["targets"]
    kiosk.source.files = kiosk.nation.published | {
        f"metadata/{number}.targets.json": mixed[f"metadata/{number - 1}.targets.json"]
    }
    refused(kiosk, "older than what is here, or mixed")


def test_another_nations_repository_is_foreign(kiosk: Kiosk) -> None:
    kiosk.source.files = Nation().publish()
    refused(kiosk, "not to be trusted")


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_a_strangers_signature_is_none(kiosk: Kiosk, role: str) -> None:
    kiosk.source.files = kiosk.nation.publish(signers={role: [stranger()]})
    refused(kiosk, "not to be trusted")


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_fewer_signatures_than_the_threshold_are_none(tmp_path: Path, role: str) -> None:
    kiosk = Kiosk(tmp_path, Nation(thresholds=dict.fromkeys(ROLES, 2)), province=None)
    kiosk.nation.publish()
    kiosk.sync()
    one = kiosk.nation.keys[role][0]
    kiosk.source.files = kiosk.nation.publish(signers={role: [one, one]})  # twice by the same key
    refused(kiosk, "not to be trusted")


@pytest.mark.parametrize("by", ["stranger", "old-only", "new-only"])
def test_a_root_that_is_not_signed_by_the_old_and_the_new_keys_is_none(kiosk: Kiosk, by: str) -> None:
    keys = kiosk.nation.keys
    old = list(keys["root"])
    signers = {"stranger": [stranger()], "old-only": old, "new-only": None}[by]
    if by == "new-only":
        kiosk.nation.rotate("root", signers=[])
        kiosk.source.files = kiosk.nation.publish()
        refused_root(kiosk)
        return
    kiosk.nation.rotate("root", signers=signers)
    kiosk.source.files = kiosk.nation.publish()
    refused_root(kiosk)


def refused_root(kiosk: Kiosk) -> None:
    before = kiosk.current
    with pytest.raises(RefusedError, match="not to be trusted"):
        kiosk.sync_as_it_is()
    assert kiosk.current == before


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_a_revoked_key_signs_nothing_more(kiosk: Kiosk, role: str) -> None:
    stolen = list(kiosk.nation.keys[role])
    kiosk.nation.rotate(role)
    kiosk.source.files = kiosk.nation.publish(signers={role: stolen})
    refused(kiosk, "not to be trusted")


def test_a_revocation_of_a_key_that_was_seen_once_is_not_forgotten(kiosk: Kiosk) -> None:
    stolen = list(kiosk.nation.keys["timestamp"])
    without = kiosk.nation.publish(signers={"timestamp": stolen})
    kiosk.nation.rotate("timestamp")
    kiosk.source.files = kiosk.nation.publish(expires={"timestamp": NOW - HOUR})
    with pytest.raises(RefusedError, match="expired"):
        kiosk.sync_as_it_is()
    kiosk.source.files = without  # the attacker keeps the new root back
    refused(kiosk, "not to be trusted")


def test_keys_may_be_rotated_many_times_while_a_kiosk_is_away(kiosk: Kiosk) -> None:
    for role in (*ROLES, *ROLES):
        kiosk.nation.rotate(role)
        kiosk.nation.publish()
    kiosk.sync()
    kiosk.assert_newest()
    kiosk.source.asked.clear()
    assert kiosk.sync().requests == 2


@pytest.mark.parametrize(
    ("issued", "why"),
    [
        (NOW - timedelta(seconds=1), "issued .*, before what is in use"),
        (None, "does not say when it was issued"),
    ],
    ids=["backward", "none"],
)
def test_the_time_of_issue_is_there_and_never_goes_backward(kiosk: Kiosk, issued: datetime | None, why: str) -> None:
    kiosk.source.files = kiosk.nation.publish(issued=issued)
    refused(kiosk, why)


@pytest.mark.parametrize("text", ["", "2026-11-22T06:00:00+07:00", "2026-11-22T06:00:00.5Z", "9999-12-31T23:59:59Z"])
def test_a_time_of_issue_of_another_form_is_none(kiosk: Kiosk, text: str) -> None:
    class Other:
        def __format__(self, _: str) -> str:
            return text

    kiosk.source.files = kiosk.nation.publish(issued=Other())  # type: ignore[arg-type]
    refused(kiosk, "does not say when it was issued")


def test_what_a_revoked_key_dated_ahead_is_no_bound(kiosk: Kiosk) -> None:
    """A stolen timestamp key dates ahead; once the nation has taken it back, what is published counts again."""
    kiosk.source.files = kiosk.nation.publish(issued=NOW + timedelta(days=300))
    assert kiosk.sync_as_it_is().new
    kiosk.nation.publish(issued=NOW)
    with pytest.raises(RefusedError, match=r"issued .*, before what is in use"):
        kiosk.sync()
    kiosk.nation.rotate("timestamp")
    kiosk.nation.publish(issued=NOW)
    assert kiosk.sync().new
    kiosk.assert_newest()


def test_nothing_is_issued_ahead_of_a_clock_that_is_right(kiosk: Kiosk) -> None:
    kiosk.latest = f"{NOW + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    kiosk.source.files = kiosk.nation.publish(issued=NOW + timedelta(days=1, seconds=1))
    refused(kiosk, "over a day ahead of this device's clock")
    kiosk.source.files = kiosk.nation.publish(issued=NOW + timedelta(days=1))
    assert kiosk.sync_as_it_is().new


def test_the_same_time_of_issue_is_no_step_back(kiosk: Kiosk) -> None:
    kiosk.nation.publish(issued=NOW)
    assert kiosk.sync().new


FAULTS = get_args(Fault)
KINDS: dict[str, Callable[[str], bool]] = {
    "timestamp": lambda path: path.endswith("timestamp.json"),
    "snapshot": lambda path: path.endswith("snapshot.json"),
    "targets": lambda path: path.endswith("targets.json"),
    "rule": lambda path: path.endswith("R1.json"),
    "index": lambda path: path.endswith("revocations.json"),
    "part": lambda path: path.endswith(".part"),
    "delta": lambda path: path.endswith(".delta"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_any_file_harmed_in_any_way_is_not_taken(kiosk: Kiosk, kind: str, fault: Fault) -> None:
    before = dict(kiosk.nation.published)
    kiosk.nation.files[OF_NATION] = rule_file("R1", version=3)
    kiosk.nation.revoke(SET, ALL_REVOKED | hashes(8000), rebase=kind == "part")
    kiosk.nation.publish()
    kiosk.source.files = dict(kiosk.nation.published)
    new = [path for path, data in kiosk.nation.published.items() if before.get(path) != data and KINDS[kind](path)]
    kiosk.source.harm(new[0], fault)
    expected = {"missing": AbsentError, "slow": AwayError}.get(fault, RefusedError)
    refused(kiosk, ".", expected)


@pytest.mark.parametrize("fault", ["truncated", "flipped", "endless"])
def test_a_harmed_root_is_not_taken(kiosk: Kiosk, fault: Fault) -> None:
    kiosk.nation.rotate("timestamp")
    kiosk.nation.publish()
    kiosk.source.files = dict(kiosk.nation.published)
    kiosk.source.harm("metadata/2.root.json", fault)
    refused(kiosk, ".")


@pytest.mark.parametrize("name", ["timestamp", "1.snapshot", "2.root"])
@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"signed":' * 1600, b"\xff\xfe", b"null", b'{"signed":1e999}', b""])
def test_crafted_json_is_refused(kiosk: Kiosk, name: str, data: bytes) -> None:
    name = name.replace("1.", f"{kiosk.nation.versions['snapshot'] + 1}.")
    kiosk.source.files = kiosk.nation.publish() | {f"metadata/{name}.json": data}
    refused(kiosk, ".")


@pytest.mark.parametrize("path", ["signers.json", "freshness.json", OF_NATION])
def test_what_a_gate_could_not_use_is_never_put_in_use_though_it_is_signed(kiosk: Kiosk, path: str) -> None:
    good = kiosk.nation.files[path]
    kiosk.nation.files[path] = b'{"version": 99}'
    kiosk.source.files = kiosk.nation.publish()
    kiosk.nation.files[path] = good
    refused(kiosk, "what was published cannot be used")


def test_a_target_without_its_hash_is_refused(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = TargetFile.from_data

    def weak(path: str, data: bytes, _: list[str]) -> TargetFile:
        return made(path, data, ["md5"])

    with monkeypatch.context() as patched:
        patched.setattr(TargetFile, "from_data", weak)
        kiosk.source.files = kiosk.nation.publish()
    refused(kiosk, "without its SHA-256")

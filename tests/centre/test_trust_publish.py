"""What the nation publishes, as python-tuf's client sees it: versions, ends, times."""

from datetime import timedelta

import pytest
from tuf.api.exceptions import ExpiredMetadataError
from tuf.api.metadata import Metadata, Timestamp

from centre.trust.building import issued_of
from centre.trust.drafts import Draft
from centre.trust.home import TrustError
from tests.centre.trust_site import AT, Nation, names, rule


def test_a_client_gets_every_file_of_the_draft(nation: Nation) -> None:
    nation.add_rule()
    nation.add_rule("profile", id="venue")
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
        "profiles/nation/venue.json",
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


def test_a_snapshot_that_ends_and_cannot_be_signed_is_warned_of(nation: Nation) -> None:
    nation.publish()
    nation.carry("snapshot-1")
    nation.later(days=175)
    assert nation.publish().warnings == ["snapshot: ends on 2027-05-21: publish with its keys"]
    assert nation.publish(keys=[nation.stick]).warnings == []


def test_the_clock_never_leads_the_issued_time_backward(nation: Nation) -> None:
    nation.publish()
    nation.later(minutes=-1)
    with pytest.raises(TrustError, match="clock is behind the last publication"):
        nation.publish()


def test_a_publication_from_the_future_is_taken_back_with_the_timestamp_s_key(nation: Nation) -> None:
    nation.publish()
    kiosk = nation.kiosk()
    kiosk.files()
    nation.later(days=20)
    nation.publish(vouched=False)
    nation.later(days=-20, hours=1)
    with pytest.raises(TrustError, match="if it was wrong then, rotate timestamp"):
        nation.publish()
    nation.rotate("timestamp")
    assert nation.publish().issued == nation.now
    assert kiosk.version(nation.now) == 3
    nation.later(hours=-1)
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


def test_a_timestamp_without_its_time_is_told() -> None:
    with pytest.raises(TrustError, match="says not when it was issued"):
        issued_of(Metadata(Timestamp()).signed)

"""A province's part: taken from its own path only, and whatever is wrong with it, the nation's is taken."""

from pathlib import Path

import pytest
from tuf.api.metadata import DelegatedRole, Targets

from firmware.sync_errors import TEXT_MAX_CHARS, AwayError
from firmware.trust_store import load_store
from tests.firmware.sync_rig import CODE, OF_NATION, OF_PROVINCE, Kiosk
from tests.firmware.trust_repo import NOW, YEAR, rule_file, stranger


@pytest.fixture
def synced(tmp_path: Path) -> Kiosk:
    kiosk = Kiosk(tmp_path / "trust")
    kiosk.sync()
    return kiosk


def test_without_one_nothing_of_any_is_taken(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path, province=None)
    kiosk.sync()
    assert not [path for path in kiosk.files if "province/" in path]


def test_a_province_that_is_configured_later_is_fetched_then(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path, province=None)
    kiosk.sync()
    kiosk.province = CODE
    assert kiosk.sync().new
    kiosk.assert_newest()
    assert not kiosk.sync().new


@pytest.mark.parametrize(
    "harm",
    [{"expires": {f"province-{CODE}": NOW - YEAR}}, {"signers": {f"province-{CODE}": [stranger()]}}],
    ids=["expired", "forged"],
)
def test_one_that_is_expired_or_forged_keeps_its_last_good_files_and_the_nation_goes_on(
    synced: Kiosk, harm: dict[str, object]
) -> None:
    good = synced.nation.provinces[CODE][OF_PROVINCE]
    synced.nation.provinces[CODE][OF_PROVINCE] = rule_file("P1", version=2, areas=("VN-SG",))
    synced.nation.files[OF_NATION] = rule_file("R1", version=2)
    synced.nation.publish(**harm)  # type: ignore[arg-type]
    outcome = synced.sync()
    assert outcome.new
    assert outcome.province_kept is not None
    assert synced.files[OF_PROVINCE] == good
    assert synced.files[OF_NATION] == synced.nation.files[OF_NATION]
    load_store(synced.current)
    again = synced.sync()
    assert (again.new, again.province_kept) == (False, outcome.province_kept)  # not a new store each hour
    synced.nation.publish()
    synced.sync()
    synced.assert_newest()


@pytest.mark.parametrize("fault", ["missing", "truncated", "flipped", "endless"])
def test_a_file_of_its_that_is_harmed_on_its_way_comes_later_without_a_new_timestamp(synced: Kiosk, fault: str) -> None:
    good = synced.nation.provinces[CODE][OF_PROVINCE]
    synced.nation.provinces[CODE][OF_PROVINCE] = rule_file("P1", version=2, areas=("VN-SG",))
    published = synced.nation.publish()
    path = next(path for path in published if path.endswith("P1.json") and published[path] != good)
    synced.source.harm(path, fault)  # type: ignore[arg-type]
    outcome = synced.sync()
    assert outcome.province_kept
    assert synced.files[OF_PROVINCE] == good
    assert not synced.sync().new
    synced.source.heal()
    assert synced.sync().new
    synced.assert_newest()


def test_files_that_a_gate_could_not_use_do_not_hold_up_the_nation(synced: Kiosk) -> None:
    good = synced.nation.provinces[CODE][OF_PROVINCE]
    synced.nation.provinces[CODE][OF_PROVINCE] = b"no rule file"
    synced.nation.files[OF_NATION] = rule_file("R1", version=2)
    synced.nation.publish()
    outcome = synced.sync()
    assert "P1.json" in (outcome.province_kept or "")
    assert synced.files[OF_PROVINCE] == good
    assert synced.files[OF_NATION] == synced.nation.files[OF_NATION]
    assert not synced.sync().new


def test_last_good_files_that_a_gate_can_use_no_more_do_not_either(synced: Kiosk) -> None:
    (synced.current / OF_PROVINCE).write_bytes(b"no rule file any more")
    synced.nation.publish(expires={f"province-{CODE}": NOW - YEAR})
    outcome = synced.sync()
    assert outcome.new
    assert "expired" in (outcome.province_kept or "")
    assert OF_PROVINCE not in synced.files
    load_store(synced.current)
    assert not synced.sync().new


def test_what_the_nation_delegates_no_more_goes(synced: Kiosk) -> None:
    del synced.nation.provinces[CODE], synced.nation.province_keys[CODE]
    synced.nation.keep_in_snapshot.add(f"province-{CODE}")
    synced.nation.publish()
    outcome = synced.sync()
    assert outcome.new
    assert "delegates nothing" in (outcome.province_kept or "")
    assert OF_PROVINCE not in synced.files
    assert not synced.sync().new


def test_one_that_cannot_be_reached_is_no_fault_of_its(synced: Kiosk) -> None:
    synced.nation.publish()
    synced.source.unplug(after=4)  # root, timestamp, snapshot, targets
    with pytest.raises(AwayError):
        synced.sync()


def test_one_writes_nothing_outside_its_path(synced: Kiosk) -> None:
    elsewhere = {
        "signers.json": b"{}",
        "rules/nation/R1.json": rule_file("R1", version=9),
        "rules/nation/R7.json": rule_file("R7"),
        "rules/province/vn-hn/P1.json": rule_file("P1"),
        f"rules/province/{CODE}/deeper/P1.json": rule_file("P1"),
        f"rules/province/{CODE}x/P1.json": rule_file("P1"),
        "freshness.json": b"{}",
    }
    own = synced.nation.provinces[CODE]
    synced.nation.provinces[CODE] = {**own, **elsewhere}
    synced.nation.publish()
    synced.sync()
    synced.nation.provinces[CODE] = own
    synced.assert_newest()


def test_another_province_signs_nothing_for_this_one(synced: Kiosk) -> None:
    synced.nation.provinces["vn-hn"] = {OF_PROVINCE: rule_file("P1", version=9)}
    own = synced.nation.provinces.pop(CODE)
    synced.nation.provinces[CODE] = own
    synced.nation.publish()
    synced.sync()
    synced.assert_newest()


def test_one_that_another_role_stands_before_is_kept_as_it_was(synced: Kiosk) -> None:
    def before(targets: Targets) -> None:
        made = targets.delegations
        assert made is not None
        assert made.roles is not None
        first = made.roles[f"province-{CODE}"].to_dict() | {"name": "province-other"}
        made.roles = {
            "province-other": DelegatedRole.from_dict(first),
            f"province-{CODE}": made.roles[f"province-{CODE}"],
        }

    good = synced.files[OF_PROVINCE]
    synced.nation.provinces["other"] = {}
    synced.nation.province_keys["other"] = synced.nation.province_keys[CODE]
    synced.nation.change_targets = before
    synced.nation.publish()
    (synced.current / f"metadata/province-{CODE}.json").unlink()
    assert "do not lead to it" in (synced.sync().province_kept or "")
    assert synced.files[OF_PROVINCE] == good


def test_one_that_lists_more_than_it_may_is_kept_as_it_was(synced: Kiosk) -> None:
    own = synced.nation.provinces[CODE]
    many = {f"rules/province/{CODE}/M{number}.json": b"{}" for number in range(1001)}
    synced.nation.provinces[CODE] = {**own, **many}
    synced.nation.publish()
    assert "over 1000 files" in (synced.sync().province_kept or "")
    assert synced.files[OF_PROVINCE] == own[OF_PROVINCE]


def test_one_whose_list_would_take_the_memory_of_all_is_kept_as_it_was(synced: Kiosk) -> None:
    own = synced.nation.provinces[CODE]
    published = synced.nation.publish()
    number = synced.nation.versions["provinces"]
    published[f"metadata/{number}.province-{CODE}.json"] = b'{"signed": [' + b"{}," * 400_000 + b"{}]}"
    synced.source.files = published
    outcome = synced.sync_as_it_is()
    assert outcome.new
    assert "over 1048576 bytes" in (outcome.province_kept or "")
    assert synced.files[OF_PROVINCE] == own[OF_PROVINCE]


@pytest.mark.parametrize("name", ["a\\u001b[31m\\nb", "\\u202e", "y" * 30_000], ids=["terminal", "bidi", "long"])
def test_what_one_has_written_is_one_short_line_that_does_nothing_to_a_terminal(synced: Kiosk, name: str) -> None:
    good = synced.nation.provinces[CODE][OF_PROVINCE]
    synced.nation.provinces[CODE][OF_PROVINCE] = good[:-1] + f',"{name}":1}}'.encode()
    synced.nation.publish()
    why = synced.sync().province_kept or ""
    assert "P1.json: not a rule or a profile" in why
    assert why.isprintable()
    assert len(why) <= TEXT_MAX_CHARS

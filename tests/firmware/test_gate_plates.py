"""Plates, the site's own folder and the lane's profile at a gate with its sockets and its journal."""

from pathlib import Path

import pytest

from firmware.config import ConfigError
from firmware.messages import Health, Shown
from firmware.trust_switch import trust_of
from tests.firmware.lane_papers import GREEN_LANE, PERMITS
from tests.firmware.site import make_site
from tests.firmware.stores import make_store, profile
from tests.firmware.test_gate import NOW, Running, running_gate
from tests.firmware.test_gate_trust import switched
from tests.verifier.profiles import requiring
from tests.verifier.rule_files import contained, encoded, rule_body

LORRY = requiring({"document": "vehicle", "checks": ["plate"], "without_rules": "accepted"})
PERMIT = PERMITS.issue("vehicle", NOW)
ENTERED = '[plates]\nkind = "socket"\n'


def told(running: Running) -> tuple[str, str]:
    event = [event for event in running.told() if isinstance(event, Shown)][-1]
    return event.aspect, event.reason


def codes(running: Running) -> set[str]:
    running.clock.advance(1)
    running.see()
    health = [event for event in running.told() if isinstance(event, Health)][-1]
    return {notice.code for notice in health.notices}


def asking(running: Running, body: object, *, rules: bool = False) -> None:
    """Put a store in use that asks for this."""
    folder = running.site.config.trust.folder
    more = [contained(rule_body(), days=(-999, 999))] if rules else []
    make_store(
        folder, "1-a", NOW, [running.site.issuer], rules=more, profiles=[profile(body)], signers=[PERMITS.entry()]
    )
    switched(running, "1-a")


def test_a_permit_waits_for_the_plate_that_is_entered(tmp_path: Path) -> None:
    with running_gate(tmp_path, more=ENTERED) as running:
        asking(running, LORRY)
        running.see(PERMIT)
        assert told(running) == ("next-document", "plate-missing")
        running.plates.enter("51C-123.45")
        running.turn()
        assert told(running) == ("accepted", "valid")
        assert [row.kinds for row in running.rows()] == [("vehicle",)]


def test_a_plate_that_nobody_can_enter_is_not_waited_for(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        asking(running, LORRY)
        running.see(PERMIT)
        assert told(running) == ("undecided", "profile-unusable")
        assert codes(running) >= {"profile-unusable"}


def test_another_store_ends_the_set_that_waits(tmp_path: Path) -> None:
    with running_gate(tmp_path, more=ENTERED) as running:
        asking(running, LORRY)
        running.see(PERMIT)
        make_store(running.site.config.trust.folder, "2-b", NOW, [running.site.issuer], version=2)
        switched(running, "2-b")
        assert [row.reason for row in running.rows()] == ["plate-missing"]


def test_what_keeps_a_lane_s_profile_from_use_is_noticed(tmp_path: Path) -> None:
    with running_gate(tmp_path) as running:
        assert codes(running) >= {"no-rules"}
        asking(running, GREEN_LANE, rules=True)  # asks for a route, and this lane has not said where it is
        assert codes(running) & {"profile-missing", "profile-unusable", "no-rules"} == {"profile-unusable"}
        folder = running.site.config.trust.folder
        for number, (one, code) in enumerate(
            ((profile({"all": 1}), "profile-unusable"), (profile(name="venue"), "profile-missing")), start=2
        ):
            make_store(folder, f"{number}-b", NOW, [running.site.issuer], version=number, profiles=[one])
            switched(running, f"{number}-b")
            assert codes(running) & {"profile-missing", "profile-unusable"} == {code}
            running.see(running.site.good())
            assert told(running) == ("undecided", code)
            running.clock.advance(10)


def test_a_site_s_own_profile_is_read_from_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "own/profiles"
    folder.mkdir(parents=True)
    (folder / "default.json").write_bytes(encoded(profile(LORRY)))
    site = make_site(tmp_path, now=NOW, more='[profile]\nfolder = "own"')
    trust = trust_of(site.config)
    assert trust.profiles.chosen("default", None, NOW) != ()
    (folder / "default.json").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"own/profiles/default.json: not a rule or a profile"):
        trust_of(site.config)

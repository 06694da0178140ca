"""Another store while the gate is at work: opened by a thread, taken only where it is newer and may be used here."""

import gc
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest

from firmware.config import Config, ConfigError
from firmware.timekeeping import BUILD_DATE
from firmware.trust_data import Trust
from firmware.trust_switch import AGAIN_NS, LOOK_NS, SWITCH_S, Trusted, TrustSwitch, trust_of
from provisioning.issuer import DemoIssuer
from tests.firmware.site import Site, make_site
from tests.firmware.stores import make_store, profile, use
from tests.verifier.profiles import requiring
from tests.verifier.rule_files import AT, contained, rule_body
from verifier import Reason, Revocations, TrustList
from verifier.profile import Profiles
from verifier.profile_checks import NOWHERE, Lane
from verifier.rule_file import Scope
from verifier.rules import RuleSet

NOW = BUILD_DATE + timedelta(days=19)
ISSUED = NOW - timedelta(hours=3)
ISSUER = DemoIssuer(NOW)


class Turns:
    """A switch and its monotonic time."""

    def __init__(self, config: Config, used: Trust) -> None:
        self.now_ns = 0
        self.switch = TrustSwitch(config.trust.folder, used, partial(trust_of, config), 0)

    def turn(self, time_ns: int = LOOK_NS) -> Trust | None:
        """Let time pass, and whatever was begun end; return what was found."""
        self.now_ns += time_ns
        found = self.switch.turn(self.now_ns)
        if self.switch._thread is None:
            return found
        assert found is None
        self.switch._thread.join(10)
        return self.switch.turn(self.now_ns)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = make_site(tmp_path, now=NOW)
    make_store(site.config.trust.folder, "1-a", ISSUED, [ISSUER])
    make_store(site.config.trust.folder, "2-b", ISSUED + timedelta(hours=1), [ISSUER], version=2)
    return site


def test_another_store_is_found_once(site: Site) -> None:
    use(site.config.trust.folder, "1-a")
    turns = Turns(site.config, trust_of(site.config))
    assert turns.turn() is None
    use(site.config.trust.folder, "2-b")
    assert turns.turn(LOOK_NS // 2) is None  # once a second is enough
    found = turns.turn()
    assert found is not None
    assert (found.store, turns.switch.problem) == ("2-b", None)
    assert turns.turn() is None


def test_the_first_store_takes_the_place_of_plain_files(site: Site) -> None:
    plain = trust_of(site.config)
    turns = Turns(site.config, plain)
    assert (plain.store, turns.turn()) == (None, None)
    use(site.config.trust.folder, "1-a")
    found = turns.turn()
    assert found is not None
    assert found.store == "1-a"


def test_a_site_s_limits_hold_for_each_store(tmp_path: Path) -> None:
    site = make_site(tmp_path, now=NOW)
    trust = msgspec.structs.replace(site.config.trust, keys_stale_hours=2.0)
    config = msgspec.structs.replace(site.config, trust=trust)
    make_store(config.trust.folder, "1-a", ISSUED, [ISSUER])
    turns = Turns(config, trust_of(config))
    use(config.trust.folder, "1-a")
    found = turns.turn()
    assert found is not None
    assert Trusted(found).stale(NOW) == "keys-stale"


def test_a_store_that_cannot_be_opened_is_tried_again_each_minute(site: Site) -> None:
    folder = site.config.trust.folder
    use(folder, "1-a")
    turns = Turns(site.config, trust_of(site.config))
    signers = folder / "stores/2-b/signers.json"
    whole = signers.read_bytes()
    signers.write_bytes(whole[:-1])
    use(folder, "2-b")
    assert turns.turn() is None
    assert turns.switch.problem is not None
    assert turns.switch.problem.startswith(f"{folder}/stores/2-b: the list of signers cannot be read")
    signers.write_bytes(whole)
    assert turns.turn(AGAIN_NS - 1) is None
    found = turns.turn()
    assert found is not None
    assert (found.store, turns.switch.problem) == ("2-b", None)


def test_a_third_store_is_not_waited_for(site: Site) -> None:
    folder = site.config.trust.folder
    use(folder, "1-a")
    turns = Turns(site.config, trust_of(site.config))
    use(folder, "9-gone")
    assert turns.turn() is None
    assert turns.switch.problem is not None
    use(folder, "2-b")
    found = turns.turn()
    assert found is not None
    assert (found.store, turns.switch.problem) == ("2-b", None)


@pytest.mark.parametrize("back", ["1-a", None])
def test_a_problem_is_over_when_what_caused_it_is_gone(site: Site, back: str | None) -> None:
    folder = site.config.trust.folder
    use(folder, "1-a")
    turns = Turns(site.config, trust_of(site.config))
    use(folder, "9-gone")
    assert turns.turn() is None
    if back:
        use(folder, back)
    else:
        (folder / "current").unlink()
    assert turns.turn() is None
    assert turns.switch.problem is None


def test_which_store_counts_is_for_sync_to_say(site: Site) -> None:
    """An earlier one does where the nation took back the key of whoever had dated the other ahead."""
    folder = site.config.trust.folder
    use(folder, "2-b")
    turns = Turns(site.config, trust_of(site.config))
    use(folder, "1-a")
    taken = turns.turn()
    assert taken is not None
    assert taken.store == "1-a"


def test_a_store_that_vanishes_meanwhile_does_not_bring_plain_files_back(site: Site) -> None:
    folder = site.config.trust.folder
    use(folder, "1-a")
    plain = make_site(site.folder / "plain", now=NOW)
    switch = TrustSwitch(folder, trust_of(site.config), partial(trust_of, plain.config), 0)
    use(folder, "2-b")
    switch.turn(LOOK_NS)
    assert switch._thread is not None
    switch._thread.join(10)
    assert switch.turn(LOOK_NS) is None
    assert switch.problem == "the store is gone: only plain files are there; run greengate sync"


def test_demonstration_keys_light_no_real_lamps_by_a_switch_either(site: Site) -> None:
    real = msgspec.structs.replace(site.config.signal, kind="gpio", red_pin=17, green_pin=27)
    config = msgspec.structs.replace(site.config, signal=real)
    turns = Turns(config, Trust(TrustList(), Revocations()))
    use(config.trust.folder, "2-b")
    assert turns.turn() is None
    assert "demonstration keys with gpio lamps" in str(turns.switch.problem)


def test_a_store_without_a_usable_signer_is_not_taken(site: Site) -> None:
    folder = site.config.trust.folder
    use(folder, "1-a")
    turns = Turns(site.config, trust_of(site.config))
    (folder / "stores/2-b/signers.json").write_text('{"version": 1, "signers": []}')
    use(folder, "2-b")
    assert turns.turn() is None
    assert "no signer in it" in str(turns.switch.problem)


def test_what_breaks_the_opening_is_a_problem_like_another_and_quotes_nothing(site: Site) -> None:
    def breaks() -> Trust:
        raise MemoryError("a name")

    switch = TrustSwitch(site.config.trust.folder, trust_of(site.config), breaks, 0)
    use(site.config.trust.folder, "1-a")
    switch.turn(LOOK_NS)
    assert switch._thread is not None
    switch._thread.join(10)
    assert switch.turn(LOOK_NS) is None
    assert str(switch.problem).startswith("MemoryError at test_trust_switch.py:")


def test_threads_take_short_turns_while_a_store_is_opened_and_only_then(site: Site) -> None:
    before = sys.getswitchinterval()
    seen = []

    def load() -> Trust:
        seen.append(sys.getswitchinterval())
        raise ConfigError("no")

    switch = TrustSwitch(site.config.trust.folder, trust_of(site.config), load, 0)
    use(site.config.trust.folder, "1-a")
    switch.turn(LOOK_NS)
    assert switch._thread is not None
    switch._thread.join(10)
    assert seen == [pytest.approx(SWITCH_S)]
    assert sys.getswitchinterval() == pytest.approx(before)
    assert gc.isenabled()


def test_a_turn_does_not_wait_for_the_thread(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    use(site.config.trust.folder, "1-a")
    turns = Turns(site.config, trust_of(site.config))
    use(site.config.trust.folder, "2-b")
    assert turns.switch.turn(LOOK_NS) is None
    thread = turns.switch._thread
    assert thread is not None
    monkeypatch.setattr(thread, "is_alive", lambda: True)
    assert turns.switch.turn(2 * LOOK_NS) is None
    monkeypatch.undo()
    thread.join(10)
    assert turns.switch.turn(2 * LOOK_NS) is not None


def test_what_is_in_use_judges_until_another_does() -> None:
    trusted = Trusted(Trust(TrustList(), Revocations()))
    assert trusted.verify(ISSUER.issue(), NOW).reason == Reason.NO_TRUST_LIST
    assert trusted.stale(NOW) is None


def test_without_a_profile_rules_hold_nowhere_in_particular() -> None:
    rules = RuleSet([contained(rule_body(), scope=Scope(areas=("VN-HN",)))], {})
    trust = Trust(TrustList(), Revocations(), rules)
    assert Trusted(trust).has_rules(AT)
    assert not Trusted(trust, Lane("VN-SG")).has_rules(AT)
    assert not Trusted(trust).has_rules(AT + timedelta(days=99))


@pytest.mark.parametrize(
    ("check", "lane", "problem"),
    [
        ("route", NOWHERE, Reason.PROFILE_UNUSABLE),
        ("route", Lane(None, frozenset({"QL1A"})), None),
        ("area", NOWHERE, Reason.PROFILE_UNUSABLE),
        ("area", Lane("VN-SG"), None),
        ("plate", Lane(plates=False), Reason.PROFILE_UNUSABLE),
        ("plate", NOWHERE, None),
    ],
)
def test_a_lane_has_to_say_where_it_is_for_what_is_compared_with_that(
    check: str, lane: Lane, problem: Reason | None
) -> None:
    kind = "travel" if check == "area" else "vehicle"
    profiles = Profiles([profile(requiring({"document": kind, "checks": [check]}))])
    trusted = Trusted(Trust(TrustList(), Revocations(), profiles=profiles), lane)
    assert trusted.profile_problem(AT) == problem
    assert Trusted(trusted.trust, lane, "venue").profile_problem(AT) == Reason.PROFILE_MISSING

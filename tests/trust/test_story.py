"""From the centre's commands to the gate's judgement: by a server and by a stick, in the nation and in a province."""

import shutil
from pathlib import Path

import pytest

from firmware.trust_folder import load_trust
from firmware.trust_switch import LOOK_NS, TrustSwitch
from tests.drivers.web_server import Site, server_context, serving
from tests.fixtures_mqtt import Authority
from tests.trust.world import ACCEPTED, ISSUER, NOW, OTHER, REVOKED, UNKNOWN, Centre, Kiosk, lists, pass_of, rule
from verifier import Accepted, Refused

CODES = ("vn-sg", "vn-hn")


def test_by_a_server_from_the_first_key_to_the_last(tmp_path: Path) -> None:
    centre = Centre(tmp_path / "centre")
    assert centre.run("init")["new"] is True
    centre.run(
        "add-key", centre.given("issuer.der", ISSUER.certificate_der), centre.given("o.der", OTHER.certificate_der)
    )
    centre.ask_for_any_document()
    centre.run("revoke", "--format", "uvci", lists(tmp_path, *range(9000, 11_000)))
    centre.run("publish", "--to", centre.web)
    authority = Authority(tmp_path / "ca")
    with serving(centre.files, context=server_context(*authority.issue("server", address="127.0.0.1"))) as site:
        kiosk = Kiosk(tmp_path / "kiosk", f'url = "{site.url}"', f'ca = "{authority.file}"')
        assert kiosk.sync("--root", centre.web / "root.json")["version"] == 1
        assert [kiosk.answer(pass_of(number)) for number in (1, 2, 9000)] == [ACCEPTED, ACCEPTED, REVOKED]
        assert kiosk.sync()["new"] is False

        centre.run("revoke", "--format", "uvci", lists(tmp_path, 2))
        asked = _publish(centre, site, kiosk)
        assert [kiosk.answer(pass_of(number)) for number in (1, 2, 9000)] == [ACCEPTED, REVOKED, REVOKED]
        assert [Path(path).suffix for path in asked if path.startswith("targets/revocations/")] == [".delta"]

        assert kiosk.answer(pass_of(1, OTHER)) == ACCEPTED
        centre.quick("remove-key", OTHER.kid.hex())
        _publish(centre, site, kiosk)
        assert (kiosk.answer(pass_of(1)), kiosk.answer(pass_of(1, OTHER))) == (ACCEPTED, UNKNOWN)

        centre.quick("revoke", "--format", "uvci", "--remove", lists(tmp_path, 2))
        _publish(centre, site, kiosk)
        assert kiosk.answer(pass_of(2)) == ACCEPTED


def _publish(centre: Centre, site: Site, kiosk: Kiosk) -> list[str]:
    """Publish and sync; return what the kiosk asked for."""
    centre.publish()
    site.files = centre.files
    site.asked.clear()
    assert kiosk.sync()["new"] is True
    return site.asked


def test_by_a_stick(centre: Centre, tmp_path: Path) -> None:
    kiosk, stick = Kiosk(tmp_path / "kiosk"), tmp_path / "stick"
    shutil.copytree(centre.web, stick)
    kiosk.sync("--from", stick, "--root", stick / "root.json")
    assert kiosk.answer(pass_of(1)) == ACCEPTED
    centre.quick("revoke", "--format", "uvci", lists(tmp_path, 1))
    centre.run("publish", "--to", stick)
    done = kiosk.sync("--from", stick)
    assert done["new"] is True
    assert done["fetched_bytes"] < 4096  # of a set of some 36,000 bytes
    assert kiosk.answer(pass_of(1)) == REVOKED


def test_a_gate_at_work_takes_it_into_use_by_itself(centre: Centre, kiosk: Kiosk, tmp_path: Path) -> None:
    trusted = kiosk.trusted
    switch = TrustSwitch(kiosk.store, trusted.trust, lambda: load_trust(kiosk.store), now_ns=0)
    assert isinstance(trusted.verify(pass_of(1), NOW), Accepted)
    centre.quick("revoke", "--format", "uvci", lists(tmp_path, 1))
    centre.publish()
    kiosk.sync("--from", centre.web)
    assert switch.turn(LOOK_NS) is None  # it opens beside the gate's work
    assert switch._thread is not None
    switch._thread.join(20)
    found = switch.turn(LOOK_NS + 1)
    assert found is not None
    trusted.use(found)
    answer = trusted.verify(pass_of(1), NOW)
    assert isinstance(answer, Refused)
    assert answer.reason == "revoked"


@pytest.fixture
def provinces(tmp_path: Path) -> dict[str, Centre]:
    """Return each province's own machine, with a rule."""
    made = {code: Centre(tmp_path / code) for code in CODES}
    for code, own in made.items():
        own.quick("init", "--province", code)
        own.quick("add-rules", "--province", code, own.given("rule.json", rule(f"OF-{code}", 1, code.upper())))
        own.quick("publish", "--province", code, "--to", own.web)
    return made


def test_a_province_s_rules_reach_its_own_kiosks_alone(
    centre: Centre, provinces: dict[str, Centre], tmp_path: Path
) -> None:
    for code, own in provinces.items():
        centre.quick("delegate", code, "--key", own.home / "trust" / "keys" / f"province-{code}-1.pub")
    centre.quick("add-rules", centre.given("rule.json", rule("OF-ALL")))
    taken = [word for own in provinces.values() for word in ("--take", own.web)]
    assert sorted(centre.run("publish", "--to", centre.web, *taken)["taken"]) == sorted(CODES)

    kiosks = {code: Kiosk(tmp_path / f"kiosk-{code}", f'province = "{code}"') for code in CODES}
    elsewhere = Kiosk(tmp_path / "kiosk-elsewhere")
    for kiosk in (*kiosks.values(), elsewhere):
        assert kiosk.sync("--from", centre.web, "--root", centre.web / "root.json")["province_kept"] is None
    assert elsewhere.rules == {"OF-ALL": 1}
    for code, kiosk in kiosks.items():
        assert kiosk.rules == {"OF-ALL": 1, f"OF-{code}": 1}

    own = provinces["vn-sg"]
    own.quick("add-rules", "--province", "vn-sg", own.given("rule.json", rule("OF-vn-sg", 2, "VN-SG")))
    own.quick("publish", "--province", "vn-sg", "--to", own.web)
    centre.publish("--take", own.web)
    for kiosk in (*kiosks.values(), elsewhere):
        kiosk.take(centre.web)
    assert kiosks["vn-sg"].rules == {"OF-ALL": 1, "OF-vn-sg": 2}
    assert kiosks["vn-hn"].rules == {"OF-ALL": 1, "OF-vn-hn": 1}
    assert elsewhere.rules == {"OF-ALL": 1}


def test_a_province_that_the_nation_no_longer_trusts_keeps_its_last_good_rules_and_the_nation_goes_on(
    centre: Centre, provinces: dict[str, Centre], tmp_path: Path
) -> None:
    own, kiosk = provinces["vn-sg"], Kiosk(tmp_path / "kiosk", 'province = "vn-sg"')
    keys = own.home / "trust" / "keys"
    centre.quick("delegate", "vn-sg", "--key", keys / "province-vn-sg-1.pub")
    centre.publish("--take", own.web)
    kiosk.take(centre.web)
    own.quick("rotate", "province-vn-sg")
    centre.quick("delegate", "vn-sg", "--key", keys / "province-vn-sg-2.pub")
    centre.quick("revoke", "--format", "uvci", lists(tmp_path, 1))
    centre.publish()
    assert "province-vn-sg" in (kiosk.take(centre.web).province_kept or "")
    assert (kiosk.rules, kiosk.answer(pass_of(1))) == ({"OF-vn-sg": 1}, REVOKED)
    own.quick("publish", "--province", "vn-sg", "--to", own.web)
    centre.publish("--take", own.web)
    assert kiosk.take(centre.web).province_kept is None
    assert kiosk.rules == {"OF-vn-sg": 1}

"""A published trust repository brought by enrolment, by a prepared card, and met by doctor."""

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from drivers.clock.simulated import SimulatedClock
from firmware.config import load_config
from firmware.config_sections import TrustConfig
from firmware.sync_errors import RefusedError
from firmware.trust_folder import TrustFolderError, load_trust
from provisioning.checks import Patient
from provisioning.checks import trust as check
from provisioning.config_file import render
from provisioning.identity.trust_copy import bring_trust, lay_root
from provisioning.issuer import DemoIssuer
from tests.firmware.trust_repo import NOW
from tests.fixtures_mqtt import free_port
from tests.provisioning.cards import OFFSET, make_image, read, run
from tests.provisioning.command import greengate
from tests.provisioning.fake_centre import FakeCentre
from tests.provisioning.kiosk import enrol, trust_folder
from tests.provisioning.patients import GOOD_UNIT, TableOfUnits, at_site, results
from tests.provisioning.prepared import VALUES, first_boot, result
from tests.provisioning.published import PROVINCE, nation, published, serving_files

URL = "https://trust.example/"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return published(nation(), tmp_path / "repository")


def brought(root: Path) -> Path:
    return root / "var/lib/greengate/trust"


def test_enrolment_brings_it_with_root_and_store_and_names_its_address(
    root: Path, centre: FakeCentre, repository: Path
) -> None:
    done = enrol(root, centre, "--trust", repository, "--trust-url", URL, "--province", PROVINCE.upper())
    assert (done.code, done.err) == (0, "")
    assert (brought(root) / "root.json").read_bytes() == (repository / "root.json").read_bytes()
    trust = load_trust(brought(root))
    assert trust.knowledge is not None
    assert [rule.id for rule in trust.knowledge.rules] == ["R1"]
    config = load_config(root / "etc/greengate/greengate.toml")
    assert (config.trust.url, config.trust.province) == (URL, PROVINCE)


def test_a_folder_without_signers_is_told_before_the_code_is_spent(
    root: Path, centre: FakeCentre, repository: Path
) -> None:
    done = enrol(root, centre, "--trust", repository / "metadata")
    assert (done.code, len(done.err.splitlines())) == (65, 1)
    assert centre.asked == []
    assert enrol(root, centre, "--trust", repository).code == 0


def test_plain_files_from_before_are_gone(tmp_path: Path, trust: Path, repository: Path) -> None:
    config, target = at_site(tmp_path / "site").known, tmp_path / "device"
    bring_trust(trust, target, config)
    bring_trust(repository, target, config)
    assert not list(target.glob("*.der"))
    assert load_trust(target).knowledge is not None


def test_plain_files_take_no_repositorys_place(tmp_path: Path, trust: Path, repository: Path) -> None:
    config, target = at_site(tmp_path / "site").known, tmp_path / "device"
    bring_trust(repository, target, config)
    with pytest.raises(TrustFolderError, match="not plain files"):
        bring_trust(trust, target, config)
    assert load_trust(target).knowledge is not None


def test_another_nations_repository_does_not_either(tmp_path: Path, repository: Path) -> None:
    config, target = at_site(tmp_path / "site").known, tmp_path / "device"
    bring_trust(repository, target, config)
    other = published(nation(), tmp_path / "other")
    with pytest.raises(RefusedError, match=r"root\.json"):
        bring_trust(other, target, config)
    with pytest.raises(TrustFolderError, match="remove it"):
        lay_root(other, target)


def test_an_address_without_a_root_is_refused(root: Path, centre: FakeCentre, trust: Path) -> None:
    done = enrol(root, centre, "--trust", trust, "--trust-url", URL)
    assert (done.code, "root.json" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("option", "text"),
    [("--trust-url", "http://trust.example"), ("--trust-url", "trust.example"), ("--province", "../x")],
    ids=["not secure", "no address", "no province"],
)
def test_what_can_be_neither_is_told(root: Path, centre: FakeCentre, repository: Path, option: str, text: str) -> None:
    done = enrol(root, centre, "--trust", repository, option, text)
    assert (done.code, len(done.err.splitlines())) == (2, 1)


def test_a_province_that_the_nation_does_not_know_is_told(root: Path, centre: FakeCentre, repository: Path) -> None:
    done = enrol(root, centre, "--trust", repository, "--province", "vn-xx")
    assert done.code == 0
    assert "vn-xx" in done.err
    assert load_trust(brought(root)).knowledge is not None


def test_a_demonstrations_signer_opens_no_real_gate(root: Path, centre: FakeCentre, tmp_path: Path) -> None:
    demo = nation(DemoIssuer(NOW).certificate_der)
    done = enrol(root, centre, "--trust", published(demo, tmp_path / "demo"))
    assert done.code == 65
    assert "demonstration" in done.err


# cards


def card(boot: Path, repository: Path, *more: str | Path) -> tuple[int, str]:
    boot.mkdir(exist_ok=True)
    (boot / "config.txt").write_text("")
    options = ("--name", "gate-1", "--site", "S", "--lane", "A", "--broker", "b.example", "--yes")
    done = greengate("prepare", "--lang", "en", *options, "--trust", repository, *more, boot)
    return done.code, done.err


def test_a_card_carries_it_whole_and_the_first_boot_takes_it(root: Path, repository: Path, tmp_path: Path) -> None:
    boot = tmp_path / "card"
    lamps = ("--camera", "picamera2:0", "--red-pin", "17", "--green-pin", "27")
    assert card(boot, repository, "--trust-url", URL, "--province", PROVINCE, *lamps) == (0, "")
    assert (boot / "greengate/trust/metadata/timestamp.json").is_file()
    done = first_boot(root, boot)
    assert (done.code, done.err) == (0, "")
    trust = load_trust(brought(root))
    assert trust.knowledge is not None
    assert len(trust.signers.signers()) == 1
    assert load_config(root / "etc/greengate/greengate.toml").trust.url == URL


def test_a_card_prepared_anew_has_nothing_of_the_repository_before(repository: Path, tmp_path: Path) -> None:
    boot = tmp_path / "card"
    assert card(boot, repository)[0] == 0
    assert card(boot, trust_folder(tmp_path / "plain", NOW))[0] == 0
    left = {path.name for path in (boot / "greengate/trust").rglob("*") if path.is_file()}
    assert left == {"dsc.der", "revoked.json", "notes.txt"}


def test_an_image_gets_and_loses_it_folder_by_folder(repository: Path, tmp_path: Path) -> None:
    image = make_image(tmp_path, files={"config.txt": b""})
    options = ("--name", "gate-1", "--site", "S", "--lane", "A", "--broker", "b.example", "--yes")
    assert greengate("prepare", "--lang", "en", *options, "--trust", repository, image).code == 0
    for file in (path for path in repository.rglob("*") if path.is_file()):
        assert read(image, f"greengate/trust/{file.relative_to(repository)}") == file.read_bytes()
    assert greengate("prepare", "--lang", "en", *options, image).code == 0
    listed = run("mdir", "-b", "-/", "-i", f"{image}@@{OFFSET}", "::/greengate/trust").decode().splitlines()
    assert [line for line in listed if line and not line.endswith("/")] == []


def test_a_repository_that_no_kiosk_would_take_is_not_put_on_a_card(repository: Path, tmp_path: Path) -> None:
    next((repository / "targets").glob("*.signers.json")).write_bytes(b"{}")
    code, said = card(tmp_path / "card", repository)
    assert (code, len(said.splitlines())) == (65, 1)


def test_a_card_for_a_province_that_the_nation_does_not_know_is_told(repository: Path, tmp_path: Path) -> None:
    code, said = card(tmp_path / "card", repository, "--province", "vn-xx")
    assert (code, len(said.splitlines())) == (0, 1)
    assert "vn-xx" in said
    assert (tmp_path / "card/greengate/trust/root.json").exists()


def test_what_is_wrong_with_a_repository_is_told_of_its_own_folder(tmp_path: Path) -> None:
    demo = published(nation(DemoIssuer(NOW).certificate_der), tmp_path / "demo")
    lamps = ("--camera", "picamera2:0", "--red-pin", "17", "--green-pin", "27")
    code, said = card(tmp_path / "card", demo, *lamps)
    assert (code, f"{demo}: holds a demonstration's signer" in said) == (65, True)


def test_a_link_in_a_repository_brings_nothing_onto_a_card(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("nobody else's")
    (repository / "targets/x.json").symlink_to(tmp_path / "mine")
    assert card(tmp_path / "card", repository)[0] == 0
    assert not (tmp_path / "card/greengate/trust/targets/x.json").exists()


def test_an_address_on_a_card_needs_a_root(tmp_path: Path) -> None:
    code, said = card(tmp_path / "card", trust_folder(tmp_path / "plain", NOW), "--trust-url", URL)
    assert (code, "root.json" in said) == (2, True)


def expired_card(boot: Path, values: dict[str, object]) -> Path:
    (boot / "greengate").mkdir(parents=True)
    published(nation(), boot / "greengate/trust", expires=NOW - timedelta(days=1))
    (boot / "greengate/greengate.toml").write_text(render(VALUES | values, "vi"), "utf-8")
    return boot


def test_a_card_that_lay_too_long_gives_its_root_where_the_network_gives_the_rest(root: Path, tmp_path: Path) -> None:
    boot = expired_card(tmp_path / "card", {"trust.url": URL})
    done = first_boot(root, boot)
    assert done.code == 0
    assert "expired" in done.err
    assert (brought(root) / "root.json").is_file()
    assert not (brought(root) / "current").exists()
    assert (root / "etc/greengate/greengate.toml").is_file()


def test_the_first_boot_tells_of_a_province_that_it_could_not_take(root: Path, tmp_path: Path) -> None:
    boot = tmp_path / "card"
    (boot / "greengate").mkdir(parents=True)
    published(nation(), boot / "greengate/trust")
    (boot / "greengate/greengate.toml").write_text(render(VALUES | {"trust.province": "vn-xx"}, "vi"), "utf-8")
    done = first_boot(root, boot)
    assert (done.code, "vn-xx" in done.err) == (0, True)


def test_without_a_network_such_a_card_is_refused(root: Path, tmp_path: Path) -> None:
    boot = expired_card(tmp_path / "card", {})
    assert first_boot(root, boot).code == 65
    assert result(boot)["state"] == "failed"


# doctor


def patient(folder: Path, repository: Path, *, days: float = 0, **trust: object) -> Patient:
    """Return a device that has taken a repository some days ago."""
    found = at_site(folder)
    target = folder / "store"
    bring_trust(repository, target, found.known)
    section = TrustConfig(folder=target, **trust)  # type: ignore[arg-type]
    config = msgspec.structs.replace(found.known, trust=section)
    return dataclasses.replace(found, config=config, clock=SimulatedClock(NOW + timedelta(days=days)))


@pytest.mark.parametrize(
    ("days", "limits", "told"),
    [
        (1, {}, {"trust-keys-fresh": "ok", "trust-revocations-fresh": "ok"}),
        (4, {}, {"trust-keys-ageing": "warning", "trust-revocations-ageing": "warning"}),
        (15, {}, {"trust-keys-stale": "fault", "trust-revocations-stale": "fault"}),
        (1, {"keys_stale_hours": 12}, {"trust-keys-stale": "fault", "trust-revocations-fresh": "ok"}),
    ],
    ids=["fresh", "ageing", "stale", "stale by the site"],
)
def test_doctor_tells_how_old_each_part_is(
    tmp_path: Path, repository: Path, days: float, limits: dict[str, float], told: dict[str, str]
) -> None:
    assert told.items() <= results(check.trust, patient(tmp_path / "a", repository, days=days, **limits)).items()


def test_doctor_tells_whether_newer_trust_comes(tmp_path: Path, repository: Path) -> None:
    assert results(check.syncing, patient(tmp_path / "a", repository)) == {"sync-by-hand": "skipped"}
    looked = patient(tmp_path / "b", repository, url=URL)
    units = looked.units
    assert isinstance(units, TableOfUnits)
    assert results(check.syncing, looked) == {"sync-off": "fault", "sync-not-yet": "skipped"}
    units.table |= {name: dict(GOOD_UNIT) for name in (check.TIMER, check.PATH)}
    units.table[check.SYNC] = {"Result": "exit-code", "ExecMainStatus": "65", "ExecMainExitTimestamp": "today"}
    assert results(check.syncing, looked) == {"sync-failed": "warning"}
    units.table[check.SYNC] = {"Result": "success", "ExecMainStatus": "0", "ExecMainExitTimestamp": "today"}
    assert results(check.syncing, looked) == {"sync-well": "ok"}
    (looked.known.trust.folder / "root.json").unlink()
    assert results(check.syncing, looked) == {"sync-no-root": "fault"}


@pytest.fixture
def server(repository: Path) -> Iterator[str]:
    with serving_files(repository) as port:
        yield f"http://127.0.0.1:{port}/"


def test_doctor_asks_the_repositorys_server(tmp_path: Path, repository: Path, server: str) -> None:
    assert results(check.repository, patient(tmp_path / "a", repository)) == {"sync-by-hand": "skipped"}
    assert results(check.repository, patient(tmp_path / "b", repository, url=server)) == {"repository-reached": "ok"}
    elsewhere = patient(tmp_path / "c", repository, url=f"{server}elsewhere/")
    assert results(check.repository, elsewhere) == {"repository-empty": "fault"}
    away = patient(tmp_path / "d", repository, url=f"http://127.0.0.1:{free_port()}/")
    assert results(check.repository, away) == {"repository-away": "warning"}
    secured = patient(tmp_path / "e", repository, url=URL, ca=tmp_path / "none.pem")
    assert results(check.repository, secured) == {"repository-files": "fault"}

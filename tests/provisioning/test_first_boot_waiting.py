"""`greengate first-boot` while the centre is away: the kiosk serves, what somebody changes stays, retiring ends it."""

from datetime import timedelta
from pathlib import Path

import pytest

from firmware.config import load_config
from tests.provisioning.command import greengate
from tests.provisioning.fake_centre import CODE, TYPED, FakeCentre
from tests.provisioning.kiosk import everything_in
from tests.provisioning.prepared import NOW, PASSWORD, first_boot, result


@pytest.fixture
def root(root: Path) -> Path:
    (root / "etc/cloud").mkdir(parents=True)  # a system with cloud-init
    return root


def test_the_centre_away_the_kiosk_is_in_service_and_the_code_stays(root: Path, boot: Path, centre: FakeCentre) -> None:
    centre.hang_up = True
    done = first_boot(root, boot)
    assert done.code == 75
    assert load_config(root / "etc/greengate/greengate.toml").device.name == "gate-1"
    assert (root / "var/lib/greengate/trust/dsc.der").exists()
    assert (boot / "greengate/code").exists()
    assert (result(boot)["state"], "cannot be reached" in result(boot)["why"]) == ("waiting", True)
    centre.hang_up = False
    assert first_boot(root, boot).code == 0
    assert result(boot)["state"] == "enrolled"


def test_a_centre_that_stays_away_costs_the_card_nothing(root: Path, boot: Path, centre: FakeCentre) -> None:
    centre.hang_up = True
    assert first_boot(root, boot).code == 75
    files = [
        path for folder in (root, boot) for path in folder.rglob("*") if path.is_file() and "lock" not in path.parts
    ]
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}
    assert first_boot(root, boot).code == 75
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files} == before
    assert boot / "greengate/result.json" in before


def test_what_somebody_changes_while_the_centre_is_away_stays(root: Path, boot: Path, centre: FakeCentre) -> None:
    centre.hang_up = True
    assert first_boot(root, boot).code == 75
    config, trusted = root / "etc/greengate/greengate.toml", root / "var/lib/greengate/trust/dsc.der"
    config.write_text(f"{config.read_text('utf-8')}# mended here\n", "utf-8")
    trusted.write_bytes(b"newer")
    assert first_boot(root, boot).code == 75
    assert (config.read_text("utf-8")[-14:], trusted.read_bytes()) == ("# mended here\n", b"newer")
    card = boot / "greengate/greengate.toml"
    card.write_text(f"{card.read_text('utf-8')}# another card\n", "utf-8")
    assert first_boot(root, boot).code == 75
    assert (config.read_text("utf-8"), trusted.read_bytes() == b"newer") == (card.read_text("utf-8"), False)


@pytest.mark.parametrize(("days", "says"), [(-800, "ended"), (800, "valid from")])
def test_a_certificate_that_only_a_wrong_clock_explains_is_asked_for_again(
    root: Path, boot: Path, centre: FakeCentre, days: int, says: str
) -> None:
    centre.issue_at = NOW + timedelta(days=days)
    done = first_boot(root, boot)
    assert (done.code, says in done.err) == (75, True)
    assert (result(boot)["state"], (boot / "greengate/code").exists()) == ("waiting", True)
    centre.issue_at = None
    assert first_boot(root, boot).code == 0


def test_a_kiosk_that_is_retired_before_its_centre_was_there_enrols_no_more(
    root: Path, boot: Path, centre: FakeCentre
) -> None:
    mounted = root / "boot/firmware"
    mounted.parent.mkdir()
    boot.rename(mounted)
    centre.hang_up = True
    assert first_boot(root, mounted).code == 75
    done = greengate("retire", "--root", root, "--yes", "--lang", "en")
    assert (done.code, done.err) == (0, "")
    assert "greengate-centre ca revoke gate-1" in done.out
    assert not {True for secret in (TYPED, CODE, PASSWORD) if secret.encode() in everything_in(root)}
    assert load_config(root / "etc/greengate/greengate.toml").signal.kind == "simulated"
    assert result(mounted)["state"] == "retired"
    centre.hang_up = False
    asked = list(centre.asked)
    again = first_boot(root, mounted)
    assert (again.code, "nothing to do" in again.out, centre.asked) == (0, True, asked)
    again = greengate("retire", "--root", root, "--yes", "--lang", "en")
    assert (again.code, "nothing to do" in again.out) == (0, True)


def test_a_card_that_never_got_as_far_as_a_key_is_retired_too(root: Path, boot: Path) -> None:
    mounted = root / "boot/firmware"
    mounted.parent.mkdir()
    boot.rename(mounted)
    assert greengate("retire", "--root", root, "--yes", "--offline").code == 0
    assert not (mounted / "greengate/code").exists()
    assert not (mounted / "greengate/greengate.toml").exists()

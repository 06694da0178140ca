"""`greengate renew` and `greengate retire`."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware.config import load_config
from firmware.journal import Journal
from firmware.journal_reader import JournalReader
from provisioning.identity.keys import holder, is_due
from tests.firmware.checkins import checkin
from tests.provisioning.command import EVERY, Done, greengate, stopped_at
from tests.provisioning.fake_centre import Authority, FakeCentre, serving
from tests.provisioning.kiosk import SETTINGS, enrol, everything_in, trust_folder

NOW = datetime.now(UTC).replace(microsecond=0)
OLD_JOURNAL = Path(__file__).parents[1] / "firmware/journal-1.db.gz"  # tests/firmware/test_journal_schema.py has it


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[FakeCentre]:
    (tmp_path / "centre").mkdir()
    with serving(FakeCentre(tmp_path / "centre", settings=dict(SETTINGS))) as made:
        yield made


@pytest.fixture
def root(tmp_path: Path, centre: FakeCentre) -> Path:
    """Give a machine whose certificate is due."""
    folder = tmp_path / "root"
    folder.mkdir()
    centre.issue_at = NOW - timedelta(days=300)
    centre.authority.at = NOW
    assert enrol(folder, centre, "--trust", trust_folder(tmp_path / "stick", NOW)).code == 0
    centre.issue_at = None
    return folder


@pytest.fixture
def centre_with_an_old_authority(tmp_path: Path) -> Iterator[FakeCentre]:
    (tmp_path / "old").mkdir()
    with serving(FakeCentre(tmp_path / "old", Authority(NOW - timedelta(days=500)), dict(SETTINGS))) as made:
        yield made


def identity(root: Path) -> Path:
    return root / "var/lib/greengate/identity"


def run(command: str, root: Path, *more: str) -> Done:
    return greengate(command, "--root", root, "--lang", "en", *more)


def test_due_is_a_third_of_a_life() -> None:
    authority = Authority(NOW)
    pem = authority.sign(authority.key.public_key(), "gate-1", at=NOW)
    assert not is_due(pem, NOW + timedelta(days=240))
    assert is_due(pem, NOW + timedelta(days=245))


def test_it_takes_another_key_and_forgets_the_one_before(root: Path, centre: FakeCentre) -> None:
    key = (identity(root) / "current/device.key").read_bytes()
    done = run("renew", root, "--if-due")
    assert (done.code, done.err) == (0, "")
    assert (identity(root) / "current/device.key").read_bytes() != key
    assert key not in everything_in(identity(root))
    assert sorted(path.name for path in identity(root).iterdir()) == ["0002", "current"]
    name, until = holder((identity(root) / "current/device.pem").read_bytes())
    assert (name, until > NOW + timedelta(days=360)) == ("gate-1", True)
    assert centre.asked[-2:] == ["/v1/renew", "/centre.pem"]
    asked = list(centre.asked)
    done = run("renew", root, "--if-due")
    assert (done.code, done.out) == (0, "")
    assert centre.asked == [*asked, "/centre.pem"]  # not due any more
    assert run("renew", root).code == 0


def test_not_enrolled_is_quiet_for_the_timer_alone(tmp_path: Path) -> None:
    done = run("renew", tmp_path, "--if-due")
    assert (done.code, done.out, done.err) == (0, "", "")
    done = run("renew", tmp_path)
    assert (done.code, "greengate enrol" in done.err) == (69, True)


def test_the_answer_lost_and_the_same_command_again(root: Path, centre: FakeCentre) -> None:
    before = (identity(root) / "current/device.pem").read_bytes()
    centre.hang_up = True
    assert run("renew", root, "--if-due").code == 75
    assert (identity(root) / "current/device.pem").read_bytes() == before
    centre.hang_up = False
    assert run("renew", root, "--if-due").code == 0
    first, second = (body["csr"] for body in centre.bodies[-2:])
    assert first == second


def test_stopped_anywhere_a_renewal_goes_on(root: Path) -> None:
    for nth in range(0, 100, EVERY):
        with stopped_at(nth):
            done = run("renew", root)
        assert holder((identity(root) / "current/device.pem").read_bytes())[0] == "gate-1"
        if done.code == 0:
            break
        assert done.code == 130
        assert run("renew", root).code == 0
    assert nth > 10


def test_a_centre_whose_own_certificate_has_ended_may_be_the_clock(
    tmp_path: Path, centre_with_an_old_authority: FakeCentre
) -> None:
    centre = centre_with_an_old_authority
    root = tmp_path / "r"
    root.mkdir()
    assert (
        enrol(root, centre, "--trust", trust_folder(tmp_path / "stick", NOW)).code == 75
    )  # a clock too: server's ended
    assert centre.asked == ["/ca.pem"]


def test_a_retired_device_leaves_nothing(root: Path, centre: FakeCentre) -> None:
    key = (identity(root) / "current/device.key").read_bytes()
    done = run("retire", root, "--yes")
    assert (done.code, done.err) == (0, "")
    assert centre.asked[-1] == "/v1/retire"
    assert list(identity(root).iterdir()) == []
    assert key not in everything_in(root)
    config = load_config(root / "etc/greengate/greengate.toml")
    assert (config.camera.kind, config.signal.kind, config.broker.key) == ("simulated", "simulated", None)
    assert b"gate-1" not in everything_in(root / "etc")
    done = run("retire", root, "--yes")
    assert (done.code, "nothing to do" in done.out) == (0, True)


def test_it_is_agreed_to_first(root: Path, centre: FakeCentre) -> None:
    done = run("retire", root)
    assert (done.code, "--yes" in done.err) == (2, True)
    dry = run("retire", root, "--dry-run")
    assert (dry.code, "nothing was changed" in dry.out) == (0, True)
    assert "/v1/retire" not in centre.asked


def _record(root: Path) -> Path:
    path = root / "var/lib/greengate/journal/journal.db"
    path.parent.mkdir(parents=True)
    with Journal.open(path) as journal:
        journal.append(checkin(1))
    return path


def test_unsent_check_ins_are_not_lost_unasked(root: Path, centre: FakeCentre) -> None:
    path = _record(root)
    done = run("retire", root, "--yes")
    assert done.code == 75
    assert done.err.startswith("1 check-ins are unsent")
    assert path.exists()
    assert "/v1/retire" not in centre.asked
    assert run("retire", root, "--yes", "--waive-unsent").code == 0
    assert list(path.parent.iterdir()) == []


def test_copies_of_what_the_centre_has_are_no_reason_to_refuse(root: Path) -> None:
    path = _record(root)
    with JournalReader(path, keep_acknowledged=True) as reader:
        waiting = reader.batch(1)
        assert waiting is not None
        assert reader.acknowledge(waiting.epoch, 1, bytes(32))
    assert run("retire", root, "--yes").code == 0
    assert list(path.parent.iterdir()) == []


def test_a_journal_of_the_schema_before_is_not_taken_for_an_empty_one(root: Path, centre: FakeCentre) -> None:
    path = root / "var/lib/greengate/journal/journal.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.decompress(OLD_JOURNAL.read_bytes()))
    done = run("retire", root, "--yes")
    assert (done.code, "start the gate once" in done.err) == (78, True)
    assert path.exists()
    assert "/v1/retire" not in centre.asked


def test_the_centre_away_nothing_is_wiped_but_offline(root: Path, centre: FakeCentre) -> None:
    centre.hang_up = True
    done = run("retire", root, "--yes")
    assert (done.code, (identity(root) / "current/device.key").exists()) == (75, True)
    done = run("retire", root, "--yes", "--offline")
    assert done.code == 0
    assert "greengate-centre ca revoke gate-1" in done.out
    assert not (identity(root) / "current").exists()


def test_stopped_anywhere_a_retirement_goes_on(tmp_path: Path, centre: FakeCentre) -> None:
    trust = trust_folder(tmp_path / "stick", NOW)
    for nth in range(0, 100, EVERY):
        root = tmp_path / str(nth)
        root.mkdir()
        centre.used.clear()
        assert enrol(root, centre, "--trust", trust).code == 0
        with stopped_at(nth):
            done = run("retire", root, "--yes")
        if done.code == 0:
            break
        assert done.code == 130
        assert run("retire", root, "--yes").code == 0
        assert list(identity(root).iterdir()) == []
        assert load_config(root / "etc/greengate/greengate.toml").signal.kind == "simulated"
    assert nth > 5

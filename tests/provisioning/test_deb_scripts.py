"""The maintainer scripts, in a root folder of their own: what is stopped, darkened, kept, refused and taken away."""

import fcntl
import shutil
from pathlib import Path

import pytest

from tests.provisioning.deb_root import Root

pytestmark = pytest.mark.skipif(shutil.which("flock") is None, reason="needs util-linux")


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path)


def test_an_installation_enables_and_starts_the_target_and_nothing_else(root: Root) -> None:
    done = root.run("postinst", "configure", "")
    assert done.returncode == 0, done.stderr
    assert root.told("deb-systemd-invoke") == ["start greengate.target"]
    assert not [call for call in root.told("deb-systemd-helper") if "greengate-collector" in call]
    assert (root.folder / "etc/greengate/greengate.toml").read_text() == "# simulation\n"


def test_a_configuration_that_is_there_stays(root: Root) -> None:
    config = root.put("etc/greengate/greengate.toml", "# mine\n")
    assert root.run("postinst", "configure", "0.1.0").returncode == 0
    assert config.read_text() == "# mine\n"


def test_what_somebody_enabled_besides_is_started_again(root: Root) -> None:
    root.fake("systemctl", "[ $2 != is-enabled ] || [ $3 = greengate-collector.service ]")
    assert root.run("postinst", "configure", "0.1.0").returncode == 0
    assert root.told("deb-systemd-invoke") == ["start greengate.target greengate-collector.service"]


def test_code_is_compiled_anew_and_written_to_the_disk(root: Root) -> None:
    assert root.run("postinst", "configure", "").returncode == 0
    assert not list(root.folder.rglob("a.pyc"))  # a power cut may have truncated it
    assert [call.split()[:3] for call in root.told("python3")] == [["-I", "-m", "compileall"]]
    assert any(call.endswith("usr/lib/greengate") for call in root.told("sync"))


def test_without_systemd_running_nothing_is_started(root: Root) -> None:
    (root.folder / "run/systemd/system").rmdir()
    assert root.run("postinst", "configure", "").returncode == 0
    assert root.told("deb-systemd-invoke") == root.told("systemctl") == []
    assert "enable greengate.target" in root.told("deb-systemd-helper")


def test_folders_that_cannot_be_made_fail_the_installation_with_the_cure(root: Root) -> None:
    root.fake("systemd-tmpfiles", "exit 73")
    done = root.run("postinst", "configure", "")
    assert done.returncode == 1
    assert "is its disk full" in done.stderr


@pytest.mark.parametrize("why", ["remove", "upgrade", "deconfigure"])
def test_the_gate_is_stopped_first_then_everything_then_the_lamps_are_put_out(root: Root, why: str) -> None:
    root.put("etc/greengate/greengate.toml", "")
    done = root.run("prerm", why)
    assert done.returncode == 0, done.stderr
    first, every, *_ = root.told("systemctl")
    assert first.endswith("stop greengate-gate.service")
    assert "greengate*.service" in every
    (darkened,) = root.told("python3")
    assert "-m firmware.darken --config" in darkened
    assert root.log.read_text().index("systemctl") < root.log.read_text().index("firmware.darken")
    assert not list(root.folder.rglob("__pycache__"))


def test_lamps_that_do_not_obey_are_told_and_do_not_stop_the_removal(root: Root) -> None:
    root.put("etc/greengate/greengate.toml", "")
    root.fake("python3", "exit 1", place="usr/lib/greengate/bin/python3")
    done = root.run("prerm", "remove")
    assert done.returncode == 0
    assert "the lamps could not be put out" in done.stderr


def test_units_that_do_not_stop_do_not_keep_the_lamps_lit(root: Root) -> None:
    root.put("etc/greengate/greengate.toml", "")
    root.fake("systemctl", "exit 1")
    assert root.run("prerm", "remove").returncode == 0
    assert root.told("python3")


def test_a_technician_at_work_is_waited_for_and_then_goes_first(root: Root) -> None:
    lock = root.put("run/greengate-service/lock", "")
    root.fake("flock", 'shift 2; exec /usr/bin/env -i PATH=/usr/bin:/bin flock --nonblock "$@"')
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = root.run("prerm", "remove")
    assert done.returncode == 1
    assert "another greengate command" in done.stderr
    assert root.run("prerm", "remove").returncode == 0


def test_purge_refuses_while_check_ins_are_unsent_and_touches_nothing(root: Root) -> None:
    journal = root.journal(3)
    done = root.run("postrm", "purge")
    assert done.returncode == 1
    assert f"{journal}: 3 check-ins not sent" in done.stderr
    assert "GREENGATE_PURGE_UNSENT=yes" in done.stderr
    assert journal.exists()
    assert root.told("userdel") == []


@pytest.mark.parametrize("how", ["variable", "file"])
def test_purge_takes_everything_where_somebody_said_so(root: Root, how: str) -> None:
    root.journal(3)
    if how == "file":
        root.put("etc/greengate/purge-unsent", "")
    root.put("run/greengate/gate.lock", "")
    root.put("run/greengate-service/state", "")
    root.put("etc/systemd/system/greengate-gate.service.d/site.conf", "")
    root.put("etc/other", "stays")
    environment = {"GREENGATE_PURGE_UNSENT": "yes"} if how == "variable" else {}
    done = root.run("postrm", "purge", **environment)
    assert done.returncode == 0, done.stderr
    for name in ("etc/greengate", "var/lib/greengate", "run/greengate", "run/greengate-service"):
        assert not (root.folder / name).exists(), name
    assert not list((root.folder / "etc/systemd/system").iterdir())
    assert (root.folder / "etc/other").exists()
    assert root.told("userdel") == ["greengate-gate", "greengate-centre"]
    assert root.told("groupdel")[0] == "greengate"
    assert "purge greengate.target" in root.told("deb-systemd-helper")


def test_an_empty_journal_is_no_reason_to_refuse(root: Root) -> None:
    root.journal(0)
    assert root.run("postrm", "purge").returncode == 0


def test_copies_of_what_the_centre_has_are_no_reason_to_refuse(root: Root) -> None:
    root.journal(5, acknowledged=3)
    assert "2 check-ins not sent" in root.run("postrm", "purge").stderr
    root.journal(3, "other.db", acknowledged=3).replace(root.folder / "var/lib/greengate/journal/journal.db")
    assert root.run("postrm", "purge").returncode == 0


def test_nothing_ever_recorded_is_no_reason_to_refuse(root: Root) -> None:
    assert root.run("postrm", "purge").returncode == 0
    assert root.run("postrm", "purge").returncode == 0  # and again


def test_a_journal_set_aside_is_a_reason_to_refuse(root: Root) -> None:
    aside = root.journal(0).with_name("journal.db.corrupt-20260101T000000")
    aside.write_bytes(b"torn")
    done = root.run("postrm", "purge")
    assert done.returncode == 1
    assert aside.name in done.stderr


def test_a_journal_that_cannot_be_read_is_a_reason_to_refuse(root: Root) -> None:
    root.put("var/lib/greengate/journal/journal.db", "no database " * 100)
    done = root.run("postrm", "purge")
    assert done.returncode == 1
    assert "cannot be counted" in done.stderr


def test_without_python_any_journal_is_a_reason_to_refuse(root: Root) -> None:
    root.journal(0)
    for tool in ("sh", "ls", "sed", "grep"):
        found = shutil.which(tool)
        if found and not (root.folder / "fakes" / tool).exists():
            (root.folder / "fakes" / tool).symlink_to(found)
    done = root.run("postrm", "purge", PATH=f"{root.folder}/fakes")
    assert done.returncode == 1
    assert "without python3" in done.stderr


def test_a_journal_elsewhere_by_the_configuration_counts_too(root: Root) -> None:
    elsewhere = root.journal(2).rename(root.folder / "else.db")
    root.put("etc/greengate/greengate.toml", f'[journal]\npath = "{elsewhere}"\n')
    done = root.run("postrm", "purge")
    assert done.returncode == 1
    assert f"{elsewhere}: 2 check-ins" in done.stderr


def test_a_partition_that_is_not_mounted_is_a_reason_to_refuse(root: Root) -> None:
    root.put("etc/fstab", "LABEL=data /var/lib/greengate ext4 defaults 0 2\n")
    done = root.run("postrm", "purge")
    assert done.returncode == 1
    assert "not mounted" in done.stderr


def test_a_mounted_partition_is_emptied_and_left(root: Root) -> None:
    root.put("mounted", "")
    root.put("var/lib/greengate/identity/device.key", "secret")
    done = root.run("postrm", "purge")
    assert done.returncode == 0, done.stderr
    assert list((root.folder / "var/lib/greengate").iterdir()) == []


def test_a_centres_authority_is_never_taken_away(root: Root) -> None:
    key = root.put("var/lib/greengate-centre/ca/ca.key", "secret")
    done = root.run("postrm", "purge")
    assert done.returncode == 0
    assert "stays" in done.stderr
    assert key.exists()
    assert root.told("userdel") == ["greengate-gate"]


def test_a_centres_folder_that_was_never_used_goes(root: Root) -> None:
    (root.folder / "var/lib/greengate-centre").mkdir(parents=True)
    assert root.run("postrm", "purge").returncode == 0
    assert not (root.folder / "var/lib/greengate-centre").exists()
    assert "greengate-centre" in root.told("userdel")


@pytest.mark.parametrize("there", [True, False])
def test_the_group_gpio_goes_only_where_it_came_with_us(root: Root, there: bool) -> None:  # noqa: FBT001
    if not there:
        root.put("etc/group", "")
    assert root.run("preinst", "install").returncode == 0
    root.put("etc/group", "gpio:x:991:\n")
    assert root.run("postrm", "purge").returncode == 0
    assert ("gpio" in root.told("groupdel")) is not there


@pytest.mark.parametrize("name", ["preinst", "postinst", "prerm", "postrm"])
def test_a_script_refuses_what_it_does_not_know(root: Root, name: str) -> None:
    assert root.run(name, "dance").returncode == 1


def test_what_is_removed_keeps_journal_keys_and_configuration(root: Root) -> None:
    kept = [
        root.journal(1),
        root.put("var/lib/greengate/identity/1/device.key", "secret"),
        root.put("etc/greengate/greengate.toml", ""),
    ]
    assert root.run("postrm", "remove").returncode == 0
    assert all(path.exists() for path in kept)
    assert not (root.folder / "usr/lib/greengate").exists()

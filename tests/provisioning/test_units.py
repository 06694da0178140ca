"""systemd, as the commands see it: a stand-in for systemctl remembers what it was told."""

from pathlib import Path

import pytest

from provisioning import units
from provisioning.units import Systemd, UnitsError


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a systemctl before all others, and return the file in which it notes its arguments."""
    program = tmp_path / "systemctl"
    program.write_text(
        f"""#!/bin/sh
echo "$@" >> {tmp_path}/said
case "$2" in
  show) printf 'ActiveState=active\\nExecStart={{ path=/x ; argv[]=a=b }}\\nResult=\\n' ;;
  stop) echo 'Failed to stop:' >&2; echo 'Access denied' >&2; exit 4 ;;
  restart) exit 5 ;;
  hang) exec sleep 60 ;;
esac
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "said"


def test_properties_are_read_whole(said: Path) -> None:
    found = Systemd().properties("greengate-gate", ["ActiveState", "ExecStart", "Result"])
    assert found == {"ActiveState": "active", "ExecStart": "{ path=/x ; argv[]=a=b }", "Result": ""}
    assert said.read_text().split() == [
        "--no-ask-password",
        "show",
        "greengate-gate.service",
        "--property=ActiveState",
        "--property=ExecStart",
        "--property=Result",
    ]


def test_a_unit_that_is_no_service_is_asked_by_its_whole_name(said: Path) -> None:
    Systemd().properties("greengate.target", ["UnitFileState"])
    assert "show greengate.target --property=UnitFileState" in said.read_text()


def test_units_are_told_all_at_once(said: Path) -> None:
    Systemd().tell("start", "greengate-gate", "greengate-reader")
    assert said.read_text() == "--no-ask-password start greengate-gate.service greengate-reader.service\n"


@pytest.mark.usefixtures("said")
def test_what_systemd_refuses_is_one_line() -> None:
    with pytest.raises(UnitsError, match=r"systemctl .*stop x\.service: Failed to stop: Access denied$"):
        Systemd().tell("stop", "x")
    with pytest.raises(UnitsError, match=r"exit status 5$"):
        Systemd().tell("restart", "x")


@pytest.mark.usefixtures("said")
def test_a_systemd_that_hangs_or_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(units, "TIMEOUT_S", 0.1)
    with pytest.raises(UnitsError, match="timed out"):
        Systemd().tell("hang", "x")
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(UnitsError, match="No such file"):
        Systemd().tell("start", "x")
    assert not Systemd().known()


@pytest.mark.usefixtures("said")
def test_it_is_known_where_it_runs_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(units, "SYSTEMD_RUNS", tmp_path)
    assert Systemd().known()
    monkeypatch.setattr(units, "SYSTEMD_RUNS", tmp_path / "none")
    assert not Systemd().known()

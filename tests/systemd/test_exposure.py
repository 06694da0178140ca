"""The check of the units' exposure: what it passes, and what it must not."""

import shutil
from pathlib import Path

import pytest

from tests.systemd import exposure

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not there: apt-get install systemd"
)


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of our units, which the check looks at."""
    copy = tmp_path / "system"
    shutil.copytree(exposure.UNITS, copy)
    monkeypatch.setattr(exposure, "UNITS", copy)
    monkeypatch.setattr(exposure.uncounted, "__defaults__", (copy,))
    return copy


def test_all_our_units_are_within_their_limits(capsys: pytest.CaptureFixture[str]) -> None:
    assert exposure.main() == 0
    said = capsys.readouterr().out
    assert all(name in said for name in exposure.LIMITS)


def test_a_unit_without_its_hardening_fails(units: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (units / "greengate-.service.d" / "10-hardening.conf").unlink()
    assert exposure.main() == 1
    assert "greengate-gate.service:" in capsys.readouterr().out


def test_a_unit_that_nobody_judges_fails(units: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copyfile(units / "greengate-gate.service", units / "greengate-new.service")
    assert exposure.main() == 1
    assert "greengate-new.service" in capsys.readouterr().out


def test_a_unit_that_is_gone_fails(units: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (units / "greengate-renew.service").unlink()
    assert exposure.main() == 1
    assert "greengate-renew.service" in capsys.readouterr().out


def test_a_unit_that_systemd_does_not_understand_is_an_error(units: Path) -> None:
    unit = units / "greengate-gate.service"
    unit.write_text(unit.read_text("utf-8").replace("Type=notify", "Type=oneshot"), "utf-8")
    with pytest.raises(exposure.AnalysisError, match=r"greengate-gate\.service"):
        exposure.main()


def test_without_systemd_analyze_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert exposure.main() == exposure.EX_UNAVAILABLE
    assert "apt-get install systemd" in capsys.readouterr().out


def test_what_weakens_a_unit_is_named() -> None:
    weak = exposure.weaknesses(exposure.UNITS / "greengate-uplink.service")
    assert weak["PrivateNetwork="] > 0
    assert "PrivateDevices=" not in weak

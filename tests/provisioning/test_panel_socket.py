"""Where systemd listens for the panel: the drop-in, by panel.host and panel.port."""

from pathlib import Path

import pytest

from firmware.config_sections import PanelConfig
from provisioning import panel_socket

SHIPPED = Path(__file__).parents[2] / "systemd" / "simulation.toml"


@pytest.mark.parametrize(
    ("host", "listen"),
    [("127.0.0.1", "127.0.0.1:81"), ("localhost", "127.0.0.1:81"), ("0.0.0.0", "0.0.0.0:81"), ("::", "[::]:81")],  # noqa: S104
)
def test_an_address_replaces_the_unit_s_own(host: str, listen: str) -> None:
    text = panel_socket.drop_in(PanelConfig(host=host, port=81))
    assert text.splitlines()[:3] == ["[Socket]", "ListenStream=", f"ListenStream={listen}"]


@pytest.mark.parametrize("panel", ["", '[panel]\nhost = "::1"\nport = 9000\n'])
def test_the_drop_in_is_written_where_units_are_generated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, panel: str
) -> None:
    config = tmp_path / "greengate.toml"
    config.write_text(SHIPPED.read_text("utf-8") + panel, "utf-8")
    assert _main(config, tmp_path / "units", monkeypatch) == 0
    listen = "[::1]:9000" if panel else "127.0.0.1:8080"
    assert f"ListenStream={listen}\n" in (tmp_path / "units" / panel_socket.DROP_IN).read_text("utf-8")


@pytest.mark.parametrize(
    "panel", ['[panel]\nhost = "gate.example"\n', '[panel]\nhost = "x\\nExecStart=/bin/sh"\n', "[pane"]
)
def test_what_is_no_address_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, panel: str, capfd: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "greengate.toml"
    config.write_text(SHIPPED.read_text("utf-8") + panel, "utf-8")
    assert _main(config, tmp_path / "units", monkeypatch) == 78
    assert len(capfd.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "units").exists()


def _main(config: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["panel_socket", "--config", str(config), str(folder)])
    return panel_socket.main()

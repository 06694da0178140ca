"""A whole configuration, and what is said of a wrong one."""

from pathlib import Path

import pytest

from firmware.config import ConfigError, load_config

WHOLE = """
[device]
name = "kiosk-1"
site = "Chợ Bến Thành"
lane = "Cổng 1"
direction = "in"
[camera]
kind = "simulated"
source = "pictures"
[signal]
kind = "simulated"
[trust]
folder = "trust"
[journal]
path = "journal.db"
[broker]
host = "broker.example"
[run]
folder = "run"
"""


def written(folder: Path, text: str) -> Path:
    """Return the file of a configuration."""
    path = folder / "greengate.toml"
    path.write_text(text, "utf-8")
    return path


def problem(path: Path) -> str:
    """Return what is wrong with a file: one line, that names it."""
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")

"""`greengate config`: every key is spoken for, every mistake named; and what a configuration is written by."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.config import Config, ConfigError, load_config
from provisioning import config_keys
from provisioning.config_file import IN_SIMULATION, ON_AN_APPLIANCE, flat, render, write_config
from tests.provisioning.command import greengate
from tests.provisioning.kiosk import trust_folder

EXAMPLE = Path(__file__).parents[2] / "docs/example.toml"
MINIMAL: dict[str, object] = {
    "device.name": "gate-1", "device.site": "S", "device.lane": "A", "device.direction": "in", "broker.host": "b",
    **IN_SIMULATION, **ON_AN_APPLIANCE,
}  # fmt: skip


def test_every_key_has_its_words_and_no_other() -> None:
    assert set(config_keys.words()) == set(config_keys.all_keys())
    assert list(config_keys.words()) == list(config_keys.all_keys())
    sections = {name for name in Config.__struct_fields__ if name != "version"}
    assert set(config_keys.sections()) == sections


@pytest.mark.parametrize("key", config_keys.all_keys())
def test_every_key_is_explained(key: str) -> None:
    for lang in ("vi", "en"):
        done = greengate("config", "explain", key, "--lang", lang)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"{key}: {getattr(config_keys.words()[key], lang)}")
    result = greengate("config", "explain", key, "--json").result
    assert result["key"] == key
    assert result["allowed"]


def test_a_section_and_all_of_it() -> None:
    assert len(greengate("config", "explain", "timing", "--json").results) == 4
    assert len(greengate("config", "explain", "--json").results) == len(config_keys.all_keys())
    default = greengate("config", "explain", "camera.width_px", "--json").result
    assert (default["default"], default["unit"], default["allowed"]) == (1280, "px", ">= 64, <= 8192")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("camera.witdh_px", "camera.width_px"), ("signal.redpin", "signal.red_pin"), ("green_s", "timing.green_s"),
     ("timming", "timing"), ("camera.red_pin", "signal.red_pin")],
)  # fmt: skip
def test_a_typo_gets_the_nearest_key(typed: str, meant: str) -> None:
    for command in ("explain", "show"):
        done = greengate("config", command, typed, "--lang", "en")
        assert (done.code, done.err) == (2, f"{typed}: there is no such key; did you mean {meant}?\n")
    assert greengate("config", "explain", "qqqqqq").code == 2


def test_what_is_in_effect() -> None:
    results = greengate("config", "show", "--config", EXAMPLE, "--json").results
    assert [result["key"] for result in results] == list(config_keys.all_keys())
    (port,) = greengate("config", "show", "panel.port", "--config", EXAMPLE, "--json").results
    assert (port["event"], port["value"]) == ("shown-default", 8080)
    done = greengate("config", "show", "camera", "--config", EXAMPLE, "--lang", "en")
    assert 'camera.kind = "opencv"\n' in done.out
    assert greengate("config", "show", "--config", "/nowhere").code == 78


def test_all_that_is_wrong_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        '[device]\nnmae = "x"\nsite = ""\nlane = "A"\ndirection = "up"\n[camera]\nkind = "film"\nsource = "x"\n'
        '[signal]\nkind = "gpio"\nred_pin = 40\ngreen_pin = "x"\n[trust]\nfolder = ""\n[run]\n[journal]\npath = 3\n'
        'broker = "b"\n'
    )
    done = greengate("config", "check", path, "--lang", "en", "--json")
    assert done.code == 78
    *problems, last = done.results
    assert {problem["key"] for problem in problems} >= {
        "device.nmae", "device.name", "device.site", "device.direction", "camera.kind", "signal.red_pin",
        "signal.green_pin", "trust.folder", "run.folder", "journal.path", "broker.host",
    }  # fmt: skip
    assert last["code"] == "wrong"


@pytest.mark.parametrize(
    "text", ["", "[device", "camera = 3\n", "a = " + "[" * 3000, "\xff", "x" * 300_000, "version = 2\n", "[[device]]\n"]
)
def test_what_is_no_configuration_at_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text, "latin-1")
    done = greengate("config", "check", path, "--lang", "en")
    assert done.code == 78
    assert len(done.err.splitlines()) == 1
    assert greengate("config", "check", tmp_path / "none").code == 78
    assert greengate("config", "check", tmp_path).code == 78


def test_what_it_names_is_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    values = MINIMAL | {"trust.folder": str(tmp_path / "trust"), "journal.path": str(tmp_path / "j/journal.db")}
    values |= {"camera.source": str(tmp_path / "pictures"), "run.folder": str(tmp_path / "run")}
    files = {f"broker.{key}": str(tmp_path / key) for key in ("ca", "certificate", "key")}
    path.write_text(render(values | files, "vi"), "utf-8")
    done = greengate("config", "check", path, "--json")
    assert [problem["key"] for problem in done.results[:-1]] == [
        "camera.source", "trust.folder", "journal.path", "broker.ca", "broker.certificate", "broker.key",
    ]  # fmt: skip
    trust_folder(tmp_path / "trust", datetime.now(UTC))
    for name in ("pictures", "j"):
        (tmp_path / name).mkdir()
    path.write_text(render(values, "en"), "utf-8")
    done = greengate("config", "check", path, "--lang", "en")
    assert (done.code, done.err) == (0, "")


def test_a_repository_needs_a_root_and_the_files_that_are_named(tmp_path: Path) -> None:
    path, trust = tmp_path / "c.toml", trust_folder(tmp_path / "trust", datetime.now(UTC))
    for name in ("pictures", "j"):
        (tmp_path / name).mkdir()
    values = MINIMAL | {"trust.folder": str(trust), "journal.path": str(tmp_path / "j/journal.db")}
    values |= {"camera.source": str(tmp_path / "pictures"), "run.folder": str(tmp_path / "run")}
    values |= {"trust.url": "https://trust.example/", "trust.ca": str(tmp_path / "ca.pem")}
    path.write_text(render(values, "en"), "utf-8")
    done = greengate("config", "check", path, "--json")
    assert [problem["key"] for problem in done.results[:-1]] == ["trust.ca", "trust.url"]
    for file in (tmp_path / "ca.pem", trust / "root.json"):
        file.write_text("")
    assert greengate("config", "check", path).code == 0


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(TEXTS, st.integers(1, 65535), st.booleans(), st.floats(0.1, 60, allow_nan=False))
def test_what_is_written_is_read_again(text: str, port: int, active_high: bool, green_s: float) -> None:  # noqa: FBT001 - a value
    values = MINIMAL | {"device.site": text, "broker.port": port, "signal.active_high": active_high}
    values |= {"timing.green_s": green_s, "clock.kind": None}
    for lang in ("vi", "en"):
        written = flat(tomllib.loads(render(values, "vi" if lang == "vi" else "en")))
        assert written == {key: value for key, value in values.items() if value is not None}


def test_a_wrong_configuration_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "greengate.toml"
    write_config(path, render(MINIMAL, "vi"))
    first = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(ConfigError, match=r"/greengate\.toml: "):
        write_config(path, render(MINIMAL | {"device.name": "Gate 1"}, "vi"))
    assert path.read_bytes() == first
    write_config(path, render(MINIMAL, "vi"))
    assert [file.name for file in tmp_path.iterdir()] == ["greengate.toml"]
    write_config(path, render(MINIMAL | {"device.lane": "B"}, "vi"))
    assert path.with_name("greengate.toml.before").read_bytes() == first
    assert load_config(path).device.lane == "B"


def test_a_configuration_of_a_newer_program_is_told_as_that(tmp_path: Path) -> None:
    file = tmp_path / "greengate.toml"
    file.write_text('version = 2\nnew_key = 1\n[camera]\nkind = "of the future"\n')
    done = greengate("config", "check", file, "--lang", "en")
    assert (done.code, done.out) == (78, "")
    assert "written for version 2, this program knows 1: update the program" in done.err

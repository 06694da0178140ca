"""What greengate-simulation.service makes: passes to show, and whom to trust, where the configuration asks for them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.symbols import open_symbol_reader
from drivers.symbols.pictures import load_luma
from firmware.config import Config, load_config
from firmware.trust_folder import load_trust
from provisioning import simulation
from tests.provisioning.passes import EXPECTED, holds_a_key
from verifier import Verifier

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
SHIPPED = Path(__file__).parents[2] / "systemd" / "simulation.toml"


@pytest.fixture
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "greengate-simulation"
    folder.mkdir()
    monkeypatch.setattr(simulation, "SIMULATION", folder)
    monkeypatch.setattr(simulation.folders, "__defaults__", (folder,))
    return folder


@pytest.fixture
def config_file(tmp_path: Path, below: Path) -> Path:
    path = tmp_path / "greengate.toml"
    path.write_text(SHIPPED.read_text("utf-8").replace("/run/greengate-simulation", str(below)), "utf-8")
    return path


def _main(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["simulation", "--config", str(path)])
    return simulation.main()


def test_the_shipped_configuration_is_one_to_simulate() -> None:
    assert simulation.folders(load_config(SHIPPED)) == (
        Path("/run/greengate-simulation/pictures"),
        Path("/run/greengate-simulation/trust"),
    )


def test_each_picture_reads_as_a_pass_that_has_its_verdict(below: Path) -> None:
    simulation.lay(below / "pictures", below / "trust", AT)
    trust = load_trust(below / "trust")
    assert trust.demo
    verifier = Verifier(trust.signers, trust.revocations)
    found = {}
    for picture in (below / "pictures").iterdir():
        (symbol,) = open_symbol_reader("zxing").read(load_luma(picture))
        found[picture.stem.partition("-")[2]] = verifier.verify(symbol.text, AT)
    assert {name: type(verdict).__name__ for name, verdict in found.items()}.keys() == EXPECTED.keys()


def test_started_again_it_makes_new_ones_in_place_of_the_old(below: Path) -> None:
    simulation.lay(below / "pictures", below / "trust", AT)
    before = (below / "trust" / "demo.der").read_bytes()
    (below / "pictures" / "7-left-over.png").write_bytes(b"")
    simulation.lay(below / "pictures", below / "trust", AT)
    assert (below / "trust" / "demo.der").read_bytes() != before
    assert len(list((below / "pictures").iterdir())) == len(EXPECTED)
    assert sorted(path.name for path in below.iterdir()) == ["pictures", "trust"]


def test_no_private_key_is_left_anywhere(config_file: Path, below: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _main(config_file, monkeypatch) == 0
    files = [path for path in below.rglob("*") if path.is_file()]
    assert len(files) == len(EXPECTED) + 2
    assert not any(holds_a_key(path.read_bytes()) for path in files)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('source = "{below}/pictures"', 'source = "/srv/pictures"'),
        ('kind = "simulated"\nsource = "{below}/pictures"', 'kind = "opencv"\nsource = "0"'),
    ],
)
def test_a_real_configuration_is_left_alone(
    config_file: Path, below: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    text = config_file.read_text("utf-8").replace(old.format(below=below), new)
    config_file.write_text(text.replace(f'"{below}/trust"', '"/var/lib/greengate/trust"'), "utf-8")
    assert _main(config_file, monkeypatch) == 0
    assert list(below.iterdir()) == []


@pytest.mark.parametrize("other", ["trust", "pictures"])
def test_of_both_folders_only_what_is_below_ours_is_made(config_file: Path, below: Path, other: str) -> None:
    text = config_file.read_text("utf-8").replace(f'"{below}/{other}"', f'"/srv/{other}"')
    config_file.write_text(text, "utf-8")
    assert simulation.folders(_loaded(config_file)) == (below / "pictures", below / "trust")


def test_a_folder_that_is_not_below_ours_in_truth_is_not_ours(config_file: Path, below: Path) -> None:
    text = config_file.read_text("utf-8")
    config_file.write_text(text.replace(f"{below}/", f"{below}/../"), "utf-8")
    assert simulation.folders(_loaded(config_file)) is None


@pytest.mark.parametrize("broken", ["", "[device]\nname = 3\n"])
def test_a_configuration_that_is_none_is_refused(
    config_file: Path, monkeypatch: pytest.MonkeyPatch, broken: str, capfd: pytest.CaptureFixture[str]
) -> None:
    config_file.write_text(broken, "utf-8")
    assert _main(config_file, monkeypatch) == 78
    assert str(config_file) in capfd.readouterr().err


def test_a_folder_that_is_not_there_is_said(
    config_file: Path, below: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    below.rmdir()
    below.write_bytes(b"a file")
    assert _main(config_file, monkeypatch) == 78
    assert "writable" in capfd.readouterr().err


def _loaded(path: Path) -> Config:
    return load_config(path)

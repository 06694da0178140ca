"""A kiosk's root folder, a centre, and what a technician brings, for the tests of identities and cards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provisioning.fake_centre import FakeCentre, serving
from tests.provisioning.kiosk import SETTINGS, trust_folder
from tests.provisioning.prepared import NOW, prepared


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[FakeCentre]:
    (tmp_path / "centre").mkdir()
    with serving(FakeCentre(tmp_path / "centre", settings=dict(SETTINGS))) as made:
        yield made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    return trust_folder(tmp_path / "stick", NOW)


@pytest.fixture
def boot(tmp_path: Path, centre: FakeCentre) -> Path:
    prepared(tmp_path / "boot", centre)
    return tmp_path / "boot"

"""What tests of trust begin with: made once, and copied for each of them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trust.world import Centre, Kiosk


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Return a folder of its own with a short path: a kiosk's run folder holds Unix sockets."""
    with tempfile.TemporaryDirectory(prefix="gg-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Centre, Kiosk]:
    """Return a centre that has published, and a kiosk that knows it; both to be copied."""
    folder = tmp_path_factory.mktemp("first-day")
    centre, kiosk = Centre.begun(folder / "centre"), Kiosk(folder / "kiosk")
    kiosk.take(centre.web)
    return centre, kiosk


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return another nation's repository, which trusts the same issuer."""
    return Centre.begun(tmp_path_factory.mktemp("foreign")).web


@pytest.fixture
def centre(first_day: tuple[Centre, Kiosk], tmp_path: Path) -> Centre:
    """Return a centre that has published."""
    shutil.copytree(first_day[0].folder, tmp_path / "centre")
    return Centre(tmp_path / "centre")


@pytest.fixture
def kiosk(first_day: tuple[Centre, Kiosk], tmp_path: Path) -> Kiosk:
    """Return a kiosk that is up to date."""
    return first_day[1].copied(tmp_path / "kiosk")

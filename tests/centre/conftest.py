"""Each kind of store, empty; a nation and a province that publish."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from centre.collecting.store import Store, open_store
from tests.centre.trust_site import Nation, Territory


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Give the place of an empty store."""
    if request.param == "sqlite":
        return tmp_path / "centre.db"
    return str(request.getfixturevalue("database"))


@pytest.fixture
def store(where: str | Path) -> Iterator[Store]:
    with open_store(where) as store:
        yield store


@pytest.fixture
def nation(tmp_path: Path) -> Nation:
    return Nation(tmp_path / "nation")


@pytest.fixture
def saigon(tmp_path: Path, nation: Nation) -> Territory:
    made = Territory(tmp_path)
    made.delegated_by(nation)
    return made

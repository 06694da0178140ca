"""Each kind of store, empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from centre.collecting.store import Store, open_store


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

"""A PostgreSQL for all tests of a run, a database for each; see tests/postgres_server.py."""

from collections.abc import Iterator

import pytest

from tests.postgres_server import MISSING, Postgres, programs, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run one server, which tests may not stop: `running()` gives them one of their own for that."""
    if programs() is None:
        pytest.skip(MISSING)
    with running() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> str:
    """Make an empty database; where it is, is what it gives."""
    return postgres.database()

"""What every test may ask for, and how `make test` spreads tests over processes (pytest-xdist, --dist loadgroup)."""

from pathlib import Path

import pytest

pytest_plugins = ["tests.fixtures_mqtt", "tests.fixtures_postgres"]

# Tests that share something dear, or would disturb each other: a package that is built, a RabbitMQ, the disk's time.
TOGETHER = {"deb": "package", "faults": "faults", "soak": "faults", "bench": "bench"}
ROOT = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before xdist looks for the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file's tests in one process, and some files together."""
    for item in items:
        parts = item.path.relative_to(ROOT).parts
        name = "deb" if item.path.name.startswith("test_deb_") else parts[0]  # tests/provisioning/test_deb_*.py
        item.add_marker(pytest.mark.xdist_group(TOGETHER.get(name, "/".join(parts))))

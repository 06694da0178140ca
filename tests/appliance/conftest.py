"""One kiosk for all tests that leave it as they found it, and roots for those that do not."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance import roots
from tests.appliance.identity import CURRENT, NAMES_IN_CONFIG, lay_identity
from tests.appliance.machine import Machine, booted
from tests.appliance.packages import install, package

REQUIRED = "GREENGATE_APPLIANCE"  # set by make appliance-test: what cannot be tested is a failure


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip where no appliance can be booted."""
    why = roots.missing()
    if why and REQUIRED in os.environ:
        pytest.exit(f"no appliance can be booted here: {why}", 1)
    for item in items:
        if why and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def debian() -> Path:
    """Give a Debian with what our package depends on."""
    try:
        return roots.cached_root(roots.WITH_PARTS)
    except roots.RootError as error:
        if REQUIRED in os.environ:
            raise
        pytest.skip(f"no root can be made: {error}")


@pytest.fixture(scope="session")
def kiosk(debian: Path) -> Iterator[Machine]:
    """Give a kiosk in simulation: a booted Debian in which our package was installed, and nothing else done."""
    with roots.overlay(debian) as root, booted(root) as machine:
        install(machine, package())
        yield machine


@pytest.fixture(scope="session")
def enrolled(kiosk: Machine) -> Machine:
    """Give the kiosk with a key and a certificate of a centre that is away, so that its uplink runs."""
    lay_identity(kiosk.root_of(CURRENT))
    kiosk.run(NAMES_IN_CONFIG)
    kiosk.run("cd /run/greengate-simulation/pictures; rm *expired* *forged* *revoked* *unknown*")  # green more often
    kiosk.run("systemctl restart greengate-gate greengate-panel; systemctl start greengate-uplink")
    return kiosk

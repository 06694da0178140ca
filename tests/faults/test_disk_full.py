"""Disks full to the last page, on either side: nothing is lit without its record, nothing recorded is lost."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from firmware.journal import JournalError
from tests.faults.disks import empty, fill, needs_mount, small_disk
from tests.faults.postgres import SMALL, needs_postgres, socket_url, start
from tests.faults.programs import until
from tests.faults.site import Centre, Kiosk, Site, Way
from tests.fixtures_mqtt import Mosquitto
from tests.pki import Pki
from tests.postgres_server import running

pytestmark = needs_mount
MANY = 5000  # more than there is room for


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def laid(folder: Path, mosquitto: Mosquitto, where: str, stack: ExitStack, card: Path | None = None) -> Site:
    pki, way = Pki.shared(), Way(mosquitto.port)
    kiosk = Kiosk(card or folder / "gate-1", "gate-1", way, pki)
    return stack.enter_context(Site([kiosk], Centre(folder, where, way, pki)))


def recorded_until_full(kiosk: Kiosk) -> None:
    with pytest.raises(JournalError):
        kiosk.append(MANY)


@pytest.mark.parametrize("sending", [True, False])
def test_the_kiosks_card(tmp_path: Path, mosquitto: Mosquitto, stack: ExitStack, *, sending: bool) -> None:
    """A check-in that cannot be recorded is an error, so no light; what was recorded arrives."""
    card = stack.enter_context(small_disk(tmp_path / "card", 12))
    site = laid(tmp_path, mosquitto, str(tmp_path / "centre.db"), stack, card / "gate-1")
    kiosk = site.kiosks[0]
    site.append(10)
    if sending:
        site.start()
        site.await_drained()
    fill(card)
    recorded_until_full(kiosk)
    site.start()
    time.sleep(1.0)  # whatever the uplink does meanwhile
    empty(card)
    kiosk.append(10)
    site.await_drained()
    site.check()
    assert kiosk.uplink.process is not None
    assert kiosk.uplink.process.poll() is None, "it ended: nobody restarts it here"


def test_the_centres_sqlite(tmp_path: Path, mosquitto: Mosquitto, stack: ExitStack) -> None:
    disk = stack.enter_context(small_disk(tmp_path / "disk", 4))
    site = laid(tmp_path, mosquitto, str(disk / "centre.db"), stack)
    site.start()
    site.append(10)
    site.await_drained()
    fill(disk)
    site.append(200)
    until(lambda: "store-failed" in site.centre.collectors[0].said(), site.said)
    assert site.kiosks[0].journal.unsent() > 0
    empty(disk)
    site.append(10)
    site.await_drained()
    site.check()


@needs_postgres
def test_the_centres_postgresql(tmp_path: Path, mosquitto: Mosquitto, stack: ExitStack) -> None:
    disk = stack.enter_context(small_disk(tmp_path / "disk", 200))
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.name.startswith(("pytest-", "popen-", tmp_path.name)):
            folder.chmod(0o711)  # its user must come through
    server = stack.enter_context(running(disk / "postgresql", SMALL))
    site = laid(tmp_path, mosquitto, socket_url(server), stack)
    site.start()
    site.append(10)
    site.await_drained()
    fill(disk)
    site.append(3000)  # over a segment of its log, which it reuses
    until(lambda: "store-failed" in site.centre.collectors[0].said(), site.said)
    assert site.kiosks[0].journal.unsent() > 0
    empty(disk)
    server.stop()  # or it may be down already: it panics where its log finds no room
    start(server)
    site.append(10)
    site.await_drained(60)
    site.check()

"""Uplink, TLS, mosquitto, collector and store, over a network that is bad in each way there is."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.faults.link import CENTRE, Link, needs_link
from tests.faults.postgres import SMALL, socket_url
from tests.faults.site import Centre, FarMosquitto, Kiosk, Site, Way
from tests.fixtures_mqtt import Authority
from tests.pki import Pki
from tests.postgres_server import MISSING, programs, running
from tests.soak.quick_uplink import KEEPALIVE_S

pytestmark = needs_link
RECORDS = 100
Fault = Callable[[Site, Link], None]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def laid(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Link]]:
    """Lay a site over a link; the tests after each other break the same one."""
    folder = tmp_path_factory.mktemp("site")
    if request.param == "postgresql" and programs() is None:
        pytest.skip(MISSING)
    with ExitStack() as stack:
        where = str(folder / "centre.db")
        if request.param == "postgresql":
            where = socket_url(stack.enter_context(running(options=SMALL)))
        link = stack.enter_context(Link(seed=11))
        authority = Authority(folder / "tls")
        broker = FarMosquitto(folder / "mosquitto", authority, host=CENTRE, port=8883, link=link)
        broker.start()
        stack.callback(broker.stop)
        way = Way(8883, CENTRE, lambda name: (authority.file, *authority.issue(name)), link=link)
        pki = Pki.shared()
        kiosk = Kiosk(folder / "kiosk", "gate-1", way, pki, more="[uplink]\nbatch_records = 20\nbatch_age_s = 0.1")
        site = stack.enter_context(Site([kiosk], Centre(folder, where, way, pki)))
        site.start()
        site.append(1)
        site.await_drained()
        yield site, link


def loss(site: Site, link: Link) -> None:
    link.impair(loss=0.2)
    site.append(RECORDS, 1.5)


def delay(site: Site, link: Link) -> None:
    link.impair(delay_s=0.3, jitter_s=0.2)
    site.append(RECORDS, 1.5)


def duplication(site: Site, link: Link) -> None:
    link.impair(duplicate=0.2)
    site.append(RECORDS, 1.0)


def reordering(site: Site, link: Link) -> None:
    link.impair(delay_s=0.02, jitter_s=0.02)
    site.append(RECORDS, 1.0)


def half_open_from_the_kiosk(site: Site, link: Link) -> None:
    link.half_open("kiosk")
    site.append(RECORDS, 1.6 * KEEPALIVE_S)  # the broker lets go after one and a half: MQTT 5, 3.1.2.10
    link.restore()


def half_open_from_the_centre(site: Site, link: Link) -> None:
    link.half_open("centre")
    site.append(RECORDS, 1.6 * KEEPALIVE_S)
    link.restore()


def cut_and_restored(site: Site, link: Link) -> None:
    for _ in range(4):
        site.append(RECORDS // 4, 0.3)
        link.cut()
        time.sleep(0.2)
        link.restore()


FAULTS: list[Fault] = [
    loss,
    delay,
    duplication,
    reordering,
    half_open_from_the_kiosk,
    half_open_from_the_centre,
    cut_and_restored,
]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_checkin_is_at_the_centre_once(laid: tuple[Site, Link], fault: Fault) -> None:
    site, link = laid
    try:
        fault(site, link)
        site.await_drained()
    finally:
        link.impair()
        link.restore()
    site.check()

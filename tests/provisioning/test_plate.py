"""`greengate plate`: a plate from the officer's desk to the gate's socket."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.errors import DeviceError, DeviceMissingError
from drivers.plates import Plates, open_plates
from drivers.plates.entering import enter_plate
from provisioning import plate as command
from tests.firmware.site import Site, make_site
from tests.provisioning.command import Done, greengate

SOCKET = '\n[plates]\nkind = "socket"\n'
WAITING_MAX = 10_000  # more than any kernel is set to let wait


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path, more=SOCKET)


@pytest.fixture
def plates(site: Site) -> Iterator[Plates]:
    path = site.config.plates_socket
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_plates("socket", socket=path) as plates:
        yield plates


def flood(socket: Path) -> None:
    """Enter plates until as many wait as the kernel lets (net.unix.max_dgram_qlen)."""
    for at_ns in range(WAITING_MAX):
        enter_plate(socket, "51C12345", at_ns)


def plate(site: Site, *arguments: str) -> Done:
    return greengate("plate", "--config", site.config_path, "--lang", "en", *arguments)


def test_it_is_handed_to_the_gate_as_it_was_typed(site: Site, plates: Plates) -> None:
    before = time.monotonic_ns()
    done = plate(site, "51C-123.45")
    assert (done.code, done.out, done.err) == (0, "plate 51C12345 entered\n", "")
    (seen,) = plates.seen()
    assert seen.text == "51C-123.45"
    assert before <= seen.at_ns <= time.monotonic_ns()
    assert plate(site, "--json", "29đ1 23456").result == {"event": "plate-entered", "plate": "29D123456"}


def test_a_dry_run_hands_over_nothing(site: Site, plates: Plates) -> None:
    done = plate(site, "--dry-run", "51C-123.45")
    assert (done.code, "51C12345 would be entered" in done.out) == (0, True)
    assert plates.seen() == []


@pytest.mark.parametrize("text", ["", "--.--", "51C-123.45-678.90", "51C\x1b12345", "🚗"])
def test_what_can_be_no_plate_is_told(site: Site, plates: Plates, text: str) -> None:
    done = plate(site, "--json", "--", text)
    assert (done.code, done.result["code"]) == (2, "no-plate")
    assert plates.seen() == []


def test_where_no_gate_takes_plates_it_is_told(site: Site, tmp_path: Path) -> None:
    done = plate(site, "--json", "51C12345")
    assert (done.code, done.result["code"], len(done.err.splitlines())) == (69, "gate-missing", 1)
    none = make_site(tmp_path / "none")
    assert plate(none, "--json", "51C12345").result["code"] == "no-plates"
    assert plate(none, "51C12345").code == 78


def test_a_configuration_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    done = greengate("plate", "--config", tmp_path / "none.toml", "--json", "51C12345")
    assert (done.code, done.result["code"], len(done.err.splitlines())) == (78, "config-unusable", 1)


def test_a_gate_that_does_not_keep_up_is_asked_again(site: Site, plates: Plates) -> None:
    with pytest.raises(DeviceError):
        flood(site.config.plates_socket)
    assert plate(site, "51C12345").code == 75
    assert plates.seen()
    assert plate(site, "51C12345").code == 0


def test_who_may_not_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:  # root, as whom tests may run, may write everywhere
        raise DeviceMissingError("this user may not enter plates") from PermissionError()

    monkeypatch.setattr(command, "enter_plate", denied)
    done = plate(site, "--json", "51C12345")
    assert (done.code, done.result["code"]) == (77, "gate-missing")

"""The way to the centre: addresses, peers that are none, and whom units are told of."""

import socket
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from provisioning.exits import Exit
from provisioning.identity import client
from provisioning.identity.client import Address, Centre, CentreError, parse_address
from provisioning.identity.code import CodeShapeError, plain
from provisioning.identity.enrolment import tell_installed
from provisioning.layout import Layout
from tests.provisioning.fake_centre import CODE, TYPED, free_port


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://c.example", "https://c.example:8443"), ("c.example:1", "https://c.example:1"),
        ("https://[::1]:9", "https://[::1]:9"), (" https://10.0.0.1:443/ ", "https://10.0.0.1:443"),
    ],
)  # fmt: skip
def test_addresses(text: str, url: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert address.url == url
    assert parse_address(address.url) == address


@pytest.mark.parametrize(
    "text", ["", "http://c", "https://", "https://c/x", "https://u@c", "c:0", "c:65536", "c?q", "c d", "https://c\nx"]
)
def test_what_is_no_address(text: str) -> None:
    assert parse_address(text) is None


def refused(address: Address) -> CentreError:
    with pytest.raises(CentreError) as caught:
        Centre(address).ca_certificate()
    return caught.value


def test_nobody_there() -> None:
    error = refused(Address("127.0.0.1", free_port()))
    assert (error.exit, error.code) == (Exit.TRY_AGAIN, "centre-away")
    assert refused(Address("no-such-host.invalid", 1)).code == "centre-away"


def test_a_peer_that_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "WHOLE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = refused(Address("127.0.0.1", silent.getsockname()[1]))
    assert (error.exit, error.values["why"]) == (Exit.TRY_AGAIN, "timeout")


def test_a_peer_that_speaks_no_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain_peer:

        def answer() -> None:
            peer, _ = plain_peer.accept()
            with peer:
                peer.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")
                peer.recv(4096)

        thread = threading.Thread(target=answer)
        thread.start()
        error = refused(Address("127.0.0.1", plain_peer.getsockname()[1]))
        thread.join(5)
    assert (error.exit, error.code) == (Exit.DATA, "centre-tls")


def test_the_environments_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        assert refused(Address("127.0.0.1", free_port())).code == "centre-away"
        with pytest.raises(BlockingIOError):
            proxy.accept()


@pytest.mark.parametrize("typed", [CODE, TYPED, TYPED.lower(), f" {TYPED}\n", CODE.replace("0", "O", 1)])
def test_a_code_however_it_is_typed(typed: str) -> None:
    assert plain(typed) == CODE


def test_what_can_be_no_code_is_not_repeated() -> None:
    with pytest.raises(CodeShapeError) as caught:
        plain("S3CRET")
    assert "S3CRET" not in str(caught.value)
    assert caught.value.n == 6


class Told:
    """Units of which some are installed."""

    def __init__(self, *there: str, runs: bool = True) -> None:
        self.there = there
        self.runs = runs
        self.told: list[tuple[str, ...]] = []

    def known(self) -> bool:
        return self.runs

    def properties(self, unit: str, names: Iterable[str]) -> dict[str, str]:
        assert list(names) == ["LoadState"]
        return {"LoadState": "loaded" if unit in self.there else "not-found"}

    def tell(self, verb: str, *units: str) -> None:
        self.told.append((verb, *units))


def test_only_installed_units_of_this_machine_are_told(tmp_path: Path) -> None:
    units, none, elsewhere, asleep = Told("a", "c"), Told(), Told("a"), Told("a", runs=False)
    tell_installed(Layout(), units, "restart", "a", "b", "c")
    tell_installed(Layout(), none, "restart", "a")
    tell_installed(Layout(tmp_path), elsewhere, "restart", "a")
    tell_installed(Layout(), asleep, "restart", "a")
    assert units.told == [("restart", "a", "c")]
    assert (none.told, elsewhere.told, asleep.told) == ([], [], [])

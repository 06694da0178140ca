"""What a centre answers `greengate enrol`, or whoever stands in its place: refusals, nonsense, silence, settings."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from firmware.config import load_config
from tests.provisioning.fake_centre import Authority, FakeCentre, free_port, public_of, serving
from tests.provisioning.kiosk import SETTINGS, enrol, identity

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("code-wrong", "does not know this code"), ("code-used", "tell the centre"), ("code-expired", "has expired"),
        ("code-of-another-device", "another device's"), ("device-unknown", "device add"), ("csr-bad", "version"),
        ("certificate-revoked", "revoked"), ("request-bad", "version"),
    ],
)  # fmt: skip
def test_each_refusal_has_its_own_words(root: Path, centre: FakeCentre, trust: Path, code: str, says: str) -> None:
    body = json.dumps({"error": {"code": code, "message": "x"}})
    centre.raw = f"HTTP/1.1 403 No\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    done = enrol(root, centre, "--trust", trust)
    assert done.code == 65
    assert says in done.err
    assert len(done.err.splitlines()) == 1
    centre.raw = None
    assert enrol(root, centre).code == 0  # all else is kept


@pytest.mark.parametrize(
    ("raw", "exit_", "says"),
    [
        (b"HTTP/1.1 302 Go\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", 65, "not answer as a centre"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 65, "not answer as a centre"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", 75, "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"{" * 70000, 65, "not answer as a centre"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 70000, 65, "not answer as a centre"),
        (b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n{}", 65, "not answer as a centre"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 75, "busy"),
        (b"SSH-2.0-hello\r\n", 75, "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}", 75, "cannot be reached"),
        (b"", 75, "cannot be reached"),
    ],
)
def test_an_answer_that_is_none(root: Path, centre: FakeCentre, trust: Path, raw: bytes, exit_: int, says: str) -> None:
    centre.raw = raw
    done = enrol(root, centre, "--trust", trust)
    assert done.code == exit_
    assert says in done.err
    assert len(done.err.splitlines()) == 1


def test_busy_is_for_later(root: Path, centre: FakeCentre, trust: Path) -> None:
    body = b'{"error": {"code": "busy", "message": "x"}}'
    centre.raw = b"HTTP/1.1 429 Slow\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    assert enrol(root, centre, "--trust", trust).code == 75


def test_another_centre_is_refused_before_the_code_is_asked_for(root: Path, centre: FakeCentre, trust: Path) -> None:
    done = enrol(root, centre, "--trust", trust, "--ca-fingerprint", "sha256:" + "ab" * 32)
    assert done.code == 65
    assert "NOT TO BE TRUSTED" in done.err
    assert centre.authority.fingerprint in done.err
    assert centre.asked == ["/ca.pem"]


def test_a_server_that_shows_the_right_ca_and_has_not_its_key(root: Path, centre: FakeCentre, trust: Path) -> None:
    real = Authority()
    centre.authority = real  # what it shows from now on; its own certificate is the other authority's
    done = enrol(root, centre, "--trust", trust)
    assert done.code == 65
    assert "NOT vouched for" in done.err
    assert (centre.asked, centre.bodies) == (["/ca.pem"], [])


def test_the_centre_away_and_the_same_command_again(tmp_path: Path, root: Path, trust: Path) -> None:
    (tmp_path / "centre").mkdir()
    centre = FakeCentre(tmp_path / "centre", settings=dict(SETTINGS), port=free_port())
    centre.url = f"https://127.0.0.1:{centre.port}"
    done = enrol(root, centre, "--trust", trust)
    assert done.code == 75
    assert "run the same command again" in done.err
    key = (identity(root) / "pending/device.key").read_bytes()
    with serving(centre):
        assert enrol(root, centre).code == 0
    assert (identity(root) / "current/device.key").read_bytes() == key


def test_the_answer_lost_on_the_way(root: Path, centre: FakeCentre, trust: Path) -> None:
    centre.hang_up = True
    assert enrol(root, centre, "--trust", trust).code == 75
    centre.hang_up = False
    assert enrol(root, centre).code == 0  # the same code, as the key is the same
    first, second = (x509.load_pem_x509_csr(body["csr"].encode()).public_key() for body in centre.bodies)
    assert public_of(first) == public_of(second)


def test_what_the_centre_knows_may_be_little(root: Path, centre: FakeCentre, trust: Path) -> None:
    centre.settings = {"site": None, "lane": None, "direction": None, "broker_host": None, "broker_port": None}
    done = enrol(root, centre, "--trust", trust)
    assert (done.code, done.err) == (2, "--site is needed: there is no terminal to ask at\n")
    more: tuple[Any, ...] = ("--site", "S", "--lane", "B", "--direction", "vào")
    done = enrol(root, centre, *more, code=None)  # the certificate is there, so no code is needed
    assert done.code == 0
    assert load_config(root / "etc/greengate/greengate.toml").broker.host == "127.0.0.1"


@pytest.mark.parametrize(
    "settings",
    [
        {"site": "x" * 65, "lane": "a\x1b[2J", "broker_host": "broker example"},
        {"site": "", "broker_host": "../broker"},
        {"broker_host": "broker.example/x", "broker_port": 0},
    ],
)
def test_what_the_centre_knows_and_nobody_could_use_is_asked_for(
    root: Path, centre: FakeCentre, trust: Path, settings: dict[str, object]
) -> None:
    centre.settings = {**SETTINGS, "site": None, "lane": None, "broker_host": None, **settings}
    said = ("--site", "S", "--lane", "A", "--trust", trust)
    assert enrol(root, centre, *said).code == 0
    config = load_config(root / "etc/greengate/greengate.toml")
    assert (config.device.site, config.device.lane, config.broker.host) == ("S", "A", "127.0.0.1")

"""What `greengate-centre import` refuses, each fault with its own words and exit code; and what it takes."""

import hashlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from centre.authority.profile import LIFE
from centre.authority.sealing import rotate
from centre.devices.registry import Registry
from centre.importing import importing
from centre.main import app
from firmware import export
from firmware.export import JOURNAL_MAGIC, Exporter
from firmware.wire import encode_batch
from firmware.wire_cbor import dumps
from tests.centre.importing_site import EPOCH, FIRST, NAME, NOW, SECOND, Centre, Home, batch
from tests.pki import Pki


def sealed(*messages: bytes) -> bytes:
    """Return a file of messages, whatever they are."""
    framed = b"".join(len(message).to_bytes(4, "big") + message for message in messages)
    data = JOURNAL_MAGIC + framed + bytes(4)
    return data + hashlib.sha256(data).digest()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def whole(home: Home) -> bytes:
    return home.exported(FIRST, SECOND)


@pytest.fixture
def centre(home: Home, tmp_path: Path) -> Centre:
    (tmp_path / "stick").mkdir()
    return Centre(home, tmp_path / "stick", str(tmp_path / "centre.db"))


def refused(home: Home, whole: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Yield what is refused: with which fault, which exit code, and the file."""
    gate, recipient = home.signer("gate-1"), home.recipient
    message = home.encoded(FIRST).message
    yield "altered", 65, whole[:90] + bytes([whole[90] ^ 1]) + whole[91:]
    yield "altered", 65, home.exported(SECOND, FIRST)
    yield "altered", 65, home.exported(FIRST, batch(1, 1, device="gate-2"))
    yield "altered", 65, sealed(message, message)
    yield "altered", 65, sealed(message[:-1])
    yield "altered", 65, sealed()
    yield "cut-short", 74, whole[:-1]
    yield "cut-short", 74, b""
    yield "newer", 76, b"GGJRNL2\n" + whole[8:]
    yield "foreign", 66, b"PK\3\4" + whole
    yield "device-unknown", 67, home.exported(batch(1, 1, device="gate-9"))
    stranger = Pki()
    yield "untrusted", 65, sealed(encode_batch(FIRST, stranger.signer("gate-1"), recipient).message)
    yield "untrusted", 65, sealed(encode_batch(FIRST, home.signer("gate-2"), recipient).message)
    yield "untrusted", 65, sealed(message, encode_batch(SECOND, stranger.signer("gate-1"), recipient).message)
    for place in (len(message) // 3, len(message) // 2, len(message) - 10):
        yield "untrusted", 65, sealed(message[:place] + bytes([message[place] ^ 1]) + message[place + 1 :])
    yield "sealed", 78, sealed(encode_batch(FIRST, gate, stranger.recipient()).message)
    head = [1, "gate-1", EPOCH, 1, 2, bytes(32)]
    for records in (zlib.compress(bytes(20 * 1024 * 1024)), zlib.compress(b"\x81" * 100_000), b"nonsense"):
        closed = recipient.seal(records, b"greengate/v1/batch" + dumps(head) + bytes(32))
        yield "altered", 65, sealed(gate.sign("batch", dumps([*head, bytes(32), recipient.key_id, closed])))
    moved = recipient.seal(zlib.compress(b""), b"another context")
    yield "sealed", 78, sealed(gate.sign("batch", dumps([*head, bytes(32), recipient.key_id, moved])))


def test_what_is_refused_is_told_and_nothing_of_it_kept(centre: Centre, whole: bytes) -> None:
    for fault, code, data in refused(centre.home, whole):
        centre.put(data)
        done = centre.run()
        assert (done.code, [event["fault"] for event in done.events]) == (code, [fault])
        plain = CliRunner().invoke(app, centre.line())
        assert (plain.exit_code, len(plain.stderr.splitlines())) == (code, 1)
        assert f"refused ({fault})" in plain.stderr
    assert centre.stored() == []
    assert [file.name for file in centre.stick.iterdir()] == [NAME]


def test_certificates_that_are_over_or_revoked_are_taken_and_told(centre: Centre, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    _, issued = home.enrol("gate-1", NOW - 1.5 * LIFE)
    taking = Centre(home, centre.stick, centre.store)
    taking.put(home.exported(FIRST, SECOND))

    def states() -> tuple[int, str, str]:
        done = taking.run()
        return done.code, done.events[0]["state"], done.events[0]["certificate"]

    assert states() == (0, "expired", "expired")
    home.enrol("gate-1")  # has another one now: what was signed with the old one is taken all the same
    assert states() == (0, "enrolled", "expired")
    home.revoke(issued)
    assert states() == (0, "enrolled", "revoked")
    plain = CliRunner().invoke(app, taking.line())
    assert "its certificate is revoked" in plain.stdout
    home.enrol("gate-1", known=False)
    taking.put(home.exported(FIRST, SECOND))
    assert states() == (0, "enrolled", "unknown")
    assert len(taking.stored()) == 3


def test_what_was_sealed_to_an_older_key_can_be_read(centre: Centre, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    data = home.exported(FIRST, SECOND)
    with Registry.open(home.folder) as registry:
        rotate(home.authority, registry, "batches", NOW)
    rotated = Centre(home, centre.stick, centre.store)
    rotated.put(data)
    assert (rotated.run().code, len(rotated.stored())) == (0, 3)


def test_a_huge_file_is_not_even_read(centre: Centre, whole: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_EXPORT_BYTES", len(whole) - 1)
    monkeypatch.setattr(export, "MAX_EXPORT_BYTES", len(whole) - 1)
    path = centre.put(whole)
    for source in (centre.stick, path):
        done = centre.run(source)
        assert (done.code, done.events[0]["fault"]) == (65, "too-large")


def test_more_batches_than_an_answer_takes_are_refused(
    centre: Centre, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_ACKS", 1)
    centre.put(whole)
    done = centre.run()
    assert (done.code, done.events[0]["fault"], centre.stored()) == (65, "too-large", [])
    exporter = Exporter()
    exporter.add(centre.home.encoded(FIRST))
    assert not exporter.fits(centre.home.encoded(SECOND))


def test_a_link_or_a_pipe_is_no_file_and_a_path_may_have_any_bytes(centre: Centre, whole: bytes) -> None:
    name = "greengate-gate-1-0001020304050607-1-3.journal"
    (centre.stick / name).symlink_to(centre.put(whole, "whole"))
    assert centre.run(centre.stick / name).code == 65
    os.mkfifo(centre.stick / "pipe")
    assert centre.run(centre.stick / "pipe").code == 65
    assert centre.stored() == []
    for path in (Path("x" * 300), Path(os.fsdecode(b"/\xff\n\x1b"))):
        done = centre.run(path)
        assert (done.code, done.events[0]["file"].isprintable(), "\n" in done.events[0]["why"]) == (66, True, False)
    assert centre.run(centre.put(whole, os.fsdecode(b"\xff"))).code == 0

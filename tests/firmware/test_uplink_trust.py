"""The centre's word that there is newer trust: told once, from the centre alone, and never backward."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from firmware.envelope import Authority, SignatureError
from firmware.uplink_events import TrustAnnounced, TrustIgnored, TrustUntold
from firmware.uplink_trust import APART_S, Announcements
from firmware.wire import MAX_SEQ
from firmware.wire_cbor import WireError, dumps
from firmware.wire_trust import (
    MAX_ANNOUNCEMENT_BYTES,
    TRUST_TOPIC,
    Announcement,
    decode_announcement,
    encode_announcement,
)
from tests.firmware.checkins import START_MS
from tests.firmware.rig import CENTRE, DEVICE, Rig
from tests.firmware.wire_vectors import FILE
from tests.pki import NOW, Pki

PKI = Pki.shared()


def announcement(version: int, by: str = CENTRE) -> bytes:
    return encode_announcement(Announcement(version, START_MS), PKI.signer(by))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run" / "trust.json"


@pytest.fixture
def rig(tmp_path: Path, file: Path) -> Iterator[Rig]:
    with Rig(tmp_path, trust_file=file) as rig:
        rig.settle()
        yield rig


def told(file: Path) -> int | None:
    return json.loads(file.read_text())["version"] if file.exists() else None


def announce(rig: Rig, payload: bytes) -> None:
    rig.publish(TRUST_TOPIC, payload)
    rig.turn_uplink()


def test_it_comes_back_as_it_was() -> None:
    message = announcement(7)
    assert decode_announcement(message, PKI.authority, NOW) == Announcement(7, START_MS)
    assert len(message) < MAX_ANNOUNCEMENT_BYTES


@pytest.mark.parametrize("by", [DEVICE, "centre", "gate-2"])
def test_only_the_centre_announces(by: str) -> None:
    with pytest.raises(SignatureError):
        decode_announcement(announcement(7, by), PKI.authority, NOW)


def test_another_message_of_the_centre_s_is_no_announcement() -> None:
    with pytest.raises(SignatureError):
        decode_announcement(PKI.signer(CENTRE).sign("command", dumps([1, 7, START_MS])), PKI.authority, NOW)


@pytest.mark.parametrize(
    "fields", [[1, 0, 1], [1, -1, 1], [1, MAX_SEQ + 1, 1], [1, 1, 2**48], [1, 1, -1], [2, 1, 1], [1, 1], [1, 1, 1, 1]]
)
def test_what_is_out_of_bounds_is_none(fields: list[int]) -> None:
    with pytest.raises(WireError):
        decode_announcement(PKI.signer(CENTRE).sign("trust", dumps(fields)), PKI.authority, NOW)


def test_the_vector_can_be_opened() -> None:
    vectors = json.loads(FILE.read_text("utf-8"))
    authority = _authority(vectors["keys"]["authority"])
    found = decode_announcement(bytes.fromhex(vectors["trust"]["message"]), authority, NOW)
    assert (found.version, found.issued_ms) == (vectors["trust"]["version"], vectors["trust"]["issued_ms"])


def test_an_announcement_is_told_in_the_file(rig: Rig, file: Path) -> None:
    announce(rig, announcement(7))
    assert told(file) == 7
    assert rig.log[-1] == TrustAnnounced(7)
    assert file.stat().st_mode & 0o777 == 0o640


def test_what_was_told_or_is_older_is_not_told_again(rig: Rig, file: Path) -> None:
    announce(rig, announcement(7))
    before = file.stat().st_ino
    for version in (7, 6, 1):
        rig.wait(APART_S)
        announce(rig, announcement(version))
    assert (told(file), file.stat().st_ino) == (7, before)


def test_the_retained_one_tells_nothing_again_after_a_restart(rig: Rig, file: Path) -> None:
    announce(rig, announcement(7))
    before = file.stat().st_ino
    rig.restart_uplink()
    announce(rig, announcement(7))
    assert file.stat().st_ino == before
    announce(rig, announcement(8))
    assert told(file) == 8


def test_many_are_told_once_a_minute_the_newest_of_them(rig: Rig, file: Path) -> None:
    announce(rig, announcement(1))
    for version in range(2, 10):
        announce(rig, announcement(version))
    assert told(file) == 1
    rig.advance(APART_S)
    assert told(file) == 9


FORGED = {
    "empty": b"",
    "nonsense": b"newer",
    "of a device": announcement(9, DEVICE),
    "of another centre": encode_announcement(Announcement(9, 1), Pki().signer(CENTRE)),
}


@pytest.mark.parametrize("payload", FORGED.values(), ids=FORGED)
def test_a_forged_one_is_not_told(rig: Rig, file: Path, payload: bytes) -> None:
    announce(rig, payload)
    assert told(file) is None
    assert isinstance(rig.log[-1], TrustIgnored)


def test_one_for_who_does_not_fetch_is_not_asked_for(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        announce(rig, announcement(7))
        assert not rig.broker.receive(0)
        assert not [event for event in rig.log if isinstance(event, TrustAnnounced | TrustIgnored)]


def test_a_file_that_cannot_be_written_is_said_once_and_tried_again(rig: Rig, file: Path) -> None:
    file.mkdir(parents=True)
    announce(rig, announcement(7))
    rig.advance(APART_S)
    assert [type(event) for event in rig.log].count(TrustUntold) == 1
    file.rmdir()
    rig.advance(APART_S)
    assert told(file) == 7


@pytest.mark.parametrize("text", ["", "{", '{"version": -1}', '{"version": "x"}', "7" * 300])
def test_a_file_that_means_nothing_is_as_none(rig: Rig, file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    found = Announcements(file, rig.clock, rig.log.append)
    found.take(announcement(1), rig.keys(), 0)
    found.turn(0)
    assert told(file) == 1


def _authority(pem: str) -> Authority:
    return Authority([x509.load_pem_x509_certificate(pem.encode())])

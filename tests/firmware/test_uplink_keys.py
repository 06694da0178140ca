"""The uplink's keys: missing, broken, coming late, renewed."""

from pathlib import Path

import pytest

from firmware.config_sections import CentreConfig
from firmware.events import LogEvent
from firmware.uplink_events import UplinkKeysMissing, UplinkKeysTaken
from firmware.uplink_keys import LOOK_S, KeyFiles
from tests.pki import NOW, Pki

DEVICE = "gate-1"


class Identity:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log: list[LogEvent] = []
        self.now_s = 0.0
        names = CentreConfig(
            ca=folder / "ca.pem",
            certificate=folder / "device.pem",
            key=folder / "device.key",
            keys=folder / "centre.pem",
        )
        self.source = KeyFiles(DEVICE, names, self.log.append)

    def look(self) -> str | None:
        self.now_s += LOOK_S
        self.source.turn(self.now_s)
        assert (self.source.keys is None) is (self.source.problem is not None)
        assert "\n" not in (self.source.problem or "")
        return self.source.problem


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity(tmp_path / "identity")


def test_files_may_come_later(identity: Identity) -> None:
    assert "greengate enrol" in str(identity.look())
    identity.look()
    Pki.shared().files(identity.folder, DEVICE)
    assert identity.look() is None
    keys = identity.source.keys
    assert keys is not None
    assert keys.authority.open(keys.signer.sign("batch", b"1"), "batch", NOW, 10_000).name == DEVICE
    assert keys.recipient.key_id == Pki.shared().recipient().key_id
    assert [type(event) for event in identity.log] == [UplinkKeysMissing, UplinkKeysTaken]


def test_an_identity_of_before_there_were_keys_of_the_centres_says_renew(identity: Identity) -> None:
    Pki.shared().files(identity.folder, DEVICE)
    (identity.folder / "centre.pem").unlink()
    assert "greengate renew" in str(identity.look())


def test_renewed_files_are_taken_up_and_others_left_alone(identity: Identity) -> None:
    Pki.shared().files(identity.folder, DEVICE)
    identity.look()
    before = identity.source.keys
    identity.look()
    assert identity.source.keys is before
    renewed = Pki(key=Pki.shared().key)
    renewed.certificate = Pki.shared().certificate
    renewed.files(identity.folder, DEVICE)
    identity.source.turn(identity.now_s + LOOK_S / 2)
    assert identity.source.keys is before  # not looked at yet
    assert identity.look() is None
    after = identity.source.keys
    assert before is not None
    assert after is not None
    at = Pki.shared().authority
    serials = {at.open(keys.signer.sign("batch", b""), "batch", NOW, 10_000).serial for keys in (before, after)}
    assert len(serials) == 2
    assert after.recipient.key_id != before.recipient.key_id


@pytest.mark.parametrize(
    ("broken", "content", "expected"),
    [
        ("device.key", b"nonsense", "device.key"),
        ("device.pem", b"", "device.pem"),
        ("ca.pem", b"nonsense", "ca.pem"),
        ("ca.pem", None, "ca.pem"),
        ("centre.pem", b"nonsense", "centre.pem"),
        ("device.key", Pki().identity("x")[0], "do not belong together"),
        ("centre.pem", Pki().keys_pem(), "another authority"),
    ],
)
def test_broken_files_are_told_and_looked_at_again(
    identity: Identity, broken: str, content: object, expected: str
) -> None:
    Pki.shared().files(identity.folder, DEVICE)
    path = identity.folder / broken
    whole = path.read_bytes()
    if content is None:
        path.unlink()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        Pki().files(identity.folder / "other", "x")
        path.write_bytes((identity.folder / "other" / broken).read_bytes())
    assert expected in str(identity.look())
    assert isinstance(identity.log[-1], UplinkKeysMissing)
    path.write_bytes(whole)
    assert identity.look() is None


def test_another_devices_identity_is_told(identity: Identity) -> None:
    Pki.shared().files(identity.folder, "gate-2")
    assert "is of gate-2, not of gate-1" in str(identity.look())


def test_nothing_configured_is_not_enrolled() -> None:
    source = KeyFiles(DEVICE, CentreConfig(), lambda _: None)
    source.turn(0)
    assert "greengate enrol" in str(source.problem)


def test_files_that_systemd_hands_over_are_taken(
    identity: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pki.shared().files(tmp_path / "handed", DEVICE)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "handed"))
    assert identity.look() is None

"""Sets of revocations as they are published: what a kiosk puts together from any state, and what it has to download."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from centre.trust import sets
from centre.trust.home import TrustError
from centre.trust.sets import Index, Listed, set_path
from centre.trust.status import nation_status
from tests.centre.trust_site import AT, Nation
from verifier.revocation_delta import apply, decode
from verifier.revocation_set import RevocationSet

KID = bytes.fromhex("0011223344556677")


def hashes(numbers: Iterable[int]) -> bytes:
    return b"".join(hashlib.sha256(b"%d" % number).digest()[:16] for number in numbers)


class Device:
    """A kiosk's set: from the state that it has along the chain, else from the base."""

    def __init__(self, nation: Nation) -> None:
        self.nation, self.data, self.downloaded = nation, b"", 0
        self.kiosk = nation.kiosk()

    def follow(self) -> Listed:
        files = self.kiosk.files(self.nation.now)
        (listed,) = sets.read_index(files["revocations.json"]).sets
        self.downloaded = 0
        if hashlib.sha256(self.data).hexdigest() not in {step.from_ for step in listed.deltas} | {listed.sha256}:
            self.data = b"".join(files[part] for part in listed.base.parts)
            self.downloaded = len(self.data)
            assert hashlib.sha256(self.data).hexdigest() == listed.base.sha256
        self._along(listed, files)
        assert hashlib.sha256(self.data).hexdigest() == listed.sha256
        assert (len(self.data), len(RevocationSet(self.data))) == (listed.size, listed.count)
        return listed

    def _along(self, listed: Listed, files: dict[str, bytes]) -> None:
        for step in listed.deltas:
            if step.from_ == hashlib.sha256(self.data).hexdigest() != listed.sha256:
                delta, out = files[step.target], bytearray()
                apply(self.data, decode(delta), out.extend)
                self.data, self.downloaded = bytes(out), self.downloaded + len(delta)


@pytest.fixture
def nation(tmp_path: Path) -> Nation:
    return Nation(tmp_path)


def test_more_sets_than_a_kiosk_takes_are_not_published(nation: Nation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "SETS_MAX", 1)
    nation.revoke("one", hashes([1]), KID)
    nation.publish()
    nation.revoke("other", hashes([1]))
    with pytest.raises(TrustError, match="2 sets of revocations, a kiosk takes 1"):
        nation.publish()


def published(nation: Nation, numbers: Iterable[int], kid: bytes = b"") -> None:
    nation.revoke("list", hashes(numbers), kid)
    nation.later(hours=1)
    nation.publish()


def test_a_set_is_published_by_key_and_kind_with_its_hash(nation: Nation) -> None:
    published(nation, range(300), KID)
    device = Device(nation)
    listed = device.follow()
    assert (listed.name, listed.kid, listed.kind, listed.count) == ("0011223344556677-uci", KID.hex(), "uci", 300)
    assert listed.deltas == []
    assert hashes([299]) in RevocationSet(device.data)
    assert hashes([300]) not in RevocationSet(device.data)


def test_a_large_set_comes_in_parts(nation: Nation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "PART_BYTES", 10_000)
    published(nation, range(2000))
    listed = Device(nation).follow()
    assert len(listed.base.parts) == -(-listed.size // 10_000)
    assert [path.split("/")[-1].split(".")[0] for path in listed.base.parts] == ["00", "01", "02", "03"]


def test_a_day_s_changes_are_a_delta(nation: Nation) -> None:
    published(nation, range(20_000))
    device = Device(nation)
    device.follow()
    published(nation, range(100, 20_100))
    listed = device.follow()
    assert len(listed.deltas) == 1
    assert 0 < device.downloaded < 4000
    assert Device(nation).follow() == listed  # a new kiosk, by the base


def test_without_a_change_nothing_is_compiled_or_downloaded(nation: Nation, monkeypatch: pytest.MonkeyPatch) -> None:
    published(nation, range(100))
    monkeypatch.setattr("centre.trust.compiling.compile_set", None)
    nation.later(hours=1)
    assert nation.publish().new == {"timestamp": 2}


def test_a_kiosk_of_any_day_of_the_last_month_follows_by_deltas_alone(
    nation: Nation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "CHAIN_MAX", 4)
    published(nation, range(20_000))
    devices = [Device(nation)]
    devices[0].follow()
    for today in range(1, 12):
        published(nation, range(today * 50, 20_000 + today * 50))
        devices.append(Device(nation))
        devices[-1].follow()
    listed = nation.index().sets[0]
    assert sets.CHAIN_MAX <= len(listed.deltas) <= 2 * sets.CHAIN_MAX
    for device in devices[-5:]:
        before = len(device.data)
        device.follow()
        assert device.downloaded < before
    devices[0].follow()


def test_deltas_together_stay_small_beside_the_base(nation: Nation) -> None:
    published(nation, range(3000))
    bases = set()
    for today in range(1, 20):
        published(nation, range(3000 + today * 40))
        listed = nation.index().sets[0]
        bases.add(listed.base.sha256)
        files = nation.kiosk().files(nation.now)
        at = [step.from_ for step in listed.deltas]
        after = listed.deltas[at.index(listed.base.sha256) :] if listed.base.sha256 in at else []
        assert sum(len(files[step.target]) for step in after) * sets.BASE_SHARE <= listed.base.size
        Device(nation).follow()
    assert 1 < len(bases) < 19


def test_a_set_that_became_another_begins_anew(nation: Nation) -> None:
    published(nation, range(1000))
    device = Device(nation)
    device.follow()
    published(nation, range(5000, 6000))
    assert device.follow().deltas == []


def test_what_was_taken_back_is_followed_there_and_back(nation: Nation) -> None:
    published(nation, range(20_000))
    device = Device(nation)
    first = device.follow()
    for numbers in (range(20_001), range(20_000), range(20_001), range(20_000)):
        published(nation, numbers)
        device.follow()
    assert device.follow().sha256 == first.sha256
    assert Device(nation).follow().sha256 == first.sha256


def test_a_batch_that_expires_leaves_the_set_by_itself(nation: Nation) -> None:
    nation.revoke("old", hashes(range(10)), expires=AT + timedelta(days=1))
    nation.revoke("new", hashes(range(100, 200)))
    nation.publish()
    assert nation.index().sets[0].count == 110
    nation.later(days=2)
    nation.publish()
    assert nation.index().sets[0].count == 100


def test_a_set_of_which_all_expired_is_gone_with_its_files(nation: Nation) -> None:
    nation.revoke("old", hashes(range(10)), expires=AT + timedelta(days=1))
    nation.publish()
    for _ in range(2):
        nation.later(days=2)
        nation.add_rule(version=nation.now.day)
        nation.publish()
    assert nation.index() == Index(1, [])
    assert not list(nation.home.sets.glob("*/*"))
    assert not list(nation.home.repo.rglob("*.part"))


def test_compiled_sets_that_were_lost_are_made_again_from_a_base(nation: Nation) -> None:
    published(nation, range(1000))
    for path in nation.home.sets.rglob("*.set"):
        path.unlink()
    nation.later(hours=1)
    assert nation.publish().new == {"timestamp": 2}
    for path in nation.home.sets.rglob("*.set"):
        path.unlink()
    published(nation, range(1001))
    assert Device(nation).follow().deltas == []


@pytest.mark.parametrize("harm", ["delta", "base"])
def test_a_compiled_set_that_rotted_reaches_nobody(nation: Nation, harm: str) -> None:
    published(nation, range(20_000))
    (path,) = nation.home.sets.rglob("*.set")
    data = bytearray(path.read_bytes())
    data[5000 if harm == "base" else -40] ^= 1
    path.write_bytes(data)
    device = Device(nation)
    device.follow()
    published(nation, range(20_001))
    device.follow()


def test_what_is_revoked_while_it_is_compiled_is_compiled_by_the_next(
    nation: Nation, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(nation, range(10))
    real = sets._source

    def meanwhile(blobs: Iterator[bytes]) -> str:
        said = real(blobs)
        nation.revoke("list", hashes(range(30)))
        return said

    nation.revoke("list", hashes(range(20)))
    monkeypatch.setattr(sets, "_source", meanwhile)
    nation.publish()
    monkeypatch.setattr(sets, "_source", real)
    assert nation.index().sets[0].count == 30
    published(nation, range(20))
    assert nation.index().sets[0].count == 20


def test_status_says_which_sets_change(nation: Nation) -> None:
    published(nation, range(10))
    assert nation_status(nation.home, nation.now)["draft"] == []
    nation.revoke("more", hashes(range(50)), KID)
    assert nation_status(nation.home, nation.now)["draft"] == ["revocations 0011223344556677-uci"]
    nation.revoke("list", hashes(range(11)))
    assert len(nation_status(nation.home, nation.now)["draft"]) == 2


def test_an_index_that_cannot_be_read_is_told(nation: Nation) -> None:
    with pytest.raises(TrustError, match="bring the repository from a backup"):
        sets.read_index(b'{"version":1}')
    assert set_path(nation.home, "any-uci", "00").parent.name == "any-uci"

"""An index of revocations that leads astray is refused, though it is signed."""

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from firmware.sync_errors import RefusedError
from firmware.trust_store import load_store
from tests.firmware.power import in_child
from tests.firmware.sync_rig import ALL_REVOKED, OF_NATION, SET, Kiosk
from tests.firmware.trust_repo import hashes

INDICES: dict[str, Callable[[dict[str, Any]], object]] = {
    "newer": lambda index: index.update(version=2),
    "no-sets": lambda index: index.pop("sets"),
    "path-in-name": lambda index: index["sets"][0].update(name="../x"),
    "twice": lambda index: index.update(sets=index["sets"] * 2),
    "huge": lambda index: index["sets"][0].update(size=1 << 50),
    "other-hash": lambda index: index["sets"][0].update(sha256="0" * 64),
    "unpublished-part": lambda index: index["sets"][0]["base"].update(parts=["revocations/any-uci/none.part"]),
    "part-is-a-rule": lambda index: index["sets"][0]["base"].update(parts=[OF_NATION]),
    "parts-swapped": lambda index: index["sets"][0]["base"]["parts"].reverse(),
    "no-parts": lambda index: index["sets"][0]["base"].update(parts=[]),
    "broken-chain": lambda index: index["sets"][0]["deltas"][0].update(to="0" * 64),
    "other-base": lambda index: index["sets"][0]["base"].update(sha256="0" * 64),
    "other-kid": lambda index: index["sets"][0].update(kid="00"),
}


@pytest.mark.parametrize("index", INDICES)
def test_an_index_that_leads_astray_is_refused_though_it_is_signed(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk = Kiosk(tmp_path)
    kiosk.nation.revoke(SET, ALL_REVOKED | hashes(7000))
    right = kiosk.nation.all_files

    def wrong() -> dict[str, bytes]:
        files = right()
        said = msgspec.json.decode(files["revocations.json"])
        INDICES[index](said)
        return files | {"revocations.json": msgspec.json.encode(said)}

    with monkeypatch.context() as patched:
        patched.setattr(kiosk.nation, "all_files", wrong)
        kiosk.nation.publish()
    with pytest.raises(RefusedError):
        kiosk.sync()
    assert not (kiosk.folder / "current").exists()
    kiosk.nation.publish()
    kiosk.sync()
    kiosk.assert_newest()


def test_parts_of_more_than_the_base_fill_no_disk(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path)
    base = kiosk.nation.sets[SET].base
    base["parts"] = base["parts"] * 2000
    kiosk.nation.publish()
    with pytest.raises(RefusedError, match="its parts have"):
        kiosk.sync()
    assert not [path for path in kiosk.targets_asked if path.endswith(".part")]


def test_a_wrong_delta_among_right_ones_is_gone_round_by_the_base_behind_it(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path)
    kiosk.sync()
    nation = kiosk.nation
    for number in (7000, 7001):
        nation.revoke(SET, nation.sets[SET].revoked | hashes(number))
    one, two = (step["target"] for step in nation.sets[SET].deltas)
    nation._shards[two] = nation._shards[one][:8] + nation._shards[two][8:40] + nation._shards[one][40:]
    nation.sets[SET].base = nation._base(SET, nation.sets[SET].data, len(nation.sets[SET].revoked))
    nation.revoke(SET, nation.sets[SET].revoked | hashes(7002))
    nation.publish()
    assert kiosk.sync().new
    kiosk.assert_newest()


def test_a_nation_with_more_sets_than_a_program_may_open_files(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path)
    for number in range(80):
        kiosk.nation.revoke(f"{number:016x}-uci", hashes(number))
    kiosk.nation.publish()

    def child() -> None:
        open_now = sum(1 for _ in Path("/proc/self/fd").iterdir())
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + 40, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        kiosk.sync()
        both = [load_store(kiosk.current) for _ in range(2)]  # one is put in the other's place
        assert len(both) == 2

    assert in_child(child) == 0
    kiosk.assert_newest()

"""An index of revocations that leads astray is refused, though it is signed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from firmware.sync_errors import RefusedError
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

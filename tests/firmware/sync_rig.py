"""A kiosk that syncs, from files in memory or from any fetcher."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from drivers.fetcher import Fetcher
from drivers.fetcher.simulated import SimulatedFetcher
from firmware.sync import check_usable
from firmware.sync_store import opened
from firmware.sync_update import Check, Outcome, Update
from firmware.trust_store import load_store
from tests.firmware.trust_repo import Nation, hashes, rule_file

SET = "any-uci"
CODE = "vn-sg"
OF_NATION, OF_PROVINCE = "rules/nation/R1.json", f"rules/province/{CODE}/P1.json"
ALL_REVOKED = hashes(*range(1500))  # four parts


def nation() -> Nation:
    """Return a nation that has published something of every kind."""
    made = Nation()
    made.files[OF_NATION] = rule_file("R1")
    made.provinces[CODE] = {OF_PROVINCE: rule_file("P1", areas=("VN-SG",))}
    made.revoke(SET, ALL_REVOKED)
    made.publish()
    return made


@dataclass
class Kiosk:
    """A kiosk in a province. `source` has what the nation had published when it was looked at last (`look`)."""

    folder: Path
    nation: Nation = field(default_factory=nation)
    province: str | None = CODE
    check: Check = check_usable
    latest: str | None = None

    def __post_init__(self) -> None:
        self.source = SimulatedFetcher(self.nation.published)

    def sync(self, fetcher: Fetcher | None = None) -> Outcome:
        """Sync from what the nation has published by now, or from elsewhere."""
        self.source.files = dict(self.nation.published)
        return self.sync_as_it_is(fetcher)

    def sync_as_it_is(self, fetcher: Fetcher | None = None) -> Outcome:
        """Sync from what the source has, which a test may have changed."""
        self.source.asked.clear()
        with opened(self.folder) as store:
            return Update(
                store, fetcher or self.source, self.nation.first_root, self.check, self.province, self.latest
            ).run()

    @property
    def current(self) -> Path:
        return (self.folder / "current").resolve()

    @property
    def files(self) -> dict[str, bytes]:
        """Return the store in use: paths and contents, metadata left aside."""
        found = sorted(path for path in self.current.rglob("*") if path.is_file())
        return {
            path.relative_to(self.current).as_posix(): path.read_bytes()
            for path in found
            if path.relative_to(self.current).parts[0] != "metadata"
        }

    @property
    def expected(self) -> dict[str, bytes]:
        """Return what the nation's newest is in a store of this kiosk."""
        made = self.nation
        shards = ("revocations/",)
        plain = {path: data for path, data in made.all_files().items() if not path.startswith(shards)}
        sets = {f"revocations/{name}.set": one.data for name, one in made.sets.items()}
        record = {"province": self.province, "whole": True}
        own = made.provinces.get(self.province or "", {})
        return plain | sets | own | {"sync.json": msgspec.json.encode(record)}

    def assert_newest(self) -> None:
        """Check that the store in use is the nation's newest, whole, and opens."""
        assert self.files == self.expected
        load_store(self.current)

    @property
    def targets_asked(self) -> list[str]:
        """Return the targets that the last sync asked for, without their hashes."""
        asked = [path.removeprefix("targets/") for path in self.source.asked if path.startswith("targets/")]
        return sorted(_plain(path) for path in asked)


def _plain(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{name.partition('.')[2]}"

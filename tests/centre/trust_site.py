"""A nation's trust repository in a folder, and a kiosk that reads it as python-tuf's client does."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

from centre.trust.beginning import init_nation
from centre.trust.copying import copy
from centre.trust.drafts import Draft
from centre.trust.home import TrustHome
from centre.trust.keys import held_keys, public_key
from centre.trust.provincial import ProvincePublished, init_province, publish_province
from centre.trust.publishing import Publication, Publisher
from centre.trust.repository import Repository
from centre.trust.revocation_db import Batch, RevocationDb
from centre.trust.roles import DAYS, KEYS_OF, THRESHOLDS, RoleKeys
from centre.trust.rotating import Rotated, rotate
from centre.trust.sets import Index, read_index
from tests.verifier.rule_files import rule_body
from verifier.rule_file import Kind, role_of

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
_PROFILE = {"title": {"vi": "Vào cửa", "en": "Entry"}, "country": "VN", "all": [{"any": [{"document": "test"}]}]}
ONE_EACH = {"root": 1, "targets": 1, "snapshot": 1, "timestamp": 1}


class FolderFetcher(FetcherInterface):
    """Fetches from a folder, whatever host is named."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = self.folder / url.removeprefix("https://mirror/")
        if not path.is_file():
            raise DownloadHTTPError("not found", 404)
        yield path.read_bytes()


class Kiosk:
    """A client with what it kept, which begins with the first root."""

    def __init__(self, folder: Path, source: Path, root: bytes) -> None:
        self.folder, self.source, self.root = folder, source, root
        (folder / "metadata").mkdir(parents=True)
        (folder / "targets").mkdir()

    def refreshed(self, now: datetime = AT) -> Updater:
        updater = Updater(
            str(self.folder / "metadata"),
            "https://mirror/metadata/",
            str(self.folder / "targets"),
            "https://mirror/targets/",
            fetcher=FolderFetcher(self.source),
            bootstrap=self.root,
        )
        updater._trusted_set.reference_time = now
        updater.refresh()
        return updater

    def files(self, now: datetime = AT, province: str | None = None) -> dict[str, bytes]:
        """Refresh, and download every file that is signed."""
        updater = self.refreshed(now)
        listed = list(updater._trusted_set.targets.targets)
        if province is not None:
            updater.get_targetinfo(f"rules/province/{province}/_")
            listed += list(updater._trusted_set[role_of(province)].targets)  # type: ignore[attr-defined]
        found: dict[str, bytes] = {}
        for path in listed:
            info = updater.get_targetinfo(path)
            assert info is not None
            place = self.folder / "targets" / info.hashes["sha256"]
            found[path] = Path(updater.download_target(info, str(place))).read_bytes()
        return found

    def version(self, now: datetime = AT) -> int:
        return self.refreshed(now)._trusted_set.timestamp.version


class Nation:
    """A home with a repository, and what one does with it at a simulated time."""

    def __init__(
        self, folder: Path, numbers: dict[str, int] | None = None, thresholds: dict[str, int] | None = None
    ) -> None:
        self.folder = folder
        self.home = TrustHome(folder / "home")
        self.now = AT
        self._kiosks = 0
        self.begun = init_nation(
            self.home,
            AT,
            numbers=numbers or KEYS_OF,
            thresholds=thresholds or (ONE_EACH if numbers == ONE_EACH else THRESHOLDS),
            days={role: DAYS[role] for role in ("root", "targets", "snapshot")},
            offline_days=None,
            root_to=None,
        )

    @property
    def repo(self) -> Repository:
        return Repository(self.home.repo)

    @property
    def stick(self) -> Path:
        """Where keys are carried away to."""
        (self.folder / "stick").mkdir(exist_ok=True)
        return self.folder / "stick"

    def carry(self, *names: str) -> None:
        for name in names:
            shutil.move(self.home.keys / f"{name}.pem", self.stick / f"{name}.pem")

    def publish(
        self, *take: Path, keys: list[Path] | None = None, anew: bool = False, vouched: bool = True
    ) -> Publication:
        held = held_keys(self.home.keys, keys or [])
        publisher = Publisher(self.home, held, self.now, vouched)
        return publisher.publish(list(take), lambda _done, _total: None, anew=anew)

    def rotate(self, role: str, keys: list[Path] | None = None, **how: object) -> Rotated:
        options: dict[str, Any] = {"public": None, "to": self.home.keys, "which": None} | how
        return rotate(self.home, role, keys or [], self.now, **options)

    def add_rule(self, kind: Kind = "rule", province: str | None = None, **fields: object) -> None:
        data = rule(kind, **fields)
        Draft(self.home).add_rule(data, role_of(province), kind, Path("given.json"), self.now)

    def revoke(self, name: str, hashes: bytes, kid: bytes = b"", expires: datetime | None = None) -> None:
        ends = None if expires is None else int(expires.timestamp() * 1000)
        with RevocationDb.open(self.home.home) as db, db.change():
            db.replace(Batch(name, kid, "uci", expires_ms=ends), hashes)

    def index(self) -> Index:
        return read_index(self.kiosk().files(self.now)["revocations.json"])

    def kiosk(self, source: Path | None = None) -> Kiosk:
        self._kiosks += 1
        folder = self.folder / f"kiosk-{self._kiosks}"
        return Kiosk(folder, source or self.home.repo, (self.home.repo / "root.json").read_bytes())

    def later(self, **how: float) -> None:
        self.now += timedelta(**how)


class Territory:
    """A province's own machine."""

    def __init__(self, folder: Path, code: str = "vn-sg", number: int = 1, threshold: int = 1) -> None:
        self.home, self.code = TrustHome(folder / code), code
        self.out = folder / f"{code}-out"
        self.province, _ = init_province(self.home, code, number, threshold, DAYS["province"], self.home.keys)

    def delegated_by(self, nation: Nation, threshold: int = 1) -> None:
        keys = [public_key(path) for path in sorted(self.home.keys.glob("*.pub"))]
        wanted = RoleKeys(role_of(self.code), threshold, {key.keyid: key.to_dict() for key in keys})
        Draft(nation.home).delegate(self.code, wanted)

    def add_rule(self, kind: Kind = "rule", **fields: object) -> None:
        said = {"scope": {"areas": [self.code.upper()], "lanes": []}} | fields
        Draft(self.home).add_rule(rule(kind, **said), role_of(self.code), kind, Path("given.json"), AT)

    def publish(self, now: datetime = AT) -> ProvincePublished:
        done = publish_province(self.home, self.code, held_keys(self.home.keys), now)
        copy(Repository(self.home.province(self.code) / "repo"), self.out, lambda _done, _total: None)
        return done


def rule(kind: Kind = "rule", **fields: object) -> bytes:
    """Return a rule's file."""
    said = {
        "id": "VN-TEST-72H",
        "version": 1,
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_to": None,
        "scope": {"areas": [], "lanes": []},
    } | fields
    return msgspec.json.encode({kind: _PROFILE if kind == "profile" else rule_body(str(said["id"]))} | said)


def sg(**fields: object) -> bytes:
    """Return a rule of the province's own."""
    return rule(**{"scope": {"areas": ["VN-SG"], "lanes": []}} | fields)


def names(folder: Path) -> set[str]:
    """Return every file below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def told(_done: int, _total: int) -> None:
    """Hear how far a copy is."""

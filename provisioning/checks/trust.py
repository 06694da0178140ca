"""The trust data: can they be used, whose are they, how old, and do newer ones come?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import floor
from pathlib import Path

from drivers.errors import DeviceError
from drivers.fetcher import FetchError, FetchMissingError, open_fetcher
from firmware.knowledge import Knowledge
from firmware.trust_folder import REVOKED, SIGNED_LIST, Trust, TrustFolderError, load_trust
from provisioning.checks import Finding, Patient, fault, ok, skipped, warning
from provisioning.identity.trust_copy import ROOT

OLD_DAYS = 30  # ours, of plain files, which do not say when they were issued
SYNC, TIMER, PATH = "greengate-sync", "greengate-sync.timer", "greengate-sync.path"
TIMESTAMP = "metadata/timestamp.json"
TIMESTAMP_MAX_BYTES = 16 * 1024  # as firmware/sync_metadata.py
HOUR_S = 3600
ASKED_MAX_S = 12.0  # finding the name, TCP, TLS, an answer


def trust(patient: Patient) -> Iterator[Finding]:
    """Read the trust folder as the gate does."""
    config = patient.known
    folder = patient.at(config.trust.folder)
    next(folder.iterdir(), None) if folder.is_dir() else None  # PermissionError: skipped without root
    try:
        found = load_trust(folder)
    except TrustFolderError as error:
        yield fault("trust-unusable", why=str(error))
        return
    now = patient.clock.now()
    signers = found.signers.signers()
    usable = sum(signer.valid_at(now) for signer in signers)
    yield ok("trust-signers", signers=usable) if usable else fault("trust-empty", folder=str(folder))
    if unusable := len(found.signers.unusable):
        yield warning("trust-part-unusable", entries=unusable)
    yield from _demo(found, real=config.signal.kind == "gpio")
    if found.knowledge is None:
        yield from _age(folder, found, now)
    else:
        yield from _knowledge(found.knowledge.shortened(config.trust), now)


def syncing(patient: Patient) -> Iterator[Finding]:
    """Look whether newer trust is fetched by itself: a root to begin with, the timer, how the last time went."""
    config = patient.known.trust
    if config.url is None:
        yield skipped("sync-by-hand")
        return
    root = patient.at(config.folder) / ROOT
    if not root.is_file():
        yield fault("sync-no-root", file=str(root))
        return
    if not patient.units.known():
        yield skipped("units-none")
        return
    for unit in (TIMER, PATH):
        state = patient.units.properties(unit, ("LoadState", "ActiveState"))
        if state.get("ActiveState") != "active":
            yield fault("sync-off", unit=unit)
    last = patient.units.properties(SYNC, ("Result", "ExecMainStatus", "ExecMainExitTimestamp"))
    status, at = last.get("ExecMainStatus") or "0", last.get("ExecMainExitTimestamp")
    if last.get("Result") not in {"success", ""}:
        yield warning("sync-failed", status=status, at=at or "-")
    else:
        yield ok("sync-well", at=at) if at else skipped("sync-not-yet")


def repository(patient: Patient) -> Iterator[Finding]:
    """Ask the repository's server for its timestamp, as the sync does; what it says is not checked here."""
    config = patient.known.trust
    if config.url is None:
        yield skipped("sync-by-hand")
        return
    try:
        with open_fetcher(config.url, ca=config.ca, certificate=config.certificate, key=config.key) as fetcher:
            for _ in fetcher.fetch(TIMESTAMP, TIMESTAMP_MAX_BYTES):
                pass
    except FetchMissingError:
        yield fault("repository-empty", url=config.url)
    except FetchError as error:
        yield warning("repository-away", why=str(error))
    except DeviceError as error:
        yield fault("repository-files", why=str(error))
    else:
        yield ok("repository-reached", url=config.url)


def _knowledge(knowledge: Knowledge, now: datetime) -> Iterator[Finding]:
    """Tell of each part how old it is by the nation's limits and this site's."""
    hours = floor(knowledge.age(now).total_seconds() / HOUR_S)
    values: dict[str, object] = {"hours": hours, "issued": f"{knowledge.issued:%Y-%m-%d %H:%M}"}
    for part, state in knowledge.states(now).items():
        match state:
            case "fresh":
                yield ok(f"trust-{part}-fresh", **values)
            case "ageing":
                yield warning(f"trust-{part}-ageing", **values)
            case "stale":
                yield fault(f"trust-{part}-stale", **values)


def _demo(found: Trust, *, real: bool) -> Iterator[Finding]:
    if found.demo:
        yield fault("trust-demo-real") if real else warning("trust-demo")


def _age(folder: Path, found: Trust, now: datetime) -> Iterator[Finding]:
    """Tell what is known: the date of the list's file, else the youngest signer's."""
    files = [path for name in (SIGNED_LIST, REVOKED) if (path := folder / name).is_file()]
    if files:
        written = max(datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in files)
        days = max(0, (now - written).days)
        yield (warning if days > OLD_DAYS else ok)("trust-age-old" if days > OLD_DAYS else "trust-age", days=days)
    elif signers := found.signers.signers():
        yield skipped("trust-age-unknown", newest=f"{max(signer.not_before for signer in signers):%Y-%m-%d}")

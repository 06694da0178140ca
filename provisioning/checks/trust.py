"""The trust data: can they be used, whose are they, and how old?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from firmware.trust_folder import REVOKED, SIGNED_LIST, Trust, TrustFolderError, load_trust
from provisioning.checks import Finding, Patient, fault, ok, skipped, warning

OLD_DAYS = 30  # ours, until the trust list's own signed metadata say when it was issued


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
    yield from _age(folder, found, now)


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

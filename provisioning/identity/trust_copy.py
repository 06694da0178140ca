"""Trust data brought to a device: checked first, then copied file by file."""

from pathlib import Path

from firmware.trust_folder import LIST_KEY, REVOKED, SIGNED_LIST, TrustFolderError, load_trust
from provisioning.durable import GROUP, make_folder, read_bounded, sync_folder, write_changed

FILE_MAX_BYTES = 64 * 1024 * 1024  # as firmware/trust_folder.py
FOLDER_MODE, FILE_MODE = 0o2750, 0o640
_SUFFIXES = {".der", ".cer", ".crt", ".pem"}
_NAMES = {SIGNED_LIST, LIST_KEY, REVOKED}


def check_trust(folder: Path, *, real: bool) -> None:
    """Check that a checkpoint, with real lamps or without, can trust by a folder. Raises: TrustFolderError."""
    trust = load_trust(folder)
    if real and trust.demo:
        raise TrustFolderError(f"{folder}: holds a demonstration's signer, which opens no real gate; leave it out")
    if not any(True for _ in trust.signers.signers()):
        raise TrustFolderError(f"{folder}: holds no signer; put the trust list's files there")


def usable_trust(folder: Path) -> bool:
    """Tell whether a folder is one by which a checkpoint with real lamps can trust."""
    try:
        check_trust(folder, real=True)
    except TrustFolderError:
        return False
    return True


def copy_trust(source: Path, target: Path, *, real: bool) -> None:
    """Make a device's trust folder hold what another one holds, and nothing else that counts.

    Raises: TrustFolderError, OSError.
    """
    check_trust(source, real=real)
    make_folder(target, FOLDER_MODE, GROUP)
    if source.resolve() == target.resolve():
        return
    names = {path.name for path in source.iterdir() if _counts(path)}
    for name in sorted(names):
        write_changed(target / name, read_bounded(source / name, FILE_MAX_BYTES), mode=FILE_MODE, group=GROUP)
    for path in target.iterdir():
        if _counts(path) and path.name not in names:
            path.unlink()
    sync_folder(target)
    check_trust(target, real=real)


def _counts(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES or path.name in _NAMES

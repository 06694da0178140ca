"""Trust data brought to a device: a published repository, taken as every sync takes one, or plain files, copied."""

from pathlib import Path

import msgspec

from firmware.config import Config
from firmware.config_sections import TrustConfig
from firmware.trust_folder import LIST_KEY, REVOKED, SIGNED_LIST, TrustFolderError, load_trust
from firmware.trust_store import current_of
from provisioning.durable import GROUP, make_folder, read_bounded, sync_folder, write_changed

FILE_MAX_BYTES = 64 * 1024 * 1024  # as firmware/trust_folder.py
FOLDER_MODE, FILE_MODE = 0o2750, 0o640
ROOT, METADATA, TARGETS = "root.json", "metadata", "targets"
ROOT_MAX_BYTES = 512 * 1024  # as firmware/sync_metadata.py
_SUFFIXES = {".der", ".cer", ".crt", ".pem"}
_NAMES = {SIGNED_LIST, LIST_KEY, REVOKED}


def is_repository(folder: Path) -> bool:
    """Tell whether a folder is a published trust repository: with the first root, and what it leads to."""
    return (folder / ROOT).is_file() and (folder / METADATA).is_dir()


def bring_trust(source: Path, target: Path, config: Config) -> str | None:
    """Bring trust data to a device's trust folder; its configuration says whether its lamps are real, and its province.

    Return why the province's part could not be taken, which hinders nothing else; None where it could.

    Raises: TrustFolderError, SyncError, OSError.
    """
    real = config.signal.kind == "gpio"
    if not is_repository(source):
        copy_trust(source, target, real=real)
        return None
    from firmware.sync import synchronise  # noqa: PLC0415 - python-tuf: 0.1 s that no other command waits for

    if not target.is_dir():
        make_folder(target, FOLDER_MODE, GROUP)  # else it stays its owner's, who is given all that is brought
    trust = TrustConfig(folder=target, province=config.trust.province)
    outcome = synchronise(msgspec.structs.replace(config, trust=trust), str(source), root=source / ROOT)
    _remove_plain(target, set())
    check_trust(target, real=real)
    return outcome.province_kept


def lay_root(source: Path, target: Path) -> None:
    """Give a device a repository's first root alone: what it leads to comes over the network.

    Raises: TrustFolderError, OSError.
    """
    root = read_bounded(source / ROOT, ROOT_MAX_BYTES)
    if not target.is_dir():
        make_folder(target, FOLDER_MODE, GROUP)
    if (target / ROOT).exists() and read_bounded(target / ROOT, ROOT_MAX_BYTES) != root:
        raise TrustFolderError(f"{target / ROOT} is there, and another one than {source / ROOT}: remove it first")
    write_changed(target / ROOT, root, mode=FILE_MODE, group=GROUP)


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
    if current_of(target) is not None:
        raise TrustFolderError(f"{target}: holds a repository's data; bring a published repository, not plain files")
    make_folder(target, FOLDER_MODE, GROUP)
    if source.resolve() == target.resolve():
        return
    names = {path.name for path in source.iterdir() if _counts(path)}
    for name in sorted(names):
        write_changed(target / name, read_bounded(source / name, FILE_MAX_BYTES), mode=FILE_MODE, group=GROUP)
    _remove_plain(target, names)
    check_trust(target, real=real)


def _remove_plain(target: Path, kept: set[str]) -> None:
    for path in target.iterdir():
        if _counts(path) and path.name not in kept:
            path.unlink()
    sync_folder(target)


def _counts(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES or path.name in _NAMES

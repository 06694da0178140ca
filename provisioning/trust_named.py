"""The trust data that an option `--trust` names."""

from pathlib import Path

from firmware.trust_folder import Trust, TrustFolderError, load_trust
from provisioning.identity.trust_copy import is_repository


def load_named(folder: Path, site: Path | None = None) -> Trust:
    """Read a folder by which a device judges, or plain files, and a site's own rules and profiles.

    Raises:
        TrustFolderError: It cannot be used, or is a published repository, in which no plain file would be found.
    """
    if is_repository(folder):
        raise TrustFolderError(
            f"{folder}: a published repository, by which nobody judges before it is taken: greengate sync --from"
            f" {folder}, then name the device's trust folder"
        )
    return load_trust(folder, site)

"""Keys that the service manager hands over: systemd's LoadCredential= (systemd.exec(5)).

The programs run as users who may not read the device's identity; systemd gives each the files that it needs, under
their own names, in a folder in memory that is that program's alone.
"""

import os
from pathlib import Path


def credential(path: Path | None) -> Path | None:
    """Return where to read a configured file: from `$CREDENTIALS_DIRECTORY` where one of its name is there."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if path is None or not folder.startswith("/"):
        return path
    handed_over = Path(folder, path.name)
    return handed_over if handed_over.is_file() else path

"""The collectors' group: the name under which they share the batches, so that each batch comes to one of them.

mosquitto's access list forbids a device to read batches, not to join a group: one that knew the name would get its
share of them, which the broker then drops. So the name is a secret of the collectors.
"""

import contextlib
import re
import secrets
from pathlib import Path

from centre.files import write_whole
from firmware.wire import BATCHES_TOPIC

FILE = "collectors.group"
_GROUP = re.compile(rb"[0-9a-f]{32}\n?")  # 128 random bits
_FOR_ALL = 0o007


class GroupError(Exception):
    """A file of the group's name that cannot be used: what is wrong and the cure, on one line."""


def subscription(group: Path | None) -> str:
    """Return what a collector subscribes to: batches shared with its group, all of them where it has none.

    Raises: GroupError.
    """
    return BATCHES_TOPIC if group is None else f"$share/{read_group(group)}/{BATCHES_TOPIC}"


def read_group(path: Path) -> str:
    """Return the group's name. Raises: GroupError."""
    try:
        with path.open("rb") as file:
            text = file.read(64)
        open_to_all = path.stat().st_mode & _FOR_ALL
    except OSError as error:
        raise GroupError(f"{path}: {error.strerror}: greengate-centre ca issue --collector NAME gives it") from None
    if open_to_all:
        raise GroupError(f"{path} may be read by others, and it is a secret: run chmod 600 {path}")
    if not _GROUP.fullmatch(text):
        raise GroupError(f"{path} holds no group's name: greengate-centre ca issue --collector NAME gives it")
    return text.decode("ascii").strip()


def give_group(home: Path, folder: Path) -> Path:
    """Put the name that all collectors of a centre have into a folder, drawn where there is none yet.

    Raises: GroupError.
    """
    kept, given = home / FILE, folder / FILE
    try:
        if not kept.exists():
            with contextlib.suppress(FileExistsError):  # somebody else drew it just now
                write_whole(kept, f"{secrets.token_hex(16)}\n".encode("ascii"), replace=False)
        group = f"{read_group(kept)}\n".encode("ascii")
        if not given.exists() or given.read_bytes() != group:
            write_whole(given, group)
    except OSError as error:
        raise GroupError(f"{error.filename or given}: {error.strerror}: check disk and rights") from None
    return given

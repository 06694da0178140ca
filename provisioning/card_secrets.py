"""Secrets on a card's boot partition, erased where they lie once the system has what it needs of them."""

import os
import re
from pathlib import Path

from provisioning.durable import DRAFT, erase, make_folder, read_bounded, write_durably

FILES = ("network-config", "user-data")
FILE_MAX_BYTES = 1024 * 1024  # ours: prepare's have a few kilobytes
KEEP_NETWORK = Path("etc/cloud/cloud.cfg.d/99-greengate-network.cfg")
KEEP_NETWORK_TEXT = b"""\
# The Wi-Fi's key is no longer on the card: the network stays as the first boot made it (/etc/netplan).
network: {config: disabled}
"""
_SECRET = re.compile(
    rb"""(?<![\w-])["']?(?:password|passwd|hashed_passwd|plain_text_passwd|psk)["']?[ \t]*:[ \t]*"""
    rb"""(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\n]|'')*)'|([^\s"',{}\[\]#|>][^\n,}]*))"""
)


def erase_secrets(boot: Path, code: Path, root: Path) -> None:
    """Erase the one-time code, and the passwords in cloud-init's files; each done already: nothing.

    Raises: OSError.
    """
    for draft in (code, *(boot / name for name in FILES)):
        erase(draft.with_name(draft.name + DRAFT))  # of a preparation that was broken off
    erase(code)
    cloud = root / KEEP_NETWORK
    if cloud.parent.parent.is_dir():  # before the card's copy goes: cloud-init may read it again at the next boot
        make_folder(cloud.parent, 0o755)
        if not cloud.exists():
            write_durably(cloud, KEEP_NETWORK_TEXT, mode=0o644)
    for name in FILES:
        path = boot / name
        if path.is_file():
            mask(path)
    os.sync()  # FAT has no journal


def mask(path: Path) -> None:
    """Overwrite the passwords in a file by as many `x`, where they lie. Raises: OSError."""
    data = read_bounded(path, FILE_MAX_BYTES)
    spans = [match.span(group) for match in _SECRET.finditer(data) for group in (1, 2, 3) if match[group] is not None]
    with path.open("r+b", buffering=0) as file:
        for begin, end in spans:
            os.pwrite(file.fileno(), b"x" * (end - begin), begin)
        os.fsync(file.fileno())

"""A prepared card's boot partition, as the first boot and a retirement meet it (identity/README.md lists the files)."""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from firmware.config import CONFIG_MAX_BYTES
from provisioning.card_secrets import erase_secrets
from provisioning.durable import read_bounded, sync_folder, write_durably

FOLDER = "greengate"
CONFIG, ENROL, CODE, TRUST, RESULT = "greengate.toml", "enrol.toml", "code", "trust", "result.json"
DONE = ".done"


class Result(NamedTuple):
    """How it went; `installed`: which content of the card is on this machine, empty where none is yet."""

    state: str
    at: datetime
    device: str
    why: str = ""
    installed: str = ""

    def encoded(self) -> bytes:
        """Return it as result.json has it."""
        table = self._asdict() | {"at": f"{self.at:%Y-%m-%dT%H:%M:%SZ}"}
        return json.dumps(table, ensure_ascii=False, indent=1).encode() + b"\n"

    def is_said_in(self, table: dict[str, object]) -> bool:
        """Tell whether a result.json says the same, of whatever time."""
        return {**table, "at": ""} == {**json.loads(self.encoded()), "at": ""}


class PreparedCard:
    """What `prepare` left on a boot partition, and what is left there in turn."""

    def __init__(self, boot: Path) -> None:
        self.boot = boot
        self.config, self.enrol, self.code, self.trust = (boot / FOLDER / name for name in (CONFIG, ENROL, CODE, TRUST))
        self._result = boot / FOLDER / RESULT

    @property
    def waits(self) -> bool:
        """Tell whether there is something to do still."""
        return self.config.is_file()

    def digest(self) -> str:
        """Return what configuration and trust data are known by. Raises: OSError."""
        digest = hashlib.sha256()
        for path in (self.config, *sorted(self.trust.rglob("*"))):
            if path.is_file():
                with path.open("rb") as file:
                    content = hashlib.file_digest(file, "sha256").hexdigest()
                digest.update(f"{path.name}\0{content}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def installed(self) -> str:
        """Return the digest of what is on this machine already."""
        return str(self._left().get("installed", ""))

    def leave(self, result: Result) -> None:
        """Leave how it went, where that is new: a card is not written each minute that a centre is away."""
        if not result.is_said_in(self._left()):
            write_durably(self._result, result.encoded(), mode=0o644)

    def erase_secrets(self, root: Path) -> None:
        """Erase the one-time code and the Wi-Fi's key, of the system below `root`. Raises: OSError."""
        erase_secrets(self.boot, self.code, root)

    def set_aside(self) -> None:
        """Have it wait no more. Raises: OSError."""
        self.config.replace(self.config.with_name(CONFIG + DONE))
        sync_folder(self.config.parent)

    def _left(self) -> dict[str, object]:
        try:
            table = json.loads(read_bounded(self._result, CONFIG_MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return table if isinstance(table, dict) else {}

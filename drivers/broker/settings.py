"""Where a client of a broker connects to, and as whom; without paho, which only the connection itself needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.broker import Will


@dataclass(frozen=True, slots=True)
class Settings:
    """Where and as whom to connect; see `open_broker`."""

    host: str
    port: int
    client_id: str
    ca: Path | None
    certificate: Path | None
    key: Path | None
    protocol: Literal["5", "3.1.1"]
    will: Will | None = None
    session_s: int = 0

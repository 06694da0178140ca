"""What all programs share at their edges: the command line, refusing to start, and an orderly stop."""

import argparse
import signal
from pathlib import Path
from types import FrameType

from firmware.config import Config, load_config
from firmware.events import StartRefused, log

EX_CONFIG = 78  # sysexits.h: a restart would not help, somebody has to change something
FOLDER_MODE = 0o750  # of the run folder: sockets within are for the gate's user and group


def config_path(program: str, about: str | None) -> Path:
    """Return the configuration file that the command line names."""
    parser = argparse.ArgumentParser(prog=f"python -m firmware.{program}", description=about)
    parser.add_argument("--config", type=Path, required=True, help="the device's configuration (TOML)")
    path: Path = parser.parse_args().config
    return path


def configuration(program: str, about: str | None) -> Config:
    """Return the configuration that the command line names.

    Raises: ConfigError.
    """
    return load_config(config_path(program, about))


def refuse(program: str, error: Exception) -> int:
    """Say on one line why a program does not start, and return its exit status."""
    log(StartRefused(program, " ".join(str(error).split())))
    return EX_CONFIG


class StopFlag:
    """Becomes true on SIGTERM or SIGINT."""

    def __init__(self) -> None:
        """Take over both signals."""
        self._stopping = False
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def __bool__(self) -> bool:
        return self._stopping

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

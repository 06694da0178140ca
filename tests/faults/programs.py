"""Programs of ours as processes, and waiting for them."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from centre.collecting.store import StoreError
from firmware.lifeline import tied

WITHIN_S = 30.0


@dataclass
class Program:
    """A program of ours as a process: killed and started at will."""

    command: list[str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> Self:
        """Start it, where it does not run already."""
        if self.process is None:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(tied(self.command), stdout=log, stderr=log)
        return self

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(WITHIN_S)
            self.process = None

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def said(self) -> str:
        return self.log.read_text(errors="replace")


def until(condition: Callable[[], bool], why: Callable[[], str] = str, within_s: float = WITHIN_S) -> None:
    """Wait for other processes, which no simulated clock moves; a store that is away is asked again."""
    end_s = time.monotonic() + within_s
    while True:
        with contextlib.suppress(StoreError):
            if condition():
                return
        if time.monotonic() > end_s:
            pytest.fail(f"not in {within_s} s\n{why()}")
        time.sleep(0.02)

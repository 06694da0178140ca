"""A network between two namespaces, a kiosk's and a centre's, as bad as a test asks for.

The kernels of most test machines have no netem, so a process carries the packets (`forward.py`): TCP, TLS and MQTT
above it are the system's and the programs' own.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import pytest

from firmware.lifeline import tied
from tests.faults.forward import ADDRESSES, Impairment

End = Literal["kiosk", "centre"]
ENDS: Final[tuple[End, ...]] = ("kiosk", "centre")
KIOSK, CENTRE = ADDRESSES
ANSWER_S = 10


class Link:
    """Two namespaces and the network between them; both are gone when it is closed, or this process ends."""

    def __init__(self, seed: int = 1) -> None:
        command = tied([sys.executable, "-m", "tests.faults.forward", str(seed)])
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        found = self._process.stdout.readline().split()
        if len(found) != len(ENDS):
            self.close()
            raise OSError("no link: its process ended at its start")
        self._namespaces = dict(zip(ENDS, found, strict=True))
        self._how = {end: Impairment() for end in ENDS}
        self._cut: frozenset[End] = frozenset()

    def inside(self, end: End, command: list[str]) -> list[str]:
        """Return the command line that runs a command at one end."""
        return ["nsenter", f"--net=/proc/{self._process.pid}/fd/{self._namespaces[end]}", *command]

    def impair(self, *, loss: float = 0.0, duplicate: float = 0.0, delay_s: float = 0.0, jitter_s: float = 0.0) -> None:
        """Make both directions so bad from now on."""
        for end in ENDS:
            self._how[end] = Impairment(loss, duplicate, delay_s, jitter_s)
        self._tell()

    def cut(self) -> None:
        """Lose everything, as a pulled cable does: nobody is told."""
        self._cut = frozenset(ENDS)
        self._tell()

    def half_open(self, silent: End) -> None:
        """Lose everything that one end sends."""
        self._cut = frozenset({silent})
        self._tell()

    def restore(self) -> None:
        """Undo a cut; the link is as bad as it was before."""
        self._cut = frozenset()
        self._tell()

    def close(self) -> None:
        """End it: every connection through it is dead, without a word to anybody."""
        self._process.kill()
        self._process.communicate(timeout=ANSWER_S)

    def _tell(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        for number, end in enumerate(ENDS):
            how = replace(self._how[end], cut=end in self._cut)
            print(json.dumps({"end": number, **asdict(how)}), file=self._process.stdin, flush=True)
            assert self._process.stdout.readline() == "\n", "the link's process ended"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def no_link() -> str | None:
    """Return why there can be no link on this machine, if there can be none."""
    if os.geteuid() != 0:
        return "needs root: network namespaces and tun devices"
    if not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun (modprobe tun)"
    done = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False, timeout=ANSWER_S)
    return None if done.returncode == 0 else "needs network namespaces"


needs_link = pytest.mark.skipif(no_link() is not None, reason=no_link() or "")

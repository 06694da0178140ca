"""A simulated camera over a folder of pictures, in time that is simulated too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import segno

from drivers.camera import AS_USUAL, Tuning
from drivers.camera.simulated import SimulatedCamera

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "HC1:" + "6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDE" * 8  # as dense as a DCC


class Time:
    """A clock that only sleeping moves, so that no test waits."""

    def __init__(self) -> None:
        self.now_ns = 5_000_000_000

    def monotonic_ns(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


class Desk:
    """A folder of pictures and a camera over it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.time = folder, Time()

    def put(self, name: str, text: str = TEXT) -> Path:
        path = self.folder / name
        segno.make(text, error="l", boost_error=False, micro=False).save(str(self.folder / "made.png"), scale=4)
        (self.folder / "made.png").rename(path)
        return path

    def camera(
        self, seed: int = 1, width_px: int = 640, height_px: int = 480, tuning: Tuning = AS_USUAL
    ) -> SimulatedCamera:
        return SimulatedCamera(
            self.folder, width_px, height_px, seed=seed, tuning=tuning,
            monotonic_ns=self.time.monotonic_ns, sleep=self.time.sleep,
        )  # fmt: skip

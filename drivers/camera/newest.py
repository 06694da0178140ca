"""The slot of one frame between a grabbing thread and the reader."""

from __future__ import annotations

from threading import Condition
from typing import TYPE_CHECKING

from drivers.errors import CameraLostError, CameraStalledError

if TYPE_CHECKING:
    from drivers.camera import Frame


class NewestFrame:
    """Keep the newest frame only: a reader that is late must not judge what stood there before."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._frame: Frame | None = None
        self._fault: str | None = None

    def put(self, frame: Frame) -> None:
        """Replace the frame that waits, if one does; after a fault frames are ignored."""
        with self._changed:
            self._frame = frame if self._fault is None else None
            self._changed.notify()

    def fail(self, fault: str) -> None:
        """Say that no frame will come any more; the first fault stays."""
        with self._changed:
            self._fault, self._frame = self._fault or fault, None
            self._changed.notify()

    def take(self, timeout_s: float) -> Frame:
        """Wait for a frame and remove it.

        Raises:
            CameraStalledError: none came within `timeout_s`.
            CameraLostError: none will come any more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._fault is not None, timeout_s)
            frame, self._frame = self._frame, None
            fault = self._fault
        if fault is not None:
            raise CameraLostError(fault, cure="check its cable; it is opened again by itself")
        if frame is None:
            raise CameraStalledError(f"no frame within {timeout_s:g} s", cure="check the camera's cable")
        return frame

"""The gate's lamps, opened when they can be: a failing lamp is out of service, not a restart."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from drivers.errors import DeviceError, DeviceMissingError
from drivers.signal import Signal


class LampsOnDemand:
    """A `Signal` that may fail to open at the start, and is opened again with each `show` until it does."""

    def __init__(self, open_: Callable[[], Signal]) -> None:
        """Open the lamps, dark, if they obey. Raises: DeviceMissingError where there are none."""
        self._open = open_
        self._signal: Signal | None = None
        try:
            self._signal = open_()
        except DeviceMissingError:
            raise
        except DeviceError:
            return

    def show(self, *, red: bool, green: bool, lease_s: float = 0.0) -> None:
        """Set both lamps; see `Signal.show`."""
        if self._signal is None:
            self._signal = self._open()
        self._signal.show(red=red, green=green, lease_s=lease_s)

    def close(self) -> None:
        """Leave both lamps dark and release them; see `Signal.close`."""
        signal, self._signal = self._signal, None
        if signal:
            signal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

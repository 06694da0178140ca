"""Green as a lease: a timer of its own puts the lamp out, whatever the program does."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Literal, Protocol, Self

from drivers.errors import DeviceError

if TYPE_CHECKING:
    from types import TracebackType

LEASE_MAX_S = 60.0  # longer than any passage; bounds how long a wrong call can keep a gate green
RETRY_S = 0.1  # between attempts to darken lamps that did not obey

Cause = Literal["show", "lease", "open", "close", "darken"]


class LampBank(Protocol):
    """Two lamps or three without any judgement: what differs between a real and a simulated signal."""

    @property
    def has_amber(self) -> bool:
        """Return whether there is a third lamp."""
        ...

    def put(self, *, red: bool, green: bool, amber: bool, lease_s: float, by: Cause) -> None:
        """Set all lamps, the dark ones first; `amber` is never lit where there is none.

        Raises:
            DeviceError: a lamp could not be set; their state is then unknown.
        """
        ...

    def close(self) -> None:
        """Release the lamps as they are."""
        ...


class LeasedSignal:
    """A `Signal` over a bank of lamps; a thread ends every lease in time."""

    def __init__(self, lamps: LampBank) -> None:
        """Darken the lamps and start the thread that ends leases."""
        self._lamps = lamps
        self._turn = threading.Condition()
        self._due_s = math.inf  # time.monotonic() at which the keeper puts green out
        self._red = self._amber = False
        self._closed = False
        try:
            lamps.put(red=False, green=False, amber=False, lease_s=0.0, by="open")
        except DeviceError:
            lamps.close()
            raise
        self._keeper = threading.Thread(target=self._keep_leases, name="signal-lease", daemon=True)
        self._keeper.start()

    @property
    def has_amber(self) -> bool:
        """Return whether an amber lamp is fitted."""
        return self._lamps.has_amber

    def show(self, *, red: bool, green: bool, amber: bool = False, lease_s: float = 0.0) -> None:
        """Set all lamps; see `Signal.show`."""
        if amber and not self._lamps.has_amber:
            raise ValueError("no amber lamp is fitted")
        if green and not 0.0 < lease_s <= LEASE_MAX_S:  # written so that NaN fails too
            raise ValueError(f"green needs a lease above 0 and at most {LEASE_MAX_S:g} s, not {lease_s!r}")
        with self._turn:
            if self._closed:
                raise DeviceError("the signal is closed", cure="open it again")
            # Counted from before the lamp is lit: a slow device shortens green and never lengthens it.
            self._due_s = time.monotonic() + lease_s if green else math.inf
            self._red, self._amber = red, amber
            try:
                self._lamps.put(red=red, green=green, amber=amber, lease_s=lease_s if green else 0.0, by="show")
            except DeviceError:
                self._due_s = time.monotonic()  # what is lit now is unknown: darken all
                self._red = self._amber = False
                raise
            finally:
                self._turn.notify()

    def close(self) -> None:
        """Leave all lamps dark and release them; see `Signal.close`."""
        with self._turn:
            if self._closed:
                return
            self._closed = True
            self._turn.notify()
        self._keeper.join()
        try:
            self._lamps.put(red=False, green=False, amber=False, lease_s=0.0, by="close")
        finally:
            self._lamps.close()

    def _keep_leases(self) -> None:
        with self._turn:
            while not self._closed:
                left_s = self._due_s - time.monotonic()
                if left_s > 0:
                    self._turn.wait(None if math.isinf(left_s) else left_s)
                else:
                    self._end_lease()

    def _end_lease(self) -> None:
        try:
            self._lamps.put(red=self._red, green=False, amber=self._amber, lease_s=0.0, by="lease")
        except DeviceError:
            self._due_s = time.monotonic() + RETRY_S
        else:
            self._due_s = math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

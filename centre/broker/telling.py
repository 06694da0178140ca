"""Telling the broker who is revoked, so that a connected one is dropped."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from centre.broker.access import apply_revocation
from centre.collecting.events import Event
from centre.enrolment.enrolment import BROKER_FAULTS
from centre.enrolment.events import CentreFailed
from drivers.clock import open_clock


def tell_broker(home: Path) -> Callable[[list[str]], None]:
    """Return what is called with the names whose certificates were revoked; it raises RuntimeError."""

    def tell(names: list[str]) -> None:
        apply_revocation(home, names, open_clock("system").now())

    return tell


class TellLater:
    """Tell the broker in a thread of its own: dropping a client takes seconds, in which others want to enrol.

    Whom it could not be told of is told with the next.
    """

    def __init__(self, tell: Callable[[list[str]], None], report: Callable[[Event], None]) -> None:
        """Tell by `tell`, and report what fails."""
        self._pool = ThreadPoolExecutor(1, "broker")
        self._said = tell
        self._report = report
        self._left: set[str] = set()

    def __call__(self, names: list[str]) -> None:
        """Tell soon."""
        self._pool.submit(self._tell, names)

    def again(self) -> None:
        """Tell once more where it failed."""
        if self._left:
            self([])

    def close(self) -> None:
        """Wait for what is being told, and end."""
        self._pool.shutdown()

    def _tell(self, names: list[str]) -> None:
        self._left |= set(names)
        try:
            self._said(sorted(self._left))
        except BROKER_FAULTS as error:
            self._report(CentreFailed(f"the broker was not told: {error}"))
        else:
            self._left.clear()

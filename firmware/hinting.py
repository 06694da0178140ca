"""What helps a code to be read: told to the panels while the gate waits for one, and to nobody else.

A hint lights nothing, is recorded nowhere and is no part of an answer: whatever a reader says, it is one of a few
sentences for as long as the reader repeats it. A tick is heard where one has stayed for a second, once: who is read
meanwhile hears nothing, and what hangs on a wall is heard once.
"""

from typing import get_args

from drivers.symbols import Hint
from firmware.messages import WAITING, Advised, Aspect
from firmware.ports import Ports

LASTS_NS = 1_500_000_000  # ours: the reader repeats a hint every 0.5 s
CHANGE_NS = 400_000_000  # ours: between two tellings: nobody reads faster, and a reader that floods fills no socket
HEARD_NS = 1_000_000_000  # ours: a hint stays for so long before it is heard
SILENT_NS = 10_000_000_000  # ours: without hints for so long, somebody else stands there


def code_of(hint: Hint) -> str:
    """Return the code by which a hint's words are found."""
    return f"hint-{hint}"


ADVICE: tuple[Hint, ...] = tuple(hint for hint in get_args(Hint) if hint != "no-code")  # what has words


class Hinting:
    """The hint that panels show now; what is passed as `aspect` is what they show below it."""

    def __init__(self, ports: Ports) -> None:
        """Begin without one."""
        self._ports = ports
        self._hint: Hint | None = None
        self._since_ns = 0  # since when there is a hint, be it another
        self._until_ns = 0
        self._told_ns = -CHANGE_NS
        self._heard = False

    def take(self, hint: Hint, aspect: Aspect, now_ns: int) -> None:
        """Show what the reader says, where a code is waited for; "no-code" takes back what was shown."""
        if hint == "no-code" or aspect not in WAITING:
            self._drop(now_ns)
            return
        if hint != self._hint and now_ns - self._told_ns < CHANGE_NS:
            return
        if self._hint is None:
            self._appear(now_ns)
        self._until_ns = now_ns + LASTS_NS
        if hint != self._hint:
            self._hint, self._told_ns = hint, now_ns
            words = self._ports.texts[code_of(hint)]
            self._ports.tell(Advised(hint, words.vi, words.en))
        if not self._heard and now_ns - self._since_ns >= HEARD_NS:
            self._heard = True
            self._ports.sound("hint")

    def turn(self, aspect: Aspect, now_ns: int) -> None:
        """Take back what was not repeated; who comes after an answer is somebody else."""
        if aspect not in WAITING:
            self._heard = False
            self._drop(now_ns)
        elif now_ns >= self._until_ns:
            self._drop(now_ns)

    def _appear(self, now_ns: int) -> None:
        """Begin with somebody, unless a hint was shown a moment ago."""
        if now_ns - self._until_ns >= SILENT_NS:
            self._heard = False
        self._since_ns = now_ns

    def _drop(self, now_ns: int) -> None:
        if self._hint is not None:
            self._hint, self._until_ns = None, now_ns
            self._ports.tell(Advised())

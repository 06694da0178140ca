"""A process ends when the one that started it does, however that happens: prctl(2), PR_SET_PDEATHSIG.

Our programs tie themselves at their start; another command is started as `python -m firmware.lifeline PID COMMAND...`.
Code between fork and exec (`preexec_fn`) would serve both, but may deadlock in a process with threads.
"""

import os
import signal
import sys
from typing import NoReturn

STARTER = "GREENGATE_STARTER"  # the environment variable with the starter's process id
PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with(parent: int, number: int = signal.SIGTERM) -> None:
    """Have the kernel send this process a signal when its parent dies; where it is dead already, end at once."""
    import ctypes  # noqa: PLC0415 - 1 to 2 ms of each start, and systemd's services are tied to nobody

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def tie() -> None:
    """Tie this program to the one that started it, where that asked for it; from the main thread.

    By SIGCONT, which wakes a stopped process too: there SIGTERM would wait for ever, and a green light stay.
    """
    if starter := os.environ.pop(STARTER, ""):  # popped: it is not for this program's own children
        parent = int(starter)
        signal.signal(signal.SIGCONT, lambda _number, _frame: _stop_without(parent))
        die_with(parent, signal.SIGCONT)


def _stop_without(parent: int) -> None:
    if os.getppid() != parent:  # else somebody only woke this program
        os.kill(os.getpid(), signal.SIGTERM)


def tied(command: list[str]) -> list[str]:
    """Return the command line that starts a command tied to this process."""
    return [sys.executable, "-m", "firmware.lifeline", str(os.getpid()), *command]


def main() -> NoReturn:
    """Become the command, tied to the process whose id is given."""
    die_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()

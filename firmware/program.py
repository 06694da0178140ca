"""What all programs share at their edges: the command line, refusing to start, and an orderly stop."""

import argparse
import binascii
import errno
import fcntl
import os
import signal
import socket
from pathlib import Path
from types import FrameType

from firmware.config import Config, ConfigError, load_config
from firmware.events import StartRefused, log
from firmware.lifeline import tie
from firmware.notify import STATUS, notify

EX_UNAVAILABLE = 69  # sysexits.h: what this program needs was there, and has gone
EX_CONFIG = 78  # sysexits.h: a restart would not help, somebody has to change something
_NAME_BYTES = 80  # ours: an abstract socket's name is 108 bytes at most, unix(7)
FOLDER_MODE = 0o750  # of the run folder: sockets within are for the gate's user and group


def config_path(program: str, about: str | None) -> Path:
    """Return the configuration file that the command line names."""
    parser = argparse.ArgumentParser(prog=f"python -m firmware.{program}", description=about)
    parser.add_argument("--config", type=Path, required=True, help="the device's configuration (TOML)")
    path: Path = parser.parse_args().config
    return path


def configuration(program: str, about: str | None) -> Config:
    """Return the configuration that the command line names, and tie this program to its supervisor.

    Raises: ConfigError.
    """
    tie()
    return load_config(config_path(program, about))


def refuse(program: str, error: Exception) -> int:
    """Say on one line, to the log and to the supervisor, why a program does not start; return its exit status."""
    why = " ".join(str(error).split()).encode(errors="backslashreplace").decode()  # a path may be no Unicode
    log(StartRefused(program, why))
    notify(STATUS + why)
    return EX_CONFIG


def prepare_run_folder(folder: Path, program: str) -> int:
    """Make the run folder and take a program's lock of it; return the lock's descriptor, to be kept open.

    It is both a file's lock, which holds across network namespaces, and an abstract socket, unix(7), which holds
    where the folder is deleted meanwhile.

    Raises: ConfigError where another one of that program holds it, or it cannot be made.
    """
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        lock = os.open(folder / f"{program}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise folder_error(folder, error) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _bound(f"{program} {folder.resolve()}", lock)
    except OSError as error:
        if error.errno in {errno.EWOULDBLOCK, errno.EADDRINUSE}:
            why = f"{folder}: another {program} runs here: stop it, or choose another run.folder"
            raise ConfigError(why) from None
        raise folder_error(folder, error) from None
    finally:
        os.close(lock)


def _bound(holder: str, lock: int) -> int:
    """Return a socket that holds a name on this machine, and in its queue, unread, a file's lock: both end with it."""
    text = os.fsencode(holder)  # a sum beside what has room of it: hashlib would cost a supervisor 3 MiB
    name = b"\0greengate-%08x-%b" % (binascii.crc32(text), text[-_NAME_BYTES:])
    end, other = socket.socketpair()
    with end, other:
        socket.send_fds(other, [b"lock"], [lock])
        end.bind(name)
        return end.detach()


def folder_error(folder: Path, error: OSError) -> ConfigError:
    """Return what to say where a run folder cannot be used."""
    why = f"run.folder cannot be made or written ({error.strerror})"
    return ConfigError(f"{folder}: {why}: name a folder this user can write")


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

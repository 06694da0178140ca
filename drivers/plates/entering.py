"""Enter a plate at a gate: what a technician's command, or the program of a camera beside the lane, does."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from drivers.errors import DeviceError, DeviceMissingError
from drivers.plates.message import encode_plate

if TYPE_CHECKING:
    from pathlib import Path


def enter_plate(path: Path, text: str, captured_ns: int) -> None:
    """Hand a plate, as it was typed or read at a time (monotonic), to the gate that listens at a socket.

    Raises:
        ValueError: a text that can be no plate.
        DeviceMissingError: no gate listens there, or not to this user.
        DeviceError: the gate does not take it.
    """
    message = encode_plate(text, captured_ns)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0)
        try:
            sender.sendto(message, os.fspath(path))
        except PermissionError as error:
            raise DeviceMissingError(
                f"this user may not enter plates at {path}", cure="do it as root, or as a user of the socket's group"
            ) from error
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
            raise DeviceMissingError(
                f"no gate takes plates at {path}", cure='set plates.kind = "socket" and start the gate again'
            ) from error
        except BlockingIOError as error:
            raise DeviceError("too many plates wait for the gate", cure="enter it again in a second") from error
        except OSError as error:
            raise DeviceError(f"the gate takes no plates at {path}: {error.strerror}", cure="start it again") from error

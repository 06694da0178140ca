"""The reader: frames in, texts out; the only program that meets hostile pixels, without keys, network or state."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Protocol

from drivers.camera import Camera, Frame
from drivers.errors import CameraStalledError, DeviceError, DeviceMissingError
from drivers.symbols import Symbol, SymbolReader
from firmware.config import ConfigError
from firmware.events import CameraBack, CameraFault, LogEvent, Started, Stopped, log
from firmware.messages import (
    MAX_TEXT_CHARS,
    MAX_TEXTS,
    Heartbeat,
    MessageError,
    ReaderFault,
    Reading,
    encode,
)
from firmware.notify import ALIVE, READY, STOPPING, notify
from firmware.program import StopFlag, configuration, refuse
from firmware.sockets import connect
from firmware.wiring import camera_of, symbol_reader_of

READ_TIMEOUT_S = 1.0  # ours: under the gate's patience with a silent reader (3 s)
HEARTBEAT_NS = 500_000_000
RECONNECT_NS = 200_000_000  # ours: a gate that restarts is back within half a second
IDLE_S = 0.1  # ours: between two looks at whether a lost camera is due
REOPEN_S = (0.5, 5.0)  # ours: first and longest wait before a lost camera is tried again


class Link:
    """The way to the gate; while there is none, messages are dropped (the next frame is as good)."""

    def __init__(self, path: Path, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """Connect to the gate's socket at `path`, whenever it is there."""
        self._monotonic_ns = monotonic_ns
        self._path = path
        self._socket: socket | None = None
        self._retry_ns = 0

    def send(self, message: Reading | Heartbeat) -> bool:
        """Send a message without waiting; return whether the gate got it."""
        if self._socket is None and not self._connect():
            return False
        try:
            self._send(encode(message))
        except (BlockingIOError, MessageError):  # the gate is busy: it will want the newest frame, not this one
            return False
        except OSError:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Close the socket; a second call does nothing."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def _send(self, data: bytes) -> None:
        if self._socket:
            self._socket.send(data)

    def _connect(self) -> bool:
        now_ns = self._monotonic_ns()
        if now_ns < self._retry_ns:
            return False
        self._retry_ns = now_ns + RECONNECT_NS
        try:
            self._socket = connect(self._path)
        except OSError:
            return False
        return True


class Sender(Protocol):
    """What the reader needs of its link."""

    def send(self, message: Reading | Heartbeat) -> bool:
        """Send a message without waiting; return whether it was taken."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The devices of one reader."""

    open_camera: Callable[[], Camera]
    symbols: SymbolReader
    link: Sender
    log: Callable[[LogEvent], None]
    alive: Callable[[], None]
    monotonic_ns: Callable[[], int] = time.monotonic_ns


class Reader:
    """A camera that is opened again when it is lost, and the texts that its frames hold."""

    def __init__(self, ports: Ports) -> None:
        """Read from the camera that `ports` opens.

        Raises: DeviceMissingError where there is none at the start; one that is lost later is waited for.
        """
        self._ports = ports
        self._camera: Camera | None = None
        self._fault: ReaderFault | None = None
        self._reopen_s = REOPEN_S[0]
        self._reopen_ns = 0
        self._heartbeat_ns = 0
        self._new_frames = 0
        self.frames = 0
        self.skipped = 0
        try:
            self._camera = ports.open_camera()
        except DeviceMissingError:
            raise
        except DeviceError as error:
            self._lost("no-camera", error)

    def turn(self) -> float:
        """Read one frame, or try for a camera; return how long to wait before the next turn, in seconds."""
        wait_s = self._turn()
        self._ports.alive()
        now_ns = self._ports.monotonic_ns()
        due = now_ns >= self._heartbeat_ns and (self._new_frames or self._fault)
        if due and self._ports.link.send(Heartbeat(self.frames, self._fault)):
            self._heartbeat_ns = now_ns + HEARTBEAT_NS
            self._new_frames = 0
        return wait_s

    def close(self) -> None:
        """Close the camera; a second call does nothing."""
        camera, self._camera = self._camera, None
        if camera:
            camera.close()

    def _turn(self) -> float:
        camera = self._camera or self._reopened()
        if camera is None:
            return IDLE_S
        try:
            self._take(camera.read(READ_TIMEOUT_S))
        except DeviceError as error:
            self._lost("camera-stalled" if isinstance(error, CameraStalledError) else "no-camera", error)
        return 0.0

    def _take(self, frame: Frame) -> None:
        try:
            symbols = self._ports.symbols.read(frame.luma)
        except ValueError:  # of no size, or not of two dimensions
            self.skipped += 1
            return
        self.frames += 1
        self._new_frames += 1
        if self._fault:
            self._fault = None
            self._reopen_s = REOPEN_S[0]
            self._heartbeat_ns = 0
            self._ports.log(CameraBack(skipped=self.skipped))
        if texts := texts_of(symbols):
            self._ports.link.send(Reading(texts, frame.captured_ns, self._ports.monotonic_ns()))

    def _lost(self, fault: ReaderFault, error: DeviceError) -> None:
        self.close()
        self._reopen_ns = self._ports.monotonic_ns() + round(self._reopen_s * 1e9)
        self._reopen_s = min(self._reopen_s * 2, REOPEN_S[1])
        if fault != self._fault:
            self._fault = fault
            self._heartbeat_ns = 0  # the gate is told at once
            self._ports.log(CameraFault(fault=fault, cure=error.cure))

    def _reopened(self) -> Camera | None:
        if self._ports.monotonic_ns() >= self._reopen_ns:
            try:
                self._camera = self._ports.open_camera()
            except DeviceError as error:
                self._lost("no-camera", error)
        return self._camera


def texts_of(symbols: list[Symbol]) -> tuple[str, ...]:
    """Return the distinct texts of a frame, passes first, as many as a message holds."""
    distinct = dict.fromkeys(symbol.text for symbol in symbols if len(symbol.text) <= MAX_TEXT_CHARS)
    return tuple(sorted(distinct, key=lambda text: not text.startswith("HC1:"))[:MAX_TEXTS])


def main() -> int:
    """Run until SIGTERM; exit 0, or 78 (EX_CONFIG) where configuration or camera are missing at the start."""
    stop = StopFlag()
    try:
        config = configuration("reader", __doc__)
        link = Link(config.readings_socket)
        symbols = symbol_reader_of(config)
        reader = Reader(Ports(lambda: camera_of(config), symbols, link, log, lambda: notify(ALIVE)))
    except (ConfigError, DeviceMissingError) as error:
        return refuse("reader", error)
    notify(READY)
    log(Started("reader"))
    try:
        while not stop:
            time.sleep(reader.turn())
    finally:
        notify(STOPPING)
        reader.close()
        link.close()
        log(Stopped("reader"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

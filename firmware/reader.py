"""The reader: frames in, texts out; the only program that meets hostile pixels, without keys, network or state."""

import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Protocol

from drivers.camera import Camera, Frame
from drivers.errors import CameraStalledError, DeviceError, DeviceMissingError, SoftwareMissingError
from drivers.symbols import FrameReader, Seen, Symbol
from firmware.config import ConfigError
from firmware.crash import report_crash
from firmware.events import CameraBack, CameraFault, LogEvent, RescueFault, Started, Stopped, log
from firmware.messages import (
    MAX_TEXT_CHARS,
    MAX_TEXTS,
    Heartbeat,
    Hinted,
    MessageError,
    ReaderFault,
    ReaderMessage,
    Reading,
    encode_fitting,
)
from firmware.notify import ALIVE, READY, STOPPING, notify
from firmware.program import StopFlag, configuration, refuse
from firmware.reader_hints import Attention, Hinting
from firmware.sockets import connect
from firmware.wiring import camera_of, frame_reader_of

READ_TIMEOUT_S = 1.0  # ours: under the gate's patience with a silent reader (3 s)
GLANCE_S = 0.01  # ours: between two looks at a rescue that works, while the next frame is waited for
HEARTBEAT_NS = 500_000_000
RECONNECT_NS = 200_000_000  # ours: a gate that restarts is back within half a second
IDLE_S = 0.1  # ours: between two looks at whether a lost camera is due
PATIENCE_S = 10.0  # ours: after a power cut, a camera may be found later than this program starts
REOPEN_S = (0.5, 5.0)  # ours: first and longest wait before a lost camera is tried again
SIGNED = ("HC1:", "LX1:", "shc:/", "NZCP:/", "{")  # as verifier.recognise has them, which this program does not load


class Link:
    """The way to the gate; while there is none, messages are dropped (the next frame is as good)."""

    def __init__(self, path: Path, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """Connect to the gate's socket at `path`, whenever it is there."""
        self._monotonic_ns = monotonic_ns
        self._path = path
        self._socket: socket | None = None
        self._retry_ns = 0

    def send(self, message: ReaderMessage) -> bool:
        """Send a message without waiting; return whether the gate got it."""
        if self._socket is None and not self._connect():
            return False
        try:
            self._send(encode_fitting(message))
        except MessageError:  # none of its texts can be sent
            return False
        except BlockingIOError:  # the gate is busy: it will want the newest frame, not this one
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

    def send(self, message: ReaderMessage) -> bool:
        """Send a message without waiting; return whether it was taken."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The devices of one reader."""

    open_camera: Callable[[], Camera]
    symbols: FrameReader
    link: Sender
    log: Callable[[LogEvent], None]
    alive: Callable[[], None]
    monotonic_ns: Callable[[], int] = time.monotonic_ns


class Reader:
    """A camera that is opened again when it is lost, and the texts that its frames hold."""

    def __init__(self, ports: Ports, *, patience_s: float = PATIENCE_S) -> None:
        """Read from the camera that `ports` opens; one that was never there is waited for so long."""
        self._ports = ports
        self._camera: Camera | None = None
        self._fault: ReaderFault | None = None
        self._reopen_s = REOPEN_S[0]
        self._reopen_ns = 0
        self._heartbeat_ns = 0
        self._new_frames = 0
        self._hinting = Hinting()
        self._attention = Attention()  # of the camera that is open
        self._rescue_fault: str | None = None
        self.frames = 0
        self.skipped = 0
        self.found = False  # has there ever been a camera?
        self._patient_until_ns = ports.monotonic_ns() + round(patience_s * 1e9)

    def turn(self) -> float:
        """Read one frame, or try for a camera; return how long to wait before the next turn, in seconds.

        Raises: DeviceMissingError where there never was a camera, and it was waited for long enough; at once where
        only software is missing. A camera that is lost later is waited for without end.
        """
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
        self._attention, self._hinting = Attention(), Hinting()
        if camera:
            camera.close()

    def _turn(self) -> float:
        camera = self._camera or self._reopened()
        if camera is None:
            return IDLE_S
        try:
            self._take(camera, self._awaited(camera))
        except DeviceError as error:
            self._lost("camera-stalled" if isinstance(error, CameraStalledError) else "no-camera", error)
        return 0.0

    def _awaited(self, camera: Camera) -> Frame:
        """Wait for a frame; what the rescue reads meanwhile of an earlier one goes to the gate at once."""
        glances = round(READ_TIMEOUT_S / GLANCE_S)
        while self._ports.symbols.pending and glances > 1:
            try:
                return camera.read(GLANCE_S)
            except CameraStalledError:
                glances -= 1
            if answer := self._ports.symbols.poll(0):
                self._tell(answer)
        return camera.read(glances * GLANCE_S)

    def _take(self, camera: Camera, frame: Frame) -> None:
        try:
            seen = self._ports.symbols.read(frame.luma, frame.captured_ns)
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
        self._tell(seen)
        if hint := self._hinting.due(seen.hint, frame.captured_ns):
            self._ports.link.send(Hinted(hint, frame.captured_ns))
        if self._attention.due(seen.region, frame.captured_ns):
            camera.attend(self._attention.box)
        self._watch_rescue()

    def _tell(self, seen: Seen) -> None:
        """Tell the gate what was read, with the moment of the frame that showed it."""
        if seen.symbols:
            self._hinting.due(None, seen.captured_ns)
        if texts := texts_of(seen.symbols):
            self._ports.link.send(Reading(texts, seen.captured_ns, self._ports.monotonic_ns()))

    def _watch_rescue(self) -> None:
        """Log once that the rescue does not work."""
        fault = self._ports.symbols.fault
        if fault and not self._rescue_fault:
            self._ports.log(RescueFault(why=fault))
        self._rescue_fault = fault

    def _lost(self, fault: ReaderFault, error: DeviceError) -> None:
        self.close()
        self._ports.symbols.forget()  # who stands there when it is back, nobody knows
        self._reopen_ns = self._ports.monotonic_ns() + round(self._reopen_s * 1e9)
        if self.found:
            self._reopen_s = min(self._reopen_s * 2, REOPEN_S[1])
        if fault != self._fault:
            self._fault = fault
            self._heartbeat_ns = 0  # the gate is told at once
            self._ports.log(CameraFault(fault=fault, cure=error.cure))

    def _reopened(self) -> Camera | None:
        now_ns = self._ports.monotonic_ns()
        if now_ns < self._reopen_ns:
            return None
        try:
            self._camera = self._ports.open_camera()
        except DeviceError as error:
            missing = isinstance(error, DeviceMissingError)
            if (
                missing
                and not self.found
                and (isinstance(error, SoftwareMissingError) or self._patient_until_ns <= now_ns)
            ):
                raise
            self.found = self.found or not missing
            self._lost("no-camera", error)
        else:
            self.found = True
        return self._camera


def texts_of(symbols: list[Symbol]) -> tuple[str, ...]:
    """Return the distinct texts of a frame, signed documents first, as many as a message holds."""
    distinct = dict.fromkeys(symbol.text for symbol in symbols if 0 < len(symbol.text) <= MAX_TEXT_CHARS)
    return tuple(sorted(distinct, key=lambda text: not text.startswith(SIGNED))[:MAX_TEXTS])


def run(reader: Reader, stop: StopFlag) -> None:
    """Turn the loop until told to stop; ready once there is a camera. Raises: DeviceMissingError."""
    while not (stop or reader.found):
        time.sleep(reader.turn())
    notify(READY)
    log(Started("reader"))
    while not stop:
        time.sleep(reader.turn())
    notify(STOPPING)


def main() -> int:
    """Run until SIGTERM; exit 0, or 78 (EX_CONFIG) where configuration or camera are missing at the start."""
    sys.excepthook = report_crash
    stop = StopFlag()
    try:
        config = configuration("reader", __doc__)
        with closing(frame_reader_of(config)) as symbols, closing(Link(config.readings_socket)) as link:
            ports = Ports(lambda: camera_of(config), symbols, link, log, lambda: notify(ALIVE))
            with closing(Reader(ports)) as reader:
                run(reader, stop)
    except (ConfigError, DeviceMissingError) as error:
        return refuse("reader", error)
    log(Stopped("reader"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

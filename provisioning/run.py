"""`greengate run`: all programs on one machine with a configuration, and a screen in the terminal."""

import contextlib
import signal
import socket
import threading
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Annotated, Self, TextIO

import msgspec
import typer

from firmware.config import Config, ConfigError, load_config
from firmware.events import log
from firmware.messages import MAX_MESSAGE_BYTES, MessageError, decode_event
from firmware.sockets import connect
from firmware.supervisor import Supervisor
from provisioning.exits import Exit, fail
from provisioning.screen import LiveScreen, Screen, centre_event, open_screen

_TURN_S = 0.1  # ten pictures a second: a flash of 0.15 s is seen
_THREAD_STOP_S = 2.0

ConfigFile = Annotated[Path, typer.Option(metavar="FILE", help="The device's configuration, TOML.")]
Json = Annotated[bool, typer.Option("--json", help="One event a line.")]


def run(
    config: ConfigFile,
    as_json: Json = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Run the appliance's programs on this machine until Ctrl-C.

    Example: greengate run --config greengate.toml

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, 2 wrong usage, 78 the configuration or a device in it is wrong.
    """
    raise typer.Exit(run_appliance(config, as_json=as_json))


def run_appliance(path: Path, *, as_json: bool, notes: tuple[str, ...] = (), centre: IO[bytes] | None = None) -> int:
    """Run all programs until SIGINT or SIGTERM and show what happens; return the exit code.

    Args:
        path: The configuration's file.
        as_json: Show events as JSON lines.
        notes: Lines to show below everything.
        centre: What a collector reports, a JSON object a line; None where the centre is elsewhere.
    """
    try:
        config = load_config(path)
        config.run.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    except ConfigError as error:
        fail(Exit.CONFIG, str(error), as_json=as_json)
    except OSError as error:
        fail(Exit.CONFIG, f"{path}: run.folder cannot be made: {error.strerror}; name another", as_json=as_json)
    panel = f"panel: http://{config.panel.host}:{config.panel.port}"
    screen = open_screen(config, [panel, *notes, "Ctrl-C: stop"], as_json=as_json)
    if not isinstance(screen, LiveScreen):
        return _supervised(path, config, screen, centre, None)
    log_file = config.run.folder / "log.jsonl"  # a drawn terminal has no room for the programs' log
    with log_file.open("w", encoding="utf-8") as stream:
        status = _supervised(path, config, screen, centre, stream)
    if status == Exit.CONFIG:
        fail(Exit.CONFIG, _refusal(log_file), as_json=as_json)
    return status


def _supervised(path: Path, config: Config, screen: Screen, centre: IO[bytes] | None, stream: TextIO | None) -> int:
    with _Viewer(screen) as viewer:
        stderr = stream.buffer if stream is not None else None
        log_ = partial(log, stream=stream)
        supervisor = Supervisor(path, config, changed=viewer.changed, stderr=stderr, log_=log_)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: supervisor.stop())
        viewer.start(config.events_socket, centre)
        return supervisor.run()


def _refusal(log_file: Path) -> str:
    """Return why a program did not start, as it told its log."""
    for line in reversed(log_file.read_bytes().splitlines()):
        with contextlib.suppress(msgspec.DecodeError):
            event = msgspec.json.decode(line, type=dict[str, object])
            if event.get("event") == "start-refused":
                return str(event["why"])
    return f"a program did not start; see {log_file}"


class _Viewer:
    """Tells a screen, one thing at a time, what the supervisor, the gate and the centre say."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(_THREAD_STOP_S)
        with self._lock:
            self._screen.close()

    def start(self, events_socket: Path, centre: IO[bytes] | None) -> None:
        """Begin to follow the gate and, where there is one, the centre."""
        self._threads.append(threading.Thread(target=self._follow, args=(events_socket,), daemon=True))
        if centre is not None:  # its thread ends with the pipe, which the caller closes
            threading.Thread(target=self._listen, args=(centre,), daemon=True).start()
        for thread in self._threads:
            thread.start()

    def changed(self, program: str, change: str) -> None:
        """Tell of a program's change."""
        with self._lock:
            self._screen.changed(program, change)

    def _follow(self, events_socket: Path) -> None:
        while not self._ended.wait(_TURN_S):
            with contextlib.suppress(OSError), connect(events_socket) as gate:  # away: asked for again
                gate.settimeout(_TURN_S)
                while self._take(gate) and not self._ended.is_set():
                    pass
            self._turn()

    def _take(self, gate: socket.socket) -> bool:
        """Take an event, or let a turn pass; return False where the gate has gone."""
        data: bytes | None = None
        with contextlib.suppress(TimeoutError):
            data = gate.recv(MAX_MESSAGE_BYTES + 1)
        if data:
            with contextlib.suppress(MessageError), self._lock:
                self._screen.told(decode_event(data))
        self._turn()
        return data != b""

    def _listen(self, centre: IO[bytes]) -> None:
        for line in centre:
            with self._lock:
                if not self._ended.is_set():
                    self._screen.centre(centre_event(line))

    def _turn(self) -> None:
        with self._lock:
            self._screen.turn()

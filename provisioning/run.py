"""`greengate run`: all programs on one machine with a configuration, and a screen in the terminal."""

import contextlib
import io
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from firmware.config import Config, ConfigError, load_config
from firmware.events import Log, log
from firmware.messages import MAX_MESSAGE_BYTES, MessageError, decode_event
from firmware.program import FOLDER_MODE, folder_error
from firmware.sockets import connect
from firmware.supervisor import Supervisor
from provisioning.exits import Exit, fail
from provisioning.output import LogFile, PatientOutput
from provisioning.screen import Screen, centre_event, is_drawn, open_screen

_TURN_S = 0.1  # ten pictures a second: a flash of 0.15 s is seen
_LAST_WORDS_S = 2.0
_WAITING_MAX = 1000  # ours: what a stalled terminal keeps in memory

ConfigFile = Annotated[Path, typer.Option(metavar="FILE", help="The device's configuration, TOML.")]
Json = Annotated[bool, typer.Option("--json", help="One event a line.")]


def run(
    config: ConfigFile,
    as_json: Json = False,  # noqa: FBT002 - typer makes a flag of it
) -> None:
    """Run the appliance's programs on this machine until Ctrl-C.

    Example: greengate run --config greengate.toml

    Exit codes: 0 stopped by Ctrl-C, SIGTERM or a closed window, 2 wrong usage, 78 the configuration or
    a device in it is wrong.
    """
    raise typer.Exit(run_appliance(config, as_json=as_json))


def run_appliance(path: Path, *, as_json: bool, notes: tuple[str, ...] = (), centre: IO[bytes] | None = None) -> int:
    """Run all programs until SIGINT, SIGTERM or SIGHUP and show what happens; return the exit code.

    Args:
        path: The configuration's file.
        as_json: Show events as JSON lines.
        notes: Lines to show below everything.
        centre: What a collector reports, a JSON object a line; None where the centre is elsewhere.
    """
    viewer = _Viewer()
    with contextlib.ExitStack() as resources:
        try:
            config = load_config(path)
            # a drawn terminal has no room for the programs' log
            log_file = resources.enter_context(_log_file(config)) if is_drawn(as_json=as_json) else None
            stderr = log_file.stream if log_file else None
            log_ = Log(log_file.stream.fileno()) if log_file else log
            supervisor = Supervisor(path, config, changed=viewer.changed, stderr=stderr, log_=log_)
        except ConfigError as error:
            fail(Exit.CONFIG, str(error), as_json=as_json)
        on_stop_signals(supervisor.stop)
        panel = f"panel: http://{config.panel.host}:{config.panel.port}"
        screen = partial(open_screen, config, [panel, *notes, "Ctrl-C: stop"], as_json=as_json)
        with viewer.watching(screen, config.events_socket, centre, log_file):
            status = supervisor.run()
    if supervisor.refusal is not None:
        fail(Exit.CONFIG, supervisor.refusal, as_json=as_json)
    return status


def on_stop_signals(stop: Callable[[], object]) -> None:
    """Have `stop` called on Ctrl-C, SIGTERM, and when the terminal's window is closed (not under nohup(1))."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: stop())


@contextlib.contextmanager
def _log_file(config: Config) -> Iterator[LogFile]:
    folder = config.run.folder
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        log_file = LogFile(folder / "log.jsonl")
    except OSError as error:
        raise folder_error(folder, error) from None
    with contextlib.closing(log_file):
        yield log_file


class _Viewer:
    """Tells a screen what supervisor, gate and centre say, in a thread of its own: nobody else waits for a screen."""

    def __init__(self) -> None:
        self._told: queue.SimpleQueue[Callable[[Screen], None]] = queue.SimpleQueue()
        self._ended = threading.Event()

    def changed(self, program: str, change: str) -> None:
        """Tell of a program's change, without waiting."""
        self._tell(lambda screen: screen.changed(program, change))

    @contextlib.contextmanager
    def watching(
        self, open_: Callable[[], Screen], events_socket: Path, centre: IO[bytes] | None, log_file: LogFile | None
    ) -> Iterator[None]:
        """Follow the gate and, where there is one, the centre; a screen that is stalled at the end is left as it is."""
        output = PatientOutput(sys.stdout.fileno())
        stream = io.TextIOWrapper(  # type: ignore[type-var] # typeshed asks for a file that can be read too
            output, encoding=sys.stdout.encoding, errors="backslashreplace", write_through=True
        )
        with contextlib.redirect_stdout(stream):
            watch = threading.Thread(target=self._watch, args=(open_, events_socket, log_file), daemon=True)
            watch.start()
            if centre is not None:  # its thread ends with the pipe, which the caller closes
                threading.Thread(target=self._listen, args=(centre,), daemon=True).start()
            try:
                yield
            finally:
                self._ended.set()
                watch.join(_LAST_WORDS_S)
                output.give_up()
                watch.join(_LAST_WORDS_S)

    def _watch(self, open_: Callable[[], Screen], events_socket: Path, log_file: LogFile | None) -> None:
        screen = open_()
        while not self._ended.wait(_TURN_S):
            with contextlib.suppress(OSError), connect(events_socket) as gate:  # away: asked for again
                gate.settimeout(_TURN_S)
                while self._take(gate, screen) and not self._ended.is_set():
                    self._turn(screen, log_file)
            self._turn(screen, log_file)
        self._turn(screen, log_file)
        screen.close()

    def _take(self, gate: socket.socket, screen: Screen) -> bool:
        """Take an event, or let a turn pass; return False where the gate has gone."""
        data: bytes | None = None
        with contextlib.suppress(TimeoutError):
            data = gate.recv(MAX_MESSAGE_BYTES + 1)
        if data:
            with contextlib.suppress(MessageError):
                screen.told(decode_event(data))
        return data != b""

    def _turn(self, screen: Screen, log_file: LogFile | None) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._told.get_nowait()(screen)
        screen.turn()
        if log_file is not None:
            log_file.turn()

    def _listen(self, centre: IO[bytes]) -> None:
        for line in centre:
            self._tell(partial(_report, event=centre_event(line)))

    def _tell(self, tell: Callable[[Screen], None]) -> None:
        if self._told.qsize() < _WAITING_MAX:
            self._told.put(tell)


def _report(screen: Screen, event: dict[str, Any]) -> None:
    screen.centre(event)

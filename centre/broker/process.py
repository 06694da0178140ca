"""mosquitto as a process: told to read its files anew, and asked whether it takes a configuration."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

PROGRAM = "mosquitto"
PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
SYSTEMD_RUNS = Path("/run/systemd/system")  # sd_booted(3)
TIMEOUT_S = 10.0  # ours: starting takes some tenths of a second


class BrokerTellError(RuntimeError):
    """A broker that could not be told, or does not take its configuration: what is wrong and the cure, on one line."""


def reload_broker(pid_file: Path) -> None:
    """Make a running mosquitto read certificates, revocation list and access list anew (SIGHUP).

    Raises: BrokerTellError.
    """
    pid = _running(pid_file)
    try:
        if pid is not None:
            os.kill(pid, signal.SIGHUP)
            return
    except (ProcessLookupError, PermissionError):
        pass
    if not (SYSTEMD_RUNS.is_dir() and shutil.which("systemctl")):
        raise BrokerTellError(f"{pid_file} names no mosquitto that may be told: reload or restart it by hand, as root")
    command = ["systemctl", "--no-ask-password", "reload", f"{PROGRAM}.service"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603 - ours
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerTellError(f"{' '.join(command)}: {error}: restart mosquitto by hand") from None
    if done.returncode != 0:
        why = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise BrokerTellError(f"{' '.join(command)}: {why}: start mosquitto, or run this as root")


def check_config(config: Path) -> str:
    """Try whether the installed mosquitto takes a configuration, on a free loopback port for a moment.

    Return its version. Raises: BrokerTellError: it is not installed, or does not take it, and why.
    """
    program = shutil.which(PROGRAM, path=f"{os.environ.get('PATH', '')}:{PATH}")
    if program is None:
        raise BrokerTellError("mosquitto is not installed here: apt-get install mosquitto")
    with tempfile.TemporaryDirectory(prefix="greengate-mosquitto-") as folder:
        trial = Path(folder) / "mosquitto.conf"
        trial.write_text(_on_trial(config.read_text("utf-8")), "utf-8")
        return _tried([program, "-c", str(trial)])


def _on_trial(text: str) -> str:
    """Return a configuration that disturbs no running broker."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = re.sub(r"(?m)^listener .*$", f"listener {port} 127.0.0.1", text)
    return re.sub(r"(?m)^pid_file .*$", "log_type information", text)


def _tried(command: list[str]) -> str:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        timer = threading.Timer(TIMEOUT_S, process.kill)
        timer.start()
        try:
            return _version_of(process)
        finally:
            timer.cancel()
            process.kill()  # nothing to save; a SIGTERM that comes just as it begins may be lost


def _version_of(process: "subprocess.Popen[str]") -> str:
    said = ""
    for line in _lines(process):
        if match := re.search(r"mosquitto version (\S+) running", line):
            return match[1]
        if "Error" in line:
            said = said or line[line.index("Error") :]
    raise BrokerTellError(f"mosquitto does not take this configuration: {said or 'it says nothing'}")


def _lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    assert process.stderr is not None  # noqa: S101 - for the type checker: asked for above
    for line in process.stderr:
        yield " ".join(line.split())


def _running(pid_file: Path) -> int | None:
    """Return the process that a pid file names, if it is a mosquitto."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text()[:20])
        if pid > 1 and Path(f"/proc/{pid}/comm").read_text().strip() == PROGRAM:
            return pid
    return None

"""What a fleet talks to: a real mosquitto with mutual TLS and our access list, collectors, a database."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.fleet.keys import HOST, Keys
from centre.broker.template import acl_text, config_text

START_S = 30.0
STOP_S = 20.0
GROUP = "0123456789abcdef" * 2
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What a program has used: seconds of a processor, and its memory now."""

    cpu_s: float
    rss_mib: float


def cost_of(pids: list[int]) -> Cost:
    """Return the sum over processes and their children's children that are there."""
    cpu_s = rss_kib = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            cpu_s += (int(fields[11]) + int(fields[12])) * TICK_S  # utime and stime, proc(5)
            rss_kib += int(fields[21]) * PAGE_KIB
    return Cost(cpu_s, rss_kib / 1024)


def free_port() -> int:
    """Return a port of the loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with its output in a file, and end it."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def broker(keys: Keys, folder: Path, collectors: int, connections: int) -> Iterator[tuple[int, int]]:
    """Run a mosquitto as `greengate-centre mosquitto` sets it up; give its port and process number."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise SystemExit("mosquitto is not installed: make setup")
    port = free_port()
    issued = keys.issue("server", "broker", also=(HOST,))
    for name, file in (("server.pem", "device.pem"), ("server.key", "device.key")):
        shutil.copy(issued / file, folder / name)
    text = config_text(
        folder=folder,
        ca=keys.folder / "ca.pem",
        crl=keys.folder / "crl.pem",
        port=port,
        bind=HOST,
        user="root" if os.geteuid() == 0 else "mosquitto",
        pid_file=folder / "mosquitto.pid",
        connections=connections,
    )
    (folder / "mosquitto.conf").write_text(text, "utf-8")
    (folder / "acl").write_text(acl_text(f"centre.c{number}" for number in range(collectors)), "utf-8")
    (folder / "acl").chmod(0o600)
    with running([program, "-c", str(folder / "mosquitto.conf")], folder / "mosquitto.log") as process:
        _await(port, process, folder / "mosquitto.log")
        yield port, process.pid


@contextlib.contextmanager
def collectors(keys: Keys, folder: Path, port: int, store: str, count: int) -> Iterator[list[int]]:
    """Run collectors of one group; give their process numbers."""
    with contextlib.ExitStack() as stack:
        pids = []
        for number in range(count):
            name = f"centre.c{number}"
            config = _collector_config(keys, folder, name, port, store)
            command = [sys.executable, "-m", "centre.main", "collect", "--config", str(config), "--json"]
            log = folder / f"{name}.log"
            process = stack.enter_context(running(command, log))
            _await_line(b'"connected"', process, log)
            pids.append(process.pid)
        yield pids


def _collector_config(keys: Keys, folder: Path, name: str, port: int, store: str) -> Path:
    issued = keys.issue("collector", name)
    group = folder / "collectors.group"
    group.write_text(GROUP + "\n", "ascii")
    group.chmod(0o600)
    place = f"postgresql = {json.dumps(store)}" if "=" in store or "://" in store else f"path = {json.dumps(store)}"
    config = folder / f"{name}.toml"
    config.write_text(
        f"""\
[broker]
host = "{HOST}"
port = {port}
ca = "{issued}/ca.pem"
certificate = "{issued}/device.pem"
key = "{issued}/device.key"
group = "{group}"

[store]
{place}

[centre]
batches = ["{keys.folder}/batches.key"]
crl = "{keys.folder}/crl.pem"
""",
        "utf-8",
    )
    return config


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"the broker did not start: {log.read_text('utf-8', 'replace')[-500:]}")


def _await_line(wanted: bytes, process: subprocess.Popen[bytes], log: Path) -> None:
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s and process.poll() is None:
        if wanted in log.read_bytes():
            return
        time.sleep(0.05)
    raise SystemExit(f"a collector did not start: {log.read_text('utf-8', 'replace')[-500:]}")

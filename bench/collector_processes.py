"""One and two collectors as processes, for bench/collector.py: storing only, and at a broker that shares."""

import itertools
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from os import sysconf
from pathlib import Path
from typing import Any

from bench.collector_batches import AT, TEN_THOUSAND, batches, grouped
from centre.collecting.store import open_store
from drivers.broker import Broker, Message, open_broker
from drivers.errors import BrokerError
from firmware.wire import batch_topic, encode_batch
from tests.fixtures_mqtt import HOST, Mosquitto
from tests.pki import Pki
from tests.postgres_server import Postgres

SIZE = 400
OUTSTANDING = 160  # batches sent and not acknowledged: no broker drops so few
WAIT_S = 300


def storing(url: str, tag: str, records: int, ready: Any, go: Any) -> None:  # noqa: ANN401 - of multiprocessing
    """Store batches of 400, as a process of its own."""
    made = grouped(batches(tag, SIZE, records))
    with open_store(url) as store:
        ready.release()
        go.wait()
        for group in made:
            store.store(group, AT)


def stored_by(processes: int, url: str, tag: str, records: int) -> float:
    """Return the rate of some processes that only store, together."""
    context = multiprocessing.get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    share = records // processes
    workers = [context.Process(target=storing, args=(url, f"{tag}{own}", share, ready, go)) for own in range(processes)]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.acquire()
    begun_s = time.perf_counter()
    go.set()
    for worker in workers:
        worker.join(WAIT_S)
    return share * processes / (time.perf_counter() - begun_s)


@contextmanager
def collecting(folder: Path, port: int, url: str, own: int) -> Iterator[int]:
    """Run a collector at a broker; what it gives is the process's number."""
    files = Pki.shared().files(folder / f"collector-{own}", f"centre.bench-{own}")
    group, config, log = folder / "group", files / "collector.toml", files / "log"
    group.write_text("0" * 32)
    group.chmod(0o600)
    config.write_text(
        f'[broker]\nhost = "{HOST}"\nport = {port}\ngroup = "{group}"\n[store]\npostgresql = "{url}"\n'
        '[centre]\nca = "ca.pem"\ncertificate = "device.pem"\nkey = "device.key"\nbatches = ["batches.key"]\n'
    )
    command = [sys.executable, "-m", "centre.main", "collect", "--json", "--config", str(config)]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out) as process:
        try:
            end_s = time.monotonic() + WAIT_S
            while b'"connected"' not in log.read_bytes():
                if process.poll() is not None or time.monotonic() > end_s:
                    raise RuntimeError(f"a collector did not connect: {log.read_text()}")
                time.sleep(0.02)
            yield process.pid
        finally:
            process.kill()


def collected_by(processes: int, server: Postgres, folder: Path, messages: Sequence[Message]) -> tuple[float, float]:
    """Return how long some collectors took for messages of 400, and the CPU seconds of all of them."""
    url = server.database()
    broker = Mosquitto(folder / "mosquitto", None, ("max_queued_messages 0", "max_inflight_messages 0"))
    with ExitStack() as stack:
        broker.start()
        stack.callback(broker.stop)
        pids = [stack.enter_context(collecting(folder, broker.port, url, own)) for own in range(processes)]
        device = stack.enter_context(open_broker("mqtt", host=HOST, port=broker.port, client_id="devices"))
        device.subscribe("greengate/v1/+/ack")
        while not device.connected:
            time.sleep(0.01)
        before_s = sum(cpu_of(pid) for pid in pids)
        begun_s = time.perf_counter()
        send(device, messages)
        took_s = time.perf_counter() - begun_s
        return took_s, sum(cpu_of(pid) for pid in pids) - before_s


def send(device: Broker, messages: Sequence[Message]) -> None:
    """Send messages, no more than `OUTSTANDING` ahead of their acknowledgements, until the last has its own."""
    sent = acknowledged = 0
    while acknowledged < len(messages):
        if sent < len(messages) and sent - acknowledged < OUTSTANDING:
            try:
                device.publish(*messages[sent])
            except BrokerError:
                time.sleep(0.001)
            else:
                sent += 1
        while device.receive(0 if sent < len(messages) and sent - acknowledged < OUTSTANDING else 1) is not None:
            acknowledged += 1
            if acknowledged == len(messages):
                return


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / sysconf("SC_CLK_TCK")


def as_processes(server: Postgres, records: int, rounds: int) -> dict[str, Any]:
    """Return the rates of one and two processes, in turns, that store, and that collect from a broker."""
    url = server.database()
    open_store(url).close()
    made = [one.batch for one in batches("gate", SIZE, records)]
    pki = Pki.shared()
    messages = [
        Message(batch_topic(one.device), encode_batch(one, pki.signer(one.device), pki.recipient()).message)
        for one in made
    ]
    found: dict[str, dict[int, list[float]]] = {name: {1: [], 2: []} for name in ("store", "broker", "broker_cpu_s")}
    with tempfile.TemporaryDirectory() as name:
        for turn, processes in itertools.product(range(rounds), (1, 2)):
            found["store"][processes].append(stored_by(processes, url, f"p{turn}-{processes}-", records))
            folder = Path(name) / f"{turn}-{processes}"
            folder.mkdir()
            took_s, cpu_s = collected_by(processes, server, folder, messages)
            found["broker"][processes].append(records / took_s)
            found["broker_cpu_s"][processes].append(cpu_s / records * TEN_THOUSAND)
    return {name: {count: statistics.median(values) for count, values in by.items()} for name, by in found.items()}

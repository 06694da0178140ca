"""Collectors as processes at a real broker, and devices that send to them until all is acknowledged."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from drivers.broker import open_broker
from drivers.errors import BrokerError
from firmware.wire import Ack, Batch, ack_topic, batch_topic, decode_ack, encode_batch
from tests.fixtures_mqtt import HOST
from tests.pki import Pki

WAIT_S = 30.0
RESEND_S = 1.0


class CollectorProcess:
    """`greengate-centre collect` with a configuration of its own."""

    def __init__(self, folder: Path, port: int, store: str, name: str = "one", *, more: str = "") -> None:
        files = Pki.shared().files(folder / name, f"centre.{name}")
        group = folder / "group"
        group.write_text("0" * 32)
        group.chmod(0o600)
        self.config, self.log = files / "collector.toml", files / "log"
        self.config.write_text(
            f'[broker]\nhost = "{HOST}"\nport = {port}\ngroup = "{group}"\n[store]\n{store}\n'
            '[centre]\nca = "ca.pem"\ncertificate = "device.pem"\nkey = "device.key"\nbatches = ["batches.key"]\n'
            f"{more}"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, connected: bool = True) -> Self:
        """Start it, and wait until it is connected."""
        before = len(self.events())
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "centre.main", "collect", "--json", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stdout=log)
        if connected:
            self.until("connected", before)
        return self

    def events(self) -> list[dict[str, Any]]:
        """Return what it reported so far, whole lines only."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]

    def until(self, event: str, before: int = 0) -> dict[str, Any]:
        """Wait until it reports something."""
        end_s = time.monotonic() + WAIT_S
        while time.monotonic() < end_s:
            found = [one for one in self.events()[before:] if one.get("event") == event]
            if found:
                return found[0]
            if self.process is None or self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.end()
        raise AssertionError(f"no {event}: {self.log.read_text()}")

    def end(self, number: signal.Signals = signal.SIGKILL) -> int | None:
        """End it; return its exit code."""
        if self.process is None:
            return None
        self.process.send_signal(number)
        code = self.process.wait(WAIT_S)
        self.process = None
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


class Devices:
    """Send batches again and again until each is acknowledged, as devices do; in any order."""

    def __init__(self, port: int) -> None:
        self.pki = Pki.shared()
        self.broker = open_broker("mqtt", host=HOST, port=port, client_id="devices", retry_min_s=0.05)
        self.acks: list[Ack] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.broker.close()

    def send(self, batches: Sequence[Batch], *, within_s: float = WAIT_S) -> None:
        """Send until each is acknowledged."""
        open_ = {(one.device, one.epoch, one.last_seq): one for one in batches}
        for device in {one.device for one in batches}:
            self.broker.subscribe(ack_topic(device))
        end_s, again_s = time.monotonic() + within_s, 0.0
        while open_ and time.monotonic() < end_s:
            if time.monotonic() >= again_s and self.broker.connected:
                again_s = time.monotonic() + RESEND_S
                for one in open_.values():
                    self.publish(one)
            message = self.broker.receive(0.05)
            if message is not None:
                ack = decode_ack(message.payload, self.pki.authority, None)
                self.acks.append(ack)
                open_.pop((ack.device, ack.epoch, ack.up_to), None)
        assert not open_, f"{len(open_)} batches are not acknowledged"

    def publish(self, batch: Batch) -> None:
        """Send a batch once."""
        encoded = encode_batch(batch, self.pki.signer(batch.device), self.pki.recipient())
        try:
            self.broker.publish(batch_topic(batch.device), encoded.message)
        except BrokerError:
            time.sleep(0.01)  # the broker does not keep up: it is sent again

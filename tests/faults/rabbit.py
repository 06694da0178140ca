"""RabbitMQ with its MQTT plug-in, as Debian has it: somebody else's broker, from a temporary folder on free ports.

The configuration is the one that docs/brokers.md shows: what is written here and there must say the same.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from firmware.lifeline import tied
from tests.fixtures_mqtt import HOST, free_port

HOME = Path("/usr/lib/rabbitmq/bin")  # Debian's own wrapper in /usr/sbin would use the system's folders and user
START_S = 60.0
STOP_S = 20.0
CONFIG = """\
listeners.tcp = none
mqtt.listeners.tcp = none
mqtt.listeners.ssl.default = {host}:{port}
ssl_options.cacertfile = {ca}
ssl_options.certfile = {certificate}
ssl_options.keyfile = {key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
mqtt.ssl_cert_login = true
ssl_cert_login_from = common_name
mqtt.allow_anonymous = false
mqtt.exchange = amq.topic
mqtt.subscription_ttl = 3600000
max_message_size = 262144
load_definitions = {definitions}
"""
DEVICE_WRITES = r"^greengate\.v1\.{username}\.(batch|probe|status|report)$"
DEVICE_READS = r"^greengate\.v1\.({username}\.(ack|command)|trust)$"
COLLECTOR_WRITES = r"^greengate\.v1\.([a-z0-9-]+\.(ack|command)|trust)$"
COLLECTOR_READS = r"^greengate\.v1\.((\*|[a-z0-9-]+)\.(batch|status|report)|trust)$"


COLLECTOR_CLIENT = "collector-[0-9a-f]{8}"  # another one at each start


def definitions(devices: Collection[str], collectors: Collection[str]) -> dict[str, Any]:
    """Return users and their rights, in RabbitMQ's own format; a user is whoever has a certificate of that name."""
    names = {**dict.fromkeys(devices, (DEVICE_WRITES, DEVICE_READS))}
    names |= dict.fromkeys(collectors, (COLLECTOR_WRITES, COLLECTOR_READS))
    rights: dict[str, Any] = {"vhosts": [{"name": "/"}], "users": [], "permissions": [], "topic_permissions": []}
    for name, (write, read) in names.items():
        client = f"({name.replace('.', '[.]')}|{COLLECTOR_CLIENT})" if name in collectors else name
        own = f"mqtt-subscription-{client}qos[01]"
        both = {"user": name, "vhost": "/"}
        rights["users"].append({"name": name, "password_hash": "", "tags": ""})  # no password opens it
        own_or_topic = f"^({own}|amq[.]topic)$"
        rights["permissions"].append({**both, "configure": f"^{own}$", "write": own_or_topic, "read": own_or_topic})
        rights["topic_permissions"].append({**both, "exchange": "amq.topic", "write": write, "read": read})
    return rights


def no_rabbit() -> str | None:
    """Return why there can be no RabbitMQ on this machine, if there can be none."""
    if not (HOME / "rabbitmq-server").exists() or shutil.which("erl") is None:
        return "needs RabbitMQ (apt-get install rabbitmq-server)"
    return None


needs_rabbit = pytest.mark.skipif(no_rabbit() is not None, reason=no_rabbit() or "")


@dataclass
class Rabbit:
    """A node of its own: killed and started at will, always on the same port; all it started ends with it."""

    folder: Path
    ca: Path
    certificate: Path
    key: Path
    rights: dict[str, Any]
    port: int = field(default_factory=free_port)
    _epmd_port: int = field(default_factory=free_port)
    _dist_port: int = field(default_factory=free_port)
    _processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "definitions.json").write_text(json.dumps(self.rights))
        (self.folder / "rabbitmq.conf").write_text(self._config())
        (self.folder / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")
        environment = self._environment()
        with self.log.open("ab") as log:
            for command in (["epmd", "-port", str(self._epmd_port)], [str(HOME / "rabbitmq-server")]):
                # Its own epmd first: the one that Erlang would start is tied to nobody.
                self._processes.append(subprocess.Popen(tied(command), env=environment, stdout=log, stderr=log))
        end_s = time.monotonic() + START_S
        while not self._listens():
            if self._processes[-1].poll() is not None or time.monotonic() > end_s:
                self.stop()
                pytest.fail(f"RabbitMQ did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Kill it with all that it started."""
        mark = f"ERL_EPMD_PORT={self._epmd_port}"  # in the environment of each of them
        end_s = time.monotonic() + STOP_S
        while found := _with_environment(mark):
            for process in found:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            for ours in self._processes:
                ours.poll()
            assert time.monotonic() < end_s, f"RabbitMQ's processes do not end: {found}"
            time.sleep(0.02)
        for ours in self._processes:
            ours.wait(STOP_S)
        self._processes.clear()

    def forget(self) -> None:
        """Lose all state, as with another machine; for a broker that is stopped."""
        shutil.rmtree(self.folder / "mnesia")

    @property
    def log(self) -> Path:
        """Return the file with what it says."""
        return self.folder / "rabbitmq.log"

    @property
    def _node(self) -> str:
        return f"greengate-{self.port}@localhost"

    def _config(self) -> str:
        files = {"ca": self.ca, "certificate": self.certificate, "key": self.key}
        return CONFIG.format(host=HOST, port=self.port, definitions=self.folder / "definitions.json", **files)

    def _environment(self) -> dict[str, str]:
        folder = self.folder
        return {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(Path.cwd()),  # of what ties it to this process
            "LANG": "C.UTF-8",
            "HOME": str(folder),  # of Erlang's cookie
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(folder / "feature_flags"),
        }

    def _listens(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), 1).close()
        except OSError:
            return False
        return True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _with_environment(line: str) -> list[int]:
    """Return the processes that were started with a line in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines = (process / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended, or is another user's
            continue
        if line.encode() in lines:
            found.append(int(process.name))
    return found

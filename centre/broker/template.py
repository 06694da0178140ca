"""mosquitto's configuration and access list, as text (pure): who connects, and who writes and reads which topic."""

from collections.abc import Iterable
from pathlib import Path
from string import Template
from typing import Final

MESSAGE_MAX_BYTES: Final = 256 * 1024  # of a batch: docs/wire.md
PACKET_MAX_BYTES: Final = MESSAGE_MAX_BYTES + 1024  # with its topic and MQTT's own
QUEUE_MAX_BYTES: Final = 64 * 1024 * 1024  # ours: what a stalled collector may make the broker hold

_CONFIG = Template("""\
# Written by `greengate-centre mosquitto`: what is changed here is lost when it runs again.
user $user
pid_file $pid_file
log_dest stderr
log_type error
log_type warning
log_type notice

# A check-in lies at its device until the centre has it: the broker keeps nothing, on no disk.
persistence false
retain_available false
persistent_client_expiration 1h

# Bounds on what one client may ask of everybody's broker.
max_packet_size $packet_max
message_size_limit $message_max
max_inflight_messages 20
max_queued_messages 1000
max_queued_bytes $queue_max
max_keepalive 300

# The certificate says who a client is: its common name is user name, client id, and part of the topics.
allow_anonymous false
allow_zero_length_clientid false
acl_file $acl

listener $port$bind
max_connections $connections
cafile $ca
crlfile $crl
certfile $certificate
keyfile $key
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
use_username_as_clientid true
""")

_ACL_HEAD = """\
# Written by `greengate-centre mosquitto`. %u is the common name of the client's certificate.
# A device writes its batches, and a probe that shows it may write at all; it reads its own acknowledgements.
pattern write greengate/v1/%u/batch
pattern write greengate/v1/%u/probe
pattern read greengate/v1/%u/ack
"""
_ACL_COLLECTOR = Template("""
user $name
topic read greengate/v1/+/batch
topic write greengate/v1/+/ack
""")


def config_text(
    *,
    folder: Path,
    ca: Path,
    crl: Path,
    port: int,
    bind: str | None,
    user: str,
    pid_file: Path,
    connections: int = 5000,
) -> str:
    """Return mosquitto.conf; `folder` holds the access list, the server's certificate and its key."""
    return _CONFIG.substitute(
        user=user,
        pid_file=pid_file,
        packet_max=PACKET_MAX_BYTES,
        message_max=MESSAGE_MAX_BYTES,
        queue_max=QUEUE_MAX_BYTES,
        acl=folder / "acl",
        port=port,
        bind="" if bind is None else f" {bind}",
        connections=connections,
        ca=ca,
        crl=crl,
        certificate=folder / "server.pem",
        key=folder / "server.key",
    )


def acl_text(collectors: Iterable[str]) -> str:
    """Return the access list; what it does not name is forbidden. `collectors` are names such as `centre.main`."""
    return _ACL_HEAD + "".join(_ACL_COLLECTOR.substitute(name=name) for name in collectors)

"""mosquitto's configuration and access list, as text (pure): who connects, and who writes and reads which topic."""

from collections.abc import Iterable
from pathlib import Path
from string import Template
from typing import Final

from firmware.wire import MAX_BATCH_BYTES

PACKET_MAX_BYTES: Final = MAX_BATCH_BYTES + 1024  # with its topic and MQTT's own
QUEUE_MAX_BYTES: Final = 64 * 1024 * 1024  # ours: what a stalled collector may make the broker hold
QUEUE_MAX_MESSAGES: Final = 20_000  # ours: of thousands of kiosks, each has some batches on the way; bytes bound it too
INFLIGHT_MAX: Final = 200  # ours: what a collector commits at once

_CONFIG = Template("""\
# Written by `greengate-centre mosquitto`: what is changed here is lost when it runs again.
user $user
pid_file $pid_file
log_dest stderr
log_type error
log_type warning
log_type notice

# A check-in lies at its device until the centre has it: the broker keeps nothing, on no disk. In memory it keeps each
# device's last status (retained); after its restart the devices, which come back, tell it anew.
persistence false
retain_available true
# A kiosk that was away gets its acknowledgements and commands for so long, and then subscribes anew.
persistent_client_expiration 1h

# Bounds on what one client may ask of everybody's broker.
max_packet_size $packet_max
message_size_limit $message_max
max_inflight_messages $inflight_max
max_queued_messages $messages_max
max_queued_bytes $queue_max
max_keepalive 300

# The certificate says who a client is: its common name is user name, client id, and part of the topics.
allow_anonymous false
allow_zero_length_clientid false
acl_file $acl

listener $port$bind
max_connections $connections
max_qos 1
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
# A device writes its batches, how it is, what it reports, and a probe that shows it may write at all; it reads its own
# acknowledgements and commands. What is told to all of them, that there is newer trust, only collectors write.
pattern write greengate/v1/%u/batch
pattern write greengate/v1/%u/probe
pattern write greengate/v1/%u/status
pattern write greengate/v1/%u/report
pattern read greengate/v1/%u/ack
pattern read greengate/v1/%u/command
pattern read greengate/v1/trust
"""
_ACL_COLLECTOR = Template("""
user $name
topic read greengate/v1/+/batch
topic read greengate/v1/+/status
topic read greengate/v1/+/report
topic write greengate/v1/+/ack
topic write greengate/v1/+/command
topic readwrite greengate/v1/trust
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
        message_max=MAX_BATCH_BYTES,
        messages_max=QUEUE_MAX_MESSAGES,
        inflight_max=INFLIGHT_MAX,
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

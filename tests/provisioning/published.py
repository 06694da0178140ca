"""A nation's trust repository as it is published, brought to a device in a test."""

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from tests.firmware.trust_repo import NOW, Nation, rule_file, write
from tests.provisioning.kiosk import signer

PROVINCE = "vn-sg"


def nation(certificate: bytes | None = None) -> Nation:
    """Return a nation with one signer, and a province with one rule."""
    made = Nation()
    entry = {"kid": b"12345678", "format": "hcert", "certificate": certificate or signer(NOW)}
    made.files["signers.json"] = msgspec.json.encode({"version": 1, "signers": [entry]})
    made.provinces[PROVINCE] = {f"rules/province/{PROVINCE}/R1.json": rule_file("R1", areas=("VN-SG",))}
    return made


def published(made: Nation, folder: Path, *, issued: datetime = NOW, expires: datetime | None = None) -> Path:
    """Publish to a folder, with the first root beside the metadata."""
    until = {} if expires is None else {"timestamp": expires}
    write(made.publish(issued=issued, expires=until), folder)
    (folder / "root.json").write_bytes(made.first_root)
    return folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving_files(folder: Path) -> Iterator[int]:
    """Serve a folder on a port of this machine."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(10)

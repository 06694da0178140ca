"""Files of revocations, made for tests, and what of them is revoked then."""

import base64
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from centre.trust.home import TrustHome
from centre.trust.revocation_db import Kind, RevocationDb
from tests.centre.trust_import_site import NOW
from tests.simulators.ecdsa import base64url

KID = bytes(range(8))
THUMBPRINT = base64url(bytes(range(32)))
UVCI = "URN:UVCI:01:VN:1234567890#A"


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def hashes(*numbers: int) -> set[bytes]:
    return {digest(number)[:16] for number in numbers}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def batch(*numbers: int, **change: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON has it
    said = {"country": "DE", "expires": "2027-06-01T00:00:00Z", "kid": b64(KID), "hashType": "SIGNATURE"}
    return said | {"entries": [{"hash": b64(digest(number)[:16])} for number in numbers]} | change


def chunk(version: int, *numbers: int, number: int = 1, last: int = 1, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    said = {"id": "61bcc7c3da0f876422c6a67f", "version": version, "chunk": number, "lastChunk": last}
    return said | {"revokedUcvi": [b64(digest(one)) for one in numbers]} | more


def delta(before: int, version: int, insertions: Any = (), deletions: Any = (), **more: Any) -> dict[str, Any]:  # noqa: ANN401
    both = (("insertions", insertions), ("deletions", deletions))
    lists = {name: [b64(digest(one)) for one in numbers] for name, numbers in both}
    return chunk(version, fromVersion=before, delta=lists, **more) | {"revokedUcvi": None}


def crl(*rids: str, ctr: Any = 1) -> dict[str, Any]:  # noqa: ANN401 - as JSON has it
    return {"kid": THUMBPRINT, "method": "rid", "ctr": ctr, "rids": rids}


def written(folder: Path, name: str, content: Any) -> Path:  # noqa: ANN401 - as JSON has it
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def revoked(home: TrustHome, kind: Kind, kid: bytes = b"", at: timedelta = timedelta(0)) -> set[bytes]:
    with RevocationDb.open(home.home) as db:
        joined = b"".join(db.blobs(kid, kind, NOW + at))
        assert ((kid, kind) in list(db.groups(NOW + at))) == bool(joined)
    return {joined[at : at + 16] for at in range(0, len(joined), 16)}

"""The protocol's test vectors: `python -m tests.firmware.wire_vectors` writes them to docs/ anew.

Signatures and sealing draw random bytes, so a new file differs from the one before; what it says is the same.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from firmware.checkin import COLUMNS, CheckIn, from_row, to_row
from firmware.detail_names import Detail
from firmware.details import seal_details, unseal_details
from firmware.wire import Ack, Batch, digest_of, encode_ack, encode_batch
from firmware.wire_cbor import dumps
from firmware.wire_device import Order, Report, Status, encode_order, encode_report, encode_status
from firmware.wire_trust import TRUST_TOPIC, Announcement, encode_announcement
from tests.firmware.checkins import checkin
from tests.pki import PEM, PLAIN, Pki

FILE = Path(__file__).parents[2] / "docs" / "protocol-vectors.json"
DEVICE = "gate-1"
COLLECTOR = "centre.main"
EPOCH = bytes.fromhex("0123456789abcdef")
AT_MS = 1_772_434_800_000
DETAILS: dict[Detail, str] = {"name": "NGUYỄN VĂN A", "birth-date": "1990-02-03"}
REPORT = {"version": "0.1.0", "unsent": 3, "diagnostics": []}


def batches(pki: Pki) -> dict[str, Batch]:
    detailed = checkin(4)
    sealed = seal_details(DETAILS, DEVICE, detailed.id, pki.recipient("details"))
    refused = replace(checkin(2), verdict="refused", reason="expired", kinds=("test", "recovery"))
    undecided = replace(checkin(3), verdict="undecided", reason="unsupported-kind", kinds=(), pseudonym=None)
    rows: dict[str, tuple[CheckIn, ...]] = {
        "one accepted check-in, the first of its epoch": (checkin(1),),
        "refused and undecided, after the batch above": (refused, replace(undecided, clock="untrusted", lane="7")),
        "with identity details, after the batch above": (replace(detailed, details=sealed),),
        "staff let somebody in, and they passed": (
            replace(checkin(5), type="override", reason="staff-override", kinds=(), pseudonym=None, about=refused.id),
            replace(checkin(6), type="passage", reason="passed", kinds=(), pseudonym=None, about=refused.id),
        ),
        "a technician's test, after the batch above": (replace(checkin(7), direction="test"),),
    }
    made: dict[str, Batch] = {}
    first_seq, previous = 1, bytes(32)
    for name, records in rows.items():
        made[name] = Batch(DEVICE, EPOCH, first_seq, tuple(map(to_row, records)), previous)
        first_seq, previous = first_seq + len(records), digest_of(made[name])
    return made


def vectors() -> dict[str, Any]:
    """Return what the file holds: bytes in hex, keys in PEM."""
    pki = Pki()
    device, collector = pki.signer(DEVICE), pki.signer(COLLECTOR)
    rows = []
    for name, batch in batches(pki).items():
        message, digest = encode_batch(batch, device, pki.recipient())
        ack = Ack(batch.device, batch.epoch, batch.last_seq, digest)
        rows.append(
            {
                "name": name,
                "topic": f"greengate/v1/{DEVICE}/batch",
                "message": message.hex(),
                "records": dumps([value for row in batch.rows for value in row]).hex(),
                "hash": digest.hex(),
                "fields": fields(batch),
                "ack_topic": f"greengate/v1/{DEVICE}/ack",
                "ack": encode_ack(ack, collector).hex(),
            }
        )
    return {"version": 1, "keys": keys(pki), "batches": rows, **_others(pki), "details": DETAILS}


def _others(pki: Pki) -> dict[str, Any]:
    device, collector = pki.signer(DEVICE), pki.signer(COLLECTOR)
    status = Status(
        DEVICE,
        AT_MS,
        online=True,
        unsent=3,
        oldest_ms=AT_MS - 5000,
        fill_permille=12,
        version="0.1.0",
        trust_ms=AT_MS - 3_600_000,
    )
    order = Order(DEVICE, bytes(16), AT_MS, "report")
    report = Report(DEVICE, AT_MS, json.dumps(REPORT).encode())
    announcement = Announcement(7, AT_MS)
    return {
        "status": {
            "message": encode_status(status, device).hex(),
            "online": True,
            "unsent": 3,
            "oldest_ms": AT_MS - 5000,
            "fill_permille": 12,
            "version": "0.1.0",
            "trust_ms": AT_MS - 3_600_000,
        },
        "command": {"message": encode_order(order, collector).hex(), "command": "report", "id": bytes(16).hex()},
        "report": {"message": encode_report(report, device, pki.recipient()).hex(), "json": REPORT},
        "trust": {
            "topic": TRUST_TOPIC,
            "message": encode_announcement(announcement, collector).hex(),
            "version": announcement.version,
            "issued_ms": announcement.issued_ms,
        },
    }


def keys(pki: Pki) -> dict[str, str]:
    def private(key: Any) -> str:  # noqa: ANN401 - P-256 and X25519
        return str(key.private_bytes(*PLAIN).decode())

    device: ec.EllipticCurvePrivateKey = pki.identity(DEVICE)[0]
    return {
        "authority": pki.certificate.public_bytes(PEM).decode(),
        "device": private(device),
        "collector": private(pki.identity(COLLECTOR)[0]),
        "seal.batches": private(pki.sealing["batches"]),
        "seal.details": private(pki.sealing["details"]),
    }


def fields(batch: Batch) -> dict[str, Any]:
    names = COLUMNS.split(", ")
    records = []
    for row in batch.rows:
        record = {name: value.hex() if type(value) is bytes else value for name, value in zip(names, row, strict=True)}
        records.append(record | {"id": str(from_row(row).id)})
    return {
        "device": batch.device,
        "epoch": batch.epoch.hex(),
        "first_seq": batch.first_seq,
        "records": records,
        "previous": batch.previous.hex(),
    }


def details_of(batch: Batch, pki_key: Any) -> dict[str, str] | None:  # noqa: ANN401 - an Unsealer
    """Return the details in the first record of a batch, where it has any."""
    first = from_row(batch.rows[0])
    return None if first.details is None else unseal_details(first.details, batch.device, first.id, pki_key)


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

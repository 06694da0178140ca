"""The wire format's test vectors: `python -m tests.firmware.wire_vectors` writes them to docs/ anew."""

import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2

from firmware.wire import Ack, Batch, encode_ack, encode_batch
from tests.firmware.checkins import checkin

FILE = Path(__file__).parents[2] / "docs" / "wire-vectors.json"
EPOCH = bytes.fromhex("0123456789abcdef")


def batches() -> dict[str, Batch]:
    first = Batch("gate-1", EPOCH, 1, (checkin(1),))
    refused = replace(checkin(2), verdict="refused", reason="expired", kinds=("test", "recovery"))
    undecided = replace(checkin(3), verdict="undecided", reason="not-a-pass", kinds=(), pseudonym=None)
    mixed = (refused, replace(undecided, clock_trusted=False, direction="out", lane="7"))
    second = Batch("gate-1", EPOCH, 2, mixed, encode_batch(first).digest)
    tried = (replace(checkin(4), direction="test"),)
    return {
        "one accepted check-in, the first of its epoch": first,
        "refused and undecided, after the batch above": second,
        "a technician's test, after the batch above": Batch("gate-1", EPOCH, 4, tried, encode_batch(second).digest),
    }


def vectors() -> dict[str, Any]:
    """Return what the file holds: bytes in hex, the payload of a batch inflated."""
    rows = []
    for name, batch in batches().items():
        message, digest = encode_batch(batch)
        payload = zlib.decompress(cbor2.loads(message).value[2])
        ack = encode_ack(Ack(batch.device, batch.epoch, batch.last_seq, digest))
        rows.append(
            {
                "name": name,
                "topic": f"greengate/v1/{batch.device}/batch",
                "message": message.hex(),
                "payload": payload.hex(),
                "hash": digest.hex(),
                "fields": fields(batch),
                "ack_topic": f"greengate/v1/{batch.device}/ack",
                "ack": ack.hex(),
            }
        )
    return {"version": 1, "batches": rows}


def fields(batch: Batch) -> dict[str, Any]:
    records = [
        {
            "id": str(one.id),
            "at_ms": one.at_ms,
            "clock_trusted": one.clock_trusted,
            "lane": one.lane,
            "direction": one.direction,
            "verdict": one.verdict,
            "reason": one.reason,
            "kinds": list(one.kinds),
            "pseudonym": one.pseudonym and one.pseudonym.hex(),
        }
        for one in batch.records
    ]
    return {
        "device": batch.device,
        "epoch": batch.epoch.hex(),
        "first_seq": batch.first_seq,
        "records": records,
        "previous": batch.previous.hex(),
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

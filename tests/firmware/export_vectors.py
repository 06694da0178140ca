"""The export format's test vectors: `python -m tests.firmware.export_vectors` writes them to docs/ anew."""

import json
import zlib
from pathlib import Path
from typing import Any

from firmware.export import Exporter, ack_name, check_export, encode_acks, export_name
from firmware.wire import Ack, Batch, encode_batch
from tests.firmware.wire_vectors import batches, fields

FILE = Path(__file__).parents[2] / "docs" / "export-vectors.json"
DIGEST_BYTES = 32


def vectors() -> dict[str, Any]:
    """Return what the file holds: whole files in hex, and what is wrong with others."""
    all_batches = list(batches().values())
    whole = exported(all_batches)
    found = check_export(whole, allow_unsigned=True)
    acks = [Ack(one.device, one.epoch, one.last_seq, encode_batch(one).digest) for one in all_batches]
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    return {
        "version": 1,
        "exports": [
            {
                "name": export_name(found),
                "file": whole.hex(),
                "batches": [fields(batch) for batch in all_batches],
                "answer_name": ack_name(found.device, found.epoch, found.last_seq),
                "answer": encode_acks(acks).hex(),
            }
        ],
        "refused": [
            {"fault": "cut-short", "file": whole[:-1].hex()},
            {"fault": "cut-short", "file": whole[:40].hex()},
            {"fault": "altered", "file": bytes(flipped).hex()},
            {"fault": "altered", "file": exported(all_batches[::-1]).hex()},
            {"fault": "newer", "file": (b"GGJRNL2\n" + whole[8:]).hex()},
            {"fault": "foreign", "file": zlib.compress(whole).hex()},
        ],
    }


def exported(several: list[Batch]) -> bytes:
    """Return the export of batches."""
    exporter = Exporter()
    for batch in several:
        exporter.add(encode_batch(batch))
    return exporter.finish()


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

"""The export format's test vectors: `python -m tests.firmware.export_vectors` writes them to docs/ anew.

Signatures and sealing draw random bytes, so a new file differs from the one before; what it says is the same.
"""

import json
import zlib
from pathlib import Path
from typing import Any

from firmware.export import Exporter, ack_name, check_export, encode_acks, export_name
from firmware.wire import Ack, Batch, digest_of, encode_batch
from tests.firmware.wire_vectors import COLLECTOR, DEVICE, batches, fields, keys
from tests.pki import Pki

FILE = Path(__file__).parents[2] / "docs" / "export-vectors.json"


def vectors() -> dict[str, Any]:
    """Return what the file holds: whole files in hex, what is wrong with others, and every key in PEM."""
    pki = Pki()
    all_batches = list(batches(pki).values())
    whole = exported(all_batches, pki)
    found = check_export(whole, pki.authority)
    acks = [Ack(one.device, one.epoch, one.last_seq, digest_of(one)) for one in all_batches]
    name = ack_name(found.device, found.epoch, found.last_seq)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    return {
        "version": 1,
        "keys": keys(pki),
        "exports": [
            {
                "name": export_name(found),
                "file": whole.hex(),
                "batches": [fields(batch) for batch in all_batches],
                "answer_name": name,
                "answer": encode_acks(acks, pki.signer(COLLECTOR)).hex(),
            }
        ],
        "refused": [
            {"fault": "cut-short", "file": whole[:-1].hex()},
            {"fault": "cut-short", "file": whole[:40].hex()},
            {"fault": "altered", "file": bytes(flipped).hex()},
            {"fault": "altered", "file": exported(all_batches[::-1], pki).hex()},
            {"fault": "untrusted", "file": exported(all_batches, pki, "gate-2").hex()},
            {"fault": "untrusted", "file": exported(all_batches, Pki()).hex()},
            {"fault": "newer", "file": (b"GGJRNL2\n" + whole[8:]).hex()},
            {"fault": "foreign", "file": zlib.compress(whole).hex()},
        ],
        "refused_answers": [
            {"fault": "untrusted", "name": name, "file": encode_acks(acks, pki.signer(DEVICE)).hex()},
            {"fault": "untrusted", "name": name, "file": encode_acks(acks, Pki().signer(COLLECTOR)).hex()},
        ],
    }


def exported(several: list[Batch], pki: Pki, signer: str = DEVICE) -> bytes:
    """Return the export of batches."""
    exporter = Exporter()
    for batch in several:
        exporter.add(encode_batch(batch, pki.signer(signer), pki.recipient()))
    return exporter.finish()


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

"""What a simulated camera is shown: a good pass, the ways in which one is not, and whom to trust for them.

The issuers' keys lie nowhere, they are in memory.
"""

from datetime import datetime, timedelta
from pathlib import Path

import cbor2
import msgspec
import segno

from firmware.trust_folder import REVOKED
from provisioning.issuer import DemoIssuer, demo_entry, hc1
from verifier.revocation import uci_hash

REVOKED_UCI = "URN:UVCI:01:VN:DEMOREVOKED#A"


def lay_showing(pictures: Path, trust: Path, at: datetime) -> None:
    """Write pictures of passes and the trust data to judge them by, as of now (`at`, aware), into empty folders.

    The pictures come last: who sees one finds whom to trust.
    """
    issuer = DemoIssuer(at)
    (trust / "demo.der").write_bytes(issuer.certificate_der)
    (trust / REVOKED).write_bytes(msgspec.json.encode({"uci": [uci_hash(REVOKED_UCI).hex()]}))
    for number, (name, text) in enumerate(passes(issuer, at).items(), start=1):
        segno.make(text, error="m", micro=False).save(str(pictures / f"{number}-{name}.png"), scale=6, border=4)


def passes(issuer: DemoIssuer, at: datetime) -> dict[str, str]:
    """Return the texts of one good pass and of the five ways in which one is not."""
    return {
        "accepted": issuer.issue(),
        "expired": issuer.issue(issued=at - timedelta(days=200), expires=at - timedelta(days=20)),
        "forged": _forged(issuer, at),
        "revoked": issuer.issue({"ci": REVOKED_UCI}),
        "unknown-issuer": DemoIssuer(at).issue(kind="t"),
        "not-a-pass": "https://example.org/menu",
    }


def _forged(issuer: DemoIssuer, at: datetime) -> str:
    """Return a pass whose claims were changed after they were signed."""
    certificate = {"ver": "1.3.0", "nam": {"fnt": "TRAN"}, "dob": "1980-01-01", "v": [demo_entry("v", "VN", at)]}
    signed, changed = (
        cbor2.dumps({1: "VN", 4: int(at.timestamp()) + seconds, -260: {1: certificate}}) for seconds in (60, 10**8)
    )
    protected, unprotected, _, signature = issuer.sign1(signed)
    return hc1(cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, changed, signature])))

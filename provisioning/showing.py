"""What a simulated camera is shown: good documents, the ways in which one is not, and whom to trust for them.

The issuers' keys lie nowhere, they are in memory.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import cbor2
import msgspec

from firmware.trust_folder import REVOKED
from firmware.trust_store import SIGNERS
from provisioning.demo_lane import AREA, ROAD, lay_lane
from provisioning.demo_office import DemoOffice
from provisioning.issuer import DemoIssuer, demo_entry, hc1
from provisioning.pictures import codes_png
from verifier.revocation import uci_hash
from verifier.signers import encode_signers

REVOKED_UCI = "URN:UVCI:01:VN:DEMOREVOKED#A"
LABORATORY = "Cong Xanh demo lab"
TEST_HOURS = 20
OLD_TEST_HOURS = 80  # the lane's rule takes 72
_AN = {1: "NGUYEN", 2: "VAN<AN", 3: "1990-01-01"}  # whom the demonstration's health passes name
_BINH = {1: "TRAN", 2: "THI<BINH", 3: "1985-05-05"}
_IDENTITY_CARD = "079090000001||Nguyễn Văn An|01011990|Nam|Cong Xanh demo|01012022"
_GREEN_LANE_LINK = "https://luongxanh.example/giay-phep?id=DEMO0001"
_WIFI = "WIFI:S:Quan An;T:nopass;;"


def lay_showing(pictures: Path, trust: Path, at: datetime) -> None:
    """Write pictures of passes and the trust data to judge them by, as of now (`at`, aware), into empty folders.

    The pictures come last: who sees one finds whom to trust.
    """
    issuer = _trusted(trust, at)
    _hang(pictures, {name: (text,) for name, text in passes(issuer, at).items()})


def lay_green_lane(pictures: Path, trust: Path, at: datetime) -> None:
    """Do the same for a lane with rules and a profile, to which lorries come: see `visits`."""
    issuer = _trusted(trust, at)
    transport = DemoOffice(at, AREA, ("vehicle",))
    laboratory = DemoOffice(at, LABORATORY, ("test",))
    (trust / SIGNERS).write_bytes(encode_signers(office.entry() for office in (transport, laboratory)))
    lay_lane(trust, at)
    _hang(pictures, visits(issuer, transport, laboratory, at))


def passes(issuer: DemoIssuer, at: datetime) -> dict[str, str]:
    """Return the texts of one good pass and of the five ways in which one is not."""
    return {
        "accepted": issuer.issue(),
        "expired": issuer.issue(issued=at - timedelta(days=200), expires=at - timedelta(days=20)),
        "forged": _forged(issuer, at),
        "revoked": issuer.issue({"ci": REVOKED_UCI}),
        "unknown-issuer": DemoIssuer(at).issue(kind="t"),
        "not-a-pass": _WIFI,
    }


def visits(
    issuer: DemoIssuer, transport: DemoOffice, laboratory: DemoOffice, at: datetime
) -> dict[str, tuple[str, ...]]:
    """Return the texts that lorries' drivers show, picture by picture: a permit, the test to it, and what is wrong."""
    bad = {name: (text,) for name, text in passes(issuer, at).items() if name != "accepted"}
    return {
        "permit": (_permit(transport, "51C12345"),),
        "test": (_test(laboratory, at, _AN, TEST_HOURS),),
        "permit-and-vaccination": (_permit(transport, "50H67890"), issuer.issue()),
        "two-people": (issuer.issue(), _test(laboratory, at, _BINH, TEST_HOURS)),
        "old-test": (_test(laboratory, at, _AN, OLD_TEST_HOURS),),
        **bad,
        "identity-card": (_IDENTITY_CARD,),
        "green-lane-link": (_GREEN_LANE_LINK,),
    }


def _trusted(trust: Path, at: datetime) -> DemoIssuer:
    """Return an issuer of health passes that a folder trusts from now on."""
    issuer = DemoIssuer(at)
    (trust / "demo.der").write_bytes(issuer.certificate_der)
    (trust / REVOKED).write_bytes(msgspec.json.encode({"uci": [uci_hash(REVOKED_UCI).hex()]}))
    return issuer


def _hang(pictures: Path, shown: Mapping[str, tuple[str, ...]]) -> None:
    digits = len(str(len(shown)))
    for number, (name, texts) in enumerate(shown.items(), start=1):
        (pictures / f"{number:0{digits}}-{name}.png").write_bytes(codes_png(*texts))


def _permit(office: DemoOffice, plate: str) -> str:
    """Return a permit for two in a tractor with essential goods, on this lane's road at all hours."""
    return office.issue("vehicle", {10: plate, 11: 2, 12: "0301234567", 13: [ROAD], 14: 1, 16: 2})


def _test(office: DemoOffice, at: datetime, holder: Mapping[int, str], hours: int) -> str:
    """Return a test by PCR, not detected, sampled so many hours ago."""
    sampled_s = int((at - timedelta(hours=hours)).timestamp())
    return office.issue("test", {1: dict(holder), 40: 1, 41: sampled_s, 43: 0, 44: office.name})


def _forged(issuer: DemoIssuer, at: datetime) -> str:
    """Return a pass whose claims were changed after they were signed."""
    certificate = {"ver": "1.3.0", "nam": {"fnt": "TRAN"}, "dob": "1980-01-01", "v": [demo_entry("v", "VN", at)]}
    signed, changed = (
        cbor2.dumps({1: "VN", 4: int(at.timestamp()) + seconds, -260: {1: certificate}}) for seconds in (60, 10**8)
    )
    protected, unprotected, _, signature = issuer.sign1(signed)
    return hc1(cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, changed, signature])))

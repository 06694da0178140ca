"""Texts made to cost a verifier dear, in the formats beside the EU's: permits, cards, seals and unsigned codes.

Groups whose name begins with `claims` are signed by a trusted issuer: what somebody could make with a stolen key.
"""

import json
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import cbor2

from bench.crafted import ROOM, SCANNER_CHARS, colliding
from tests.simulators import lx1, nzcp, shc, vds_nc
from tests.simulators.ecdsa import base64url
from verifier import base45
from verifier.compression import COSE_MAX_BYTES
from verifier.documents.lx1 import PAYLOAD_MAX_BYTES
from verifier.documents.shc import PREFIX as SHC
from verifier.documents.shc import TEXT_MAX_CHARS as SHC_MAX_CHARS
from verifier.prefix import TEXT_MAX_CHARS
from verifier.trust import Signer

BINARY_MAX_BYTES = 2860  # in Base45, of the largest QR code
BASE32_MAX_BYTES = 2680
SHC_DIGITS = (SHC_MAX_CHARS - len(SHC)) // 2 * 2
JWS_MAX_CHARS = SHC_DIGITS // 2
JSON_CHARS = TEXT_MAX_CHARS - 100  # what is left around what is crafted
SEAL_CHARS = 2400  # beside a certificate and a signature


class Issuers(NamedTuple):
    """An issuer of each format, all of them trusted."""

    lx1: lx1.Lx1Issuer
    shc: shc.ShcIssuer
    nzcp: nzcp.NzcpIssuer
    vds_nc: vds_nc.VdsNcIssuer

    @classmethod
    def new(cls, at: datetime) -> "Issuers":
        """Return issuers with new keys; the authority of the seals has an RSA key, which takes longest to check."""
        return cls(
            lx1.Lx1Issuer(),
            shc.ShcIssuer(at),
            nzcp.NzcpIssuer(at),
            vds_nc.VdsNcIssuer(at, "ES512", authority="RSA", rsa_bits=4096),
        )

    def signers(self) -> list[Signer]:
        """Return them as a list of signers has them."""
        others = (issuer.trust_entry() for issuer in (self.shc, self.nzcp, self.vds_nc))
        return [entry.signer() for entry in (self.lx1.entry(), *others)]


def crafted_kinds(issuers: Issuers, at: datetime) -> Iterator[tuple[str, str]]:
    """Yield names and texts."""
    for group, cases in (
        ("lx1", _lx1(issuers.lx1)),
        ("claims of lx1", _permits(issuers.lx1, at)),
        ("shc", _shc(issuers.shc)),
        ("claims of shc", _cards(issuers.shc)),
        ("nzcp", _nzcp(issuers.nzcp)),
        ("claims of nzcp", [("good", issuers.nzcp.issue())]),
        ("vds-nc", _vds_nc(issuers.vds_nc)),
        ("claims of vds-nc", _seals(issuers.vds_nc)),
        ("unsigned", _unsigned()),
    ):
        for name, text in cases:
            yield f"{group}: {name}", text


def _lx1(issuer: lx1.Lx1Issuer) -> Iterator[tuple[str, str]]:
    def packed(data: bytes) -> str:
        return "LX1:" + base45.encode(zlib.compress(data, 9)[:BINARY_MAX_BYTES])

    yield "bomb, 2.8 MB of zeros", packed(bytes(2_800_000))
    yield "zeros up to the bound", packed(bytes(COSE_MAX_BYTES))
    yield "nested arrays", packed(b"\x81" * ROOM)
    yield "unprotected keys of one hash", packed(b"\x84\x40" + colliding(b"", 0) + b"\x40\x40")
    yield "protected keys of one hash", packed(cbor2.dumps([colliding(b"", 0), {}, b"", b""]))
    yield "payload of 15 KB", packed(issuer.message(bytes(15_000)))
    yield "signature of 15 KB", packed(cbor2.dumps(cbor2.CBORTag(18, [*issuer.parts(b"")[:3], bytes(15_000)])))
    yield (
        "a signature of nothing but ones",
        lx1.text_of(cbor2.dumps(cbor2.CBORTag(18, [*issuer.parts(b"\xa0")[:3], b"\xff" * 64]))),
    )


def _permits(issuer: lx1.Lx1Issuer, at: datetime) -> Iterator[tuple[str, str]]:
    for kind in lx1.KIND_NAMES:
        yield f"good, {kind}", issuer.issue(kind, at)
    small = colliding(b"", 0, room=PAYLOAD_MAX_BYTES - 8)
    yield "keys of one hash", lx1.text_of(issuer.message(small))
    yield "keys of one hash in the permit", lx1.text_of(issuer.message(b"\xa1\x3a\x00\x01\x00\x00" + small))
    yield "1000 nested arrays", lx1.text_of(issuer.message(b"\x81" * 1000))


def _shc(issuer: shc.ShcIssuer) -> Iterator[tuple[str, str]]:
    header = base64url(json.dumps({"zip": "DEF", "alg": "ES256", "kid": base64url(issuer.kid)}).encode())
    room = JWS_MAX_CHARS - len(header) - 2

    yield "longest, zeros", SHC + "0" * SHC_DIGITS
    yield "longest, nines", SHC + "9" * SHC_DIGITS
    yield "points", shc.numeric("." * JWS_MAX_CHARS)
    for name, unit in (("brackets", b"["), ("open strings", b'{"')):
        yield f"a header of {name}", shc.numeric(base64url(unit * (760 // len(unit))) + "..")
    yield "a header of nothing else", shc.numeric(f"{'A' * (JWS_MAX_CHARS - 2)}..")
    yield "a payload of nothing else", shc.numeric(f"{header}.{'A' * (room // 4 * 4)}.")
    yield "a signature of nothing else", shc.numeric(f"{header}..{'A' * (room // 4 * 4)}")


def _cards(issuer: shc.ShcIssuer) -> Iterator[tuple[str, str]]:
    def card(text: str) -> str:
        return shc.numeric(issuer.jws(shc.deflated(text.encode())))

    def bundled(*resources: dict[str, Any]) -> str:
        subject = {"fhirVersion": "4.0.1", "fhirBundle": shc.bundle(shc.patient(), *resources)}
        return issuer.issue(vc={"type": [shc.HEALTH_CARD], "credentialSubject": subject})

    yield "good", issuer.issue()
    yield "bomb, 1 MB of zeros", card("\0" * 1_000_000)
    yield "spaces up to the bound", card(" " * COSE_MAX_BYTES)
    for name, unit in (("brackets", "["), ("objects", '{"":'), ("empty lists", "[],"), ("quotes", '"\\""')):
        yield f"{name} up to the bound", card("[" + unit * ((COSE_MAX_BYTES - 1) // len(unit)))
    yield "a string of escapes", card('"' + "\\u1ec7" * 2700 + '"')
    yield "short numbers", card("[" + "1," * 8000 + "1]")
    yield "40 doses of 2 codings", bundled(*(_coded(f"2021-01-{day % 28 + 1:02}", 2) for day in range(40)))
    yield "a dose of 220 codings", bundled(_coded("2021-01-01", 220))
    yield "a name of 3000 letters", bundled(shc.dose("2021-01-01", lotNumber="x" * 3000))


def _coded(date: str, count: int) -> dict[str, Any]:
    coding = [{"system": "http://hl7.org/fhir/sid/cvx", "code": str(number)} for number in range(count)]
    return shc.dose(date, vaccineCode={"coding": coding})


def _nzcp(issuer: nzcp.NzcpIssuer) -> Iterator[tuple[str, str]]:
    room = BASE32_MAX_BYTES - 200

    yield "longest, zeros", nzcp.PREFIX + "A" * (TEXT_MAX_CHARS - len(nzcp.PREFIX))
    yield "nested arrays", nzcp.text_of(b"\x81" * room)
    yield "unprotected keys of one hash", nzcp.text_of(b"\x84\x40" + colliding(b"", 0, room=room) + b"\x40\x40")
    yield (
        "signed keys of one hash",
        nzcp.text_of(cbor2.dumps(cbor2.CBORTag(18, list(issuer.parts(colliding(b"", 0, room=room)))))),
    )


def _vds_nc(issuer: vds_nc.VdsNcIssuer) -> Iterator[tuple[str, str]]:
    def text(inside: str) -> str:
        return f'{{"data":"sig":{inside}'

    certificate = issuer.certificate

    for name, unit in (("brackets", "["), ("objects", '{"":'), ("open strings", '"\\""'), ("escapes", "\\\\u12")):
        yield name, text(unit * (JSON_CHARS // len(unit)))
    yield "an open string of escapes", text('"' + "\\\\" * (JSON_CHARS // 2))
    yield "names of one object", text("{" + ",".join(f'"{number}":0' for number in range(500)) + "}}")
    yield "spaces", '{"data" "sig"' + " " * SCANNER_CHARS
    yield "a certificate of zeros", issuer.text(issuer.data(), cer=base64url(bytes(2000)))
    yield "a certificate of nested sequences", issuer.text(issuer.data(), cer=base64url(b"\x30\x80" * 1000))
    yield (
        "a certificate whose signature is another's",
        issuer.text(issuer.data(), cer=base64url(certificate[:-1] + bytes([certificate[-1] ^ 1]))),
    )
    yield "a signature of zeros", issuer.text(issuer.data(), sigvl=base64url(bytes(132)))


def _seals(issuer: vds_nc.VdsNcIssuer) -> Iterator[tuple[str, str]]:
    yield "good", issuer.issue()
    yield "names to sort", issuer.issue(add={chr(0x1F600 + number): 0 for number in range(SEAL_CHARS // 9)})
    yield "nested lists", issuer.issue(add=json.loads("[" * 28 + "]" * 28))
    yield "a holder of blanks", issuer.issue(pid={"n": "< " * (SEAL_CHARS // 2)})
    yield "a vaccine of many words", issuer.issue(ve=[{"dis": "RA01", "nam": "A " * (SEAL_CHARS // 2), "vd": []}])
    yield "200 events", issuer.issue(ve=[{}] * 200)


def _unsigned() -> Iterator[tuple[str, str]]:
    for name, field in (("before", "{}x"), ("around", "{}1{}x"), ("behind", "x{}")):
        spaced = field.replace("{}", " " * (SCANNER_CHARS // 12))
        yield f"spaces {name} each field", "|".join([spaced] * 6)
    yield "fields", "079090123456|" * (SCANNER_CHARS // 13)
    yield "a card of spaces", "079090123456||" + " " * SCANNER_CHARS
    yield "a name in hexadecimal", f"0790901234|{'41' * (SCANNER_CHARS // 2)}|01/01/1990"
    yield (
        "a name of marks",
        "079090123456||A" + "\N{COMBINING ACUTE ACCENT}\N{COMBINING DOT BELOW}" * 1400 + "|01011990",
    )
    yield "a link without a path", "https://" + "a." * (SCANNER_CHARS // 2)
    yield "a reference", "A" * SCANNER_CHARS
    yield "braces", "{" * SCANNER_CHARS

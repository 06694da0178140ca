"""Every faulty variant of a signed permit (LX1), by name, with the reason that it must get."""

import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import cbor2

from tests.simulators.lx1 import (
    ALG_NUMBERS,
    KIND_NAMES,
    PERMIT,
    Algorithm,
    KindName,
    Lx1Issuer,
    encoded,
    message_of,
    seconds,
    text_of,
)
from tests.simulators.lx1_bounds import BOUNDS, OPTIONAL, WRONG_TYPES
from verifier import base45
from verifier.revocation import lx1_hash
from verifier.signers import SignerEntry

LAB_NAME = "Phòng xét nghiệm số 7"


class Faulty(NamedTuple):
    """A permit that must not be accepted."""

    name: str
    text: str
    reason: str
    issuer: Lx1Issuer  # by whose key it is signed


class FaultyPermits:
    """Makes them.

    Args:
        issuer: Whose permits they would be.
        at: The time to judge at.
        seed: Makes the other issuers' keys the same each time; None: random.
    """

    def __init__(self, issuer: Lx1Issuer, at: datetime, *, seed: str | None = None) -> None:
        def other(name: str, algorithm: Algorithm = "EdDSA", **more: Any) -> Lx1Issuer:  # noqa: ANN401 - as its class
            return Lx1Issuer(algorithm, seed=seed and f"{seed} {name}", **more)

        self.issuer = issuer
        self._at = at
        self.laboratory = other("laboratory", issuer=LAB_NAME, kinds=("test",))
        self.province = other("province", "ES256", issuer="VN-43")
        self.retired = other("retired")
        self.stranger = other("stranger", issuer.algorithm)
        self._revoked = issuer.claims("vehicle", at)

    def entries(self) -> list[SignerEntry]:
        """Return the list of signers to judge them by."""
        over = self._at - timedelta(days=30)
        return [
            self.issuer.entry(),
            self.laboratory.entry(),
            self.province.entry(issuers=(), areas=("VN-43",)),
            self.retired.entry(not_after=over),
        ]

    def revoked(self) -> frozenset[bytes]:
        """Return the hashes of revoked permits."""
        return frozenset({lx1_hash(self._revoked[7])})

    def __iter__(self) -> Iterator[Faulty]:
        """Give all of them."""
        for made in (
            self._texts(),
            self._envelopes(),
            self._signatures(),
            self._encodings(),
            self._claims(),
            self._kinds(),
            self._fields(),
        ):
            for name, text, reason in made:
                yield Faulty(name, text, reason, self.issuer)
        yield from self._scopes()

    def _good(self, kind: KindName = "vehicle") -> dict[int, Any]:
        return self.issuer.claims(kind, self._at)

    def _texts(self) -> Iterator[tuple[str, str, str]]:
        text = self.issuer.issue("vehicle", self._at)
        message = message_of(text)
        packed = zlib.compress(message, 9)
        yield "another prefix", "LX2:" + text[4:], "unsupported-kind"
        yield "small letters", text[:4] + text[4:].lower(), "bad-base45"
        yield "a single character over", text_of(message + b"\0" * (len(message) % 2)) + "A", "bad-base45"
        yield "longer than a QR code holds", text + "0" * 4296, "bad-base45"
        yield "zlib bomb", "LX1:" + base45.encode(zlib.compress(bytes(1 << 20), 9)), "bad-compression"
        yield "zlib cut short", "LX1:" + base45.encode(packed[:-4]), "bad-compression"
        yield "bytes behind zlib", "LX1:" + base45.encode(packed + b"\0"), "bad-compression"
        yield "zlib with a window of 1 KiB", "LX1:" + base45.encode(_small_window(message)), "bad-cose"
        yield "nothing", "LX1:", "bad-cose"

    def _envelopes(self) -> Iterator[tuple[str, str, str]]:
        claims = encoded(self._good())
        issuer = self.issuer
        protected, unprotected, payload, signature = parts = issuer.parts(claims)
        tagged = b"\xd2" + cbor2.dumps(list(parts))
        alg, other_alg = ALG_NUMBERS[issuer.algorithm], {-7: -8, -8: -7}[ALG_NUMBERS[issuer.algorithm]]

        def headed(**headers: Any) -> str:  # noqa: ANN401 - any CBOR
            return text_of(issuer.message(claims, **headers))

        yield "no tag", text_of(tagged[1:]), "bad-cose"
        yield "tag 61 around it", text_of(b"\xd8\x3d" + tagged), "bad-cose"
        yield "another tag", text_of(b"\xd1" + tagged[1:]), "bad-cose"
        yield "bytes behind the message", text_of(tagged + b"\0"), "bad-cose"
        yield "three parts", text_of(b"\xd2" + cbor2.dumps([protected, unprotected, payload])), "bad-cose"
        yield "array of indefinite length", text_of(b"\xd2\x9f" + tagged[2:] + b"\xff"), "bad-cose"
        chunked = b"\x5f" + cbor2.dumps(payload[:9]) + cbor2.dumps(payload[9:]) + b"\xff"
        indefinite = b"\xd2\x84" + cbor2.dumps(protected) + b"\xa0" + chunked + cbor2.dumps(signature)
        yield "payload of indefinite length", text_of(indefinite), "bad-cose"
        yield "alg missing", headed(protected=encoded({4: issuer.kid})), "bad-cose"
        yield "kid missing", headed(protected=encoded({1: alg})), "bad-cose"
        yield "kid unprotected", headed(protected=encoded({1: alg}), unprotected={4: issuer.kid}), "bad-cose"
        yield "kid twice", headed(unprotected={4: issuer.kid}), "bad-cose"
        yield "kid of 7 bytes", headed(protected=encoded({1: alg, 4: issuer.kid[:7]})), "bad-cose"
        yield "a header more", headed(protected=encoded({1: alg, 4: issuer.kid, 3: 0})), "bad-cose"
        yield "critical header", headed(protected=encoded({1: alg, 2: [99], 4: issuer.kid, 99: 0})), "bad-cose"
        yield "header keys out of order", headed(protected=cbor2.dumps({4: issuer.kid, 1: alg})), "bad-cose"
        yield "alg PS256", headed(protected=encoded({1: -37, 4: issuer.kid})), "bad-cose"
        yield "alg none", headed(protected=encoded({1: 0, 4: issuer.kid})), "bad-cose"
        yield "alg of another kind of key", headed(protected=encoded({1: other_alg, 4: issuer.kid})), "bad-signature"

    def _signatures(self) -> Iterator[tuple[str, str, str]]:
        claims = self._good()
        protected, _, payload, signature = self.issuer.parts(encoded(claims))

        def made(payload: bytes = payload, signature: bytes = signature) -> str:
            return text_of(b"\xd2" + cbor2.dumps([protected, {}, payload, signature]))

        plate = payload.index(b"51C12345")
        yield "a flipped byte of the plate", made(payload=_flipped(payload, plate)), "bad-signature"
        yield "a flipped byte of the signature", made(signature=_flipped(signature, 40)), "bad-signature"
        yield "signature of 63 bytes", made(signature=signature[:63]), "bad-signature"
        yield "signature of 65 bytes", made(signature=signature + b"\0"), "bad-signature"
        yield "no signature", made(signature=b""), "bad-signature"
        yield "signature of zeros", made(signature=bytes(64)), "bad-signature"
        by_another = self.stranger.parts(payload, protected=protected)[3]
        yield "signed by another key", made(signature=by_another), "bad-signature"
        of_another = self.issuer.parts(encoded(claims | {1: "VN-HN"}))[3]
        yield "signature of another permit", made(signature=of_another), "bad-signature"

    def _encodings(self) -> Iterator[tuple[str, str, str]]:
        claims = self._good()
        payload = encoded(claims)
        permit = encoded(claims[PERMIT])
        head = payload[: -len(permit)]

        def signed(payload: bytes) -> str:
            return text_of(self.issuer.message(payload))

        yield "bytes behind the claims", signed(payload + b"\0"), "bad-cwt"
        yield "claims cut short", signed(payload[:-1]), "bad-cwt"
        yield "claims of indefinite length", signed(b"\xbf" + payload[1:] + b"\xff"), "bad-cwt"
        yield "permit of indefinite length", signed(head + b"\xbf" + permit[1:] + b"\xff"), "bad-cwt"
        yield "a number longer than it need be", signed(payload.replace(b"\x10\x02", b"\x10\x18\x02")), "bad-cwt"
        yield "permit's keys out of order", signed(head + cbor2.dumps(_reversed(claims[PERMIT]))), "bad-cwt"
        yield "claims out of order", signed(cbor2.dumps(_reversed(claims))), "bad-cwt"
        twice = bytes([payload[0] + 1]) + b"\x01\x61A" + payload[1:]
        yield "a claim twice", signed(twice), "bad-cwt"
        twice = head + bytes([permit[0] + 1]) + b"\x00\x00" + permit[1:]
        yield "a field twice", signed(twice), "bad-cwt"
        yield "tagged time", signed(encoded(claims | {4: cbor2.CBORTag(1, claims[4])})), "bad-cwt"
        yield "true in place of claim 1", signed(encoded({True: claims[1]} | _without(claims, 1))), "bad-cwt"
        yield "claims in a text", signed(cbor2.dumps(payload.hex())), "bad-cwt"
        yield "claims too long", signed(encoded(claims | {PERMIT: claims[PERMIT] | {17: "x" * 1024}})), "bad-cwt"

    def _claims(self) -> Iterator[tuple[str, str, str]]:
        claims = self._good()
        at_s = seconds(self._at)

        def with_(**changes: Any) -> str:  # noqa: ANN401 - any CBOR
            return self.issuer.text(claims | {int(name[1:]): value for name, value in changes.items()})

        yield "expired", with_(c4=at_s - 1), "expired"
        yield "issued in the future", with_(c6=at_s + 1), "not-yet-valid"
        yield "not before a later time", with_(c5=at_s + 1), "not-yet-valid"
        yield "revoked", self.issuer.text(self._revoked), "revoked"
        for label in (1, 4, 6, 7, PERMIT):
            yield f"claim {label} missing", self.issuer.text(_without(claims, label)), "bad-cwt"
        for label in claims:
            for shown, wrong in (("null", None), ("a float", 1.5), ("an array", [])):
                yield f"claim {label} is {shown}", self.issuer.text(claims | {label: wrong}), "bad-cwt"
        yield "claim 2, which permits do not have", with_(c2="x"), "bad-cwt"
        yield "issuer empty", with_(c1=""), "bad-cwt"
        yield "issuer with a space behind", with_(c1="VN-SG "), "bad-cwt"
        yield "issuer of 121 bytes", with_(c1="x" * 121), "bad-cwt"
        yield "issuer with an override of direction", with_(c1="VN\u202eSG"), "bad-cwt"
        yield "identifier of 15 bytes", with_(c7=bytes(15)), "bad-cwt"
        yield "identifier as a text", with_(c7="0" * 16), "bad-cwt"
        yield "expiry below zero", with_(c4=-1), "bad-cwt"
        yield "expiry after the year 9999", with_(c4=253_402_300_800), "bad-cwt"
        yield "expiry true", with_(c4=True), "bad-cwt"

    def _kinds(self) -> Iterator[tuple[str, str, str]]:
        permit = self._good()[PERMIT]
        for shown, kind in (("4", 4), ("-1", -1), ("a text", "vehicle"), ("true", True), ("null", None)):
            yield f"kind {shown}", self._with_permit(permit | {0: kind}), "bad-payload"
        yield "kind missing", self._with_permit(_without(permit, 0)), "bad-payload"
        yield "no fields", self._with_permit({}), "bad-payload"
        for kind in KIND_NAMES:
            fields = self._good(kind)[PERMIT]
            yield f"{kind}: field 99, which is not known", self._with_permit(fields | {99: 0}), "bad-payload"
            yield f"{kind}: a field named by a text", self._with_permit(fields | {"10": "51C12345"}), "bad-payload"
            for number in fields.keys() - {0} - OPTIONAL:
                yield f"{kind}: field {number} missing", self._with_permit(_without(fields, number)), "bad-payload"
        yield "vehicle: a holder", self._with_permit(permit | {1: self._good("travel")[PERMIT][1]}), "bad-payload"

    def _fields(self) -> Iterator[tuple[str, str, str]]:
        for kind in KIND_NAMES:
            fields = self._good(kind)[PERMIT]
            for number in sorted(fields.keys() - {0}):
                for shown, wrong in WRONG_TYPES.items():
                    name = f"{kind}: field {number} is {shown}"
                    yield name, self._with_permit(fields | {number: wrong}), "bad-payload"
        for name, kind, change in BOUNDS:
            fields = self._good(kind)[PERMIT]
            yield f"{kind}: {name}", self._with_permit(fields | change(fields)), "bad-payload"

    def _scopes(self) -> Iterator[Faulty]:
        at = self._at
        stranger = self.stranger
        yield Faulty("a key that nobody listed", stranger.issue("vehicle", at), "unknown-issuer", stranger)
        yield Faulty("a key past its time", self.retired.issue("vehicle", at), "signer-not-valid", self.retired)
        laboratory = self.laboratory
        yield Faulty("a laboratory's vehicle", laboratory.issue("vehicle", at), "wrong-key-usage", laboratory)
        as_province = laboratory.text(laboratory.claims("test", at) | {1: "VN-SG"})
        yield Faulty("under another issuer's name", as_province, "outside-scope", laboratory)
        elsewhere = self.province.text(self.province.claims("vehicle", at) | {1: "VN-SG"})
        yield Faulty("for another province", elsewhere, "outside-scope", self.province)

    def _with_permit(self, permit: dict[Any, Any]) -> str:
        return self.issuer.text(self._good() | {PERMIT: permit})


def _flipped(data: bytes, index: int) -> bytes:
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]


def _without(fields: dict[int, Any], number: int) -> dict[Any, Any]:
    return {key: value for key, value in fields.items() if key != number}


def _reversed(fields: dict[int, Any]) -> dict[int, Any]:
    return dict(reversed(fields.items()))


def _small_window(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 10)
    return packer.compress(data) + packer.flush()

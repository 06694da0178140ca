"""Every faulty variant of a VDS-NC seal, by name, with the reason that it must get."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.simulators.ecdsa import base64url, flipped, signed_raw
from tests.simulators.vds_nc import VdsNcIssuer
from tests.verifier.certificates import BAD_BASIC_CONSTRAINTS
from verifier import canonical_json

Variant = tuple[str, str, str]
"""A name, a text, and the reason that it must get."""
_ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")
_P256 = bytes.fromhex("06082a8648ce3d030107")


class FaultyVdsNcIssuer(VdsNcIssuer):
    """Signs seals, and makes those that must not be accepted."""

    def faulty(self) -> dict[str, str]:
        """Return the texts by name."""
        return {name: text for name, text, _ in self.variants()}

    def variants(self) -> Iterator[Variant]:
        """Give all of them."""
        yield from self._texts()
        yield from self._seals()
        yield from self._forged()
        yield from self._certificates()
        yield from self._messages()

    def _texts(self) -> Iterator[Variant]:
        text = self.issue()
        yield "cut short", text[:-1], "bad-encoding"
        yield "text behind", text + "x", "bad-encoding"
        yield "longer than a QR code holds", text + " " * 4296, "bad-encoding"
        yield "data twice", text.replace('{"data"', '{"data":{},"data"', 1), "bad-encoding"
        yield "a name twice in the message", text.replace('"seq":2', '"seq":2,"seq":3'), "bad-encoding"
        yield "nested too deeply", text.replace('"seq":2', '"seq":' + "[" * 40 + "]" * 40), "bad-encoding"
        yield "brackets", '{"data":"sig":' + "[" * 4000, "bad-encoding"
        yield "a number with a fraction", text.replace('"seq":2', '"seq":2.5'), "bad-encoding"
        yield "a number beyond 2^53", text.replace('"seq":2', '"seq":9007199254740993'), "bad-encoding"
        yield "a float beyond 2^53", text.replace('"seq":2', '"seq":9007199254740993.0'), "bad-encoding"
        yield "a number of 2000 digits", text.replace('"seq":2', '"seq":2' + "0" * 2000), "bad-encoding"
        yield "infinity", text.replace('"seq":2', '"seq":-Infinity'), "bad-encoding"
        yield "half a surrogate pair", text.replace("JANE", r"JANE\udc00"), "bad-encoding"
        yield "half a surrogate pair as it is", text.replace("JANE", "JANE\udc00"), "bad-encoding"
        name = b"Country Signing Authority"  # a string of bits: the library raises something else than for no name
        odd = self.certificate.replace(b"\x0c\x19" + name, b"\x03\x19\x00" + name[1:])
        yield "an authority's name that is no text", self.text(self.data(), cer=base64url(odd)), "bad-encoding"
        yield "a control character", text.replace("JANE", "JANE\t"), "bad-encoding"
        yield "data a list", self.text([]), "bad-encoding"

    def _seals(self) -> Iterator[Variant]:
        data = self.data()
        signature = signed_raw(self.key, canonical_json.encode(data))
        der = self.key.sign(canonical_json.encode(data), ec.ECDSA(hashes.SHA256()))

        def sealed(**seal: Any) -> str:  # noqa: ANN401 - any JSON
            return self.text(data, **seal)

        yield "sig missing", json.dumps({"data": data, "sig": None}), "bad-encoding"
        for member in ("alg", "cer", "sigvl"):
            yield f"{member} missing", sealed(**{member: None}), "bad-encoding"
            yield f"{member} a number", sealed(**{member: 1}), "bad-encoding"
        for alg in ("none", "HS256", "PS256", "RS256"):
            yield f"alg {alg}", sealed(alg=alg), "bad-encoding"
        yield "alg of another curve", sealed(alg="ES384"), "bad-signature"
        yield "signature in base64 with +", sealed(sigvl=base64url(signature)[:-1] + "+"), "bad-encoding"
        yield "signature with one = too few", sealed(sigvl=base64url(signature) + "="), "bad-encoding"
        yield "signature with bits behind", sealed(sigvl=_with_bits_behind(base64url(signature))), "bad-encoding"
        yield "signature in DER", sealed(sigvl=base64url(der)), "bad-signature"
        yield "no signature", sealed(sigvl=""), "bad-signature"
        yield "a flipped byte of the signature", sealed(sigvl=base64url(flipped(signature, 20))), "bad-signature"
        yield "another name", sealed().replace("JANE", "JOAN"), "bad-signature"
        yield "a number as a text", sealed().replace('"seq":2', '"seq":"2"'), "bad-signature"
        yield "certificate empty", sealed(cer=""), "bad-encoding"
        yield "certificate cut short", sealed(cer=base64url(self.certificate[:-1])), "bad-encoding"
        yield "certificate with bytes behind", sealed(cer=base64url(self.certificate + b"\0")), "bad-encoding"

    def _forged(self) -> Iterator[Variant]:
        """Give what no authority that is trusted vouched for."""
        forger = VdsNcIssuer(self.at, country=self.country, state=self.state)
        yield "another authority of the same name", forger.issue(), "unknown-issuer"
        forger.certificate = forger.certified(forger.key, "Country Signing Authority", by=_Own(forger.key))
        yield "certified by itself", forger.issue(), "unknown-issuer"
        stranger = VdsNcIssuer(self.at, country="NZ", state="NZL")
        yield "another country's authority", stranger.issue(), "unknown-issuer"
        yield (
            "its certificate, signed by another key",
            self.text(self.data(), sigvl=_signed(stranger, self.data())),
            ("bad-signature"),
        )
        yield (
            "a certificate changed",
            self._by(flipped(self.certificate, self.certificate.index(b"Barcode"))),
            ("unknown-issuer"),
        )
        weak = self.certified(self.key, "Weak", algorithm=hashes.SHA224())
        yield "certified with SHA-224", self._by(weak), "unknown-issuer"
        unknown = self.certificate.replace(_ECDSA_SHA256, _ECDSA_SHA256[:-1] + b"\x7f")
        yield "certified with an algorithm that is not known", self._by(unknown), "unknown-issuer"
        yield (
            "state of another country",
            self.text(self.data() | {"hdr": {"t": "icao.vacc", "v": 1, "is": "NZL"}}),
            ("outside-scope"),
        )
        yield (
            "state that is none",
            self.text(self.data() | {"hdr": {"t": "icao.vacc", "v": 1, "is": "UTO"}}),
            ("outside-scope"),
        )

    def _certificates(self) -> Iterator[Variant]:
        """Give what an authority did certify, but for something else, or for another time."""
        key = self.key

        def certified(**fields: Any) -> str:  # noqa: ANN401 - as of `VdsNcIssuer.certified`
            return self._by(self.certified(key, "Signer", **fields))

        usage = {
            name: name == "key_agreement"
            for name in (
                "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
            )
        }  # fmt: skip
        yield "a signer of passports", certified(usages=()), "wrong-key-usage"
        yield "a signer of other things", certified(usages=(ExtendedKeyUsageOID.CLIENT_AUTH,)), "wrong-key-usage"
        yield "another authority", certified(ca=True), "wrong-key-usage"
        yield "a key for agreement", certified(extensions=(x509.KeyUsage(**usage),)), "wrong-key-usage"
        yield "for tests alone", certified(types=("NT",)), "wrong-key-usage"
        yield "for passports alone", certified(types=("P<",)), "wrong-key-usage"
        yield "extensions that cannot be read", certified(extensions=(BAD_BASIC_CONSTRAINTS,)), "wrong-key-usage"
        yield "certificate too large", certified(extensions=(_ballast(2300),)), "bad-encoding"
        yield "certificate past", certified(not_after=timedelta(days=-1)), "signer-not-valid"
        yield "certificate to come", certified(not_before=timedelta(days=1)), "signer-not-valid"
        others = (
            rsa.generate_private_key(65537, 2048),
            ed25519.Ed25519PrivateKey.generate(),
            dsa.generate_private_key(2048),
        )
        for other in others:
            name = type(other).__name__
            yield f"key of kind {name}", self._by(self.certified(other, "Signer")), "wrong-key-usage"
        koblitz = self.certified(ec.generate_private_key(ec.SECP256K1()), "Signer")
        yield "key on another curve", self._by(koblitz), "bad-signature"
        curve = _certified_again(self, self.certificate, _P256, _P256[:-1] + b"\x7f")
        yield "key on a curve that is not known", self._by(curve), "wrong-key-usage"
        yield "the authority itself", self._by_authority(), "wrong-key-usage"

    def _messages(self) -> Iterator[Variant]:
        data = self.data()
        event = data["msg"]["ve"][0]

        def headed(**header: Any) -> str:  # noqa: ANN401 - any JSON
            return self.text(data | {"hdr": data["hdr"] | header})

        yield "version 2", headed(v=2), "unsupported-version"
        yield "version a text", headed(v="1"), "unsupported-version"
        yield "version true", headed(v=True), "unsupported-version"
        yield "type of another seal", headed(t="icao.visa"), "unsupported-kind"
        yield "type a list", headed(t=["icao.vacc"]), "bad-payload"
        yield "state a number", headed(**{"is": 36}), "bad-payload"
        yield "header missing", self.text({"msg": data["msg"]}), "bad-payload"
        yield "message missing", self.text({"hdr": data["hdr"]}), "bad-payload"
        yield "no events", self.issue(ve=None), "unsupported-kind"
        yield "no doses", self.issue(ve=[event | {"vd": []}]), "unsupported-kind"
        yield "doses without a date", self.issue(ve=[event | {"vd": [{"seq": 1}]}]), "unsupported-kind"
        yield "another disease", self.issue(ve=[event | {"dis": "1F03"}]), "unsupported-kind"
        yield (
            "neither disease nor a vaccine that is known",
            self.issue(ve=[{"des": "XM0", "vd": event["vd"]}]),
            ("unsupported-kind"),
        )
        yield "33 events", self.issue(ve=[{}] * 33), "bad-payload"
        yield "a test for antibodies", self.issue("test", tr={"tc": "antibody", "r": "negative"}), "unsupported-kind"

    def _by(self, certificate: bytes) -> str:
        return self.text(self.data(), cer=base64url(certificate))

    def _by_authority(self) -> str:
        """Return a seal signed with the authority's own key; only one on P-256 can."""
        data = self.data()
        if not isinstance(self.authority_key, ec.EllipticCurvePrivateKey):
            return self._by(self.authority)
        sigvl = base64url(signed_raw(self.authority_key, canonical_json.encode(data)))
        return self.text(data, cer=base64url(self.authority), sigvl=sigvl)


class _Own(VdsNcIssuer):
    """Who certifies with a signer's own key."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self.authority_key = key


def _signed(issuer: VdsNcIssuer, data: dict[str, Any]) -> str:
    return base64url(signed_raw(issuer.key, canonical_json.encode(data)))


def _with_bits_behind(text: str) -> str:
    return text[:-1] + chr(ord(text[-1]) + 1)  # of 64 bytes the last character has two bits of data: A, Q, g or w


def _ballast(size: int) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(size))


def _certified_again(issuer: VdsNcIssuer, der: bytes, old: bytes, new: bytes) -> bytes:
    """Return a certificate with some bytes replaced by as many others, and signed by the authority all the same."""
    body = x509.load_der_x509_certificate(der).tbs_certificate_bytes.replace(old, new)
    assert isinstance(issuer.authority_key, ec.EllipticCurvePrivateKey)
    signature = b"\0" + issuer.authority_key.sign(body, ec.ECDSA(hashes.SHA256()))
    inside = body + _der(0x30, _ECDSA_SHA256) + _der(0x03, signature)
    return _der(0x30, inside)


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content

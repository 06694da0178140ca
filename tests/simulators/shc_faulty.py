"""Every faulty variant of a SMART Health Card, by name, with the reason that it must get."""

import json
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.simulators.ecdsa import base64url, flipped
from tests.simulators.shc import (
    HEALTH_CARD,
    ShcIssuer,
    bundle,
    deflated,
    dose,
    jws_of,
    numeric,
    observation,
    patient,
)

Variant = tuple[str, str, str]
"""A name, a text, and the reason that it must get."""


class FaultyShcIssuer(ShcIssuer):
    """Signs cards, and makes those that must not be accepted."""

    def faulty(self) -> dict[str, str]:
        """Return the texts by name."""
        return {name: text for name, text, _ in self.variants()}

    def variants(self) -> Iterator[Variant]:
        """Give all of them."""
        yield from self._texts()
        yield from self._headers()
        yield from self._signatures()
        yield from self._payloads()
        yield from self._claims()
        yield from self._credentials()
        yield from self._bundles()

    def _texts(self) -> Iterator[Variant]:
        text = self.issue()
        yield "another prefix", text.replace("shc:", "shd:"), "unsupported-kind"
        yield "a chunk", "shc:/1/2/" + text[5:], "unsupported-version"
        yield "an odd number of digits", text[:-1], "bad-encoding"
        yield "a letter among the digits", text[:-1] + "A", "bad-encoding"
        yield "digits of another script", text[:-1] + "\u0665", "bad-encoding"
        yield "digits beyond ASCII", text + "99", "bad-encoding"
        yield "no digits", "shc:/", "bad-encoding"
        yield "longer than a QR code holds", "shc:/" + "00" * 3545, "bad-encoding"

    def _headers(self) -> Iterator[Variant]:
        payload = deflated(json.dumps(self.claims()).encode())
        good = self.jws(payload)
        head, *others = good.split(".")

        def made(**header: Any) -> str:  # noqa: ANN401 - any JSON
            return numeric(self.jws(payload, **header))

        yield "two parts", numeric(good.rpartition(".")[0]), "bad-jws"
        yield "four parts", numeric(f"{good}.AAAA"), "bad-jws"
        for alg in ("none", "NONE", "HS256", "RS256", "ES384", "EdDSA", "es256"):
            yield f"alg {alg}", made(alg=alg), "bad-jws"
        yield "alg none without a signature", numeric(self.jws(payload, alg="none").rpartition(".")[0] + "."), "bad-jws"
        yield "alg missing", made(alg=None), "bad-jws"
        yield "alg a list", made(alg=["ES256"]), "bad-jws"
        yield "zip missing", made(zip=None), "bad-jws"
        yield "zip another", made(zip="GZIP"), "bad-jws"
        yield "crit", made(crit=["exp"], exp=0), "bad-jws"
        yield "b64 false", made(crit=["b64"], b64=False), "bad-jws"
        yield "kid missing", made(kid=None), "bad-jws"
        yield "kid a number", made(kid=1), "bad-jws"
        yield "kid of 31 bytes", made(kid=base64url(self.kid[:31])), "bad-jws"
        yield "kid padded", made(kid=base64url(self.kid) + "="), "bad-encoding"
        yield "kid of nobody", made(kid=base64url(flipped(self.kid, 0))), "unknown-issuer"
        yield "header too long", made(x5c="A" * 1024), "bad-jws"
        yield "header a list", numeric(self.signed("[]", payload)), "bad-jws"
        yield "header no JSON", numeric(self.signed("{", payload)), "bad-encoding"
        yield "header not UTF-8", numeric(self.signed(b'{"alg":"\xff"}', payload)), "bad-encoding"
        twice = json.dumps({"alg": "none", "zip": "DEF", "kid": base64url(self.kid)})[:-1] + ',"alg":"ES256"}'
        yield "alg twice", numeric(self.signed(twice, payload)), "bad-encoding"
        padding = head + "=" * (-len(head) % 4 or 4)
        yield "header padded", numeric(".".join([padding, *others])), "bad-encoding"
        yield "header in base64 with +", numeric(".".join([head[:-1] + "+", *others])), "bad-encoding"

    def _signatures(self) -> Iterator[Variant]:
        card = jws_of(self.issue())
        signing_input, _, signature = card.rpartition(".")
        stranger = ShcIssuer(self.at, self.url)
        stranger.kid = self.kid
        yield "signed by another key", stranger.issue(), "bad-signature"
        other = jws_of(self.issue(nbf=1.5)).rpartition(".")[2]
        yield "signature of another card", numeric(f"{signing_input}.{other}"), "bad-signature"
        yield "no signature", numeric(f"{signing_input}."), "bad-signature"
        yield "signature of 63 bytes", numeric(f"{card[:-2]}"), "bad-signature"
        yield "signature of zeros", numeric(f"{signing_input}.{base64url(bytes(64))}"), "bad-signature"
        der = self.key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
        yield "signature in DER", numeric(f"{signing_input}.{base64url(der)}"), "bad-signature"
        behind = chr(ord(signature[-1]) + 1)  # of 64 bytes the last character has two bits of data: A, Q, g or w
        yield "bits behind the signature", numeric(card[:-1] + behind), "bad-encoding"
        head, payload, _ = card.split(".")
        bent = payload[:20] + ("A" if payload[20] != "A" else "B") + payload[21:]
        yield "another payload", numeric(f"{head}.{bent}.{signature}"), "bad-signature"

    def _payloads(self) -> Iterator[Variant]:
        data = json.dumps(self.claims()).encode()
        packed = deflated(data)

        def made(payload: bytes) -> str:
            return numeric(self.jws(payload))

        def said(text: str | bytes) -> str:
            return made(deflated(text if isinstance(text, bytes) else text.encode()))

        yield "zlib in place of DEFLATE", made(zlib.compress(data)), "bad-compression"
        yield "not compressed", made(data[:300]), "bad-compression"
        yield "cut short", made(packed[:-4]), "bad-compression"
        yield "bytes behind DEFLATE", made(packed + b"\0"), "bad-compression"
        yield "bomb", made(deflated(bytes(1 << 20))), "bad-compression"
        yield "no payload", made(b""), "bad-compression"
        yield "payload no JSON", said("{"), "bad-encoding"
        yield "payload twice", said(data * 2), "bad-encoding"
        yield "payload not UTF-8", said(b'{"iss":"\xff"}'), "bad-encoding"
        yield "payload with a name twice", said('{"iss":"a",' + data.decode()[1:]), "bad-encoding"
        yield "payload a list", said("[]"), "bad-jws"
        yield "payload nested too deeply", said("[" * 33 + "]" * 33), "bad-encoding"
        yield "payload of brackets", said("[" * 16_000), "bad-encoding"
        yield "payload with a huge number", said('{"nbf":1' + "0" * 5000 + "}"), "bad-encoding"
        yield "payload with 1e999", said('{"nbf":1e999}'), "bad-encoding"
        yield "payload with NaN", said('{"nbf":NaN}'), "bad-encoding"
        yield "payload with half a surrogate pair", said(r'{"iss":"\ud83d"}'), "bad-encoding"

    def _claims(self) -> Iterator[Variant]:
        now_s = self.at.timestamp()
        yield "iss missing", self.issue(iss=None), "bad-jws"
        yield "iss a number", self.issue(iss=1), "bad-jws"
        yield "iss of another", self.issue(iss=self.url + "/"), "outside-scope"
        yield "vc missing", self.issue(vc=None), "bad-jws"
        yield "nbf missing", self.issue(nbf=None), "bad-jws"
        yield "nbf a text", self.issue(nbf="1"), "bad-jws"
        yield "nbf true", self.issue(nbf=True), "bad-jws"
        yield "nbf in the future", self.issue(nbf=now_s + 1), "not-yet-valid"
        yield "exp a text", self.issue(exp="never"), "bad-jws"
        yield "exp past", self.issue(exp=now_s - 1), "expired"

    def _credentials(self) -> Iterator[Variant]:
        good = self.claims()["vc"]
        subject = good["credentialSubject"]

        def of(**changes: Any) -> str:  # noqa: ANN401 - any JSON
            return self.issue(vc=good | changes)

        yield "type missing", self.issue(vc={"credentialSubject": subject}), "unsupported-kind"
        yield "type a text", of(type=HEALTH_CARD), "unsupported-kind"
        yield "type of another credential", of(type=["VerifiableCredential"]), "unsupported-kind"
        yield "subject missing", self.issue(vc={"type": good["type"]}), "bad-payload"
        yield "subject a list", of(credentialSubject=[]), "bad-payload"
        yield "fhirVersion missing", of(credentialSubject={"fhirBundle": bundle()}), "bad-payload"
        yield "fhirVersion 3", of(credentialSubject=subject | {"fhirVersion": "3.0.1"}), "unsupported-version"
        yield "bundle missing", of(credentialSubject={"fhirVersion": "4.0.1"}), "bad-payload"
        yield "bundle a list", of(credentialSubject=subject | {"fhirBundle": []}), "bad-payload"

    def _bundles(self) -> Iterator[Variant]:
        day = f"{self.at - timedelta(days=20):%Y-%m-%d}"

        def of(*resources: Any, **changes: Any) -> str:  # noqa: ANN401 - any JSON
            held = {"fhirVersion": "4.0.1", "fhirBundle": bundle(*resources) | changes}
            return self.issue(vc={"type": [HEALTH_CARD], "credentialSubject": held})

        yield "another resource than a bundle", of(patient(), dose(day), resourceType="List"), "bad-payload"
        yield "entries a map", of(entry={}), "bad-payload"
        yield "65 entries", of(patient(), *[{}] * 64), "bad-payload"
        yield "no patient", of(dose(day)), "bad-payload"
        yield "two patients", of(patient(), patient(), dose(day)), "bad-payload"
        yield "a patient alone", of(patient()), "unsupported-kind"
        yield "a dose that was not given", of(patient(), dose(day, status="not-done")), "unsupported-kind"
        yield "a dose entered in error", of(patient(), dose(day, status="entered-in-error")), "unsupported-kind"
        yield "a dose without a date", of(patient(), dose(day, occurrenceDateTime=None)), "unsupported-kind"
        yield "a dose against influenza", of(patient(), dose(day, "140")), "unsupported-kind"
        yield (
            "a code of another system",
            of(patient(), dose(day, vaccineCode={"coding": [{"code": "208"}]})),
            ("unsupported-kind"),
        )
        yield "a test for antibodies", of(patient(), observation(day, "94762-2")), "unsupported-kind"
        yield "a preliminary test", of(patient(), observation(day, status="preliminary")), "unsupported-kind"
        yield "a test without a time", of(patient(), observation("lately")), "unsupported-kind"

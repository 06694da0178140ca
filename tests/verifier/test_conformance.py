"""The EU's public test data: the expected outcome of every layer of every file."""

import base64

import cbor2
import pytest

from tests.vectors import clock_of, dgc_files
from verifier import Layer, Outcome, Revocations, Signer, TrustList, Verifier, base45, compression, cose
from verifier.prefix import unprefixed

LAYER_OF = {
    "EXPECTEDUNPREFIX": Layer.UNPREFIX,
    "EXPECTEDB45DECODE": Layer.BASE45,
    "EXPECTEDCOMPRESSION": Layer.COMPRESSION,
    "EXPECTEDDECODE": Layer.COSE,
    "EXPECTEDVALIDOBJECT": Layer.PAYLOAD,
    "EXPECTEDVERIFY": Layer.SIGNATURE,
    "EXPECTEDEXPIRATIONCHECK": Layer.TIME,
    "EXPTECTEDEXPIRED": Layer.TIME,  # misspelt, and true where the pass is in its time
    "EXPECTEDKEYUSAGE": Layer.KEYUSAGE,
}
# What says nothing about a layer, each with its reason.
NOT_A_LAYER = {
    "EXPECTEDPICTUREDECODE": "the picture: tests/drivers/test_symbols_vectors.py",
    "EXPECTEDVALIDJSON": "the payload equals JSON: below",
    "EXPECTEDENCODE": "about issuing, not judging",
    "EXPECTEDSCHEMAVALIDATION": "160 files contradict every published schema",
    "EXPECTEDRESULTS": "misplaced in three files, where it says only true",
}

# Files that are wrong in themselves, each with its reason.
WRONG = {
    ("ES/2DCode/raw/401.json", "EXPECTEDVERIFY"): "a P-384 key labelled ES256, with 96 bytes of signature",
    ("ES/2DCode/raw/402.json", "EXPECTEDVERIFY"): "a P-384 key labelled ES256, with 96 bytes of signature",
    ("ES/2DCode/raw/403.json", "EXPECTEDVERIFY"): "a P-384 key labelled ES256, with 96 bytes of signature",
    ("FR/2DCode/raw/test_pcr_ok.json", "JSON"): "JSON and the signed payload differ",
    ("PL/1.3.0/2DCode/raw/1.json", "JSON"): "JSON and the signed payload differ",
    ("PL/1.3.0/2DCode/raw/5.json", "JSON"): "JSON and the signed payload differ",
}


def test_every_layer_of_every_file() -> None:
    differing = set()
    judged = 0
    for name, file in dgc_files():
        context = file["TESTCTX"]
        signer = Signer.from_der(base64.b64decode(context["CERTIFICATE"]))
        verifier = Verifier(TrustList([signer]), Revocations())
        examination = verifier.examine(file["PREFIX"], clock_of(context))
        assert verifier.verify(file["PREFIX"], clock_of(context)) == examination.verdict, name
        for expectation, expected in file["EXPECTEDRESULTS"].items():
            if expectation in NOT_A_LAYER:
                continue
            judged += 1
            if (examination.layers[LAYER_OF[expectation]] is Outcome.OK) is not expected:
                differing.add((name, expectation))
    assert differing == {case for case in WRONG if case[1] != "JSON"}
    assert judged > 2500


def test_every_payload_is_what_the_issuer_says() -> None:
    differing = set()
    compared = 0
    for name, file in dgc_files():
        if not file["EXPECTEDRESULTS"].get("EXPECTEDVALIDJSON") or "JSON" not in file:
            continue
        message = cose.decode(compression.inflated(base45.decode(unprefixed(file["PREFIX"]))))
        certificate = cbor2.loads(message.payload)[-260][1]
        compared += 1
        if _plain(certificate) != _plain(file["JSON"]):
            differing.add((name, "JSON"))
    assert differing == {case for case in WRONG if case[1] == "JSON"}
    assert compared > 400


def _plain(value: object) -> object:
    """Bring both sides to the same form: numbers as floats, UTC as Z, no nulls."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, str):
        return value.removesuffix("+00:00") + "Z" if value.endswith("+00:00") else value
    return float(value) if isinstance(value, int) else value


@pytest.mark.parametrize("case", sorted(WRONG), ids="-".join)
def test_each_exception_has_its_reason(case: tuple[str, str]) -> None:
    assert WRONG[case]

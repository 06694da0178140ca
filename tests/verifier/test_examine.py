"""Every layer's outcome, for somebody who asks why."""

from datetime import datetime

from provisioning.issuer import DemoIssuer
from tests.verifier.showing import payload_of, reason_of, shown, trusting
from verifier import (
    Layer,
    Outcome,
    Reason,
    Verifier,
)

LAYERS = [
    *(Layer.UNPREFIX, Layer.BASE45, Layer.COMPRESSION, Layer.COSE, Layer.CWT, Layer.PAYLOAD, Layer.KEY, Layer.KEYUSAGE),
    *(Layer.SIGNATURE, Layer.TIME, Layer.REVOCATION),
]


def test_examine_gives_the_same_verdict_and_every_layer(verifier: Verifier, issuer: DemoIssuer, at: datetime) -> None:
    text = issuer.issue()
    examination = verifier.examine(text, at)
    assert examination.verdict == verifier.verify(text, at)
    assert list(examination.layers) == LAYERS
    assert set(examination.layers.values()) == {Outcome.OK}
    assert examination.details == {}


def test_examine_goes_on_behind_what_fails(verifier: Verifier, issuer: DemoIssuer, at: datetime) -> None:
    parts = issuer.sign1(payload_of(issuer, at, exp=1))
    parts[3] = b"\1" * 64
    examination = verifier.examine(shown(parts), at)
    failed = {layer for layer, outcome in examination.layers.items() if outcome is Outcome.FAILED}
    assert failed == {Layer.SIGNATURE, Layer.TIME}
    assert set(examination.details) == failed
    assert reason_of(examination.verdict) is Reason.BAD_SIGNATURE


def test_examine_skips_what_has_nothing_to_work_on(verifier: Verifier, at: datetime) -> None:
    layers = verifier.examine("HC1:GGW", at).layers
    assert [layers[layer] for layer in (Layer.UNPREFIX, Layer.BASE45)] == [Outcome.OK, Outcome.FAILED]
    assert {layers[layer] for layer in LAYERS[2:]} == {Outcome.SKIPPED}


def test_examine_judges_the_usage_of_the_only_certificate_asked_about(at: datetime) -> None:
    stranger, asked = DemoIssuer(at), DemoIssuer(at, kinds=("test",))
    layers = trusting(asked).examine(stranger.issue(), at).layers
    assert (layers[Layer.KEY], layers[Layer.SIGNATURE]) == (Outcome.FAILED, Outcome.SKIPPED)
    assert layers[Layer.KEYUSAGE] is Outcome.FAILED
    layers = trusting(asked, DemoIssuer(at)).examine(stranger.issue(), at).layers
    assert layers[Layer.KEYUSAGE] is Outcome.SKIPPED

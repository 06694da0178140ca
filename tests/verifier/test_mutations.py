"""Whatever is bent in a pass: a verdict, never an exception, and never green for other bytes than were signed."""

from datetime import datetime

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.issuer import DemoIssuer, hc1
from tests.mutations import good_passes, mutated
from verifier import Accepted, Refused, Undecided, Verifier, base45, compression, cose
from verifier.prefix import HC1
from verifier.verify import Examination

SHARES = 8  # for as many processes
MUTATIONS = 100_000 // SHARES
EXAMINED_EVERY = 100


def signed_bytes(text: str) -> bytes:
    return cose.decode(compression.inflated(base45.decode(text.removeprefix(HC1)))).signed_bytes()


@pytest.mark.parametrize("share", range(SHARES))
def test_no_mutated_pass_raises_or_is_accepted_for_other_bytes(
    verifier: Verifier, issuer: DemoIssuer, rsa_issuer: DemoIssuer, at: datetime, share: int
) -> None:
    passes = good_passes([issuer, rsa_issuer])
    signed = {signed_bytes(good.text) for good in passes}
    accepted = refused = 0
    for number, text in enumerate(mutated(passes, seed=20260601 + share, count=MUTATIONS)):
        verdict = verifier.verify(text, at)
        if number % EXAMINED_EVERY == 0:
            assert verifier.examine(text, at).verdict == verdict
        if isinstance(verdict, Accepted):
            assert signed_bytes(text) in signed
            accepted += 1
        else:
            assert isinstance(verdict, Refused | Undecided)
            refused += 1
    assert accepted + refused == MUTATIONS
    assert refused > 0.8 * MUTATIONS
    assert accepted > 100 / SHARES, "other encodings of the same signed bytes are the same pass"


@given(st.text())
def test_any_text_gets_a_verdict(verifier: Verifier, at: datetime, text: str) -> None:
    for shown in (text, HC1 + text):
        assert isinstance(verifier.verify(shown, at), Refused | Undecided)


@given(st.binary(max_size=300))
def test_any_bytes_get_a_verdict_and_an_examination(verifier: Verifier, at: datetime, data: bytes) -> None:
    for shown in (HC1 + base45.encode(data), hc1(data)):
        assert isinstance(verifier.verify(shown, at), Refused | Undecided)
        assert isinstance(verifier.examine(shown, at), Examination)


cbor_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(-300, 10) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(cbor_values)
def test_any_signed_claims_get_a_verdict(verifier: Verifier, issuer: DemoIssuer, at: datetime, value: object) -> None:
    for payload in (value, {4: 2**40, -260: {1: value}}, {4: 2**40, -260: {1: {"ver": "1.3.0", "v": [value]}}}):
        text = hc1(cbor2.dumps(issuer.sign1(cbor2.dumps(payload))))
        assert isinstance(verifier.verify(text, at), Accepted | Refused | Undecided)


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_of_the_signed_bytes_is_refused(
    verifier: Verifier, issuer: DemoIssuer, at: datetime, bit: int
) -> None:
    protected, unprotected, payload, signature = good_passes([issuer])[0].parts
    for place, data in ((0, protected), (2, payload)):
        for index in range(len(data)):
            flipped = bytearray(data)
            flipped[index] ^= 1 << bit
            parts = [protected, unprotected, payload, signature]
            parts[place] = bytes(flipped)
            assert isinstance(verifier.verify(hc1(cbor2.dumps(parts)), at), Refused | Undecided)

"""Whatever is bent in a document of any signed format: a verdict, and never green for other bytes than were signed.

EU certificates: `test_mutations.py`.
"""

from datetime import datetime

import pytest

from tests.mutations_kinds import KINDS
from verifier import Accepted, Refused, Revocations, TrustList, Undecided, Verifier
from verifier.formats import FORMATS
from verifier.layers import Workings

MUTATIONS = 20_000
EXAMINED_EVERY = 100


def signed_bytes(format_: str, text: str, at: datetime) -> bytes:
    workings = Workings(text, at)
    for _, _, run in FORMATS[format_].transport:
        run(workings)
    return workings.message.signed_bytes()


def test_every_signed_format_is_bent() -> None:
    assert KINDS.keys() | {"hcert"} == FORMATS.keys()


@pytest.mark.parametrize("format_", KINDS)
def test_no_mutated_document_raises_or_is_accepted_for_other_bytes(format_: str, at: datetime) -> None:
    kind = KINDS[format_](at)
    verifier = Verifier(TrustList(kind.signers), Revocations())
    signed = set()
    for text in kind.good:
        assert isinstance(verifier.verify(text, at), Accepted)
        signed.add(signed_bytes(format_, text, at))
    refused = 0
    for number, text in enumerate(kind.mutated(20260601, MUTATIONS)):
        verdict = verifier.verify(text, at)
        if number % EXAMINED_EVERY == 0:
            assert verifier.examine(text, at).verdict == verdict
        if isinstance(verdict, Accepted):
            assert signed_bytes(format_, text, at) in signed
        else:
            assert isinstance(verdict, Refused | Undecided)
            refused += 1
    assert refused > 0.8 * MUTATIONS

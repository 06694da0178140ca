"""A vehicle permit fits a QR code that reads through a windscreen."""

import pytest
import segno

from bench.permits import CLAIMS_MAX_BYTES, COUNT, VERSION_MAX, permits, versions_of
from tests.simulators.lx1 import Algorithm, Lx1Issuer, encoded, text_of
from verifier.documents import lx1
from verifier.documents.lx1_kinds import Vehicle


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_a_thousand_realistic_vehicle_permits_fit_version_10(algorithm: Algorithm) -> None:
    drawn = list(permits(Lx1Issuer(algorithm), COUNT))
    assert all(isinstance(lx1.parse(lx1.claims(encoded(one.claims))).entry, Vehicle) for one in drawn)
    assert max(versions_of(one.text for one in drawn)) == VERSION_MAX
    assert sum(bool(one.shortened) for one in drawn) < COUNT / 50


def test_a_permit_is_shown_in_the_alphanumeric_mode() -> None:
    (drawn,) = permits(Lx1Issuer(), 1)
    symbol = segno.make(drawn.text, error="M", boost_error=False)
    assert (symbol.mode, {symbol.version: 1}) == ("alphanumeric", versions_of([drawn.text]))


def test_the_most_claims_that_fit_are_as_written() -> None:
    issuer = Lx1Issuer()
    sizes = (CLAIMS_MAX_BYTES, CLAIMS_MAX_BYTES + 1)
    texts = [text_of(issuer.message(bytes(size)), packed=False) for size in sizes]
    assert [version for text in texts for version in versions_of([text])] == [VERSION_MAX, VERSION_MAX + 1]

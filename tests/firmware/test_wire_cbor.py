"""CBOR as the wire has it: flat, in one form, without tags."""

import cbor2
import pytest

from firmware.wire_cbor import WireError, loads


@pytest.mark.parametrize("tag", [0, 1, 2, 35, 258, 55799])
def test_a_tag_is_refused_whatever_it_is(tag: int) -> None:
    with pytest.raises(WireError):
        loads(cbor2.dumps([1, cbor2.CBORTag(tag, "2026-01-01T00:00:00Z")]))

"""Deltas between revocation sets: exact, in one form only, and never more than they say."""

import hashlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verifier.revocation_sets import HIGHEST, hash_lists, numbered, set_bytes
from verifier.revocation_delta import RevocationDeltaError, apply, decode, encode
from verifier.revocation_set import BLOCK_BYTES, HASH_BYTES, RevocationSetError

HEAD_BYTES = 80


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def applied(old: bytes, delta: bytes) -> bytes:
    new = bytearray()
    apply(old, decode(delta), new.extend)
    return bytes(new)


def between(old: list[bytes], new: list[bytes]) -> bytes:
    """Return the delta between two sets, by Python's own."""
    stays = set(new)
    places = [place for place, value in enumerate(sorted(set(old))) if value not in stays]
    added = b"".join(sorted(set(new) - set(old)))
    return encode(sha256(set_bytes(old)), sha256(set_bytes(new)), places, added)


@settings(deadline=None)
@given(hash_lists(), hash_lists(), hash_lists())
def test_a_delta_makes_the_new_set_byte_for_byte(kept: list[bytes], gone: list[bytes], come: list[bytes]) -> None:
    old, new = kept + gone, kept + come
    assert applied(set_bytes(old), between(old, new)) == set_bytes(new)


@pytest.mark.parametrize("before", [0, 1, 255, 256, 257])
@pytest.mark.parametrize("after", [0, 1, 255, 256, 257])
def test_pages_grow_and_shrink(before: int, after: int) -> None:
    old, new = numbered(before), numbered(after)
    assert applied(set_bytes(old), between(old, new)) == set_bytes(new)


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**34), unique=True).map(sorted))
def test_places_are_read_back(places: list[int]) -> None:
    delta = decode(encode(b"b" * 32, b"a" * 32, places, b""))
    assert (list(delta.places()), delta.removed) == (places, len(places))
    assert (delta.before, delta.after) == (b"b" * 32, b"a" * 32)


def test_a_place_takes_as_few_bytes_as_it_can() -> None:
    delta = decode(encode(bytes(32), bytes(32), [0, 128, 257], b""))
    assert bytes(delta.gaps).hex() == "007f8001"


def raw(gaps: bytes, added: bytes, counts: tuple[int, int] | None = None, magic: bytes = b"GGDEL1\0\0") -> bytes:
    """Return a delta whose parts need not fit each other."""
    counts = counts or (1, len(added) // HASH_BYTES)
    return magic + bytes(64) + struct.pack(">II", *counts) + gaps + added


@pytest.mark.parametrize(
    ("delta", "why"),
    [
        (b"", "0 bytes are no delta"),
        (raw(b"", b"", (0, 0))[:-1], "79 bytes are no delta"),
        (raw(b"", b"", (0, 0), b"GGDEL2\0\0"), "this is no delta"),
        (raw(b"", b"", (0, 1)), "cut off"),
        (raw(b"", b"", (0, 2**32 - 1)), "cut off"),
        (raw(b"", b"", (2**32 - 1, 0)), "does not remove as many"),
        (raw(b"\0\0", b""), "does not remove as many"),
        (raw(b"", b""), "does not remove as many"),
        (raw(b"\x80", b""), "last place is cut off"),
        (raw(b"\x80\0", b""), "longer than it is"),
        (raw(b"\xff" * 5 + b"\1", b""), "beyond any set"),
        (raw(b"\0", bytes(16) + bytes(16)), "not in order"),
        (raw(b"\0", HIGHEST + bytes(16)), "not in order"),
        (raw(b"\0", bytes(17), (1, 1)), "does not remove as many"),
    ],
)  # fmt: skip
def test_what_is_no_delta_is_refused(delta: bytes, why: str) -> None:
    with pytest.raises(RevocationDeltaError, match=why):
        decode(delta)


@pytest.mark.parametrize(
    ("places", "added", "why"),
    [
        ([3], b"", "removes hash 3 of 3"),
        ([0, 1, 2, 3], b"", "removes 4 of 3 hashes"),
        ([], HIGHEST, "adds a hash that the set has"),
        ([2], HIGHEST, "adds a hash that the set has"),
        ([0], b"", "another SHA-256"),
        ([], bytes(16), "another SHA-256"),
    ],
)
def test_a_delta_that_does_not_fit_is_refused(places: list[int], added: bytes, why: str) -> None:
    old = set_bytes(numbered(3))
    with pytest.raises(RevocationDeltaError, match=why):
        applied(old, encode(sha256(old), sha256(old), places, added))


def test_a_delta_for_another_set_is_refused() -> None:
    old, new = numbered(300), [*numbered(300)[:-1], bytes(16)]
    delta = between(old, new)
    with pytest.raises(RevocationDeltaError, match="another SHA-256"):
        applied(set_bytes(old, "signature"), delta)
    with pytest.raises(RevocationSetError):
        applied(set_bytes(old)[:-1], delta)


def test_a_set_that_rotted_is_found_out() -> None:
    old = numbered(600)
    file = bytearray(set_bytes(old))
    file[4096 * 2 + 5] ^= 1
    with pytest.raises(RevocationDeltaError, match="another SHA-256"):
        applied(bytes(file), between(old, old[1:]))


@settings(deadline=None)
@given(st.data())
def test_a_bent_delta_is_refused_or_makes_what_it_should(data: st.DataObject) -> None:
    old, new = numbered(300), numbered(290)
    delta = bytearray(between(old, new))
    if data.draw(st.booleans()):
        bit = data.draw(st.integers(0, 8 * len(delta) - 1))
        delta[bit // 8] ^= 1 << bit % 8
    else:
        del delta[data.draw(st.integers(0, len(delta) - 1)) :]
    try:
        made = applied(set_bytes(old), bytes(delta))
    except RevocationDeltaError:
        return
    assert made == set_bytes(new)


@settings(deadline=None)
@given(st.binary(max_size=200), st.tuples(st.integers(0, 20), st.integers(0, 5)))
def test_nothing_else_is_raised_whatever_comes(body: bytes, counts: tuple[int, int]) -> None:
    with pytest.raises(RevocationDeltaError):
        applied(set_bytes(numbered(300)), raw(body, b"", counts))


def test_what_is_written_at_once_is_bounded() -> None:
    hashes = numbered(5 * BLOCK_BYTES // HASH_BYTES)
    written: list[int] = []
    delta = between(hashes, hashes[1:])
    apply(set_bytes(hashes), decode(delta), lambda data: written.append(len(data)))
    assert max(written) <= BLOCK_BYTES + 4096

"""Revocation sets: membership is exact, and a file that is damaged is found out."""

import hashlib
import mmap
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verifier.revocation_sets import HIGHEST, NUMBERS, alike, hash_lists, numbered, set_bytes
from verifier.revocation_set import (
    BLOCK_BYTES,
    HASH_BYTES,
    PAGE_BYTES,
    Kind,
    RevocationSet,
    RevocationSetError,
    SetWriter,
    header,
    size_of,
)

COUNTS = [0, 1, 2, 255, 256, 257, 511, 512, 513]


def neighbours(value: bytes) -> set[bytes]:
    """Return a hash, and the ones before and behind it."""
    number = int.from_bytes(value)
    return {(number + step).to_bytes(16) for step in (-1, 0, 1) if 0 <= number + step < 2**128}


def written(hashes: list[bytes], run: int) -> bytes:
    """Return the file that a writer makes of ordered hashes, so many at a time."""
    file = bytearray()
    writer = SetWriter(file.extend, "lx1", b"kid", len(hashes))
    for start in range(0, len(hashes), run):
        writer.add(memoryview(b"".join(hashes[start : start + run])))
    writer.finish()
    return bytes(file)


@settings(deadline=None)
@given(hash_lists(), st.lists(st.binary(min_size=16, max_size=16), max_size=5))
def test_membership_is_a_python_sets(hashes: list[bytes], others: list[bytes]) -> None:
    found, expected = RevocationSet(set_bytes(hashes)), set(hashes)
    asked = {near for value in [*hashes, *others, bytes(16), HIGHEST] for near in neighbours(value)}
    assert {value for value in asked if value in found} == asked & expected
    assert len(found) == len(expected)


@settings(deadline=None)
@given(hash_lists())
def test_the_rank_is_how_many_are_smaller(hashes: list[bytes]) -> None:
    found, ordered = RevocationSet(set_bytes(hashes)), sorted(set(hashes))
    for value in {near for one in [*hashes[:300], bytes(16), HIGHEST] for near in neighbours(one)}:
        assert found.rank(value) == sum(other < value for other in ordered)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("run", [1, 256, 10_000])
def test_a_writer_makes_the_file_as_it_is_described(count: int, run: int) -> None:
    hashes = numbered(count)
    file = written(hashes, run)
    assert file == set_bytes(hashes, "lx1", b"kid")
    assert len(file) == size_of(count)
    assert bytes(RevocationSet(file).hashes) == b"".join(hashes)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_writer_holds_back_one_block(more: int) -> None:
    hashes = numbered(3 * BLOCK_BYTES // HASH_BYTES + more)
    assert written(hashes, len(hashes)) == written(hashes, 77) == set_bytes(hashes, "lx1", b"kid")


@pytest.mark.parametrize("count", COUNTS)
def test_padding_is_no_hash(count: int) -> None:
    without_highest = [value for value in numbered(count) if value != HIGHEST]
    assert HIGHEST not in RevocationSet(set_bytes(without_highest))
    assert HIGHEST in RevocationSet(set_bytes([*without_highest, HIGHEST]))


@pytest.mark.parametrize("padded", [0, 1])
def test_what_stands_across_two_hashes_is_none(padded: int) -> None:
    value = bytes(range(1, 17))
    lower, upper = b"\1" * 8 + value[:8], value[8:] + b"\xff" * 8
    hashes = [lower, upper, *[value] * padded]
    assert (value in RevocationSet(set_bytes(hashes))) is bool(padded)


def test_hashes_that_begin_alike_are_told_apart() -> None:
    hashes = [bytes(16), *alike(1000), HIGHEST]
    found = RevocationSet(set_bytes(hashes))
    asked = sorted({near for value in hashes for near in neighbours(value)})
    assert [value for value in asked if value in found] == hashes
    assert [found.rank(value) for value in hashes] == list(range(1002))


def test_pages_that_begin_alike_and_are_out_of_order_are_refused() -> None:
    hashes = alike(512)
    with pytest.raises(RevocationSetError, match="pages are not in order"):
        RevocationSet(written([*hashes[256:], *hashes[:256]], 256))


@pytest.mark.parametrize("kind", list(NUMBERS))
@pytest.mark.parametrize("kid", [b"", b"\0", b"8 bytes\0", b"k" * 32], ids=["any", "zero", "usual", "longest"])
def test_kind_and_kid_are_read_back(kind: Kind, kid: bytes) -> None:
    found = RevocationSet(set_bytes([HIGHEST], kind, kid))
    assert (found.kind, found.kid) == (kind, kid)


def test_a_kid_is_bounded() -> None:
    with pytest.raises(ValueError, match="a kid of 33 bytes; a revocation set's has at most 32"):
        header("uci", bytes(33), 0)


def test_a_file_that_is_mapped(tmp_path: Path) -> None:
    hashes = numbered(1000)
    (tmp_path / "set").write_bytes(set_bytes(hashes))
    with (tmp_path / "set").open("rb") as file:
        found = RevocationSet(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    (tmp_path / "set").unlink()
    assert all(value in found for value in hashes)


@settings(deadline=None)
@given(st.data())
def test_a_flipped_bit_is_refused_or_every_answer_is_right(data: st.DataObject) -> None:
    hashes = numbered(data.draw(st.sampled_from([1, 255, 256, 257, 600])))
    file = bytearray(set_bytes(hashes, kid=b"kid"))
    bit = data.draw(st.integers(0, 8 * len(file) - 1))
    file[bit // 8] ^= 1 << bit % 8
    asked = {near for value in data.draw(st.lists(st.sampled_from(hashes), max_size=20)) for near in neighbours(value)}
    if not PAGE_BYTES <= bit // 8 < len(file) - 32 - 20 * -(-len(hashes) // 256):
        with pytest.raises(RevocationSetError):
            RevocationSet(file)
        return
    found = RevocationSet(file)
    for value in asked:
        try:
            answer = value in found
        except RevocationSetError:
            continue
        assert answer is (value in hashes)


@pytest.mark.parametrize("byte", [0, 4000, PAGE_BYTES - 1])
def test_a_damaged_page_is_told_when_it_is_read_and_no_other_suffers(byte: int) -> None:
    hashes = numbered(3 * 256)
    file = bytearray(set_bytes(hashes))
    file[2 * PAGE_BYTES + byte] ^= 1
    found = RevocationSet(file)
    for value in (hashes[256], hashes[300], hashes[511]):
        with pytest.raises(RevocationSetError, match="page 1 of the revocation set is damaged; fetch"):
            _ = value in found
        with pytest.raises(RevocationSetError, match="page 1"):
            found.rank(value)
    assert all(value in found for value in hashes[:256] + hashes[512:])


@pytest.mark.parametrize("count", [0, 1, 257])
def test_every_byte_of_header_index_and_digest_is_guarded(count: int) -> None:
    file = bytearray(set_bytes(numbered(count), kid=b"kid"))
    behind = PAGE_BYTES * (1 + -(-count // 256))
    for byte in [*range(70), PAGE_BYTES - 1, *range(behind, len(file))]:
        file[byte] ^= 0x10
        with pytest.raises(RevocationSetError):
            RevocationSet(file)
        file[byte] ^= 0x10
    assert len(RevocationSet(file)) == count


@pytest.mark.parametrize("count", [0, 1, 256, 257])
def test_a_file_that_was_cut_or_grew_is_refused(count: int) -> None:
    file = set_bytes(numbered(count))
    draw = random.Random(count)  # noqa: S311 - test data
    for length in [
        0,
        1,
        70,
        PAGE_BYTES,
        len(file) - 32,
        len(file) - 1,
        *(draw.randrange(len(file)) for _ in range(20)),
    ]:
        with pytest.raises(RevocationSetError):
            RevocationSet(file[:length])
    for more in (b"\0", bytes(32), bytes(PAGE_BYTES)):
        with pytest.raises(RevocationSetError):
            RevocationSet(file + more)


def sealed(file: bytes, at: int, new: bytes) -> bytes:
    """Return an empty set's file with something else in its header, and the digest made to fit."""
    head = file[:at] + new + file[at + len(new) : PAGE_BYTES]
    return head + hashlib.sha256(head).digest()


@pytest.mark.parametrize(
    ("at", "new", "why"),
    [
        (0, b"GGREV2\0\0", "this is no revocation set"),
        (8, b"\0\0\0\2", "a revocation set of version 2, kind 1; newer firmware may read it"),
        (12, b"\0", "version 1, kind 0"),
        (12, b"\6", "version 1, kind 6"),
        (13, b"\xff", "contradicts itself"),
        (14, b"x", "contradicts itself"),
        (46, b"\0\0\0\0\0\0\0\1", "contradicts itself"),
        (46, b"\xff" * 8, "contradicts itself"),
        (46, b"\0\0\0\0\0\0\0\1" * 2, "4128 bytes of a revocation set that has 8244"),
        (46, b"\xff" * 8 + b"\1" + bytes(7), "4128 bytes of a revocation set that has 296589057060111388704"),
        (PAGE_BYTES - 1, b"\1", "contradicts itself"),
    ],
)
def test_a_header_that_is_wrong_is_refused(at: int, new: bytes, why: str) -> None:
    with pytest.raises(RevocationSetError, match=why):
        RevocationSet(sealed(set_bytes([]), at, new))


@pytest.mark.parametrize("swapped", [False, True], ids=["twice", "swapped"])
def test_pages_out_of_order_are_refused(swapped: bool) -> None:  # noqa: FBT001 - a case
    low, high = numbered(512)[:256], numbered(512)[256:]
    wrong = written([*high, *low] if swapped else [*low, *low], 256)
    with pytest.raises(RevocationSetError, match="pages are not in order"):
        RevocationSet(wrong)

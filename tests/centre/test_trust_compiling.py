"""Compiling revocation sets, and the deltas between them."""

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings

from centre.trust import compiling
from centre.trust.compiling import Compiled, CompilingError, compile_set, make_delta
from tests.verifier.revocation_sets import hash_lists, set_bytes
from verifier.revocation_delta import apply, decode
from verifier.revocation_set import HASH_BYTES, Kind, RevocationSet, RevocationSetError, size_of

KID = b"\0kid\0"


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_STEP", 3)


def compiled(to: Path, hashes: Sequence[bytes], kind: Kind = "uci", kid: bytes = KID) -> Compiled:
    return compile_set(kind, kid, hashes, to)


@pytest.mark.usefixtures("small_steps")
@settings(deadline=None)
@given(hash_lists())
def test_a_file_holds_each_hash_once_in_order(tmp_path_factory: pytest.TempPathFactory, hashes: list[bytes]) -> None:
    to = tmp_path_factory.mktemp("set") / "set"
    blobs = [b"".join(hashes[:5]), b"", *hashes[5:], *hashes[:2]]
    made = compile_set("signature", KID, blobs, to)
    assert to.read_bytes() == set_bytes(hashes, "signature", KID)
    assert made == Compiled(hashlib.sha256(to.read_bytes()).hexdigest(), to.stat().st_size, len(set(hashes)))
    assert made.size == size_of(made.count)


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 65_536, 65_537])
def test_many_hashes_are_as_the_set_reads_them(tmp_path: Path, count: int) -> None:
    drawn = random.Random(count).randbytes(HASH_BYTES * count)  # noqa: S311 - test data
    made = compiled(tmp_path / "set", [drawn])
    found = RevocationSet((tmp_path / "set").read_bytes())
    assert (len(found), found.kind, found.kid, made.count) == (count, "uci", KID, count)
    assert bytes(found.hashes) == b"".join(
        sorted(drawn[at : at + HASH_BYTES] for at in range(0, len(drawn), HASH_BYTES))
    )


def test_the_order_in_which_they_come_changes_nothing(tmp_path: Path) -> None:
    hashes = [bytes([number]) * HASH_BYTES for number in range(256)]
    assert compiled(tmp_path / "one", hashes) == compiled(tmp_path / "other", [b"".join(reversed(hashes))])


def test_zeros_at_the_end_of_a_hash_count(tmp_path: Path) -> None:
    hashes = [b"\1" + bytes(15), b"\1" * 15 + b"\0", b"\1" * 16, bytes(16)]
    assert compiled(tmp_path / "set", hashes).count == 4
    found = RevocationSet((tmp_path / "set").read_bytes())
    assert all(value in found for value in hashes)
    assert b"\1\0" + b"\1" * 14 not in found


def test_a_file_that_is_there_is_replaced_whole(tmp_path: Path) -> None:
    compiled(tmp_path / "set", [bytes(HASH_BYTES)])
    with pytest.raises(CompilingError, match="17 bytes of hashes; a revocation hash has 16"):
        compiled(tmp_path / "set", [bytes(HASH_BYTES), bytes(17)])
    with pytest.raises(ValueError, match="a kid of 33 bytes"):
        compiled(tmp_path / "set", [], kid=bytes(33))
    assert len(RevocationSet((tmp_path / "set").read_bytes())) == 1
    assert compiled(tmp_path / "set", []).count == 0
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.usefixtures("small_steps")
@settings(deadline=None)
@given(hash_lists(), hash_lists(), hash_lists())
def test_a_delta_makes_the_new_set_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, kept: list[bytes], gone: list[bytes], come: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("sets")
    compiled(folder / "old", kept + gone)
    compiled(folder / "new", kept + come)
    written = bytearray()
    apply((folder / "old").read_bytes(), decode(make_delta(folder / "old", folder / "new")), written.extend)
    assert bytes(written) == (folder / "new").read_bytes()


def test_a_delta_is_as_long_as_what_changed(tmp_path: Path) -> None:
    draw = random.Random(5)  # noqa: S311 - test data
    hashes = [draw.randbytes(HASH_BYTES) for _ in range(100_000)]
    compiled(tmp_path / "old", hashes)
    compiled(tmp_path / "new", hashes[100:] + [draw.randbytes(HASH_BYTES) for _ in range(100)])
    assert len(make_delta(tmp_path / "old", tmp_path / "new")) < 80 + 100 * (HASH_BYTES + 2)
    same = decode(make_delta(tmp_path / "old", tmp_path / "old"))
    assert (same.before, same.removed, len(same.added)) == (same.after, 0, 0)


@pytest.mark.parametrize(("kind", "kid"), [("signature", KID), ("uci", b"")])
def test_sets_of_different_kinds_or_signers_have_no_delta(tmp_path: Path, kind: Kind, kid: bytes) -> None:
    compiled(tmp_path / "old", [])
    compiled(tmp_path / "new", [], kind, kid)
    with pytest.raises(CompilingError, match="different kinds or signers"):
        make_delta(tmp_path / "old", tmp_path / "new")


def test_what_is_no_set_has_no_delta(tmp_path: Path) -> None:
    compiled(tmp_path / "set", [])
    (tmp_path / "empty").touch()
    for other in ("empty", "set"):
        with pytest.raises(RevocationSetError, match="0 bytes are no revocation set"):
            make_delta(tmp_path / "empty", tmp_path / other)
    with pytest.raises(FileNotFoundError):
        make_delta(tmp_path / "set", tmp_path / "gone")

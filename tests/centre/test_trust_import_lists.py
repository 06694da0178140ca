"""Revocations from lists of identifiers, hashed and never kept; the database that they are kept in."""

import hashlib
import json
import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from centre.trust import hash_lists, revocation_lists, revoking
from centre.trust.home import TrustError, TrustHome
from centre.trust.revocation_db import Batch, RevocationDb, RevocationDbError
from centre.trust.revocation_lists import Hasher, _hashed, lx1_hashed, uvci_hasher
from centre.trust.revoking import Said, take_file
from tests.centre.trust_import_site import NOW, refused, results, run, trust_home
from tests.centre.trust_revocation_site import KID, UVCI, batch, revoked, written
from tests.vectors import vectors
from verifier import base45, compression, cose, cwt
from verifier.documents import hcert
from verifier.prefix import unprefixed
from verifier.revocation import country_uci_hash, lx1_hash, uci_hash


@pytest.fixture
def home(tmp_path: Path) -> TrustHome:
    return trust_home(tmp_path)


def test_identifiers_are_hashed_and_never_kept(home: TrustHome, tmp_path: Path) -> None:
    file = written(tmp_path, "stolen.txt", f"\ufeff{UVCI}\r\n\n  {UVCI.lower()} \nURN:UVCI:01:VN:2".encode())
    (told,) = results(run(home, "revoke", "--format", "uvci", file))
    assert (told["read"], told["new"], told["kind"], told["kid"]) == (3, 2, "uci", "any")
    assert revoked(home, "uci") == {uci_hash(UVCI), uci_hash("URN:UVCI:01:VN:2")}
    assert results(run(home, "revoke", "--format", "uvci", file))[0]["new"] == 0
    kept = b"".join(path.read_bytes() for path in home.folder.glob("revocations.db*"))
    assert UVCI.encode() not in kept
    assert UVCI.lower().encode() not in kept


def test_a_list_may_be_a_keys_a_countrys_and_end(home: TrustHome, tmp_path: Path) -> None:
    file = written(tmp_path, "list.txt", UVCI.encode())
    options = ("--kid", KID.hex(), "--country", "VN", "--expires", "2026-12-31")
    results(run(home, "revoke", "--format", "uvci", file, *options))
    assert revoked(home, "country-uci", KID) == {country_uci_hash("VN", UVCI)}
    assert revoked(home, "country-uci") == set()
    assert revoked(home, "country-uci", KID, timedelta(days=39, hours=17)) != set()
    assert revoked(home, "country-uci", KID, timedelta(days=39, hours=18)) == set()


def test_identifiers_are_taken_out_of_every_list_of_their_sort(home: TrustHome, tmp_path: Path) -> None:
    both, one = written(tmp_path, "both.txt", b"A1\nA2\n"), written(tmp_path, "one.txt", b"a1\nunknown\n")
    results(run(home, "revoke", "--format", "uvci", both))
    results(run(home, "revoke", "--format", "uvci", both, "--expires", "2027-01-01"))
    results(run(home, "revoke", "--format", "uvci", both, "--country", "VN"))
    (told,) = results(run(home, "revoke", "--format", "uvci", one, "--remove"))
    assert (told["read"], told["removed"]) == (2, 2)
    assert revoked(home, "uci") == {uci_hash("A2")}
    assert len(revoked(home, "country-uci")) == 2
    results(run(home, "revoke", "--format", "uvci", both, "--remove"))
    assert revoked(home, "uci") == set()


def test_permits_by_identifier_or_by_its_hash(home: TrustHome, tmp_path: Path) -> None:
    first, second = bytes(range(16)), bytes(range(16, 32))
    file = written(tmp_path, "permits.txt", f"{first.hex()}\n{hashlib.sha256(second).hexdigest()}\n".encode())
    (told,) = results(run(home, "revoke", "--format", "lx1", file))
    assert told["new"] == 2
    assert revoked(home, "lx1") == {lx1_hash(first), lx1_hash(second)}
    refused(run(home, "revoke", "--format", "lx1", file, "--country", "VN"), 2, "does not go with permits")


@pytest.mark.parametrize(
    ("of", "data", "told"),
    [
        ("uvci", b"A1\nNguyen Van A\n", "line 2: no UVCI"),
        ("uvci", b"A1\nB\0\n", "line 2: no UVCI"),
        ("uvci", b"A" * 129, "line 1: no UVCI"),
        ("uvci", b"A" * 2000, "line 1: over 1024 bytes"),
        ("uvci", b"A1\nX\xff\n", "line 2: not UTF-8"),
        ("uvci", b"\n \n", "nothing in it"),
        ("uvci", b"", "nothing in it"),
        ("lx1", b"00", "line 1: no identifier of a permit"),
        ("uvci", b'"A1"\n', "line 1: no UVCI"),
        ("uvci", b"A1,2026-11-22\n", "line 1: no UVCI"),
        ("uvci", b"A1\nA2;VN\n", "line 2: no UVCI"),
        ("lx1", b"x" * 32, "line 1: no hexadecimal"),
        ("lx1", b"00 11 22 33 44 55 66 77 88 99 aa", "line 1: no hexadecimal"),
        ("lx1", b"00" * 31 + b" 0", "line 1: no hexadecimal"),
    ],
    ids=[
        "spaces",
        "zero",
        "long",
        "line",
        "utf8",
        "blank",
        "empty",
        "short",
        "quotes",
        "comma",
        "semicolon",
        "digits",
        "spaced",
        "spaced-hash",
    ],
)
def test_lists_that_are_wrong_are_told_by_line_and_never_shown(
    home: TrustHome, tmp_path: Path, of: str, data: bytes, told: str
) -> None:
    done = run(home, "revoke", "--format", of, written(tmp_path, "list.txt", data))
    refused(done, 65, told)
    assert "Nguyen" not in done.output
    with RevocationDb.open(home.home) as db:
        assert list(db.groups(NOW)) == []


def test_a_long_list_is_taken_in_slices(home: TrustHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation_lists, "SLICE_BYTES", 16 * 100)
    lines = [f"URN:UVCI:01:VN:{number}" for number in range(1050)]
    file = written(tmp_path, "list.txt", "\n".join(lines).encode())
    seen: list[int] = []
    with RevocationDb.open(home.home) as db:
        told = take_file(db, file, Said("uvci"), NOW, seen.append)
    assert (told["read"], told["new"]) == (1050, 1050)
    assert (len(seen), sum(seen)) == (11, file.stat().st_size)
    assert revoked(home, "uci") == {uci_hash(line) for line in lines}


def test_what_does_not_go_together_is_told(home: TrustHome, tmp_path: Path) -> None:
    text, file = written(tmp_path, "a.txt", b"A1"), written(tmp_path, "b.json", batch(1))
    refused(run(home, "revoke", text), 65, "--format uvci or lx1")
    refused(run(home, "revoke", file, "--format", "italy"), 65, "it looks like --format gateway")
    refused(run(home, "revoke", file, "--kid", "00"), 2, "leave --kid")
    refused(run(home, "revoke", file, "--format", "csv"), 2, "--format: csv is none of")
    refused(run(home, "revoke", text, "--kid", "0g"), 2, "--kid: 0g")
    refused(run(home, "revoke", text, "--country", "vn"), 2, "--country: vn")
    refused(run(home, "revoke", text, "--expires", "soon"), 2, "--expires: soon")
    refused(run(home, "revoke", text, "--expires", "2027-01-01", "--remove"), 2, "does not go with --remove")
    refused(run(home, "revoke", tmp_path / "none"), 66, "none")
    refused(run(home, "revoke", "--format", "uvci", tmp_path / "none"), 66, "none")
    os.mkfifo(tmp_path / "pipe")
    refused(run(home, "revoke", "--format", "uvci", tmp_path / "pipe"), 66, "no file")
    refused(run(home, "revoke", tmp_path / "pipe"), 66, "no file")
    (tmp_path / "empty").mkdir()
    refused(run(home, "revoke", tmp_path / "empty"), 66, "no file in it ends in .json")


def test_files_without_an_end_are_refused(home: TrustHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation_lists, "LIST_MAX_BYTES", 1)
    monkeypatch.setattr(revoking, "JSON_MAX_BYTES", 1)
    file = written(tmp_path, "a.json", batch(1))
    refused(run(home, "revoke", "--format", "uvci", file), 66, "over 1 bytes")
    refused(run(home, "revoke", file), 66, "larger than 1 bytes")


@pytest.mark.parametrize("hasher", [uvci_hasher(None), uvci_hasher("VN"), lx1_hashed], ids=["uvci", "country", "lx1"])
@given(
    line=st.binary(max_size=100) | st.binary(min_size=1024, max_size=1026) | st.text("0123456789abcdef").map(str.encode)
)
def test_any_line_is_a_hash_or_told_without_it(hasher: Hasher, line: bytes) -> None:
    try:
        assert len(_hashed(line, hasher, "line")) in {0, 16}
    except TrustError as error:
        assert line.strip().decode("utf-8", "replace") not in str(error) or len(line) < 3  # noqa: PT017


# The database


def test_a_break_midway_leaves_nothing(home: TrustHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation_lists, "SLICE_BYTES", 16)
    file = written(tmp_path, "list.txt", b"A1\nA2\nnot one\n")

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with RevocationDb.open(home.home) as db:
        with pytest.raises(TrustError, match="line 3"):
            take_file(db, file, Said("uvci"), NOW, lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            take_file(db, file, Said("uvci"), NOW, stop)
        assert list(db.groups(NOW)) == []


def test_the_database_is_its_owners_and_nobody_elses(home: TrustHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("centre.trust.revocation_db.BUSY_S", 0.01)
    with RevocationDb.open(home.home) as db, RevocationDb.open(home.home) as other:
        assert (home.folder / "revocations.db").stat().st_mode & 0o777 == 0o600
        with db.change(), pytest.raises(RevocationDbError, match="try again"), other.change():
            pass


def test_a_file_that_is_no_database_is_told(home: TrustHome, tmp_path: Path) -> None:
    (home.folder / "revocations.db").write_bytes(b"something else " * 100)
    refused(run(home, "revoke", written(tmp_path, "b.json", batch(1))), 78, "not a database: check --home")


def test_a_disk_that_fails_midway_is_told(home: TrustHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RevocationDbError("revocations.db: database or disk is full: check --home, disk and rights")

    monkeypatch.setattr(RevocationDb, "replace", full)
    refused(run(home, "revoke", written(tmp_path, "b.json", batch(1)), tmp_path / "none"), 78, "disk is full")


@given(st.lists(st.integers(0, 40)), st.lists(st.integers(0, 40)), st.lists(st.integers(0, 40)))
def test_lists_are_sets(first: list[int], second: list[int], gone: list[int]) -> None:
    def joined(numbers: list[int]) -> bytes:
        return b"".join(bytes([number % 3]) + bytes(14) + bytes([number]) for number in numbers)  # zeros at some ends

    wanted = (set(first) | set(second)) - set(gone)
    left = hash_lists.without(hash_lists.union(joined(first), joined(second)), joined(gone))
    assert left == hash_lists.unique(left) == b"".join(sorted(joined([one]) for one in wanted))
    parts = dict(hash_lists.by_first_byte(left))
    assert b"".join(parts.values()) == left
    assert all(part[0] == first_byte for first_byte, part in parts.items())


def test_every_first_byte_has_its_bucket(home: TrustHome) -> None:
    every = np.arange(256, dtype=np.uint8).repeat(16).tobytes()
    with RevocationDb.open(home.home) as db, db.change():
        db.put(Batch("list", b"", "uci"))
        assert [db.add("list", every), db.add("list", every)] == [256, 0]
        assert db.hashes("list") == every
        assert (db.count("list"), db.take("list", every[:160]), db.count("list")) == (256, 10, 246)


# Public vectors


def test_a_list_of_identifiers_has_the_hashes_of_the_public_vectors(home: TrustHome, tmp_path: Path) -> None:
    cases = json.loads(vectors("revocation/hashes.json").read_text())
    identifiers = [_identifier(case["barcodeData"]) for case in cases]
    for case, (country, uvci) in zip(cases, identifiers, strict=True):
        file = written(tmp_path, "list.txt", uvci.encode())
        results(run(home, "revoke", "--format", "uvci", file))
        results(run(home, "revoke", "--format", "uvci", file, "--country", country))
        assert bytes.fromhex(case["expUCI"]) in revoked(home, "uci")
        assert bytes.fromhex(case["expCOUNTRYCODEUCI"]) in revoked(home, "country-uci")


def _identifier(text: str) -> tuple[str, str]:
    """Return country and UVCI of a pass."""
    message = cose.decode(compression.inflated(base45.decode(unprefixed(text))))
    entry = hcert.parse(cwt.decode(message.payload, -260).content).entry
    return entry.country, entry.uci

"""Revocations from files of JSON: taken whole or not at all, never older than what is known."""

import contextlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centre.trust.home import TrustError, TrustHome
from centre.trust.importing import _once
from centre.trust.revocation_db import Kind, RevocationDb
from centre.trust.revocation_sources import card_list, gateway_batch, gateway_list, italian_chunk
from tests.centre.trust_import_site import NOW, refused, results, run, trust_home
from tests.centre.trust_revocation_site import KID, b64, batch, chunk, crl, delta, digest, hashes, revoked, written
from tests.vectors import vectors
from verifier.revocation import shc_rid_hash


@pytest.fixture
def home(tmp_path: Path) -> TrustHome:
    return trust_home(tmp_path)


# The gateway's batches


def test_a_batch_is_taken_once_and_replaced_by_another_of_its_name(home: TrustHome, tmp_path: Path) -> None:
    file = written(tmp_path, "b-1.json", batch(1, 2, 2))
    (told,) = results(run(home, "revoke", file))
    assert (told["state"], told["kid"], told["kind"], told["hashes"]) == ("new", KID.hex(), "signature", 2)
    assert told["batch"] == "gateway b-1"
    assert revoked(home, "signature", KID) == hashes(1, 2)
    assert results(run(home, "revoke", file))[0]["state"] == "known"
    other = written(tmp_path, "other.json", batch(3, batchId="b-1"))
    assert results(run(home, "revoke", other))[0]["state"] == "changed"
    assert revoked(home, "signature", KID) == hashes(3)


@pytest.mark.parametrize(
    ("said", "kind"), [("SIGNATURE", "signature"), ("UCI", "uci"), ("COUNTRYCODEUCI", "country-uci")]
)
def test_each_kind_and_any_key(home: TrustHome, tmp_path: Path, said: str, kind: Kind) -> None:
    results(run(home, "revoke", written(tmp_path, "b.json", batch(1, kid="UNKNOWN_KID", hashType=said))))
    assert revoked(home, kind) == hashes(1)


def test_an_expired_batch_counts_no_more(home: TrustHome, tmp_path: Path) -> None:
    results(run(home, "revoke", written(tmp_path, "a.json", batch(1, expires="2026-11-23T07:00:00+01:00"))))
    results(run(home, "revoke", written(tmp_path, "b.json", batch(2, expires="2026-11-24T06:00:00"))))
    assert revoked(home, "signature", KID, timedelta(hours=23)) == hashes(1, 2)
    assert revoked(home, "signature", KID, timedelta(days=1)) == hashes(2)
    assert revoked(home, "signature", KID, timedelta(days=2)) == set()
    (told,) = results(run(home, "revoke", written(tmp_path, "c.json", batch(3, expires="2021-01-01T00:00:00Z"))))
    assert told["expired"]


def test_full_hashes_are_cut_to_what_lists_carry(home: TrustHome, tmp_path: Path) -> None:
    results(run(home, "revoke", written(tmp_path, "b.json", batch(entries=[{"hash": b64(digest(7))}]))))
    assert revoked(home, "signature", KID) == hashes(7)


def test_a_folder_is_taken_and_one_bad_file_hinders_no_other(home: TrustHome, tmp_path: Path) -> None:
    folder = tmp_path / "batches"
    folder.mkdir()
    for number in (1, 2, 3):
        written(folder, f"{number}.json", batch(number))
    written(folder, "2.json", b'{"hashType": ')
    done = run(home, "revoke", folder)
    assert done.exit_code == 65
    assert "2.json: " in done.stderr
    assert done.stderr.count("\n") == 1
    assert revoked(home, "signature", KID) == hashes(1, 3)


def test_files_that_a_system_hides_are_none_of_a_folder(home: TrustHome, tmp_path: Path) -> None:
    folder = tmp_path / "batches"
    folder.mkdir()
    written(folder, "1.json", batch(1))
    written(folder, "._1.json", b"\0\5\x16\7")  # as macOS leaves them on sticks
    assert len(results(run(home, "revoke", folder))) == 1


def test_deleted_batches_of_the_list_are_removed(home: TrustHome, tmp_path: Path) -> None:
    for number in (1, 2):
        results(run(home, "revoke", written(tmp_path, f"b-{number}.json", batch(number))))
    entries = [
        {"batchId": f"b-{number}", "country": "DE", "date": "2026-11-01T00:00:00Z", "deleted": number == 2}
        for number in (1, 2, 3)
    ]
    file = written(tmp_path, "list.json", {"more": False, "batches": entries})
    (told,) = results(run(home, "revoke", file))
    assert (told["batches"], told["removed"], told["missing"], told["more"]) == (2, 1, 1, False)
    assert revoked(home, "signature", KID) == hashes(1)
    assert results(run(home, "revoke", file))[0]["removed"] == 0
    assert results(run(home, "revoke", tmp_path / "b-2.json"))[0]["state"] == "withdrawn"
    assert revoked(home, "signature", KID) == hashes(1)
    refused(run(home, "revoke", file, "--remove"), 2, "--remove takes batches")


@pytest.mark.parametrize("other", [{"country": "FR"}, {"kid": "UNKNOWN_KID"}, {"hashType": "UCI"}], ids=min)
@pytest.mark.parametrize("options", [(), ("--remove",)], ids=["takes", "removes"])
def test_a_batch_displaces_no_other_of_its_name(
    home: TrustHome, tmp_path: Path, other: dict[str, str], options: tuple[str, ...]
) -> None:
    results(run(home, "revoke", written(tmp_path, "b.json", batch(1))))
    file = written(tmp_path, "b.json", batch(2, **other))
    refused(run(home, "revoke", file, *options), 65, "another batch of this name is here")
    assert revoked(home, "signature", KID) == hashes(1)


def test_a_batch_is_removed(home: TrustHome, tmp_path: Path) -> None:
    file = written(tmp_path, "b.json", batch(1))
    results(run(home, "revoke", file))
    assert [results(run(home, "revoke", file, "--remove"))[0]["state"] for _ in range(2)] == ["removed", "absent"]
    assert revoked(home, "signature", KID) == set()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (batch(1, hashType="SHA"), "Invalid enum value 'SHA'"),
        (batch(1, country="Germany"), "a country has two capital letters"),
        (batch(1, kid="?"), "kid is no base64"),
        (batch(1, kid=""), "kid is neither"),
        (batch(1, kid=b64(bytes(33))), "kid is neither"),
        (batch(1, expires="soon"), "expires"),
        (batch(1, expires="9999-12-31T23:59:59-12:00"), "expires is beyond"),
        (batch(1, expires="0001-01-01T00:00:00+14:00"), "expires is beyond"),
        (batch(1, batchId="a\nb"), "a batch's id"),
        (batch(1, batchId=""), "a batch's id"),
        (batch(entries=[{"hash": b64(b"short")}]), "hash 1 has 5 bytes"),
        (batch(entries=[{"hash": "?"}]), "hash 1 is no base64"),
        (batch(entries=[{}]), "hash"),
        (batch(entries=[1]), "no batch of the gateway"),
        (batch(entries=None), "no batch of the gateway"),
        (json.dumps(batch(1)).replace('"kid"', '"kid": "x", "kid"').encode(), "'kid' stands twice"),
        (json.dumps(batch(1, country="NaN")).replace('"NaN"', "NaN").encode(), "no JSON"),
        (b'{"hashType": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "recursion"),
        (b'{"hashType": "\xff"}', "is refused|no batch|no JSON"),
        (b"MIIabc", "CMS message"),
        (b"", "no JSON"),
        ([], "no JSON"),
        ({"a": 1}, "no known list"),
        ({"batches": [{"batchId": 1}]}, "no list of batches"),
        (chunk(1) | {"delta": {}}, "either revokedUcvi or delta"),
        ({"version": 1, "revokedUcvi": None}, "either revokedUcvi or delta"),
        ({"version": 1, "delta": {}}, "without fromVersion"),
        (chunk(1, number=3, last=2), "no such thing"),
        (chunk(2**60), "no such thing"),
        (chunk(1, totalNumberUCVI=-1), "totalNumberUCVI"),
        (chunk(1, totalNumberUCVI=10**400), "totalNumberUCVI"),
        (crl("a b"), "rid 1: 1 to 24"),
        (crl("a", "a.b"), "rid 2: 1 to 24"),
        (crl("a", ctr="x"), "no count"),
        (crl("a", ctr=-1), "no count"),
        (crl("a") | {"kid": "x"}, "thumbprint"),
        (crl("a") | {"method": "other"}, "Invalid enum value"),
    ],
    ids=lambda value: value.replace(" ", "-")[:24] if isinstance(value, str) else None,
)
def test_files_that_are_wrong_change_nothing(home: TrustHome, tmp_path: Path, content: object, told: str) -> None:
    done = run(home, "revoke", written(tmp_path, "b.json", content))
    assert done.exit_code == 65
    assert done.stderr.count("\n") == 1
    assert any(one in done.stderr for one in told.split("|"))
    with RevocationDb.open(home.home) as db:
        assert list(db.groups(NOW)) == []


def test_a_name_that_stands_twice_is_found_in_one_go() -> None:
    class Name(str):
        compared = 0
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            Name.compared += 1
            return str.__eq__(self, other)

    with pytest.raises(ValueError, match="'name 999' stands twice"):
        _once([(Name(f"name {number}"), None) for number in [*range(1000), 999]])
    assert Name.compared < 5000


@given(data=st.binary(max_size=200))
@pytest.mark.parametrize("reader", [lambda data: gateway_batch(data, "b"), gateway_list, italian_chunk, card_list])
def test_any_bytes_are_revocations_or_told(reader: Any, data: bytes) -> None:  # noqa: ANN401 - any of them
    with contextlib.suppress(TrustError):
        reader(data)


# Italy's snapshots and deltas


def test_a_snapshot_counts_when_its_last_chunk_came(home: TrustHome, tmp_path: Path) -> None:
    folder = tmp_path / "drl"
    folder.mkdir()
    results(run(home, "revoke", written(tmp_path, "old.json", chunk(2, 100))))
    for number in range(1, 11):
        written(folder, f"chunk{number}.json", chunk(3, number, number=number, last=11, totalNumberUCVI=11))
    states = [one["state"] for one in results(run(home, "revoke", folder))]  # 10 after 9
    assert states == ["taken"] * 10
    assert revoked(home, "uci") == hashes(100)
    assert {one["state"] for one in results(run(home, "revoke", folder))} == {"known"}
    last = written(tmp_path, "last.json", chunk(3, 11, number=11, last=11, totalNumberUCVI=11))
    assert results(run(home, "revoke", last))[0]["state"] == "complete"
    assert revoked(home, "uci") == hashes(*range(1, 12))
    assert {one["state"] for one in results(run(home, "revoke", folder, last))} == {"known"}
    refused(run(home, "revoke", tmp_path / "old.json"), 65, "version 2 is older than 3")


def test_a_delta_changes_the_version_that_it_names(home: TrustHome, tmp_path: Path) -> None:
    refused(run(home, "revoke", written(tmp_path, "d.json", delta(1, 2))), 65, "bring a whole one first")
    results(run(home, "revoke", written(tmp_path, "s.json", chunk(1, 1, 2, 3))))
    first = written(tmp_path, "d1.json", delta(1, 2, insertions=(4,), deletions=(1, 9), last=2))
    second = written(tmp_path, "d2.json", delta(1, 2, insertions=(5, 2), deletions=(2,), number=2, last=2))
    refused(run(home, "revoke", second), 65, "bring chunk 1 first")
    (told,) = results(run(home, "revoke", first))
    assert (told["new"], told["removed"], told["state"]) == (1, 1, "taken")
    assert results(run(home, "revoke", first))[0]["state"] == "known"
    refused(run(home, "revoke", written(tmp_path, "d.json", delta(1, 3))), 65, "chunks of version 2 came already")
    assert results(run(home, "revoke", second))[0]["state"] == "complete"
    assert revoked(home, "uci") == hashes(2, 3, 4, 5)
    assert results(run(home, "revoke", first, second))[1]["state"] == "known"
    refused(run(home, "revoke", written(tmp_path, "d.json", delta(1, 3))), 65, "it changes version 1; 2 is here")


def test_a_sum_that_is_wrong_is_refused_and_changes_nothing(home: TrustHome, tmp_path: Path) -> None:
    results(run(home, "revoke", written(tmp_path, "s.json", chunk(1, 1))))
    file = written(tmp_path, "d.json", delta(1, 2, insertions=(2,), totalNumberUCVI=3))
    refused(run(home, "revoke", file), 65, "version 2 has 3 identifiers, these chunks make 2")
    assert revoked(home, "uci") == hashes(1)


def test_a_newer_snapshot_takes_over_from_one_that_never_ended(home: TrustHome, tmp_path: Path) -> None:
    results(run(home, "revoke", written(tmp_path, "a.json", chunk(1, 1, last=2))))
    results(run(home, "revoke", written(tmp_path, "b.json", chunk(2, 2, last=2))))
    refused(run(home, "revoke", written(tmp_path, "c.json", chunk(1, 3, number=2, last=2))), 65, "bring chunk 1 first")
    results(run(home, "revoke", written(tmp_path, "d.json", chunk(2, 4, number=2, last=2))))
    assert revoked(home, "uci") == hashes(2, 4)
    told = [results(run(home, "revoke", tmp_path / "d.json", "--remove"))[0]["state"] for _ in range(2)]
    assert told == ["removed", "absent"]
    assert revoked(home, "uci") == set()


# SMART Health Cards


def test_a_card_revocation_list(home: TrustHome, tmp_path: Path) -> None:
    file = written(tmp_path, "crl.json", crl("AQPCj4wwk6Mt", "lHKzqFUMjhs.1636977600", ctr=2))
    (told,) = results(run(home, "revoke", file))
    assert (told["state"], told["hashes"], told["timed"]) == ("new", 2, 1)
    kid = bytes(range(32))
    assert revoked(home, "shc-rid", kid) == {shc_rid_hash("AQPCj4wwk6Mt"), shc_rid_hash("lHKzqFUMjhs")}
    assert results(run(home, "revoke", file))[0]["state"] == "known"
    refused(run(home, "revoke", written(tmp_path, "old.json", crl("x"))), 65, "its ctr is 1; 2 is here")
    results(run(home, "revoke", written(tmp_path, "new.json", crl("x", ctr="3"))))
    assert revoked(home, "shc-rid", kid) == {shc_rid_hash("x")}


# Public vectors


def test_the_hashes_of_the_public_vectors_revoke_their_passes(home: TrustHome, tmp_path: Path) -> None:
    cases = json.loads(vectors("revocation/hashes.json").read_text())
    kinds: dict[Kind, str] = {"uci": "UCI", "country-uci": "COUNTRYCODEUCI", "signature": "SIGNATURE"}
    for kind, said in kinds.items():
        wanted = {bytes.fromhex(case[f"exp{said}"]) for case in cases}
        content = batch(kid="UNKNOWN_KID", hashType=said, entries=[{"hash": b64(one)} for one in wanted])
        results(run(home, "revoke", written(tmp_path, f"{said}.json", content)))
        assert revoked(home, kind) == wanted

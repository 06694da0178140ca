"""`permit revoke`: into the nation's revocations, by number, text or plate; the same again changes nothing."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from centre.permits.revoking import FILE_MAX_BYTES
from centre.trust.revocation_db import RevocationDb
from tests.centre.permit_site import AT, VEHICLE, Office, flags, new_office
from verifier.revocation import PlainSet, Revocations, lx1_hash
from verifier.signers import parse_signers
from verifier.verdict import Refused
from verifier.verify import Verifier


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    return new_office(tmp_path, monkeypatch).with_trust().trusted()


def revoked(office: Office) -> set[bytes]:
    with RevocationDb.open(office.home) as db:
        (group,) = db.groups(AT)
        assert group == (office.key().kid, "lx1")
        blob = b"".join(db.blobs(*group, AT))
    return {blob[start : start + 16] for start in range(0, len(blob), 16)}


def test_a_revoked_permit_is_refused_by_lanes(office: Office) -> None:
    told = office.issued()
    *named, total = office.json("revoke", told["id"])
    assert named == [{"id": told["id"], "plate": "51C12345", "state": "revoked"}]
    assert total == {"revoked": 1, "new": 1, "next": "greengate-centre trust publish"}
    assert revoked(office) == {lx1_hash(bytes.fromhex(told["id"]))}
    text = next(office.out.glob("*.txt")).read_text().strip()
    trust = parse_signers((office.trust.draft / "signers.json").read_bytes())
    sets = (PlainSet("lx1", office.key().kid, frozenset(revoked(office))),)
    verdict = Verifier(trust, Revocations(sets)).verify(text, AT)
    assert isinstance(verdict, Refused)
    assert verdict.reason == "revoked"
    assert "revocations" in office.run("status", of="trust", code=1).stdout


def test_the_same_again_changes_nothing(office: Office) -> None:
    told = office.issued()
    office.run("revoke", told["id"])
    before = revoked(office)
    assert office.json("revoke", told["id"])[-1]["new"] == 0
    assert revoked(office) == before
    assert office.json("list")[0]["state"] == "revoked"


def test_broken_off_between_the_two_the_same_again_goes_on(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    told = office.issued()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("centre.permits.ledger.Ledger.revoke", stop)
    office.run("revoke", told["id"], code=130)
    assert office.json("list")[0]["state"] == "valid"
    monkeypatch.undo()
    assert office.json("revoke", told["id"])[-1]["new"] == 1
    assert len(revoked(office)) == 1
    assert [path.name for path in office.permits.folder.glob(".*")] == []


def test_a_permit_is_named_as_people_read_it(office: Office) -> None:
    told = office.issued()
    digits = told["id"][:8].upper()
    assert office.json("revoke", f"{digits[:4]} {digits[4:]}")[0]["id"] == told["id"]


def test_all_permits_of_a_plate(office: Office) -> None:
    first, second = office.issued(), office.issued(crew="3")
    office.issued(plate="61C1")
    assert [one["id"] for one in office.json("list", "--plate", "51C 12345")] == [first["id"], second["id"]]
    assert office.json("revoke", "--plate", "51c-123.45")[-1]["revoked"] == 2
    assert len(revoked(office)) == 2
    assert "99A1: no permit of this plate holds" not in office.refused("revoke", "--plate", "99A-1234", code=69)
    assert "--plate: no plate" in office.refused("revoke", "--plate", "?", code=2)


def test_files_with_texts_and_numbers_are_taken(office: Office) -> None:
    told, other = office.issued("travel"), office.issued()
    texts = b"".join(path.read_bytes() for path in office.out.glob("travel*.txt"))
    file = office.given("stolen.txt", texts + b"\n" + other["id"].encode() + b"\n")
    assert {one["id"] for one in office.json("revoke", file, other["id"])[:-1]} == {told["id"], other["id"]}


def test_a_text_that_was_issued_elsewhere_is_revoked_as_well(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    other = new_office(tmp_path / "other", monkeypatch)
    told = other.issued("travel")
    (file,) = other.out.glob("*.txt")
    assert office.json("revoke", file)[0] == {"id": told["id"], "plate": None, "state": "revoked"}


def test_where_the_nation_is_elsewhere_a_list_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "province").mkdir()
    province = new_office(tmp_path / "province", monkeypatch)
    told = province.issued()
    assert "write a list with --to FILE" in province.refused("revoke", told["id"], code=78)
    assert province.json("list")[0]["state"] == "valid"
    carried = tmp_path / "list.txt"
    assert province.json("revoke", told["id"], "--to", carried)[-1]["next"].endswith("list.txt")
    assert carried.read_text() == f"{told['id']}\n"
    assert "is there already" in province.run("revoke", told["id"], "--to", carried, code=73).stderr
    office = new_office(tmp_path, monkeypatch).with_trust()
    (taken,) = office.json("revoke", "--format", "lx1", carried, of="trust")
    assert (taken["new"], taken["kind"]) == (1, "lx1")


def test_what_names_no_permit_is_told(office: Office) -> None:
    office.issued()
    empty, wrong = office.given("a.txt", b"\n\n"), office.given("b.txt", b"\nLX1:ABC\n")
    large = office.given("c.txt", b"x" * (FILE_MAX_BYTES + 1))
    for words, code, told in (
        ([], 2, "name permits, or a --plate"),
        (["00000000", "--plate", "51C12345"], 2, "name permits, or a --plate"),
        (["00000000"], 69, "no such permit was issued here"),
        (["xyz"], 65, "neither a file nor a permit's number"),
        (["0" * 33], 65, "neither a file nor a permit's number"),
        ([empty], 65, "no permit in it"),
        ([wrong], 65, "b.txt: line 2: no permit's text: "),
        ([large], 66, "is larger than"),
    ):
        assert told in office.refused("revoke", *words, code=code)


def test_numbers_that_begin_the_same_are_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter([bytes(16), bytes(15) + b"\1"])
    monkeypatch.setattr("centre.permits.issuing.secrets", SimpleNamespace(token_bytes=lambda _: next(numbers)))
    for crew in ("1", "2"):
        office.run("issue", "vehicle", *flags(VEHICLE | {"crew": crew}), "--out", office.out)
    assert "several permits begin so: give more digits" in office.refused("revoke", "0" * 8, code=65)

"""`permit issue`: all or nothing, once, recorded before it is handed out, and as lanes take it."""

import errno
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from centre.permits import pdf as pdf_module
from centre.permits.encoding import decode
from centre.permits.files import Printer
from centre.permits.issuing import Issuer
from centre.trust.home import TrustHome
from centre.trust.options import trust_told
from tests.centre.permit_site import ALL, AT, VEHICLE, Office, flags, new_office, table
from verifier.revocation import Revocations
from verifier.signers import parse_signers
from verifier.verdict import Accepted
from verifier.verify import Verifier


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    return new_office(tmp_path, monkeypatch)


def text_of(office: Office, told: dict[str, str]) -> str:
    (path,) = (path for path in office.out.glob("*.txt") if told["id"][:8] in path.name)
    return path.read_text("ascii").strip()


@pytest.mark.parametrize("kind", ALL)
def test_a_permit_of_each_kind_is_what_lanes_accept(office: Office, kind: str) -> None:
    office.with_trust().trusted(issuers=("VN-SG",), areas=("VN-SG", "VN-BD"))
    told = office.issued(kind)
    assert (told["state"], told["kind"]) == ("issued", kind)
    text = text_of(office, told)
    trust = parse_signers((office.trust.draft / "signers.json").read_bytes())
    verdict = Verifier(trust, Revocations(())).verify(text, AT)
    assert isinstance(verdict, Accepted)
    assert verdict.document.kinds == (kind,)
    assert verdict.document.country == "VN"
    read = decode(text)
    assert (read.identifier.hex(), read.begins, read.kid) == (told["id"], AT, office.key().kid)
    assert read.ends == datetime.fromisoformat(told["until"])


def test_files_are_for_their_owner_alone_and_name_no_person(office: Office) -> None:
    office.issued("travel", "--png", "--svg", "--pdf")
    office.issued("vehicle")
    names = {path.name.partition("-")[0] for path in office.out.iterdir()}
    assert names == {"travel", "51C12345"}
    assert {path.stat().st_mode & 0o777 for path in office.out.iterdir()} == {0o600}
    assert {path.suffix for path in office.out.glob("travel*")} == {".txt", ".png", ".svg", ".pdf"}


def test_of_what_names_a_person_only_number_kind_and_times_are_kept(office: Office) -> None:
    told = office.issued("test")
    kept = b"".join(path.read_bytes() for path in office.permits.folder.iterdir() if path.is_file())
    for word in (b"NGUYEN", b"1990", b"LX1:", "Quận".encode()):
        assert word not in kept
    (listed,) = office.json("list")
    assert (listed["id"], listed["kind"], listed["plate"], listed["state"]) == (told["id"], "test", None, "valid")


def test_the_same_command_again_gives_the_same_permit(office: Office) -> None:
    first = office.issued("travel")
    before = text_of(office, first)
    office.clock.advance(3600)
    second = office.issued("travel")
    assert (second["id"], second["state"], second["until"]) == (first["id"], "known", first["until"])
    assert text_of(office, second) == before
    third = office.issued("travel", "--again")
    assert (third["id"] != first["id"], third["state"]) == (True, "issued")
    assert len(office.json("list")) == 2


def test_what_has_ended_or_was_revoked_is_issued_anew(office: Office) -> None:
    first = office.issued()
    office.clock.advance(timedelta(days=31).total_seconds())
    second = office.issued()
    assert second["id"] != first["id"]
    office.run("revoke", second["id"], "--to", office.folder / "list.txt")
    assert office.issued()["state"] == "issued"
    assert [one["state"] for one in office.json("list")] == ["ended", "revoked", "valid"]
    office.clock.advance(timedelta(days=91).total_seconds())
    office.issued()
    assert first["id"] not in {one["id"] for one in office.json("list")}


def test_a_table_is_issued_whole(office: Office) -> None:
    rows = [VEHICLE | {"plate": f"51C{number}"} for number in range(100, 120)]
    file = office.given("permits.csv", table(*rows))
    told = office.json("issue", "vehicle", "--csv", file, "--out", office.out)
    assert [(one["line"], one["plate"]) for one in told] == [(n + 2, row["plate"]) for n, row in enumerate(rows)]
    assert len(list(office.out.glob("*.txt"))) == 20
    again = office.json("issue", "vehicle", "--csv", file, "--out", office.out)
    assert [(one["id"], one["state"]) for one in again] == [(one["id"], "known") for one in told]


def test_broken_off_midway_the_same_again_issues_no_second_permit(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = office.given("p.csv", table(*({"kind": kind} | fields for kind, fields in ALL.items())))
    real, left = Printer.write, [2]

    def stops(self: Printer, text: str) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return real(self, text)

    monkeypatch.setattr(Printer, "write", stops)
    office.run("issue", "--csv", file, "--out", office.out, code=130)
    assert len(list(office.out.iterdir())) == 2
    recorded = [one["id"] for one in office.json("list")]
    assert len(recorded) == 4
    monkeypatch.undo()
    office.clock.advance(10)
    texts = {path.name: path.read_text() for path in office.out.iterdir()}
    rows = office.json("issue", "--csv", file, "--out", office.out)
    assert [row["id"] for row in rows] == recorded
    assert {row["state"] for row in rows} == {"known"}
    assert len(list(office.out.iterdir())) == 4
    assert all((office.out / name).read_text() == text for name, text in texts.items())


def test_a_row_that_fails_late_leaves_nothing(office: Office) -> None:
    long = {"plate": "51C1234567AB", "carrier": "C" * 30, "route": ";".join(f"CT-{n:02}.ABCDEF" for n in range(8))}
    file = office.given("p.csv", table(VEHICLE, VEHICLE | long))
    told = office.refused("issue", "vehicle", "--csv", file, "--out", office.out, code=65)
    assert "nothing is issued: line 3, route: its QR code is of version 1" in told
    assert "shorten the carrier" in told
    assert office.json("list") == []
    assert list(office.out.iterdir()) == []


def test_a_plate_with_another_permit_at_the_same_time_is_told(office: Office) -> None:
    first = office.issued()
    done = office.run("issue", "vehicle", *flags(VEHICLE | {"crew": "3"}), "--out", office.out)
    assert done.stderr == f"51C12345 has another permit at the same time: {first['id']}: revoke what is not meant\n"
    later = VEHICLE | {"from": "2027-01-30"}
    assert office.run("issue", "vehicle", *flags(later), "--out", office.out).stderr == ""


@pytest.mark.parametrize(
    ("bounds", "kind", "told"),
    [
        ({"kinds": ("vehicle",)}, "travel", "wrong-key-usage"),
        ({"issuers": ("VN-HN",)}, "vehicle", "outside-scope"),
        ({"areas": ("VN-HN",)}, "vehicle", "outside-scope"),
        ({"not_after": AT + timedelta(days=1)}, "vehicle", "signer-not-valid"),
    ],
    ids=["kind", "issuer", "area", "until"],
)
def test_what_lanes_would_refuse_is_not_issued(office: Office, bounds: dict[str, object], kind: str, told: str) -> None:
    office.with_trust().trusted(**bounds)
    line = office.refused("issue", kind, *flags(ALL[kind]), "--out", office.out, code=65)
    assert f"nothing is issued: lanes would refuse it ({told}: " in line
    assert office.json("list") == []


def test_a_key_that_the_nation_does_not_list_is_told(office: Office) -> None:
    office.with_trust()
    told = office.json("issue", "vehicle", *flags(VEHICLE), "--out", office.out)
    assert told[0] == {"warning": "no lane takes permits of sg yet: permit key export, then trust add-key and publish"}
    assert told[1]["state"] == "issued"


def test_no_permit_outlives_its_key(office: Office) -> None:
    office.run("key", "new", "brief", "--issuer", "VN-SG", "--days", "10")
    words = ("issue", "vehicle", *flags(VEHICLE), "--out", office.out)
    assert "until: the key brief ends 2026-12-02" in office.refused(*words, "--key", "brief", code=65)
    assert "several issuing keys: name one with --key: brief, sg" in office.refused(*words, code=2)
    assert office.run(*words, "--key", "sg").exit_code == 0


def test_what_is_asked_wrongly_is_told(office: Office) -> None:
    file = office.given("p.csv", table(VEHICLE))
    for words, code, told in (
        (["--csv", file, "--plate", "51C1"], 2, "--plate does not go with --csv"),
        ([], 2, "give a KIND with its flags, or --csv FILE"),
        (["tank"], 2, "'tank' is no kind of permit: vehicle, travel"),
        (["vehicle"], 65, "--plate: it is missing"),
        (["--csv", office.folder / "none.csv"], 66, "none.csv: no such file: name the table"),
        (["--csv", file], 65, "p.csv: line 1: no column kind"),
        (["vehicle", "--csv", file, "--out", office.folder / "none"], 2, "none is no folder"),
        (["vehicle", "--csv", file, "--distance-m", "0"], 2, "--distance-m: from 0.2 to 10"),
        (["vehicle", "--csv", file, "--key", "../sg"], 69, "'../sg': no such issuing key"),
    ):
        assert told in office.refused("issue", *words, code=code)


def test_what_a_page_needs_is_asked_for_before_anything_is_issued(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    pdf_module._library.cache_clear()
    monkeypatch.setattr(pdf_module, "FONTS", office.folder)
    told = office.refused("issue", "vehicle", *flags(VEHICLE), "--out", office.out, "--pdf", code=69)
    pdf_module._library.cache_clear()
    assert "a PDF needs this font" in told
    assert office.json("list") == []


def test_who_reads_no_further_is_no_fault_of_a_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BrokenPipeError), trust_told(json=False):  # told where the streams are
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    said: list[str] = []
    monkeypatch.setattr("centre.trust.options.refuse", lambda why, *_, **__: said.append(why))
    with trust_told(json=False):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert said == ["standard output: No space left on device: check the folder, its disk and rights"]


def test_a_disk_that_is_full_is_told_and_the_same_again_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setattr("centre.permits.files.write_whole", full)
    words = ("issue", "vehicle", *flags(VEHICLE), "--out", office.out)
    assert "No space left on device" in office.run(*words, code=73).stderr
    monkeypatch.undo()
    assert office.json("list")[0]["state"] == "valid"


def test_a_ledger_of_another_program_is_told(office: Office) -> None:
    office.run("list")
    office.permits.ledger.write_bytes(b"not a database, but something longer than a header of one" * 20)
    assert "permits.db: file is not a database: check --home" in office.refused("list", code=78)


def test_two_commands_at_once_are_one_after_the_other(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("centre.permits.ledger.BUSY_S", 0.05)
    with office.ledger() as other, other.change():
        line = office.refused("issue", "vehicle", *flags(VEHICLE), "--out", office.out, code=75)
    assert line.endswith("permits.db: another command works on it: try again\n")
    office.issued()


def test_a_draft_that_somebody_damaged_is_told(office: Office) -> None:
    office.with_trust().trusted()
    path = office.trust.draft / "signers.json"
    path.write_bytes(path.read_bytes().replace(b'"vehicle"', b'"boat"'))
    line = office.refused("issue", "vehicle", *flags(VEHICLE), "--out", office.out, code=78)
    assert line.startswith("sg in the draft of the nation's signers: entry 1: kinds of lx1 are")


def test_a_home_without_keys_is_told(office: Office, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    empty = Office(tmp_path / "other", office.clock)
    assert "has no issuing key: run greengate-centre permit key new" in empty.refused(
        "issue", "vehicle", *flags(VEHICLE), "--out", empty.out, code=69
    )


def test_a_verifier_that_refuses_for_another_reason_is_a_fault(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Issuer, "_signed", lambda *_: "LX1:GGW")
    line = office.refused("issue", "travel", *flags(ALL["travel"]), "--out", office.out, code=65)
    assert "lanes would refuse it (bad-base45: " in line
    assert line.endswith("report this as a fault\n")


def test_json_and_plain_say_the_same(office: Office) -> None:
    plain = office.run("issue", "vehicle", *flags(VEHICLE), "--out", office.out).stdout
    (told,) = office.json("issue", "vehicle", *flags(VEHICLE), "--out", office.out)
    assert f"id {told['id']}  state issued" in plain
    assert json.dumps(told["files"]).count(".txt") == 1
    assert TrustHome(office.home).folder.exists() is False

"""`greengate explain` of every kind: permits, other schemes' cards, identity codes, and what is only named."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from provisioning.document_fields import fields_of, shown_fields
from provisioning.words import phrases
from tests.provisioning.command import Done, greengate
from tests.simulators import identity
from tests.simulators.lx1 import KIND_NAMES, KindName, Lx1Issuer
from tests.simulators.nzcp import NzcpIssuer
from tests.simulators.shc import ShcIssuer
from tests.simulators.vds_nc import VdsNcIssuer
from verifier.documents.document import Holder
from verifier.documents.record import record
from verifier.recognise import recognise
from verifier.signers import encode_signers

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ISSUER = Lx1Issuer()
NO_POINT = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}


@pytest.fixture
def signers(tmp_path: Path) -> Path:
    path = tmp_path / "signers.json"
    path.write_bytes(encode_signers([ISSUER.entry()]))
    return path


def explain(*arguments: str | Path, given: str | bytes | None = None) -> Done:
    return greengate("explain", "--at", AT.isoformat(), *arguments, given=given)


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_permit_is_explained_by_a_list_of_signers(signers: Path, kind: KindName) -> None:
    done = explain("--json", "--signers", signers, ISSUER.issue(kind, AT))
    assert (done.code, done.result["reason"]) == (0, "valid")
    assert (done.result["format"], done.result["code"]) == ("lx1", "lx1")
    assert done.result["document"].keys() == {"kind", "issuer", "holder", "entry"}
    assert done.result["document"]["kind"] == kind


@pytest.mark.parametrize("issuer", [ShcIssuer(AT), NzcpIssuer(AT), VdsNcIssuer(AT)], ids=["shc", "nzcp", "vds-nc"])
def test_a_card_of_another_scheme_is_explained(tmp_path: Path, issuer: ShcIssuer | NzcpIssuer | VdsNcIssuer) -> None:
    signers = tmp_path / "signers.json"
    signers.write_bytes(encode_signers([issuer.trust_entry()]))
    text = issuer.issue()
    done = explain("--json", "--signers", signers, text)
    assert (done.code, done.result["reason"]) == (0, "valid")
    assert done.result["format"] == done.result["code"] == issuer.trust_entry().format
    assert done.result["document"].keys() == {"kind", "country", "holder", "entry"}
    assert done.result["document"]["entry"]["tg"] == "840539006"
    assert "chứng nhận tiêm chủng / vaccination certificate" in explain("--signers", signers, text).out


def test_people_read_a_permits_plate_route_and_hours(signers: Path) -> None:
    out = explain("--signers", signers, ISSUER.issue("vehicle", AT)).out
    assert "biển số / plate" in out
    assert "51C12345" in out
    assert "QL1A, QL51" in out
    assert "22:00-05:00" in out
    assert "giấy phép luồng xanh của xe / vehicle permit" in out


def test_a_permit_of_nobody_that_is_trusted_is_shown_all_the_same(signers: Path) -> None:
    done = explain("--json", "--signers", signers, Lx1Issuer().issue("travel", AT))
    assert (done.code, done.result["reason"]) == (1, "unknown-issuer")
    assert done.result["document"]["entry"]["areas"] == ["VN-SG", "VN-43"]


@pytest.mark.parametrize(("format_", "make"), identity.MAKERS.values(), ids=identity.MAKERS)
def test_an_identity_code_is_shown_with_that_nobody_signed_it(format_: str, make: object) -> None:
    assert callable(make)
    text = make(identity.PERSON)
    done = explain("--json", text)
    assert (done.code, done.result["reason"], done.result["format"]) == (3, "unsigned", format_)
    assert done.result["document"]["kind"] == "identity"
    assert "payload" not in done.result["document"]
    out = explain(text).out
    assert "This code is not signed" in out
    assert "1990" in out


@pytest.mark.parametrize("name", identity.FOREIGN)
def test_another_countrys_code_is_named(name: str) -> None:
    done = explain("--json", "-", given=identity.FOREIGN[name])
    assert (done.code, done.result["reason"], done.result["code"]) == (3, "foreign-kind", name)
    assert (done.result["format"], done.result["document"]) == (None, None)


@pytest.mark.parametrize(("name", "text"), identity.ONLINE.values(), ids=identity.ONLINE)
def test_what_only_a_service_knows_is_named_and_never_opened(name: str, text: str) -> None:
    done = explain("--json", "-", given=text)
    assert (done.code, done.result["reason"], done.result["code"]) == (3, "online-only", name)


TEXTS = [*identity.FOREIGN.values(), *(text for _, text in identity.ONLINE.values()), "", "HC1:", "LX1:", "shc:/", "{}"]
TEXTS += ["NZCP:/1/", '{"data": 1, "sig": 2}', *(make(identity.PERSON) for _, make in identity.MAKERS.values())]


def test_every_code_has_its_words() -> None:
    known = phrases("explain")
    assert [name for name in {recognise(text).name for text in TEXTS} if f"code-{name}" not in known] == []
    for text in TEXTS:
        assert explain("-", given=text).code in {1, 3}


def test_a_card_of_another_scheme_shows_its_entry_once() -> None:
    holder = Holder(family="Nguyễn", given="Ân", birth_date="1990-03-09")
    card = record("nzcp", "vaccination", "NZ", holder, {"dn": 2, "mp": "EU/1/20/1528"})
    fields = fields_of(card)
    assert fields["entry"] == {"tg": "840539006", "dn": 2, "mp": "EU/1/20/1528"}
    assert "payload" not in fields
    labels = dict(shown_fields(card).fields)
    assert labels["mũi thứ (dn) / dose (dn)"] == "2"
    assert labels["họ / family name"] == "Nguyễn"


def test_a_long_name_goes_on_in_the_next_line(signers: Path) -> None:
    text = ISSUER.issue("test", AT, f44="V" * 60)
    out = "".join(explain("--signers", signers, text).out.split())
    assert "V" * 60 in out


def test_every_field_that_is_read_has_its_words(signers: Path) -> None:
    for kind in KIND_NAMES:
        out = explain("--signers", signers, ISSUER.issue(kind, AT)).out
        assert "_" not in out.partition("judged at")[2]


@pytest.mark.parametrize(
    "content", [None, b"", b"[]", b'{"version": 1, "signers": [{}]}'], ids=["none", "empty", "[]", "{}"]
)
def test_a_list_of_signers_that_cannot_be_used(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "list.json"
    if content is not None:
        path.write_bytes(content)
    done = explain("--json", "--signers", path, "LX1:")
    assert done.code == 66
    assert str(path) in done.result["error"]
    assert len(done.err.splitlines()) == 1


def test_cases_of_any_kind_a_line() -> None:
    entry = msgspec.to_builtins(ISSUER.entry())
    lines = [
        {"text": ISSUER.issue("vehicle", AT), "at": AT.isoformat(), "keys": [entry]},
        {"text": ISSUER.issue("vehicle", AT), "at": AT.isoformat(), "keys": []},
        {"text": identity.cccd()},
        {"text": "LX1:", "keys": [entry | {"format": "later"}]},
        {"text": ISSUER.issue("vehicle", AT), "keys": [entry | {"jwk": NO_POINT}]},
        {"text": "LX1:", "keys": [{}]},
    ]
    done = greengate("explain", "--batch", given=b"\n".join(map(msgspec.json.encode, lines)))
    assert done.code == 65
    assert [one.get("reason") for one in done.results] == [
        "valid", "no-trust-list", "unsigned", None, "no-trust-list", None,
    ]  # fmt: skip
    assert "keys 1: format later is not known" in done.results[3]["error"]
    assert "not a case" in done.results[5]["error"]

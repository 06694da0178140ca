"""Identity codes say who their holder is, or are refused; no more of them is kept than is compared."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.identity import FAULTY, MAKERS, PERSON, Person, cccd_first
from verifier.documents.document import Document, Holder
from verifier.documents.identity import DIGITS_KEPT, NAME_MAX_CHARS, TEXT_MAX_CHARS, IdentityFormat, parse
from verifier.mrz import standard_name
from verifier.reasons import Reason, RefusedError

FORMATS: tuple[IdentityFormat, ...] = ("qrqg", "cccd", "bhyt")
NAMES = st.text(st.characters(categories=["Lu", "Ll", "Lo"]), min_size=1, max_size=NAME_MAX_CHARS)
CARD = "079090123456"


def is_read_or_refused(text: str, kind: IdentityFormat) -> bool:
    try:
        code = parse(text, kind)
    except RefusedError as refused:
        return refused.reason is Reason.BAD_PAYLOAD
    return bool(code.holder.given and code.holder.birth_date)


@pytest.mark.parametrize("variant", MAKERS)
def test_says_who_the_holder_is(variant: str) -> None:
    kind, make = MAKERS[variant]
    code = parse(make(PERSON), kind)
    assert code.format == kind
    assert code.holder.given.upper() == PERSON.name.upper()
    assert code.holder.given_standard == "NGUYEN<VAN<AN"
    assert code.holder.birth_date == "1990-03-09"
    assert (code.holder.family, code.holder.family_standard) == ("", "")


@pytest.mark.parametrize(
    ("variant", "digits"),
    [("qrqg", "123456"), ("qrqg masked", "456"), ("cccd", "123456"), ("can cuoc", "123456"), ("bhyt", "")],
)
def test_keeps_the_end_of_a_number_only(variant: str, digits: str) -> None:
    kind, make = MAKERS[variant]
    assert parse(make(PERSON), kind).holder.document_digits == digits


def test_is_a_document_of_no_kind_that_a_rule_knows() -> None:
    code: Document = parse(cccd_first(), "cccd")
    assert (code.kinds, code.country, dict(code.payload)) == (("identity",), "VN", {})


@pytest.mark.parametrize("variant", FAULTY)
def test_refuses_what_says_nothing_of_use_and_tells_nothing_of_the_holder(variant: str) -> None:
    kind, text = FAULTY[variant]
    with pytest.raises(RefusedError) as refused:
        parse(text, kind)
    assert refused.value.reason is Reason.BAD_PAYLOAD
    assert not any(word in refused.value.detail for word in ("Nguy", "1990", CARD, "4e6"))


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("1990-03-09", "1990-03-09"),
        ("1990/3/9", "1990-03-09"),
        ("09/03/1990", "1990-03-09"),
        ("9-3-1990", "1990-03-09"),
        ("09031990", "1990-03-09"),
        ("29022000", "2000-02-29"),
        (" 09031990 ", "1990-03-09"),
        ("1990", "1990"),
        ("00031990", "1990-03"),
        ("**031990", "1990-03"),
        ("00001990", "1990"),
        ("15001990", "1990"),
        ("**/**/1990", "1990"),
        ("1990-00-00", "1990"),
    ],
)
def test_reads_dates_as_cards_write_them(text: str, iso: str) -> None:
    assert parse(f"{CARD}||Nguyễn Văn Ân|{text}|Nam", "cccd").holder.birth_date == iso


@pytest.mark.parametrize("number", ["", "1" * 11, "1" * 13, "07909012345X", "x" * 5000])
def test_refuses_a_number_that_is_none(number: str) -> None:
    with pytest.raises(RefusedError):
        parse(f"{number}||Nguyễn Văn Ân|09031990|Nam", "cccd")


def test_a_masked_name_has_no_standard_form() -> None:
    code = parse("******456|NGUYEN V** A*|1990-03-09|0|1|", "qrqg")
    assert code.holder == Holder(given="NGUYEN V** A*", birth_date="1990-03-09", document_digits="456")


def test_a_number_masked_to_its_end_shows_nothing() -> None:
    assert parse("079090******|NGUYEN VAN AN|1990-03-09|0|1|", "qrqg").holder.document_digits == ""


def test_the_name_is_composed_and_its_gaps_are_single() -> None:
    assert parse(f"{CARD}||A\N{COMBINING CIRCUMFLEX ACCENT}n  Nguyễn\t|09031990|", "cccd").holder.given == "Ân Nguyễn"


@given(NAMES, st.dates(date(1850, 1, 1), date(2100, 12, 31)), st.from_regex(r"[0-9]{12}", fullmatch=True))
def test_reads_back_whoever_it_was_made_for(name: str, born: date, number: str) -> None:
    person = Person(name=name, born=born, number=number)
    for kind, make in (MAKERS["cccd, first card"], MAKERS["can cuoc"], MAKERS["bhyt"]):
        code = parse(make(person), kind)
        assert code.holder.birth_date == born.isoformat()
        assert code.holder.given_standard in ("", standard_name(name).text)
        assert len(code.holder.document_digits) <= DIGITS_KEPT


@given(st.text() | st.text(alphabet="|*0123456789/-Aa4e", max_size=120), st.sampled_from(FORMATS))
def test_any_text_gives_a_holder_or_the_one_refusal(text: str, kind: IdentityFormat) -> None:
    assert is_read_or_refused(text, kind)


@given(st.data())
def test_mutated_codes_give_a_holder_or_the_one_refusal(data: st.DataObject) -> None:
    kind, make = MAKERS[data.draw(st.sampled_from(sorted(MAKERS)))]
    text = make(PERSON)
    at = data.draw(st.integers(0, len(text)))
    mutated = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 3)) :]
    assert is_read_or_refused(mutated, kind)


def test_the_longest_code_is_read_and_no_longer_one() -> None:
    text = cccd_first() + "|"
    assert parse(text + "x" * (TEXT_MAX_CHARS - len(text)), "cccd").holder.given == PERSON.name
    with pytest.raises(RefusedError):
        parse(text + "x" * (TEXT_MAX_CHARS - len(text) + 1), "cccd")

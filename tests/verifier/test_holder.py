"""Documents are of one holder, or not, or it cannot be told; in doubt never the same."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.simulators.identity import MAKERS, PERSON
from verifier.documents.document import Holder
from verifier.documents.identity import parse
from verifier.holder import Match, compare, together

DAY = "1990-03-09"
AN = Holder(family="Nguyễn", given="Văn Ân", birth_date=DAY)


def born(given: str, family: str = "", birth_date: str = DAY, digits: str = "") -> Holder:
    return Holder(family=family, given=given, birth_date=birth_date, document_digits=digits)


def standard(family: str, given: str, birth_date: str = DAY) -> Holder:
    return Holder(family_standard=family, given_standard=given, birth_date=birth_date)


LONG = standard("RODRIGUEZ<DE<LA<FUENTE", "MARIA<MAGDALENA<CONSUELO")  # 48 characters in a zone

SAME = {
    "one name against two": (AN, born("NGUYEN VAN AN")),
    "family and given name swapped": (AN, born("Nguyễn", "Văn Ân")),
    "given name first": (AN, born("Văn Ân Nguyễn")),
    "another place to divide": (AN, born("Ân", "Nguyễn Văn")),
    "standard form against letters": (AN, standard("NGUYEN", "VAN<AN")),
    "standard form in small letters": (AN, standard("nguyen", "van an")),
    "composed against combining marks": (AN, born("Nguye\u0302\u0303n Va\u0306n A\u0302n")),
    "hyphens": (born("Jean-Pierre", "Le Goff"), standard("LEGOFF", "JEAN<PIERRE")),
    "apostrophes": (born("Mary", "O'Connor"), born("Mary", "O Connor")),
    "umlaut as E": (born("Jürgen", "Müller"), standard("MUELLER", "JUERGEN")),
    "umlaut as plain letter": (born("Jürgen", "Müller"), standard("MULLER", "JURGEN")),
    "umlaut as XX": (born("Jürgen", "Müller"), standard("MUXXLLER", "JUXXRGEN")),
    "standard form and letters against another one": (
        Holder("Müller", "Jürgen", "MUELLER", "JUERGEN", DAY),
        standard("MULLER", "JURGEN"),
    ),
    "ring": (born("Åke", "Ångström"), standard("ANGSTROM", "AKE")),
    "tilde": (born("Íñigo", "Peña"), standard("PENXXA", "INXXIGO")),
    "cyrillic against its standard form": (born("Юрий", "Горбачев"), standard("GORBACHEV", "IURII")),
    "cyrillic twice": (born("Юрий", "Горбачев"), born("Юрий Горбачев")),
    "cut in a zone of 39": (LONG, standard("RODRIGUEZ<DE<LA<FUENTE", "MARIA<MAGDALENA")),
    "cut in a zone of 30": (LONG, standard("RODRIGUEZ<DE<LA<FUENTE", "MARIA<")),
    "year alone": (AN, replace(AN, birth_date="1990")),
    "year and month": (AN, replace(AN, birth_date="1990-03")),
    "unknown day": (AN, replace(AN, birth_date="1990-03-00")),
    "date with a time": (AN, replace(AN, birth_date="1990-03-09T00:00:00")),
    "numbers agree": (replace(AN, document_digits="123456"), replace(AN, document_digits="456")),
    "number of a passport in small letters": (
        replace(AN, document_digits="c123"),
        replace(AN, document_digits="C123"),
    ),
    "too short a number says nothing": (replace(AN, document_digits="123456"), replace(AN, document_digits="99")),
    "no date of birth, but the number": (
        replace(AN, document_digits="123456"),
        replace(AN, birth_date="", document_digits="456"),
    ),
    "middle name less, with day and number": (
        replace(AN, document_digits="456"),
        born("Ân", "Nguyễn", digits="123456"),
    ),
    "masks, with day and number": (replace(AN, document_digits="123456"), born("NGUYEN V** A*", digits="456")),
}

DIFFERENT = {
    "another day": (AN, replace(AN, birth_date="1990-03-10")),
    "another year, in part": (AN, replace(AN, birth_date="1991")),
    "another month, in part": (replace(AN, birth_date="1990-04"), replace(AN, birth_date="1990-03")),
    "another day, though the number agrees": (
        replace(AN, document_digits="123456"),
        replace(AN, birth_date="1990-03-10", document_digits="123456"),
    ),
    "another day and no names": (Holder(birth_date=DAY), Holder(birth_date="1990-03-10")),
    "another name": (AN, born("Trần Thị Bích")),
    "another given name": (AN, born("Văn Anh", "Nguyễn")),
    "another name without dates": (replace(AN, birth_date=""), born("Trần Thị Bích", birth_date="")),
    "another name, though the number agrees": (
        replace(AN, document_digits="123456"),
        born("Trần Thị Bích", digits="123456"),
    ),
    "another name behind masks": (AN, born("TRAN V** A*")),
    "another end behind masks": (AN, born("NGUYEN V** *H")),
    "another middle behind masks": (AN, born("N* T* AN")),
    "masks over less than there is": (born("An"), born("A*AN")),
    "another initial": (AN, born("V T", "Nguyễn")),
    "a beginning too short to be cut": (standard("NGUYEN", "VAN<ANH"), standard("NGUYEN", "VAN<AN")),
    "another name in a zone's length": (LONG, standard("RODRIGUEZ<DE<LA<FUENTE", "MARIA<MARGARITA")),
}

UNCLEAR = {
    "nothing at all": (Holder(), Holder()),
    "no name on one side": (AN, Holder(birth_date=DAY)),
    "no name on either side": (Holder(birth_date=DAY), Holder(birth_date=DAY)),
    "no name, though the number agrees": (
        replace(AN, document_digits="123456"),
        Holder(birth_date=DAY, document_digits="123456"),
    ),
    "names without a transliteration": (born("小明", "王"), born("小明", "王")),
    "a part without a transliteration": (born("小明", "Nguyen"), born("小红", "Nguyen")),
    "a name of masks": (AN, born("*** ***")),
    "no date of birth": (AN, replace(AN, birth_date="")),
    "no date that is one": (AN, replace(AN, birth_date="9 March 1990")),
    "no month that is one": (AN, replace(AN, birth_date="0000-13-41")),
    "numbers contradict": (replace(AN, document_digits="123456"), replace(AN, document_digits="123457")),
    "middle name less": (AN, born("Ân", "Nguyễn")),
    "family name alone": (AN, born("", "Nguyễn")),
    "initials": (AN, born("V Â", "Nguyễn")),
    "masks": (AN, born("NGUYEN V** A*")),
    "masks without the number": (AN, born("N* V* A*")),
    "masks in the standard form": (AN, standard("NGUYEN", "VAN<*")),
    "masks on both sides": (born("N* Văn Ân"), born("Nguyễn V**")),
    "twins, words swapped": (born("Nguyễn Minh Anh"), born("Nguyễn Anh Minh")),
    "twins, one letter that might be an umlaut": (born("Nguyễn Tú"), born("Nguyễn Tuệ")),
    "two standard forms of an umlaut": (standard("MUELLER", "JUERGEN"), standard("MULLER", "JURGEN")),
    "cyrillic, as another country writes it": (born("Юрий", "Горбачев"), standard("GORBATSJOV", "JURIJ")),
    "middle name less, with number and year": (
        replace(AN, document_digits="456"),
        born("Ân", "Nguyễn", birth_date="1990", digits="456"),
    ),
    "a zone cut before the given name": (
        standard("RODRIGUEZ<DE<LA<FUENTE<Y<MONT", ""),
        standard("RODRIGUEZ<DE<LA<FUENTE<Y<MONTERO", "MARIA"),
    ),
    "a thousand characters and one more": (born("a" * 1001), born("a" * 1001)),
}

CASES = [
    pytest.param(*pair, match, id=f"{match}: {name}")
    for match, cases in (("same", SAME), ("different", DIFFERENT), ("unclear", UNCLEAR))
    for name, pair in cases.items()
]

TEXTS = st.text(max_size=12) | st.text(alphabet="AÜNÑ* <-'", max_size=8)
DATES = st.sampled_from(["", "1990", "1990-03", DAY, "1991-01-01", "x"])
HOLDERS = st.builds(Holder, TEXTS, TEXTS, TEXTS, TEXTS, DATES, st.sampled_from(["", "456", "123456", "1*"]))


@pytest.mark.parametrize(("one", "other", "match"), CASES)
def test_compares(one: Holder, other: Holder, match: Match) -> None:
    assert compare(one, other) == match
    assert compare(other, one) == match


@pytest.mark.parametrize("variant", MAKERS)
def test_identity_codes_are_of_the_holder_of_a_pass(variant: str) -> None:
    kind, make = MAKERS[variant]
    passed = Holder("Nguyễn", "Văn Ân", "NGUYEN", "VAN<AN", DAY)
    assert compare(parse(make(PERSON), kind).holder, passed) == "same"


@given(HOLDERS, HOLDERS)
@example(standard("A" * 14, "B" * 14), standard("A" * 14, "B" * 15))
def test_the_order_makes_no_difference(one: Holder, other: Holder) -> None:
    assert compare(one, other) == compare(other, one)


@given(HOLDERS)
def test_nobody_differs_from_himself(holder: Holder) -> None:
    assert compare(holder, holder) != "different"


@given(HOLDERS, HOLDERS)
def test_only_those_with_a_name_and_a_date_or_number_in_common_are_the_same(one: Holder, other: Holder) -> None:
    if compare(one, other) == "same":
        assert (one.birth_date[:4] == other.birth_date[:4] != "") or one.document_digits[-3:] == other.document_digits[
            -3:
        ]


@given(HOLDERS, HOLDERS)
def test_masking_more_never_makes_them_the_same(one: Holder, other: Holder) -> None:
    masked = replace(one, family="*", given="*", family_standard="", given_standard="")
    assert compare(masked, other) in ("unclear", "different")


@pytest.mark.parametrize(
    ("holders", "match"),
    [
        ([], "same"),
        ([AN], "same"),
        ([AN, AN, born("NGUYEN VAN AN")], "same"),
        ([AN, AN, Holder()], "unclear"),
        ([AN, Holder(), born("Trần Thị Bích")], "different"),
        ([replace(AN, birth_date="1990"), AN, replace(AN, birth_date="1990-03-10")], "different"),
    ],
    ids=["none", "one", "three of one", "one unclear", "one different", "a bridge of a partial date"],
)
def test_documents_are_together(holders: list[Holder], match: Match) -> None:
    assert together(holders) == match

"""Names in A-Z, whatever they were written in."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors import dgc_files
from verifier.mrz import NAME_MAX_CHARS, StandardName, standard_name
from verifier.mrz_tables import ARABIC, CYRILLIC, GREEK, LATIN, Variant

LATIN_NAMES = {
    "Nguyễn Văn Ân": "NGUYEN<VAN<AN",
    "ĐẶNG THỊ ƯỚC": "DANG<THI<UOC",
    "Võ Quỳnh Hương": "VO<QUYNH<HUONG",
    "Müller": "MUELLER",
    "Gößmann": "GOESSMANN",
    "GROẞ": "GROSS",
    "Ångström": "AANGSTROEM",
    "Søren Ærø": "SOEREN<AEROE",
    "Þór Ðýrfinna": "THOR<DYRFINNA",
    "Jiří Dvořák": "JIRI<DVORAK",
    "Łukasz Żółć": "LUKASZ<ZOLC",
    "Şükrü I\N{LATIN SMALL LETTER DOTLESS I}k": "SUEKRUE<IIK",
    "İnan": "INAN",
    "Ștefan": "STEFAN",
    "Peña": "PENA",
    "Ħamrun": "HAMRUN",
    "Ĳsbrand": "IJSBRAND",
    "Œuvrard": "OEUVRARD",
    "Ŋ Ŧ ĸ": "N<T<Q",
    "Ǖ": "UE",
    "O'Connor-Smith": "OCONNOR<SMITH",
    "D\N{RIGHT SINGLE QUOTATION MARK}Arc": "DARC",
    "Kealoha\N{MODIFIER LETTER TURNED COMMA}okalani": "KEALOHAOKALANI",
    "Smith, Dr. John": "SMITH<DR<JOHN",
    "VAN<DER<<MUELLEN<<<": "VAN<DER<MUELLEN",
    "  An\t\N{NO-BREAK SPACE}Na ": "AN<NA",
    "\N{FULLWIDTH LATIN CAPITAL LETTER A}\N{LATIN SMALL LIGATURE FI}": "AFI",
    "": "",
    " - ": "",
}
OTHER_NAMES = {
    "Горбачёв Юрий": "GORBACHEV<IURII",
    "Щукин Ильич": "SHCHUKIN<ILICH",
    "Їжакевич": "IZHAKEVICH",
    "МУНДРОВ": "MUNDROV",
    "Μενεξές Μάριος": "MENEXES<MARIOS",
    "محمد": "MXHMD",
    "محمّد": "MXHMMD",
    "فاطمة بنت": "FAXTTMXAH<BNT",
    "عبد الرحيم": "EBD<ALRXHYM",
}
LOSSES = {
    "王小明": "",
    "Nguyen 王": "NGUYEN",
    "PREZIME01": "PREZIME",
    "Ann 😀": "ANN",
    "N*** Văn": "N<VAN",
    "An\ud800": "AN",
    "An\0": "AN",
    "สมชาย": "",
}
# What issuers wrote otherwise than the tables say: a hamza and a micro sign left out, a plain E, names swapped.
ISSUERS_OWN = {"الاسم الأول", "mäel", "IK", "Áçùþëýñääµ"}


@pytest.mark.parametrize(("name", "standard"), LATIN_NAMES.items())
def test_writes_latin_letters_as_doc_9303_does(name: str, standard: str) -> None:
    assert standard_name(name) == StandardName(standard, lost=False, ambiguous=False)


@pytest.mark.parametrize(("name", "standard"), OTHER_NAMES.items())
def test_writes_other_scripts_and_says_that_others_may_do_otherwise(name: str, standard: str) -> None:
    assert standard_name(name) == StandardName(standard, lost=False, ambiguous=True)


@pytest.mark.parametrize(("name", "standard"), LOSSES.items())
def test_leaves_out_what_has_no_transliteration_and_says_so(name: str, standard: str) -> None:
    assert standard_name(name) == StandardName(standard, lost=True, ambiguous=False)


@pytest.mark.parametrize(
    ("variant", "standard"),
    [
        ("recommended", "MUELLER<PENA<AA<OE<OE<AE"),
        ("plain", "MULLER<PENA<A<O<O<A"),
        ("marked", "MUXXLLER<PENXXA<AA<OE<OE<AE"),
    ],
)
def test_knows_the_other_transliterations(variant: Variant, standard: str) -> None:
    assert standard_name("Müller Peña Å Ö Ø Ä", variant).text == standard


@pytest.mark.parametrize("name", [*LATIN_NAMES, *OTHER_NAMES])
def test_combining_marks_make_no_difference(name: str) -> None:
    assert standard_name(unicodedata.normalize("NFD", name)).text == standard_name(name).text


def test_long_names_are_cut_and_it_is_told() -> None:
    assert standard_name("a" * NAME_MAX_CHARS) == ("A" * NAME_MAX_CHARS, False, False)
    assert standard_name("a" * (NAME_MAX_CHARS + 1)) == ("A" * NAME_MAX_CHARS, True, False)
    assert standard_name("a" + "\N{COMBINING ACUTE ACCENT}" * 100_000).lost


def test_ligatures_that_become_long_names_are_cut_likewise() -> None:
    assert standard_name("\N{LATIN SMALL LIGATURE FFI}" * 333) == ("FFI" * 333, False, False)
    assert standard_name("\N{LATIN SMALL LIGATURE FFI}" * 334) == (("FFI" * 334)[:NAME_MAX_CHARS], True, False)


@pytest.mark.parametrize(
    ("table", "script"),
    [(CYRILLIC, "CYRILLIC"), (ARABIC, "ARABIC"), (GREEK, "GREEK")],
    ids=["cyrillic", "arabic", "greek"],
)
def test_no_letter_of_a_table_only_looks_like_it(table: dict[str, str], script: str) -> None:
    assert all(unicodedata.name(letter).startswith(script) for letter in table)
    assert all(latin.isascii() and (latin.isupper() or not latin) for latin in table.values())


def test_every_latin_letter_of_europe_and_viet_nam_has_a_transliteration() -> None:
    letters = [
        chr(code)
        for block in ((0xC0, 0x148), (0x14A, 0x17F), (0x1E9E, 0x1E9F), (0x1EA0, 0x1EFA))
        for code in range(*block)
    ]
    named = [letter for letter in letters if letter.isalpha()]
    assert [letter for letter in named if standard_name(letter).lost] == []


@given(st.text(), st.sampled_from(list(LATIN)))
def test_any_text_gives_letters_and_single_fillers(text: str, variant: Variant) -> None:
    name = standard_name(text, variant).text
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ<")
    assert "<<" not in name
    assert name == name.strip("<")


@given(st.text(alphabet="ABCXYZ< ", max_size=40))
def test_what_is_standard_already_stays(text: str) -> None:
    name = standard_name(text).text
    assert standard_name(name) == StandardName(name, lost=False, ambiguous=False)


def test_agrees_with_the_issuers_of_europe() -> None:
    passes = (content.get("JSON") or {} for _, content in dgc_files() if isinstance(content, dict))
    names = {
        (name[letters], name[standard])
        for passed in passes
        if (name := passed.get("nam"))
        for letters, standard in (("fn", "fnt"), ("gn", "gnt"))
        if name.get(letters) and name.get(standard)
    }
    assert len(names) > 80
    others = {letters for letters, standard in names if standard_name(letters).text != standard_name(standard).text}
    assert others == ISSUERS_OWN

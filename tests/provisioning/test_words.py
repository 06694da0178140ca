"""The words: whole in both languages, NFC, with the same values in each."""

import string
import tomllib
import unicodedata
from pathlib import Path

import msgspec
import pytest

from provisioning import words
from provisioning.words import COMMON, Phrase, locale_lang, phrases

FILES = sorted(Path(words.__file__).parent.glob("*.toml"))
SAID = [file for file in FILES if file.stem != "config-keys"]  # those have a form of their own


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("file", SAID, ids=lambda file: file.stem)
def test_every_text_is_whole_in_both_languages(file: Path) -> None:
    for code, phrase in msgspec.convert(tomllib.loads(file.read_text("utf-8")), dict[str, Phrase]).items():
        assert phrase.vi.strip(), code
        assert phrase.en.strip(), code
        assert holes(phrase.vi) == holes(phrase.en), code
        assert all(name.isidentifier() for name in holes(phrase.en)), code


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_is_nfc_and_ends_with_a_line(file: Path) -> None:
    text = file.read_text("utf-8")
    assert text == unicodedata.normalize("NFC", text)
    assert text.endswith("\n")


@pytest.mark.parametrize("file", SAID, ids=lambda file: file.stem)
def test_no_topic_changes_a_common_text(file: Path) -> None:
    if file.stem != COMMON:
        common = tomllib.loads((file.parent / f"{COMMON}.toml").read_text("utf-8"))
        assert set(common) & set(tomllib.loads(file.read_text("utf-8"))) == set()


def test_a_topic_has_the_common_texts_too() -> None:
    assert phrases("doctor").keys() > phrases(COMMON).keys()


def test_a_value_that_is_missing_is_an_error_and_braces_of_values_are_kept() -> None:
    phrase = Phrase(vi="{n} lượt", en="{n} times")
    assert phrase.filled("vi", {"n": "{x}"}) == "{x} lượt"
    with pytest.raises(KeyError):
        phrase.filled("en", {})


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({}, "en"),
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "vi_VN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "vi_VN"}, "vi"),
        ({"LANG": "vi_VN", "LC_ALL": ""}, "vi"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "vi"}, "vi"),
        ({"LANG": "vie"}, "en"),
    ],
)
def test_the_locale_chooses_the_language(environment: dict[str, str], lang: str) -> None:
    assert locale_lang(environment) == lang


@pytest.mark.parametrize("file", SAID, ids=lambda file: file.stem)
def test_an_export_is_named_with_where_it_goes(file: Path) -> None:
    for code, phrase in msgspec.convert(tomllib.loads(file.read_text("utf-8")), dict[str, Phrase]).items():
        for text, stick in ((phrase.en, "STICK"), (phrase.vi, "Ổ_USB")):
            assert text.count("journal export") == text.count(f"journal export {stick}"), code

"""What is said about identities and configurations: both languages, the same values, text as people type it."""

import re
import string
import unicodedata
from pathlib import Path

import pytest

from provisioning import config_keys
from provisioning.identity.client import REFUSALS
from provisioning.words import COMMON, phrases

SOURCES = Path(config_keys.__file__).parent
CODE = re.compile(r'(?:CertificateError|WishError|say|warn|Step|_ask|ask)\(\s*"([a-z]+(?:-[a-z]+)+)"')
FAILS = re.compile(r'(?:fail|CentreError|Told)\(Exit\.\w+, "([a-z-]+)"')


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("topic", ["identity", "configuring"])
def test_both_languages_say_the_same(topic: str) -> None:
    for code, phrase in phrases(topic).items():
        assert _values(phrase.vi) == _values(phrase.en), code
        assert unicodedata.is_normalized("NFC", phrase.vi), code
    for code, words in config_keys.words().items():
        assert unicodedata.is_normalized("NFC", words.vi), code


def test_every_code_has_its_words() -> None:
    said = phrases("identity")
    for path in (*(SOURCES / "identity").glob("*.py"), SOURCES / "first_boot.py"):
        text = path.read_text("utf-8")
        for code in (*CODE.findall(text), *FAILS.findall(text)):
            assert code in said, (path.name, code)
    assert set(said) >= REFUSALS


def test_no_words_without_a_use() -> None:
    text = "".join(path.read_text("utf-8") for path in SOURCES.rglob("*.py"))
    for topic in ("identity", "configuring"):
        for code in set(phrases(topic)) - set(phrases(COMMON)) - REFUSALS:
            assert f'"{code}"' in text or code.startswith("first-boot-"), code

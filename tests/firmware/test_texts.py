import re
import unicodedata
from typing import get_args

import pytest

from firmware.faults import FAULTS
from firmware.hinting import ADVICE, code_of
from firmware.knowledge import StaleReason
from firmware.records import OVERRIDDEN
from firmware.texts import Words, load_texts
from verifier import Reason

TEXTS = load_texts()
UNDECIDED = ("clock-not-trusted", *get_args(StaleReason), "internal-error")
KNOWLEDGE = ("knowledge-age", "knowledge-date")
REST = ("just-scanned", "ready", "valid-out", "gate-away", "identify", "nobody-waits", OVERRIDDEN)
KINDS = ("vaccination", "recovery", "test", "vehicle", "travel", "declaration", "identity")
OURS = (*UNDECIDED, *KNOWLEDGE, *REST)


@pytest.mark.parametrize("code", [*Reason, *OURS, *FAULTS, *map(code_of, ADVICE)])
def test_every_reason_has_both_languages(code: str) -> None:
    assert TEXTS[str(code)].vi
    assert TEXTS[str(code)].en


def test_vietnamese_is_nfc_and_codes_are_kebab_case() -> None:
    for code, words in TEXTS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
        assert unicodedata.is_normalized("NFC", words.vi)
        assert words.en.isprintable()


def test_numbers_are_filled_in() -> None:
    assert TEXTS["records-unsent"].filled(n=7) == Words("Còn 7 bản ghi chưa gửi", "7 records unsent")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing_is_named_by_its_kind(kind: str) -> None:
    assert TEXTS["documents-missing"].filled(what=TEXTS[f"kind-{kind}"].en).en.startswith("Still missing: ")
    for words in (TEXTS[f"kind-{kind}"].vi, TEXTS[f"kind-{kind}"].en):
        assert words[:1].islower()  # it stands amid a sentence
        assert ". " not in words  # where a screen's headline would end


def test_a_device_is_found_by_its_name() -> None:
    assert TEXTS["identify"].filled(name="kiosk-1") == Words("Thiết bị kiosk-1", "Device kiosk-1")

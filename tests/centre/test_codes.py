"""One-time codes: what is shown is what is taken, however it is typed, and nothing else."""

import contextlib
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centre.devices.codes import CodeError, digest_of, new_code


def test_a_code_is_26_characters_in_groups() -> None:
    codes = {new_code() for _ in range(100)}
    assert len(codes) == 100
    for code in codes:
        assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{5}){3}-[0-9A-HJKMNP-TV-Z]{6}", code)


def test_it_may_be_typed_in_any_case_with_or_without_hyphens_and_misread() -> None:
    code = "01ABC-DEFGH-JKMNP-QRSTV-WXYZ01"
    wanted = hashlib.sha256(b"01ABCDEFGHJKMNPQRSTVWXYZ01").digest()
    for typed in (code, code.lower(), code.replace("-", ""), f" {code} ", code.replace("-", " - "), "OI" + code[2:]):
        assert digest_of(typed) == wanted
    assert digest_of("ol" + code[2:]) == wanted


@pytest.mark.parametrize(
    "typed", ["", "0" * 25, "0" * 27, "U" + "0" * 25, "8" + "0" * 25, "é" * 26, "0" * 65, "\0" * 26]
)
def test_what_is_no_code_is_said_so_and_not_repeated(typed: str) -> None:
    with pytest.raises(CodeError) as told:
        digest_of(typed)
    assert not typed or typed not in str(told.value)


@given(st.text(max_size=70))
def test_any_text_is_a_code_or_none(text: str) -> None:
    with contextlib.suppress(CodeError):
        assert len(digest_of(text)) == 32

"""`greengate explain`: what is a file's name and what is a code's text."""

import pytest

from tests.provisioning.command import greengate


@pytest.mark.parametrize("name", ["nosuch.png", "folder/pass.txt", "pass.jpeg"])
def test_a_mistyped_file_name_is_not_judged_as_a_pass(name: str) -> None:
    done = greengate("explain", name)
    assert done.code == 66
    assert name in done.err


@pytest.mark.parametrize(
    "text", ["https://example.org/pass.png", "NO1:AB.CD", "079123456789||NGUYEN VAN A|09031990|Nam|x.doe"]
)
def test_texts_with_dots_are_not_file_names(text: str) -> None:
    assert greengate("explain", text).code == 3

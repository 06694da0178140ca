"""Ctrl-C anywhere: one line, exit code 130."""

import pytest
import typer
import typer.main

from provisioning import configuring
from tests.provisioning.command import greengate


@pytest.mark.parametrize("error", [KeyboardInterrupt, typer.Abort])
@pytest.mark.parametrize(
    ("lang", "says"),
    [
        (("--lang", "vi"), "đã dừng giữa chừng"),
        (("--lang=en",), "stopped midway"),
        (("--lang", "fr"), "stopped midway"),
    ],
)
def test_one_line_and_the_code(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException], lang: tuple[str, ...], says: str
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(configuring, "Talk", stopped)
    monkeypatch.setenv("LC_ALL", "C")
    done = greengate("config", "show", *lang)
    assert (done.code, len(done.err.splitlines())) == (130, 1)
    assert done.err.startswith(says)

"""`greengate prepare`, stopped or with its card pulled midway: the same command makes the card."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.card import tools
from provisioning.card.tools import ToolError
from provisioning.exits import Exit
from tests.provisioning.command import EVERY, stopped_at
from tests.provisioning.test_prepare import WHERE, image, prepare


def test_stopped_anywhere_the_same_command_makes_the_boot_folder(tmp_path: Path) -> None:
    for nth in range(0, 100, EVERY):
        boot = tmp_path / f"bootfs{nth}"
        boot.mkdir()
        (boot / "config.txt").write_text("")
        with stopped_at(nth):
            first = prepare(*WHERE, "-y", str(boot))
        if first.exit_code == 0:
            break
        assert first.exit_code == Exit.STOPPED
        assert prepare(*WHERE, "-y", str(boot)).exit_code == 0
        assert "nothing to do" in prepare(*WHERE, "-y", str(boot)).output
        assert not list(boot.rglob("*.new"))
    assert nth > EVERY


@pytest.mark.parametrize(
    ("end", "code"),
    [(KeyboardInterrupt(), Exit.STOPPED), (ToolError("plain_io: Input/output error"), Exit.CANNOT_WRITE)],
    ids=["stopped", "pulled"],
)
def test_ended_anywhere_the_same_command_makes_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: BaseException, code: Exit
) -> None:
    for nth in range(0, 100, 4 * EVERY):
        (tmp_path / str(nth)).mkdir()
        card = image(tmp_path / str(nth))
        left = iter(range(nth))

        def ending(*command: str, left: Iterator[int] = left, **more: bytes) -> bytes:
            if next(left, None) is None:
                raise end
            return tools.run(*command, **more)

        with monkeypatch.context() as patch:
            patch.setattr("provisioning.card.volumes.run", ending)
            first = prepare(*WHERE, "-y", str(card))
        if first.exit_code == 0:
            break
        assert (first.exit_code, len(first.stderr.splitlines())) == (code, 1)
        assert prepare(*WHERE, "-y", str(card)).exit_code == 0
        assert "nothing to do" in prepare(*WHERE, "-y", str(card)).output
    assert nth > 4 * EVERY

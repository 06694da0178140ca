"""How commands speak: in two languages, to people and to scripts, and asking only where somebody can answer."""

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import typer

from provisioning.exits import Exit
from provisioning.talk import ANSWER_MAX_CHARS, Talk

Given = Callable[[str], None]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """Give a text on standard input, which is no terminal."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, typed: str) -> Iterator[None]:
    """Have somebody type at a terminal."""
    master, slave = pty.openpty()
    try:
        with os.fdopen(slave, "r", closefd=False) as stdin, monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", stdin)
            os.write(master, typed.encode())
            yield
    finally:
        os.close(slave)
        os.close(master)


def left(call: Callable[[], object]) -> int:
    with pytest.raises(typer.Exit) as found:
        call()
    return int(found.value.exit_code)


def test_a_line_for_people_in_their_language(capsys: pytest.CaptureFixture[str]) -> None:
    Talk("common", "vi").say("dry-run")
    Talk("common", "en").say("busy", pid=7)
    said = capsys.readouterr()
    assert said.out.startswith("chạy thử: chưa thay đổi gì\nanother greengate command is at work (process 7)")
    assert said.err == ""


def test_an_object_a_line_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    Talk("common", "vi", as_json=True).say("busy", pid=7)
    assert json.loads(capsys.readouterr().out) == {"event": "busy", "pid": 7}


def test_warnings_go_to_standard_error_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Talk("common", "en", as_json=True).warn("dry-run")
    assert capsys.readouterr() == ("", "dry run: nothing was changed\n")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_failure_is_one_line_and_its_exit_code(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> None:
    talk = Talk("common", "en", as_json=as_json)
    assert left(lambda: talk.fail(Exit.TRY_AGAIN, "busy", pid="1\n2")) == 75
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "process 1 2" in said.err
    expected = [{"error": said.err.strip(), "code": "busy"}] if as_json else []
    assert [json.loads(line) for line in said.out.splitlines()] == expected


def test_another_language_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert left(lambda: Talk("common", "fr")) == 2
    assert "vi or en" in capsys.readouterr().err


def test_without_a_terminal_the_default_answers_or_the_flag_is_named(
    given: Given, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = Talk("common", "en")
    given("typed by nobody\n")
    assert talk.ask("agree", flag="--site", default="Cho Lon") == "Cho Lon"
    assert left(lambda: talk.ask("agree", flag="--site")) == 2
    assert "--site is needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "code"), [(" abcd \nmore", None), ("", 2), ("\n", 2), ("x" * (ANSWER_MAX_CHARS + 1), 2)]
)
def test_a_secret_may_come_from_a_pipe_and_is_bounded(given: Given, text: str, code: int | None) -> None:
    talk = Talk("common", "en")
    given(text)
    if code is None:
        assert talk.ask("agree", flag="--code", secret=True) == "abcd"
    else:
        assert left(lambda: talk.ask("agree", flag="--code", secret=True)) == code


def test_what_is_needed_is_agreed_to_by_flag_or_by_somebody(
    given: Given, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = Talk("common", "en")
    given("y\n")
    talk.agree(yes=True)
    assert left(lambda: talk.agree(yes=False)) == 2, "a pipe is nobody"
    assert "--yes is needed" in capsys.readouterr().err
    for typed in ("y\n", " YES \n", "có\n", "c\n"):
        with terminal(monkeypatch, typed):
            talk.agree(yes=False)
    for typed in ("n\n", "\n", "yesterday\n"):
        with terminal(monkeypatch, typed):
            assert left(lambda: talk.agree(yes=False)) == 130
    assert "Go on? [y/N]" in capsys.readouterr().err


def test_only_root_may(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    talk = Talk("common", "en")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    talk.need_root()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert left(talk.need_root) == 77
    assert "sudo" in capsys.readouterr().err


def test_progress_is_silent_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Talk("common", "en").progress("plan", 3) as advance:
        advance(1)
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal_takes_no_line_from_a_pipe() -> None:
    master, slave = pty.openpty()
    said = (
        "from provisioning.talk import Talk\n"
        "talk = Talk('common', 'en')\n"
        "with talk.progress('plan', 2) as advance:\n"
        "    talk.say('dry-run'); advance(1)\n"
    )
    done = subprocess.run([sys.executable, "-c", said], stdout=subprocess.PIPE, stderr=slave, timeout=30, check=True)
    os.close(slave)
    drawn = os.read(master, 4096)
    os.close(master)
    assert done.stdout == b"dry run: nothing was changed\n"
    assert b"to do:" in drawn


def test_a_text_is_there_or_not() -> None:
    talk = Talk("common", "en")
    assert talk.has("dry-run")
    assert not talk.has("nonsense")

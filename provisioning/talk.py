"""How a command speaks: lines for people in their language, objects for scripts, questions, progress."""

import contextlib
import getpass
import os
import sys
from collections.abc import Callable, Iterator
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress

from provisioning.exits import Exit, emit, fail
from provisioning.words import Lang, locale_lang, phrases

ANSWER_MAX_CHARS = 1024  # ours: guards against a wrong file on standard input

LangOption = Annotated[
    str | None, typer.Option("--lang", metavar="vi|en", help="Language of the texts; else the locale's.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One result object a line.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before going on.")]


class Talk:
    """What a command says and asks; every text is a code of its topic's words."""

    def __init__(self, topic: str, lang: str | None = None, *, as_json: bool = False) -> None:
        """Speak of a topic (`words/TOPIC.toml`) in a language, by default the locale's."""
        if lang not in {None, "vi", "en"}:
            fail(Exit.USAGE, f"--lang {lang}: choose vi or en", as_json=as_json)
        self.lang: Lang = "vi" if lang == "vi" else "en" if lang == "en" else locale_lang()
        self.as_json = as_json
        self._phrases = phrases(topic)

    def text(self, code: str, **values: object) -> str:
        """Return a text in the language."""
        return self._phrases[code].filled(self.lang, values)

    def has(self, code: str) -> bool:
        """Tell whether there is a text of this code."""
        return code in self._phrases

    def say(self, code: str, **values: object) -> None:
        """Tell one thing on standard output: a line, or `{"event": CODE, ...values}`."""
        if self.as_json:
            emit({"event": code, **values})
        else:
            typer.echo(self.text(code, **values))

    def warn(self, code: str, **values: object) -> None:
        """Tell one thing on standard error."""
        typer.echo(self.text(code, **values), err=True)

    def fail(self, exit_: Exit, code: str, **values: object) -> NoReturn:
        """Say in one line what is wrong and what to do, and leave with the exit code."""
        message = " ".join(self.text(code, **values).split())
        if self.as_json:
            emit({"error": message, "code": code})
        typer.echo(message, err=True)
        raise typer.Exit(exit_)

    def ask(self, code: str, *, flag: str, default: str | None = None, secret: bool = False, **values: object) -> str:
        """Return a line's answer; a secret is not echoed, and may come from a pipe. Without a terminal: the default.

        Raises: typer.Exit(2) naming the flag where nobody can be asked.
        """
        if sys.stdin.isatty():
            shown = self.text(code, **values)
            return _unseen(shown) if secret else str(typer.prompt(shown, default=default, err=True)).strip()
        if secret:
            line = sys.stdin.readline(ANSWER_MAX_CHARS + 1).strip()
            if 0 < len(line) <= ANSWER_MAX_CHARS:
                return line
        if default is None:
            self.fail(Exit.USAGE, "answer-needed", flag=flag)
        return default

    def agree(self, *, yes: bool) -> None:
        """Go on only where somebody agrees, or has with --yes.

        Raises: typer.Exit(130), or (2) where nobody can be asked.
        """
        if yes:
            return
        if not sys.stdin.isatty():
            self.fail(Exit.USAGE, "answer-needed", flag="--yes")
        typer.echo(self.text("agree") + " ", nl=False, err=True)
        if sys.stdin.readline(ANSWER_MAX_CHARS).strip().lower() not in {"y", "yes", "c", "có", "co"}:
            self.fail(Exit.STOPPED, "not-agreed")

    def need_root(self) -> None:
        """Leave with 77 where this is not root."""
        if os.geteuid() != 0:
            self.fail(Exit.NO_PERMISSION, "root-needed")

    @contextlib.contextmanager
    def progress(self, code: str, total: int, **values: object) -> Iterator[Callable[[int], None]]:
        """Show a bar on standard error, where that is a terminal; what it gives is called with each step's size."""
        console = Console(stderr=True)
        shown = console.is_terminal and not self.as_json
        both = sys.stdout.isatty()  # else lines meant for a pipe would be drawn above the bar, on standard error
        with Progress(console=console, disable=not shown, transient=True, redirect_stdout=both) as bar:
            task = bar.add_task(self.text(code, **values), total=total)
            yield lambda step: bar.advance(task, step)


def _unseen(question: str) -> str:
    """Ask with the echo off before the question is there: typer's prompt shows what is pasted at once."""
    try:
        return getpass.getpass(f"{question}: ").strip()
    except EOFError:
        raise typer.Abort from None

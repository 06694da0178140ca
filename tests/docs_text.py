"""What stands in the documents: blocks of commands, code spans, links; and whether commands and options exist."""

import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from typer.main import get_command

import centre.main
import provisioning.main

PROJECT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "docs/*/*.md", "*/README.md", "provisioning/*/README.md")
    for path in PROJECT.glob(pattern)
    if path.relative_to(PROJECT).parts[0] not in {"build", "dist"}
)
_COMMENT = re.compile(r"<!-- (?P<key>[a-z ]+?)(?: (?P<number>\d+))?: (?P<text>.+?) -->")
_FENCE = re.compile(r"^```(?P<kind>[a-z]*)$")
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\]\((?P<target>[^()\s]+)\)")
_COMMAND = re.compile(r"(?<![\w/.@*'\"-])greengate(?:-centre)?(?= +[^\s|→>=-])")
_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
HELP = {"--help", "-h"}


@dataclass(frozen=True)
class Block:
    """A fenced block, and the comments right before it: `<!-- not run: why -->`."""

    kind: str
    line: int
    text: str
    marks: dict[str, str] = field(default_factory=dict)
    may_exit: frozenset[int] = frozenset({0})

    @property
    def commands(self) -> list[str]:
        """Return what stands behind `$ `, lines that go on joined."""
        joined = re.sub(r"\\\n\s*", "", self.text)
        return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]


def blocks(text: str) -> Iterator[Block]:
    """Give the fenced blocks of a document."""
    marks: dict[str, str] = {}
    may_exit = {0}
    lines = enumerate(text.splitlines(), 1)
    for number, line in lines:
        if fence := _FENCE.match(line):
            inside = itertools.takewhile(lambda row: not row[1].startswith("```"), lines)
            yield Block(fence["kind"], number, "\n".join(row for _, row in inside), marks, frozenset(may_exit))
            marks, may_exit = {}, {0}
        elif comment := _COMMENT.fullmatch(line):
            marks[comment["key"]] = comment["text"]
            may_exit |= {int(comment["number"])} if comment["number"] else set()
        elif line.strip():
            marks, may_exit = {}, {0}


def spans(text: str) -> Iterator[str]:
    """Give the code spans of a document, and its blocks' commands: fenced, and indented with what goes on below."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from _SPAN.findall(outside)
    indented = "\n".join(line[4:] if line.startswith("    ") else "" for line in outside.splitlines())
    inside = "\n".join(re.sub(r"\\\n\s*", " ", block.text) for block in blocks(text))
    for part in (indented, inside):
        yield from re.sub(r"\n\s{8,}", " ", part).splitlines()


def links(text: str) -> Iterator[str]:
    """Give the links of a document that are no addresses."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    found = (match["target"] for match in _LINK.finditer(_SPAN.sub("", outside)))
    return (target for target in found if "://" not in target)


def anchors(text: str) -> set[str]:
    """Return what a document's headings are linked by, as GitHub makes it."""
    headings = (line.lstrip("#").strip().lower() for line in text.splitlines() if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


@cache
def tree() -> dict[str, Any]:
    """Return both commands as click has them."""
    return {"greengate": get_command(provisioning.main.app), "greengate-centre": get_command(centre.main.app)}


def leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - click's own
    """Give every command below one, with its words."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, below in command.commands.items():
        yield from leaves(below, (*path, name))


def options_of(command: Any) -> set[str]:  # noqa: ANN401 - click's own
    """Return a command's options."""
    return {opt for one in command.params for opt in getattr(one, "opts", ()) if opt.startswith("-")} | HELP


def mistakes(text: str) -> list[str]:
    """Return what a text says of our commands that is not so: words that are no command, options that are none."""
    found: list[str] = []
    starts = [match.start() for match in _COMMAND.finditer(text)]
    for start, end in itertools.pairwise([*starts, len(text)]):
        found += _mistakes_of(text[start:end].partition(" # ")[0].partition(" < ")[0])
    return found


def _mistakes_of(line: str) -> list[str]:
    program, *words = re.sub(r"[()\[\],;]", " ", line).split()
    reached, words = _walk(tree()[program], words)
    if not reached:
        return [f"{line.strip()!r}: there is no command {words[0]!r}"] if _WORD.fullmatch(words[0]) else []
    known = {option for command in reached for option in options_of(command)}
    return [
        f"{line.strip()!r}: there is no {option}" for option in _OPTION.findall(" ".join(words)) if option not in known
    ]


_WORD = re.compile(r"[a-z][a-z|-]*")


def _walk(command: Any, words: list[str]) -> tuple[list[Any], list[str]]:  # noqa: ANN401 - click's own
    """Return the commands that words lead to (`start|end` to two), and the words that are left."""
    if not hasattr(command, "commands"):
        return [command], words
    if not words or words[0].startswith("-"):
        return [command, *(leaf for _, leaf in leaves(command, ()))], words
    names = [name.strip("`.:") for name in words[0].split("|")]
    below = [command.commands[name] for name in names if name in command.commands]
    if len(below) != len(names):
        return [], words
    if len(below) > 1:
        return [leaf for one in below for _, leaf in leaves(one, ())], words[1:]
    return _walk(below[0], words[1:])


def words_of(command: str) -> list[str]:
    """Return a command's words, without `sudo` and for whom."""
    words = shlex.split(command)
    if words[:1] == ["sudo"]:
        words = words[3:] if words[1:2] == ["-u"] else words[1:]
    return words

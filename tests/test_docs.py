"""The documents: their commands do what stands there, and what they name is there."""

import importlib.util
import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
from typer.testing import CliRunner

import centre.main
import provisioning.main
from centre.devices.registry import Registry
from firmware.faults import FAULTS
from firmware.health import State, _numbers
from firmware.journal_snapshot import snapshot
from firmware.knowledge import StaleReason
from firmware.texts import load_texts
from provisioning.card.boot_config import with_block
from provisioning.checks.every import AREAS
from tests.docs_story import Story, story
from tests.docs_tables import TABLES, made
from tests.docs_text import (
    DOCUMENTS,
    PROJECT,
    anchors,
    blocks,
    leaves,
    links,
    mistakes,
    options_of,
    spans,
    tree,
    words_of,
)
from tests.systemd.exposure import LIMITS
from verifier import Reason

__all__ = ["story"]  # a fixture

DOCS = PROJECT / "docs"
OURS = ("install.md", "operate.md", "troubleshoot.md", "security.md")
APPS = {"greengate": provisioning.main.app, "greengate-centre": centre.main.app}
OWN = (
    "clock-not-trusted",
    *get_args(StaleReason),
    "internal-error",
)  # the gate's, beside the verifier's
VOICE = ("buzzer-fault", "heartbeat-fault")
FAULT = re.compile(r'\b(?:fault|warning)\(\s*(f?)"([a-z0-9-]+)')
NOTICES = tuple(
    _numbers(
        State(
            in_service=False, demo=True, clock_fault="clock-behind", frames=0, unsent=None, set_aside=1, unusable=1,
            uplink=None, service_state=True, voice=VOICE, now=datetime.now(UTC),
        )
    )
)  # fmt: skip


def read(name: str) -> str:
    return (DOCS / name).read_text()


def titles(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(PROJECT)) for path in paths]


# --- commands, run


def test_the_installation_guide_does_what_it_says(story: Story) -> None:
    story.tell("install.md")
    with Registry.open(story.home) as registry:
        assert {one.name for one in registry.certificates()} >= {"gate-1", "gate-2", "gate-3", "centre.main"}


def test_the_operation_guide_does_what_it_says(story: Story) -> None:
    story.tell("install.md")
    story.tell("operate.md")
    with Registry.open(story.home) as registry:
        assert {one.why for one in registry.certificates("gate-1")} == {"stolen"}
        assert {one.why for one in registry.certificates("gate-2")} == {"retired"}
    listed = story.run("greengate-centre", "export", "--store", str(story.home / "centre.db"), "--json").splitlines()
    assert [json.loads(line)["device"] for line in listed] == ["gate-3"] * 3
    with snapshot(story.folder / "gate-3/var/lib/greengate/journal/journal.db") as journal:
        assert journal is not None
        assert journal.unsent == 0
    assert "as centre.main" in (story.folder / "mosquitto.log").read_text()  # the collector reached the broker
    assert (story.folder / "diagnosis.tar.gz").stat().st_size > 1000


@pytest.mark.parametrize("name", OURS)
def test_what_is_not_run_says_why(name: str) -> None:
    for block in blocks(read(name)):
        assert block.kind in {"console", "toml", "ini"}, f"{name}:{block.line}"
        ours = all(words_of(command)[0] in tree() for command in block.commands)
        assert ours or len(block.marks["not run"]) > 10, f"{name}:{block.line}"


# --- commands, named


@pytest.mark.parametrize("document", DOCUMENTS, ids=titles(DOCUMENTS))
def test_every_command_and_option_that_is_named_exists(document: Path) -> None:
    assert [mistake for text in spans(document.read_text()) for mistake in mistakes(text)] == []


def test_a_renamed_option_or_command_is_found() -> None:
    assert mistakes("greengate prepare --nam x --site y /dev/sdX")
    assert mistakes("sudo greengate journal exprot /dev/sda1")
    assert mistakes("greengate service start|ende")
    assert mistakes("greengate-centre device add gate-1 --sit y")
    assert mistakes("greengate enrol --name a, then greengate enrol --cerificate FILE")
    assert not mistakes("greengate service start|end|status --json, greengate-centre ca sign FILE --to OUT")


def test_renaming_an_option_makes_the_guides_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    (prepare,) = (leaf for path, leaf in leaves(tree()["greengate"], ()) if path == ("prepare",))
    (option,) = (one for one in prepare.params if "--red-pin" in one.opts)
    monkeypatch.setattr(option, "opts", ["--pin-red"])
    found = [mistake for text in spans(read("install.md")) for mistake in mistakes(text)]
    assert found
    assert all(mistake.endswith("there is no --red-pin") for mistake in found)


def test_every_command_has_its_help() -> None:
    for name, top in tree().items():
        for path, _ in leaves(top, ()):
            done = CliRunner().invoke(APPS[name], [*path, "--help"])
            assert done.exit_code == 0, f"{name} {' '.join(path)} --help: {done.exception!r}"


@pytest.mark.parametrize("name", [*OURS, "commands.md"])
def test_an_option_alone_is_some_command_s(name: str) -> None:
    known = {option for path in tree().items() for _, leaf in leaves(path[1], ()) for option in options_of(leaf)}
    alone = {text.split()[0] for text in spans(read(name)) if text.startswith("--")}
    assert alone <= known


def test_doctor_s_areas_are_those_that_there_are() -> None:
    named = {area for name in OURS for area in re.findall(r"doctor --only (\w+)", read(name))}
    assert {"lamps", "camera", "AREA"} < named
    assert named <= {*AREAS, "AREA"}


def test_every_command_is_in_the_reference() -> None:
    text = " ".join(spans(read("commands.md")))
    missing = [" ".join(path) for name, top in tree().items() for path, _ in leaves(top, (name,))]
    assert [command for command in missing if command not in text] == []


# --- links, letters


@pytest.mark.parametrize("document", DOCUMENTS, ids=titles(DOCUMENTS))
def test_links_lead_somewhere(document: Path) -> None:
    for link in links(document.read_text()):
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=titles(DOCUMENTS))
def test_letters_are_composed_and_no_machine_is_named(document: Path) -> None:
    text = document.read_text()
    assert unicodedata.is_normalized("NFC", text)
    assert not re.search(r"/work/|/root/|/tmp/(?!\.)", text)


# --- what is made of something else


@pytest.fixture
def wiring() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("wiring", DOCS / "wiring.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_wiring_s_picture_is_what_its_text_makes(wiring: ModuleType) -> None:
    assert wiring.picture(read("wiring.toml")) == read("wiring.svg"), "run: python docs/wiring.py"


@pytest.mark.parametrize("document", TABLES)
def test_tables_are_what_their_sources_make(document: str) -> None:
    assert made(document, read(document)) == read(document), "run: python -m tests.docs_tables"


def test_the_boot_loader_s_lines_are_those_that_prepare_writes() -> None:
    written = with_block("", dark=[17, 27], rtc="ds3231").splitlines()
    shown = next(block.text.splitlines() for block in blocks(read("install.md")) if "gpio=" in block.text)
    assert set(shown) <= set(written)
    assert "gpio=17,27=op,dl" in shown


# --- every code has its row


@pytest.mark.parametrize("code", sorted({*FAULTS, "gate-away", *NOTICES, *(set(Reason) - {"valid"}), *OWN}))
def test_what_the_screen_says_has_its_row(code: str) -> None:
    words = load_texts()[str(code)]
    rows = [line for line in read("troubleshoot.md").splitlines() if line.startswith(f"| `{code}` | {shown(words.vi)}")]
    assert len(rows) == 1
    _, _, said, cure, _ = (cell.strip() for cell in re.split(r"(?<!\\)\|", rows[0]))
    assert said == f"{shown(words.vi)} · {shown(words.en)}"
    assert len(cure) > 7


def shown(text: str) -> str:
    return re.sub(r"\{\w+\}", "…", text)


def test_what_doctor_finds_has_its_row() -> None:
    text = read("troubleshoot.md")
    sources = [*(PROJECT / "provisioning/checks").glob("*.py"), PROJECT / "provisioning/doctor.py"]
    found = {match for source in sources for match in FAULT.findall(source.read_text())}
    assert len(found) > 50
    assert [code for form, code in found if f"| `{code}{'' if form else '` '}" not in text] == []


def test_every_unit_s_exposure_is_told_with_its_limit() -> None:
    rows = re.findall(r"^\| `(\S+\.service)` \| (\d\.\d) \| (\d\.\d) \|", read("security.md"), re.MULTILINE)
    assert {name: float(most) for name, _, most in rows} == LIMITS
    assert all(float(found) <= LIMITS[name] for name, found, _ in rows)

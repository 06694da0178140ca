"""`greengate doctor`: every finding told with its cure, whatever crashes or hangs, in both languages."""

import dataclasses
import re
import string
import threading
import time
import tomllib
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from firmware import service_state
from provisioning import checks, doctor
from provisioning.alone import locked
from provisioning.checks import Check, Finding, Patient, camera, fault, ok
from provisioning.checks.every import AREAS, DEVICES, LAMPS, QUIET
from provisioning.checks.rounds import result_of, side_by_side
from provisioning.talk import Talk
from provisioning.units import UnitsError
from provisioning.words import phrases
from tests.firmware.site import Site, make_site
from tests.provisioning.command import greengate
from tests.provisioning.patients import NOW, TableOfUnits, at_site

SOURCES = Path(checks.__file__).parent
WORDS = Path(doctor.__file__).parent / "words"


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return at_site(tmp_path)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


@pytest.fixture
def english() -> Talk:
    return Talk("doctor", "en")


def check(name: str, run: Callable[[Patient], list[Finding]], *needs: checks.Need, deadline_s: float = 5.0) -> Check:
    return Check("machine", name, run, needs, deadline_s)


# rounds


def test_a_check_that_crashes_is_its_own_fault_and_tells_no_text(patient: Patient) -> None:
    def crash(_: Patient) -> list[Finding]:
        raise RuntimeError("HC1:SECRET")

    def partly(_: Patient) -> Iterator[Finding]:
        yield ok("config-good")
        raise KeyError("HC1:SECRET")

    well = check("well", lambda _: [ok("config-good")])
    found = side_by_side([check("crash", crash), Check("a", "partly", partly, ()), well], patient)
    assert [finding.code for finding in found["crash"]] == ["check-crashed"]
    assert [finding.code for finding in found["partly"]] == ["config-good", "check-crashed"]
    assert [finding.code for finding in found["well"]] == ["config-good"]
    assert "SECRET" not in repr(found)
    assert found["crash"][0].values["kind"] == "RuntimeError"


def test_a_check_that_hangs_is_left_behind_in_its_time(patient: Patient) -> None:
    released = threading.Event()

    def hang(_: Patient) -> list[Finding]:
        released.wait(30)
        return [ok("config-good")]

    done: list[int] = []
    start_s = time.monotonic()
    hanging = [check("one", hang, deadline_s=0.2), check("two", hang, deadline_s=0.1)]
    found = side_by_side([*hanging, check("well", lambda _: [])], patient, lambda: done.append(1))
    released.set()
    assert time.monotonic() - start_s < 5
    assert found["one"] == (fault("check-late", seconds="0.2"),)
    assert found["two"] == (fault("check-late", seconds="0.1"),)
    assert found["well"] == ()
    assert len(done) == 3


@pytest.mark.parametrize(
    ("need", "changes", "code"),
    [
        ("config", {"config": None}, "skip-config"),
        ("here", {"here": False}, "skip-elsewhere"),
        ("root", {"root": False}, "skip-root"),
        ("service", {"service": False}, "skip-service"),
    ],
)
def test_what_is_missing_is_why_a_check_is_skipped(
    patient: Patient, need: checks.Need, changes: dict[str, object], code: str
) -> None:
    looked = check("x", lambda _: [ok("config-good")], need)
    assert result_of(looked, dataclasses.replace(patient, **changes)) == (checks.skipped(code),)  # type: ignore[arg-type]
    whole = dataclasses.replace(patient, service=True)
    assert result_of(looked, whole) == (ok("config-good"),)


def test_what_only_root_may_read_is_skipped_without_root_and_a_fault_with(patient: Patient) -> None:
    def forbidden(_: Patient) -> list[Finding]:
        raise PermissionError(13, "Permission denied", "/var/lib/greengate/identity")

    looked = check("x", forbidden)
    assert result_of(looked, dataclasses.replace(patient, root=False)) == (checks.skipped("skip-root"),)
    (finding,) = result_of(looked, patient)
    assert (finding.result, finding.code) == ("fault", "check-forbidden")


def test_units_that_cannot_be_asked_are_told(patient: Patient) -> None:
    def asked(_: Patient) -> list[Finding]:
        raise UnitsError("systemctl show: no bus")

    (finding,) = result_of(check("x", asked), patient)
    assert (finding.code, finding.values) == ("units-fault", {"why": "systemctl show: no bus"})


def test_ctrl_c_at_a_question_ends_the_check(patient: Patient) -> None:
    def asked(_: Patient) -> list[Finding]:
        raise typer.Abort

    with pytest.raises(typer.Abort):
        result_of(check("x", asked), patient)


# devices: only in service state, their programs stopped meanwhile


def test_devices_are_left_alone_outside_service_state(patient: Patient, english: Talk) -> None:
    lines = list(doctor.examine(patient, english, only="lamps"))
    assert [line.finding.code for line in lines if line.check is LAMPS] == ["skip-service"]
    assert isinstance(patient.units, TableOfUnits)
    assert patient.units.told == []


def test_in_service_state_their_programs_are_stopped_and_started_again(patient: Patient, english: Talk) -> None:
    asked: list[str] = []

    def ask(code: str) -> str:
        asked.append(code)
        assert isinstance(patient.units, TableOfUnits)
        assert [verb for verb, *_ in patient.units.told] == ["stop"]
        return code.removeprefix("lamp-question-")

    serviced = dataclasses.replace(patient, service=True, ask=ask)
    lines = list(doctor.examine(serviced, english, only="lamps"))
    assert [line.finding.code for line in lines if line.check is LAMPS] == [
        "lamp-seen-red",
        "lamp-seen-green",
        "buzzer-none",
    ]
    assert asked == ["lamp-question-red", "lamp-question-green"]
    assert isinstance(patient.units, TableOfUnits)
    assert patient.units.told == [(verb, *doctor.PROGRAMS_OF_DEVICES) for verb in ("stop", "start")]


def test_they_are_started_again_after_ctrl_c(patient: Patient, english: Talk) -> None:
    def interrupted(_code: str) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(doctor.examine(dataclasses.replace(patient, service=True, ask=interrupted), english, only="lamps"))
    assert isinstance(patient.units, TableOfUnits)
    assert patient.units.told[-1] == ("start", *doctor.PROGRAMS_OF_DEVICES)


def test_another_commands_devices_are_left_to_it(patient: Patient, english: Talk) -> None:
    with locked(patient.layout):
        lines = list(doctor.examine(dataclasses.replace(patient, service=True), english, only="lamps"))
    assert {line.finding.code for line in lines if line.check is LAMPS} == {"devices-busy"}
    assert isinstance(patient.units, TableOfUnits)
    assert patient.units.told == []


def test_units_that_do_not_obey_are_a_fault(patient: Patient, english: Talk) -> None:
    stubborn = dataclasses.replace(patient, service=True, units=TableOfUnits(failing=True))
    lines = list(doctor.examine(stubborn, english, only="lamps"))
    assert {line.finding.code for line in lines if line.check is LAMPS} == {"units-fault"}


# the command


def test_every_check_is_told_and_the_exit_code_is_the_worst(site: Site) -> None:
    done = greengate("doctor", "--config", site.config_path, "--lang", "en", "--no-ask")
    assert done.code == 1, "there is no gate and no broker"
    for looked in (*QUIET, *DEVICES):
        assert phrases("doctor")[f"check-{looked.name}"].en in done.out
    assert "! warning    broker: " in done.out
    assert "✓ ok         configuration: " in done.out
    assert "\x1b" not in done.out
    assert re.search(r"ok: \d+, warnings: \d+, faults: \d+, skipped: \d+\n$", done.out)


def test_json_has_a_line_a_finding_and_the_sum(site: Site) -> None:
    done = greengate("doctor", "--config", site.config_path, "--json", "--lang", "vi")
    *found, summary = done.results
    assert {line["area"] for line in found} == set(AREAS)
    assert all(
        set(line) == {"check", "area", "result", "code", "values", "text", "cure"} and line["text"] for line in found
    )
    assert summary["event"] == "summary"
    assert summary["faults"] == sum(line["result"] == "fault" for line in found) >= 1
    bad = [line for line in found if line["result"] in {"fault", "warning"}]
    assert all(line["cure"] for line in bad)


def test_one_area_alone_can_be_well(site: Site) -> None:
    done = greengate("doctor", "--config", site.config_path, "--only", "journal", "--lang", "en")
    assert done.code == 0
    assert "broker" not in done.out
    wrong = greengate("doctor", "--config", site.config_path, "--only", "moon", "--lang", "vi")
    assert wrong.code == 2
    assert "camera" in wrong.err


def test_an_unusable_configuration_is_78_and_the_rest_is_looked_at(site: Site) -> None:
    site.config_path.write_text("[device]\nnaem = 'x'\n")
    done = greengate("doctor", "--config", site.config_path, "--lang", "en", "--no-ask")
    assert done.code == 78
    assert "did you mean name?" in done.out
    assert "hardware watchdog: " in done.out
    assert "cannot be looked at without a configuration" in done.out


def test_a_mounted_card(tmp_path: Path) -> None:
    make_site(tmp_path / "etc/greengate")
    done = greengate("doctor", "--root", tmp_path, "--json")
    found = {line["check"]: line["code"] for line in done.results[:-1]}
    assert found["temperature"] == found["broker"] == found["running"] == "skip-elsewhere"
    assert found["journal"] == "journal-none"
    assert done.code == 0, "a demonstration's trust and simulated lamps are warnings"


def test_service_state_opens_the_devices(site: Site) -> None:
    service_state.begin(site.config.service_marker, NOW)
    done = greengate("doctor", "--config", site.config_path, "--json", "--only", "lamps")
    codes = [line["code"] for line in done.results[:-1]]
    assert {"lamp-read-red", "lamp-read-green"} <= set(codes)
    assert done.code == 0


# words


def test_every_text_is_whole_in_both_languages() -> None:
    for topic in ("doctor", "diagnose"):
        for code, phrase in tomllib.loads((WORDS / f"{topic}.toml").read_text("utf-8")).items():
            vi, en = phrase["vi"], phrase["en"]
            assert vi == unicodedata.normalize("NFC", vi)
            names = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (vi, en)]
            assert names[0] == names[1], code
            if code.endswith("-cure"):
                assert code.removesuffix("-cure") in phrases(topic)


def test_every_code_has_a_text_and_what_is_wrong_has_a_cure() -> None:
    source = "".join(path.read_text("utf-8") for path in SOURCES.glob("*.py"))
    found = set(re.findall(r"\b(ok|warning|fault|skipped)\)?\(\s*f?\"([a-z0-9{}._-]+)\"", source))
    assert len(found) > 90
    texts = phrases("doctor")
    for result, code in found:
        for whole in _filled(code):
            assert whole in texts, whole
            if result in {"fault", "warning"}:
                assert f"{whole}-cure" in texts, whole


def _filled(code: str) -> list[str]:
    kinds = {
        "{name}": ("red", "green"),
        "{code}": camera.NOTICES,
        "{part}": ("keys", "revocations", "rules"),
        "{camera.kind}": ("opencv", "picamera2", "simulated"),
    }
    for hole, words in kinds.items():
        if hole in code:
            return [code.replace(hole, word) for word in words]
    return [code]

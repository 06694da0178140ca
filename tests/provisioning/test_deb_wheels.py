"""Wheels: only what the lock file names goes into a package, and nothing of it outside of its folder."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from provisioning.deb import wheels
from provisioning.deb.control import licence_of
from provisioning.deb.errors import BuildError
from provisioning.deb.lock import Pin
from provisioning.deb.targets import TARGETS
from provisioning.deb.wheels import fetch, metadata, unpack

TARGET = TARGETS[0]
NAME = "one_two-1.0-py3-none-any.whl"
FILES = {
    "one/__init__.py": "ONE = 1\n",
    "one/tests/test_one.py": "",
    "one/types.pyi": "",
    "one/one.h": "",
    "one_two-1.0.data/purelib/two.py": "",
    "one_two-1.0.data/scripts/two": "",
    "one_two-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: one-two\nVersion: 1.0\nLicense: MIT\n\nText\n",
    "one_two-1.0.dist-info/licenses/LICENSE": "",
}


def make(folder: Path, files: dict[str, str] | None = None, name: str = NAME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in (files or FILES).items():
            archive.writestr(zipfile.ZipInfo(inside), text)
    return path


def pin(wheel: Path) -> dict[str, Pin]:
    return {"one-two": Pin("one-two", "1.0", frozenset([hashlib.sha256(wheel.read_bytes()).hexdigest()]))}


def answer(monkeypatch: pytest.MonkeyPatch, returncode: int, stderr: str = "") -> list[list[str]]:
    asked: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, returncode, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return asked


def test_wheels_that_are_there_whole_are_not_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, 1)
    wheel = make(tmp_path / TARGET.name)
    assert fetch(TARGET, tmp_path, pin(wheel)) == [wheel]
    assert asked == []


def test_a_wheel_that_was_cut_short_or_changed_is_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, 0)
    wheel = make(tmp_path / TARGET.name)
    pins = pin(wheel)
    wheel.write_bytes(wheel.read_bytes()[:-1])
    with pytest.raises(BuildError, match="no wheel of one-two") as told:
        fetch(TARGET, tmp_path, pins)
    assert told.value.code == 65
    assert not wheel.exists()
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} < set(asked[0])


@pytest.mark.parametrize(
    ("said", "code", "text"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n  Got x", 65, "who changed it"),
        ("WARNING: Retrying\nERROR: No matching distribution found for a", 69, "is the network there"),
        ("", 69, "pip says nothing"),
    ],
)
def test_what_pip_says_becomes_one_line_with_a_cure(
    said: str, code: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, 1, said)
    with pytest.raises(BuildError, match=text) as told:
        fetch(TARGET, tmp_path, {"a": Pin("a", "1")})
    assert told.value.code == code
    assert "\n" not in str(told.value)


def test_a_wheel_is_laid_out_without_what_no_program_loads(tmp_path: Path) -> None:
    unpack(make(tmp_path), tmp_path / "site")
    laid = {path.relative_to(tmp_path / "site").as_posix() for path in wheels.files(tmp_path / "site")}
    info = "one_two-1.0.dist-info"
    assert laid == {"one/__init__.py", "two.py", f"{info}/METADATA", f"{info}/licenses/LICENSE"}


@pytest.mark.parametrize("name", ["../outside.py", "/outside.py", "a/../../outside.py"])
def test_a_wheel_that_writes_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="outside of its folder"):
        unpack(make(tmp_path, {name: ""}), tmp_path / "site")
    assert not (tmp_path / "outside.py").exists()


def test_a_wheel_that_is_none_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / NAME
    wheel.write_bytes(b"none")
    with pytest.raises(BuildError, match="zip"):
        unpack(wheel, tmp_path / "site")


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("License: BSD", "BSD"),
        ("License: Permission is hereby granted\n        to whom\nClassifier: License :: OSI Approved :: ISC", "ISC"),
        ("Classifier: Topic :: Text", "see its folder"),
    ],
)
def test_a_licence_is_what_the_wheel_says_of_itself(said: str, licence: str, tmp_path: Path) -> None:
    text = f"Metadata-Version: 2.1\nName: one-two\n{said}\n\n"
    assert licence_of(metadata(make(tmp_path, {"one_two-1.0.dist-info/METADATA": text}))) == licence

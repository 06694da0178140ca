"""Which wheels run where, and that the lock file is what pyproject.toml asks for."""

import re

import pytest

from provisioning.deb import lock
from provisioning.deb.errors import BuildError
from provisioning.deb.lock import LEFT_OUT, Pin, dependencies, normalised, read, written
from provisioning.deb.targets import TARGETS, Target

BOOKWORM = Target(12, (3, 11), "amd64")
PI = Target(13, (3, 13), "arm64")


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version))


@pytest.mark.parametrize(
    ("wheel", "runs"),
    [
        ("rich-15.0.0-py3-none-any.whl", True),
        ("pyzbar-0.1.9-py2.py3-none-any.whl", True),
        ("cbor2-6.2.1-cp311-cp311-manylinux_2_28_x86_64.whl", True),
        ("cbor2-6.2.1-cp313-cp313-manylinux_2_28_x86_64.whl", False),
        ("cbor2-6.2.1-cp311-cp311-manylinux_2_28_aarch64.whl", False),
        ("cbor2-6.2.1-cp311-cp311-musllinux_1_2_x86_64.whl", False),
        ("a-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", True),
        ("a-1-cp311-cp311-manylinux_2_38_x86_64.whl", False),  # needs a newer glibc than Debian 12's
        ("a-1-cp37-abi3-manylinux2014_x86_64.whl", True),
        ("a-1-cp312-abi3-manylinux2014_x86_64.whl", False),
        ("a-1-py3-none-manylinux_2_31_x86_64.whl", True),
        ("a-1-1build-cp311-cp311-manylinux1_x86_64.whl", True),
        ("a-1-py2-none-any.whl", False),
    ],
)
def test_a_target_runs_just_the_wheels_that_are_for_it(wheel: str, runs: bool) -> None:  # noqa: FBT001
    assert BOOKWORM.runs(wheel) is runs


def test_trixie_on_arm_takes_what_its_newer_glibc_allows() -> None:
    assert PI.runs("a-1-cp313-cp313-manylinux_2_38_aarch64.whl")
    assert PI.runs("a-1-cp313-cp313-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl")
    assert not PI.runs("a-1-cp313-cp313-manylinux_2_42_aarch64.whl")


def test_every_architecture_comes_for_both_releases_with_their_own_python() -> None:
    assert {(target.debian, target.python_version, target.architecture) for target in TARGETS} == {
        (debian, python, architecture)
        for debian, python in ((12, "3.11"), (13, "3.13"))
        for architecture in ("amd64", "arm64")
    }
    assert PI.next_python == "3.14"


def test_the_lock_covers_every_dependency_within_its_bounds() -> None:
    pins = read()
    for wanted in dependencies():
        name, *bounds = re.split(r"[<>=!~, ]+", wanted.partition(";")[0].strip())
        pin = pins[normalised(name.partition("[")[0])]
        assert re.fullmatch(r"[a-zA-Z0-9._\[\]-]+(>=[0-9.]+)?", wanted), f"not understood here: {wanted}"
        assert all(numbers(pin.version) >= numbers(bound) for bound in bounds), f"{wanted}: `make lock`"


def test_the_lock_holds_one_wheel_for_all_targets_or_one_for_each() -> None:
    pins = read()
    assert pins
    for pin in pins.values():
        assert 1 <= len(pin.hashes) <= len(TARGETS), pin.name
    assert len(pins["numpy"].hashes) == len(TARGETS)
    assert not set(LEFT_OUT) & set(pins)


def test_the_lock_names_no_place_on_the_network() -> None:
    text = lock.LOCK.read_text("utf-8")
    assert "://" not in text
    assert "index" not in text


def test_a_written_lock_reads_the_same() -> None:
    pins = read()
    assert written(pins.values()) == lock.LOCK.read_text("utf-8")


@pytest.mark.parametrize("line", ["numpy>=1", "numpy==1.0", "numpy==1.0 --hash=md5:0", "-r other.txt"])
def test_a_line_that_is_no_pin_with_hashes_is_refused(line: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("lock") / "requirements.lock"
    path.write_text(line)
    with pytest.raises(BuildError, match="not a pin with hashes"):
        read(path)


def test_a_missing_lock_says_how_to_make_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(BuildError, match=r"provisioning\.deb\.lock") as told:
        read(tmp_path_factory.mktemp("none") / "requirements.lock")
    assert told.value.code == 78


def test_versions_are_common_to_all_targets_and_hashes_are_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def resolved(target: Target, _wanted: list[str], fixed: dict[str, str]) -> list[Pin]:
        asked.append(dict(fixed))
        return [Pin("a", "1.0", frozenset([target.name])), Pin("pip", "2", frozenset(["x"]))]

    monkeypatch.setattr(lock, "_resolved", resolved)
    assert lock.resolve(["a"]) == [Pin("a", "1.0", frozenset(target.name for target in TARGETS))]
    assert asked == [{}, *[{"a": "1.0", "pip": "2"}] * 3]

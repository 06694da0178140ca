"""A package's files, description and bytes, with a small wheel instead of the real ones."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioning.deb import build
from provisioning.deb.build import Options, options
from provisioning.deb.control import control, version
from provisioning.deb.errors import BuildError
from provisioning.deb.lock import PROJECT
from provisioning.deb.targets import TARGETS, Target
from provisioning.deb.tree import REQUIRED, lay, system_parts
from tests.provisioning.test_deb_wheels import make

BOOKWORM, TRIXIE = TARGETS[:2]
needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")


def asked(out: Path) -> Options:
    return Options((TRIXIE,), out, out, "1.2", 10**9, compress=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module")
def built(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "fetch", lambda *_: [wheel])
        return build.build(TRIXIE, {}, asked(tmp_path_factory.mktemp("out")))


def listed(package: Path) -> dict[str, tuple[str, str]]:
    """Return a package's files: mode and owner by name."""
    out = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
    rows = (line.split(maxsplit=5) for line in out.splitlines())
    return {row[5].partition(" -> ")[0].rstrip("/"): (row[0], row[1]) for row in rows}


@needs_dpkg
def test_a_package_holds_the_environment_the_programs_and_the_units(built: Path) -> None:
    files = listed(built)
    site = "./usr/lib/greengate/lib/python3.13/site-packages"
    assert files["./usr/lib/greengate/bin/python3"][0].startswith("l")
    assert {"./usr/bin/greengate", "./usr/bin/greengate-centre", "./usr/lib/greengate/pyvenv.cfg"} < set(files)
    assert {f"{site}/firmware/gate.py", f"{site}/firmware/panel.html", f"{site}/one/__init__.py"} < set(files)
    assert {f"./{name}" for name in REQUIRED} < set(files)
    assert not [
        name for name in files if "/provisioning/deb/" in name or "__pycache__" in name or "dist-packages" in name
    ]
    assert {owner for _, owner in files.values()} == {"root/root"}
    assert not [name for name, (mode, _) in files.items() if mode[0] != "l" and ("w" in mode[4:] or mode[7] != "r")]


@needs_dpkg
def test_the_same_commit_makes_the_same_bytes_whatever_the_umask(
    built: Path, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "fetch", lambda *_: [wheel])
    before = os.umask(0o077)
    try:
        again = build.build(TRIXIE, {}, asked(tmp_path / "again"))
    finally:
        os.umask(before)
    assert again.read_bytes() == built.read_bytes()


@needs_dpkg
def test_the_scripts_in_a_package_are_whole_and_a_shell_can_read_them(built: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "-e", built, tmp_path / "control"], check=True)
    for name in ("preinst", "postinst", "prerm", "postrm"):
        text = (tmp_path / "control" / name).read_text()
        assert not re.search(r"@[A-Z]+@|^#[A-Z]+#", text, re.MULTILINE), name
        subprocess.run(["sh", "-n", tmp_path / "control" / name], check=True)
    sums = (tmp_path / "control" / "md5sums").read_text()
    assert re.search(r"^[0-9a-f]{32}  usr/lib/greengate/pyvenv\.cfg$", sums, re.MULTILINE)


@needs_dpkg
def test_the_licences_of_what_is_bundled_are_told(built: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "-x", built, tmp_path / "root"], check=True)
    text = (tmp_path / "root/usr/share/doc/greengate/copyright").read_text()
    assert "site-packages/one/*\n" in text
    assert "License: MIT\n one-two 1.0," in text
    assert "License: Apache-2.0\n" in text


@needs_dpkg
def test_the_programs_take_no_code_from_the_working_folder(built: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "-x", built, tmp_path / "root"], check=True)
    first, *rest = (tmp_path / "root/usr/lib/greengate/bin/greengate").read_text().splitlines()
    assert first == "#!/usr/lib/greengate/bin/python3 -I"
    assert 'os.environ["PYTHONSAFEPATH"] = "1"' in rest
    settings = (tmp_path / "root/usr/lib/greengate/pyvenv.cfg").read_text()
    assert "include-system-site-packages = true" in settings


def test_each_package_fits_just_its_own_python(tmp_path: Path) -> None:
    text = control(tmp_path, BOOKWORM, "0.1.0")
    assert "python3 (>= 3.11), python3 (<< 3.12)" in text
    assert "libzbar0," in text
    assert "libzbar0t64," in control(tmp_path, TRIXIE, "0.1.0")
    assert "\nRecommends: python3-picamera2, python3-lgpio\n" in text


@pytest.mark.parametrize(
    ("project", "debian"),
    [
        ("0.1.0", "0.1.0~deb12"),
        ("1.0.0rc1", "1.0.0~rc1~deb12"),
        ("1.0.dev3", "1.0~dev3~deb12"),
        ("2.0b1", "2.0~b1~deb12"),
    ],
)
def test_a_candidate_comes_before_its_release(project: str, debian: str) -> None:
    assert version(project, BOOKWORM) == debian


def test_a_missing_unit_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"greengate\.target") as told:
        system_parts(tmp_path / "root", tmp_path)
    assert told.value.code == 66


def test_a_file_of_unknown_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "strange.xyz").touch()
    with pytest.raises(BuildError, match=r"strange\.xyz"):
        system_parts(tmp_path / "root", tmp_path)


def test_what_the_repository_holds_makes_a_tree(tmp_path: Path) -> None:
    lay(tmp_path, Target(12, (3, 11), "arm64"), [], "9.9")
    site = tmp_path / "usr/lib/greengate/lib/python3.11/site-packages"
    assert "Version: 9.9\n" in (site / "greengate-9.9.dist-info/METADATA").read_text()
    generators = tmp_path / "usr/lib/systemd/system-generators"
    assert all(os.access(path, os.X_OK) for path in generators.glob("*"))


def test_without_dpkg_deb_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="apt-get install dpkg") as told:
        build.pack(tmp_path, tmp_path / "out" / "a.deb", asked(tmp_path))
    assert told.value.code == 69


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BuildError(69, "no network"), 69),
        (OSError(28, "No space left on device", "/x"), 73),
        (KeyboardInterrupt(), 130),
    ],
)
def test_whatever_ends_a_build_is_one_line_and_an_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(build, "build", fails)
    with pytest.raises(SystemExit) as told:
        build.main(["--target", "deb12_amd64"])
    assert told.value.code == code
    assert capsys.readouterr().err.count("\n") == 1


def test_a_lock_that_lacks_a_dependency_is_not_built_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "read", dict)
    with pytest.raises(SystemExit) as told:
        build.main(["--target", "deb12_amd64"])
    assert told.value.code == 78
    assert "provisioning.deb.lock" in capsys.readouterr().err


def test_the_time_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    chosen = options(["--target", "deb13_arm64"])
    assert chosen.epoch == 1234567890
    assert [target.name for target in chosen.targets] == ["deb13_arm64"]
    assert chosen.out == PROJECT / "dist"

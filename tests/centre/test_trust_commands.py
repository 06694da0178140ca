"""`greengate-centre trust`: what its commands print, their exit codes, and that two do not work at once."""

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from typer.testing import CliRunner

from centre.main import app
from centre.trust.drafts import Draft
from centre.trust.home import TrustHome
from centre.trust.keys import held_keys, make_key, name_of, public_key
from tests.centre.trust_site import rule


class Centre:
    """A home, and commands run on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = TrustHome(folder / "home")

    def run(self, *words: str | Path, code: int = 0) -> Result:
        done = CliRunner().invoke(app, ["trust", *map(str, words), "--home", str(self.home.home)])
        assert done.exit_code == code, (done.output, done.exception)
        return done

    def json(self, *words: str | Path, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        lines = self.run(*words, "--json", code=code).stdout.splitlines()
        return json.loads(lines[-1])

    def refused(self, *words: str | Path, code: int) -> str:
        """Run what is refused; return the one line that says why, which --json says as well."""
        line = self.run(*words, code=code).stderr
        assert line.count("\n") == 1, line
        assert self.json(*words, code=code)["error"] + "\n" == line
        return line

    def refused_last(self, *words: str | Path, code: int) -> str:
        """Run what is refused at its end; return the line that says why."""
        return self.run(*words, code=code).stderr

    def given(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    made = Centre(tmp_path)
    made.run("init")
    return made


@pytest.fixture
def empty(tmp_path: Path) -> Centre:
    return Centre(tmp_path)


# --- init


def test_init_makes_each_role_s_keys_for_their_owner_alone(centre: Centre) -> None:
    assert {path.name for path in centre.home.keys.glob("*.pem")} == {
        *(f"root-{number}.pem" for number in (1, 2, 3)),
        "targets-1.pem",
        "snapshot-1.pem",
        "timestamp-1.pem",
    }
    assert centre.home.keys.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in centre.home.keys.glob("*.pem")} == {0o600}


def test_init_again_changes_nothing(centre: Centre) -> None:
    root = (centre.home.repo / "root.json").read_bytes()
    assert centre.json("init", "--keys-of", "root=5")["new"] is False
    assert (centre.home.repo / "root.json").read_bytes() == root


def test_init_takes_numbers_and_a_stick_for_the_root_s_keys(empty: Centre) -> None:
    stick = empty.folder / "stick"
    numbers = ("--keys-of", "root=2", "--keys-of", "targets=3", "--threshold", "targets=2", "--days", "root=100")
    made = empty.json("init", *numbers, "--root-to", stick, "--offline-days", "20")
    assert made["new"] is True
    assert {path.name for path in stick.glob("*.pem")} == {"root-1.pem", "root-2.pem"}
    assert not list(empty.home.keys.glob("root-*"))
    empty.run("publish")
    status = empty.json("status")
    assert status["roles"]["targets"]["threshold"] == 2
    assert len(status["roles"]["root"]["keys"]) == 2
    signed = json.loads((empty.home.repo / "metadata/timestamp.json").read_bytes())["signed"]
    assert signed["issued"][:8] != signed["expires"][:8]


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--keys-of", "mirror=1"], 2, "--keys-of 'mirror=1': give root|targets|snapshot|timestamp=1 to 16"),
        (["--keys-of", "root=0"], 2, "root=0"),
        (["--keys-of", "root=99999999999999999999"], 2, "root=9999"),
        (["--threshold", "targets=2"], 2, "targets: a threshold of 2 with 1 keys"),
        (["--offline-days", "3"], 65, "stale_hours"),
        (["--province", "../x"], 2, "no province's code"),
        (["--province", "vn-sg", "--keys-of", "root=1"], 2, "give province=1 to 16"),
    ],
    ids=["role", "none", "many", "threshold", "offline", "code", "of-a-province"],
)
def test_init_refuses_numbers_that_do_not_go_together(empty: Centre, words: list[str], code: int, why: str) -> None:
    assert why in empty.refused("init", *words, code=code)
    assert not (empty.home.repo / "root.json").exists()


# --- publish


def test_publish_says_what_is_new(centre: Centre) -> None:
    done = centre.json("publish", "--to", centre.folder / "web")
    assert done["new"] == {"targets": 1, "snapshot": 1, "timestamp": 1}
    assert (centre.folder / "web/metadata/timestamp.json").exists()
    assert "version 2 " in centre.run("publish").stdout


def test_publish_names_the_key_that_is_missing_and_sign_brings_it(centre: Centre) -> None:
    stick = centre.folder / "stick"
    stick.mkdir()
    shutil.move(centre.home.keys / "targets-1.pem", stick)
    assert "targets: 0 of 1 signatures, missing of targets-1 (" in centre.refused("publish", code=69)
    assert "none of the missing keys is here" in centre.refused_last("sign", code=69)
    officer = Centre(centre.folder / "officer")
    told = officer.json("sign", centre.home.staged, "--keys", stick)
    assert (told["role"], told["version"], told["missing"]) == ("targets", 1, [])
    assert told["holds"] == "3 files"
    assert told["signed"][0].startswith("targets-1 (")
    centre.run("publish")
    assert "missing -" not in centre.run("status").stdout
    assert "nothing waits" in centre.refused("sign", code=69)


def test_a_publication_that_waits_does_not_keep_the_rest_from_being_renewed(centre: Centre) -> None:
    centre.run("publish")
    (centre.home.keys / "targets-1.pem").rename(centre.folder / "targets-1.pem")
    centre.run("add-rules", centre.given("rule.json", rule()))
    done = centre.run("publish", code=69)
    assert done.stdout.startswith("version 2 ")
    assert done.stderr.startswith("targets: 0 of 1 signatures")
    status = centre.json("status", code=1)
    assert status["staged"] == {"targets": 2}
    assert status["draft"] == ["rules/nation/VN-TEST-72H.json"]
    assert centre.json("publish", code=69)["lacking"]


def test_two_publications_at_once_are_one_after_the_other(centre: Centre) -> None:
    lock = os.open(centre.home.folder / "lock", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for words in (["publish"], ["rotate", "root"], ["add-rules", "x"], ["sign"], ["init"]):
            assert "another command works on its trust: try again" in centre.refused(*words, code=75)
    finally:
        os.close(lock)
    centre.run("publish")


def test_without_a_repository_each_command_says_what_to_run(empty: Centre) -> None:
    path = empty.given("rule.json", rule())
    key = empty.folder / "one.pub"
    make_key(empty.folder, "one")
    for words in (
        ["publish"],
        ["status"],
        ["rotate", "root"],
        ["add-rules", path],
        ["remove-rules", "X"],
        ["delegate", "vn-sg", "--key", key],
    ):
        assert "has no trust repository: run greengate-centre trust init" in empty.refused(*words, code=78)


def test_a_folder_that_cannot_be_written_is_told(centre: Centre) -> None:
    where = centre.given("file", b"")
    assert "Not a directory" in centre.refused_last("publish", "--to", where / "web", code=73)


# --- provinces


def test_a_province_publishes_on_its_own_machine_and_the_nation_takes_it(centre: Centre) -> None:
    province = Centre(centre.folder / "saigon")
    made = province.json("init", "--province", "VN-SG")
    assert made["province"] == "vn-sg"
    scope = {"areas": ["VN-SG"], "lanes": []}
    province.folder.mkdir(exist_ok=True)
    path = province.given("rule.json", rule(scope=scope))
    profile = province.given("profile.json", rule("profile", id="VENUE", scope=scope))
    province.run("add-rules", path, "--province", "vn-sg")
    province.run("add-rules", profile, "--profile", "--province", "vn-sg")
    done = province.json("publish", "--province", "vn-sg", "--to", centre.folder / "stick")
    assert (done["role"], done["version"], done["new"]) == ("province-vn-sg", 1, True)
    assert centre.json("delegate", "vn-sg", "--key", made["public"])["new"] is True
    assert centre.json("delegate", "vn-sg", "--key", made["public"])["new"] is False
    assert centre.json("publish", "--take", centre.folder / "stick")["taken"] == ["vn-sg"]
    assert centre.json("status")["provinces"]["vn-sg"]["rules"] == 2
    assert province.json("status")["version"] == 1
    assert province.json("rotate", "province-vn-sg")["added"] == "province-vn-sg-2"


def test_a_province_s_publication_that_is_refused_leaves_the_rest_published(centre: Centre) -> None:
    (centre.folder / "empty").mkdir()
    done = centre.run("publish", "--take", centre.folder / "empty", code=65)
    assert done.stdout.startswith("version 1 ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [["publish", "--province", "vn-sg"], ["add-rules", "x", "--province", "vn-sg"], ["rotate", "province-vn-sg"]],
    ids=lambda words: words[0],
)
def test_what_only_a_province_s_machine_does_is_refused_elsewhere(centre: Centre, words: list[str]) -> None:
    assert "is not vn-sg's: run greengate-centre trust init --province vn-sg" in centre.refused(*words, code=78)


def test_the_nation_alone_takes(centre: Centre) -> None:
    words = ("publish", "--province", "vn-sg", "--take", centre.folder)
    assert "--take is the nation's" in centre.refused(*words, code=2)


# --- rules


def test_rules_are_taken_as_they_are_and_never_backward(centre: Centre) -> None:
    path = centre.given("rule.json", rule(version=2))
    assert centre.json("add-rules", path)["path"] == "rules/nation/VN-TEST-72H.json"
    assert centre.json("add-rules", path)["new"] is False
    assert (centre.home.draft / "rules/nation/VN-TEST-72H.json").read_bytes() == rule(version=2)
    older = centre.given("older.json", rule(version=1))
    assert "version 1 is not newer than 2" in centre.refused("add-rules", older, code=65)
    changed = centre.given("changed.json", rule(version=2, rule=None))
    assert "version 2 is not newer than 2" in centre.refused("add-rules", changed, code=65)


def test_a_rule_for_a_time_to_come_lies_beside_the_one_in_force(centre: Centre) -> None:
    centre.run("add-rules", centre.given("one.json", rule()))
    later = centre.given("two.json", rule(version=2, valid_from="2999-01-01T00:00:00Z"))
    assert centre.json("add-rules", later)["path"] == "rules/nation/VN-TEST-72H@2.json"
    centre.run("publish")
    assert centre.json("status")["published"]["rules"] == 2
    centre.run("add-rules", centre.given("three.json", rule(version=3)))
    assert [path.name for path in (centre.home.draft / "rules/nation").iterdir()] == ["VN-TEST-72H.json"]


@pytest.mark.parametrize(
    ("data", "words", "code", "why"),
    [
        (b"{}", [], 65, "not a rule or a profile"),
        (rule(), ["--profile"], 65, "is a rule: add it without --profile"),
        (rule("profile"), [], 65, "is a profile: add it with --profile"),
        (b" " * 70_000, [], 66, "larger than 65536 bytes"),
    ],
    ids=["none", "a-rule", "a-profile", "large"],
)
def test_what_is_no_rule_is_refused(centre: Centre, data: bytes, words: list[str], code: int, why: str) -> None:
    assert why in centre.refused("add-rules", centre.given("rule.json", data), *words, code=code)
    assert not list(centre.home.draft.glob("*/*/*"))


def test_rules_are_removed_with_all_their_versions(centre: Centre) -> None:
    centre.run("add-rules", centre.given("one.json", rule()))
    centre.run("add-rules", centre.given("two.json", rule(version=2, valid_from="2999-01-01T00:00:00Z")))
    assert centre.json("remove-rules", "VN-TEST-72H")["removed"] == 2
    for name in ("VN-TEST-72H", "../x", "*"):
        assert "no such rule in the draft" in centre.refused("remove-rules", name, code=69)


# --- keys


def test_rotate_says_what_goes_and_who_has_to_sign(centre: Centre) -> None:
    done = centre.json("rotate", "targets")
    assert (done["root"], done["missing"]) == (2, [])
    assert done["added"].startswith("targets-2 (")
    assert centre.json("publish")["new"]["root"] == 2
    assert "no role: one of root" in centre.refused("rotate", "mirror", code=2)
    assert "name one of targets-2" in centre.refused("rotate", "targets", "--revoke-key", "zz", code=69)


def test_a_key_that_was_made_elsewhere_takes_a_place(centre: Centre) -> None:
    make_key(centre.folder / "officer", "ngoc")
    public = centre.folder / "officer/ngoc.pub"
    assert centre.json("rotate", "root", "--key", public)["added"].startswith("ngoc (")
    assert "is a key of root already" in centre.refused("rotate", "root", "--key", public, code=2)


def test_a_private_key_is_not_taken_for_a_public_one(centre: Centre) -> None:
    words = ("delegate", "vn-sg", "--key", centre.home.keys / "targets-1.pem")
    assert "is a private key: bring its public part" in centre.refused(*words, code=65)


def test_only_keys_that_we_sign_with_are_taken(centre: Centre) -> None:
    def pem(key: Any) -> bytes:  # noqa: ANN401 - any kind
        return bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )

    for data in (
        b"",
        b"\xff",
        pem(rsa.generate_private_key(65537, 2048)),
        pem(ec.generate_private_key(ec.SECP384R1())),
    ):
        centre.refused("delegate", "vn-sg", "--key", centre.given("key.pub", data), code=65)
    good = centre.given("good.pub", pem(ec.generate_private_key(ec.SECP256R1())))
    assert centre.json("delegate", "vn-sg", "--key", good)["keys"].startswith("good (")
    two = ("delegate", "vn-sg", "--key", good, "--key", good, "--threshold", "2")
    assert "a threshold of 2 with 1 keys" in centre.refused(*two, code=2)
    assert list(Draft(centre.home).provinces()) == ["vn-sg"]


def test_keys_that_others_may_read_are_not_used(centre: Centre) -> None:
    (centre.home.keys / "targets-1.pem").chmod(0o644)
    assert "may be read by others: run chmod 600" in centre.refused("publish", code=78)


@pytest.mark.parametrize(
    "data",
    [b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"-----BEGIN ENCRYPTED PRIVATE KEY-----"],
    ids=["broken", "with-a-password"],
)
def test_a_broken_key_is_named(centre: Centre, data: bytes) -> None:
    (centre.home.keys / "targets-1.pem").write_bytes(data)
    assert "targets-1.pem holds no key without a password" in centre.refused("publish", code=65)


def test_a_folder_of_keys_may_hold_other_files(centre: Centre) -> None:
    stick = centre.folder / "stick"
    shutil.move(centre.home.keys, stick)
    (stick / "notes.txt").write_text("hello")
    shutil.copy(stick / "root-1.pub", stick / "public.pem")
    assert len(held_keys(centre.home.keys, [stick])) == 6
    assert "name a folder with keys" in centre.refused("publish", "--keys", centre.folder / "nowhere", code=66)
    centre.run("publish", "--keys", stick)


def test_a_key_without_a_name_is_called_by_its_identifier(tmp_path: Path) -> None:
    key = make_key(tmp_path, "one")
    assert name_of(key) == f"one ({key.keyid[:8]})"
    assert public_key(tmp_path / "one.pub").keyid == key.keyid
    key.unrecognized_fields.clear()
    assert name_of(key) == key.keyid[:8]


def test_more_keys_than_any_role_needs_are_refused(centre: Centre) -> None:
    for number in range(257):
        (centre.home.keys / f"x-{number}.pem").touch(mode=0o600)
    assert "holds more than 256 keys" in centre.refused("publish", code=78)


# --- status


def test_status_says_what_is_due(centre: Centre) -> None:
    assert centre.json("status", code=1)["warnings"] == ["nothing is published: run greengate-centre trust publish"]
    centre.run("publish")
    status = centre.json("status")
    assert status["published"]["version"] == 1
    assert status["roles"]["timestamp"]["version"] == 1
    assert (status["warnings"], status["draft"], status["sets"]) == ([], [], [])
    shown = centre.run("status").stdout
    assert "published version 1\n" in shown
    assert "roles root threshold 2\n" in shown


def test_status_shows_sets_and_who_waits(centre: Centre) -> None:
    centre.run("publish")
    centre.run("revoke", centre.given("list.txt", b"URN:UVCI:01:VN:ONE#A\n"), "--format", "uvci")
    assert "draft revocations any-uci\n" in centre.run("status").stdout
    centre.run("publish")
    assert "sets name any-uci  count 1  deltas 0\n" in centre.run("status").stdout


def test_status_tells_a_draft_that_cannot_be_published(centre: Centre) -> None:
    (centre.home.draft / "signers.json").write_text("[]")
    assert "signers.json" in centre.refused("status", code=65)


@pytest.mark.parametrize("name", ["metadata/timestamp.json", "metadata/1.targets.json"])
def test_a_repository_that_was_damaged_is_told(centre: Centre, name: str) -> None:
    centre.run("publish")
    (centre.home.repo / name).write_bytes(b"{}")
    assert "bring it from a backup" in centre.refused("publish", code=78)
    assert "bring it from a backup" in centre.refused("status", code=78)


def test_a_staged_file_that_is_none_is_told(centre: Centre) -> None:
    for data in (b"", b"{}", b'{"version":2,"staged":[]}'):
        centre.home.staged.write_bytes(data)
        assert "is no staged publication" in centre.refused("sign", code=65)
    centre.home.staged.write_bytes(b'{"version":1,"staged":[{"role":"root","metadata":{"a":1},"needs":[]}]}')
    assert "staged metadata is damaged" in centre.refused("sign", code=65)

"""`greengate-centre trust`: what its commands print, their exit codes, and that two do not work at once."""

import fcntl
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, Targets

from centre.trust.keys import make_key
from tests.centre.trust_commands_site import Centre
from tests.centre.trust_site import rule


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
    draft = (centre.home.draft / "signers.json").read_bytes()
    assert told["holds"] == f"3 files, signers.json {hashlib.sha256(draft).hexdigest()}"
    assert told["signed"][0].startswith("targets-1 (")
    centre.run("publish")
    assert "missing -" not in centre.run("status").stdout
    assert "nothing waits" in centre.refused("sign", code=69)


def test_what_a_stick_says_cannot_write_over_the_terminal(centre: Centre) -> None:
    delegations = Delegations({}, {"\x1b[2J": DelegatedRole("\x1b[2J", [], 1, False, paths=["a"])})  # noqa: FBT003 - TUF's own order
    staged = {"role": "province-\x1b[2J", "metadata": Metadata(Targets(delegations=delegations)).to_dict(), "needs": []}
    file = centre.given("staged.json", json.dumps({"version": 1, "staged": [staged]}).encode())
    done = centre.run("sign", file)
    assert "\x1b" not in done.stdout
    assert done.stdout.count("\\x1b[2J") == 2


def test_signing_a_stick_s_file_touches_no_home(centre: Centre) -> None:
    stick = centre.folder / "stick"
    stick.mkdir()
    shutil.move(centre.home.keys / "targets-1.pem", stick)
    centre.run("publish", code=69)
    officer = Centre(centre.folder / "officer")
    officer.run("sign", centre.home.staged, "--keys", stick)
    assert not officer.home.folder.exists()


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
    profile = province.given("profile.json", rule("profile", id="venue", scope=scope))
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
    damaged = [{"a": 1}, Metadata(Targets()).to_dict()]
    for metadata in damaged:
        staged = {"version": 1, "staged": [{"role": "root", "metadata": metadata, "needs": []}]}
        centre.home.staged.write_text(json.dumps(staged))
        for words in (["sign"], ["rotate", "root"], ["publish"]):
            assert "what is staged is damaged: remove staged.json" in centre.refused(*words, code=65)

"""`greengate-centre trust`: rules and keys, as its commands take them."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from centre.trust.drafts import Draft
from centre.trust.keys import held_keys, make_key, name_of, public_key
from tests.centre.trust_commands_site import Centre
from tests.centre.trust_site import rule


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    made = Centre(tmp_path)
    made.run("init")
    return made


# --- rules


def test_rules_are_taken_as_they_are_and_never_backward(centre: Centre) -> None:
    path = centre.given("rule.json", rule(version=2))
    assert centre.json("add-rules", path)["path"] == "rules/nation/VN-TEST-72H.json"
    assert centre.json("add-rules", path)["new"] is False
    assert (centre.home.draft / "rules/nation/VN-TEST-72H.json").read_bytes() == rule(version=2)
    older = centre.given("older.json", rule(version=1))
    assert "version 1 is not newer than 2" in centre.refused("add-rules", older, code=65)
    changed = centre.given("changed.json", rule(version=2, valid_to="2030-01-01T00:00:00Z"))
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


def test_a_key_of_the_nation_s_speaks_for_no_province(centre: Centre) -> None:
    words = ("delegate", "vn-sg", "--key", centre.home.keys / "snapshot-1.pub")
    assert "a province has keys of its own" in centre.refused(*words, code=2)


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

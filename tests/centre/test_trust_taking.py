"""What of a province's publication the nation refuses: a stick that anybody may have written."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, TargetFile, Targets

from centre.trust import taking
from centre.trust.drafts import Draft
from centre.trust.home import TrustError
from centre.trust.keys import held_keys, public_key
from centre.trust.repository import Repository
from centre.trust.roles import RoleKeys
from tests.centre.trust_site import AT, Nation, Territory, rule, sg
from verifier.rule_file import role_of

HERE = "rules/province/vn-sg/VN-TEST-72H.json"


class Forger:
    """Writes a publication with the province's own key, and anything in it."""

    def __init__(self, territory: Territory) -> None:
        self.territory, self.folder = territory, territory.out
        self.repo = Repository(self.folder)

    def publish(self, files: dict[str, bytes], version: int = 1, **how: object) -> None:
        targets = {path: self.repo.lay_target(path, data) for path, data in files.items()}
        metadata = Metadata(Targets(version, None, AT + timedelta(days=9), targets))
        for name, value in how.items():
            setattr(metadata.signed, name, value)
        self.sign(metadata, version)

    def sign(self, metadata: Metadata[Targets], version: int = 1) -> None:
        (signer,) = held_keys(self.territory.home.keys).values()
        metadata.sign(signer)
        self.repo.lay(role_of("vn-sg"), version, metadata.to_bytes())


def refusal(nation: Nation, *folders: Path) -> str:
    """Publish, with something that is refused, and return why; all else is published."""
    version = nation.repo.timestamp()
    done = nation.publish(*folders)
    assert done.version == (1 if version is None else version.signed.version + 1)
    assert done.taken == []
    (line,) = done.refused
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    "path",
    [
        "rules/nation/VN-TEST-72H.json",
        "rules/province/vn-hn/VN-TEST-72H.json",
        "rules/province/vn-sg/deeper/VN-TEST-72H.json",
        "rules/province/vn-sg/../vn-hn/VN-TEST-72H.json",
        "signers.json",
        "freshness.json",
        "revocations/any-uci/00.00000000.part",
        "rules/province/vn-sg/notes.txt",
    ],
)
def test_a_path_of_somebody_else_is_refused(nation: Nation, saigon: Territory, path: str) -> None:
    Forger(saigon).publish({path: sg()})
    assert "place" in refusal(nation, saigon.out)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{}", "not a rule or a profile"),
        (b"\xff\xfe", "not a rule or a profile"),
        (sg(id="OTHER"), "name it after that"),
        (rule(), "speaks for itself only"),
        (sg(scope={"areas": ["VN"], "lanes": []}), "speaks for itself only"),
        (sg(scope={"areas": ["VN-SG", "VN-HN"], "lanes": []}), "speaks for itself only"),
        (b"[" * 60_000, "not a rule or a profile"),
        (sg(rule="x" * 70_000), "too large"),
    ],
    ids=["no-rule", "no-text", "another-id", "everywhere", "the-nation", "a-neighbour", "deep", "large"],
)
def test_a_file_that_no_kiosk_should_use_is_refused(nation: Nation, saigon: Territory, data: bytes, why: str) -> None:
    Forger(saigon).publish({HERE: data})
    assert why in refusal(nation, saigon.out)
    assert not list(nation.home.repo.glob("targets/rules/province/*/*"))


def test_a_stranger_s_signature_is_refused(nation: Nation, saigon: Territory, tmp_path: Path) -> None:
    stranger = Territory(tmp_path / "stranger")
    stranger.add_rule()
    stranger.publish()
    assert "province-vn-sg: 0 of 1 signatures, missing of province-vn-sg-1" in refusal(nation, stranger.out)
    assert saigon.code == stranger.code


def test_a_threshold_that_is_not_reached_is_refused(nation: Nation, tmp_path: Path) -> None:
    two = Territory(tmp_path, number=2, threshold=1)
    keys = [public_key(path) for path in sorted(two.home.keys.glob("*.pub"))]
    both = {key.keyid: key.to_dict() for key in keys}
    Draft(nation.home).delegate("vn-sg", RoleKeys("province-vn-sg", 2, both))
    (two.home.keys / "province-vn-sg-2.pem").unlink()
    two.add_rule()
    two.publish()
    assert "1 of 2 signatures, missing of province-vn-sg-2" in refusal(nation, two.out)


def test_a_province_that_nobody_delegated_to_is_refused(nation: Nation, tmp_path: Path) -> None:
    unknown = Territory(tmp_path, "vn-hn")
    unknown.add_rule()
    unknown.publish()
    assert "has not delegated to it" in refusal(nation, unknown.out)


def test_an_older_version_is_refused(nation: Nation, saigon: Territory) -> None:
    forger = Forger(saigon)
    forger.publish({HERE: sg()}, version=2)
    nation.publish(saigon.out)
    shutil.rmtree(saigon.out)
    forger.publish({HERE: sg()}, version=1)
    assert "version 1 is not newer than 2" in refusal(nation, saigon.out)


def test_the_same_version_with_another_content_is_refused(nation: Nation, saigon: Territory) -> None:
    forger = Forger(saigon)
    forger.publish({HERE: sg()})
    nation.publish(saigon.out)
    shutil.rmtree(saigon.out)
    forger.publish({HERE: sg(version=2)})
    assert "version 1 is not newer than 1" in refusal(nation, saigon.out)


def test_a_file_s_name_with_another_version_in_it_is_refused(nation: Nation, saigon: Territory) -> None:
    Forger(saigon).publish({HERE: sg()})
    (saigon.out / "metadata/1.province-vn-sg.json").rename(saigon.out / "metadata/7.province-vn-sg.json")
    assert "the file of version 7 says 1" in refusal(nation, saigon.out)


def test_what_ended_is_refused(nation: Nation, saigon: Territory) -> None:
    Forger(saigon).publish({HERE: sg()}, expires=AT)
    assert "ended on 2026-11-22" in refusal(nation, saigon.out)


def test_a_province_cannot_delegate(nation: Nation, saigon: Territory) -> None:
    (signer,) = held_keys(saigon.home.keys).values()
    below = DelegatedRole("below", [signer.public_key.keyid], 1, terminating=True, paths=["rules/province/vn-sg/*"])
    delegations = Delegations({signer.public_key.keyid: signer.public_key}, {"below": below})
    Forger(saigon).publish({HERE: sg()}, delegations=delegations)
    assert "delegates to others" in refusal(nation, saigon.out)


def test_more_files_than_anybody_needs_are_refused(nation: Nation, saigon: Territory) -> None:
    file = TargetFile(1, {"sha256": "0" * 64}, "x")
    many = {f"rules/province/vn-sg/R{number}.json": file for number in range(1001)}
    Forger(saigon).publish({}, targets=many)
    assert "more than 1000 files" in refusal(nation, saigon.out)


@pytest.mark.parametrize(
    "file",
    [
        TargetFile(9, {"sha256": "../../../../etc/passwd"}, HERE),
        TargetFile(9, {"sha512": "0" * 128}, HERE),
        TargetFile(9, {"sha256": "0" * 64, "sha512": "0" * 128}, HERE),
        TargetFile(0, {"sha256": "0" * 64}, HERE),
        TargetFile(10**12, {"sha256": "0" * 64}, HERE),
    ],
    ids=["a-path", "another-hash", "two-hashes", "empty", "endless"],
)
def test_a_file_that_is_signed_strangely_is_refused(nation: Nation, saigon: Territory, file: TargetFile) -> None:
    Forger(saigon).publish({}, targets={HERE: file})
    assert "not signed by its SHA-256" in refusal(nation, saigon.out)


def gone(path: Path) -> None:
    path.unlink()


def linked(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [gone, linked, longer, folder], ids=lambda one: one.__name__)
@pytest.mark.parametrize("which", ["targets/rules/province/vn-sg/*.json", "metadata/1.province-vn-sg.json"])
def test_a_stick_that_was_tampered_with_is_refused(
    nation: Nation, saigon: Territory, harm: Callable[[Path], None], which: str
) -> None:
    saigon.add_rule()
    saigon.publish()
    (path,) = saigon.out.glob(which)
    harm(path)
    if which.startswith("metadata") and harm is longer:
        assert nation.publish(saigon.out).taken == ["vn-sg"]  # a space more is the same JSON, which is what is signed
        return
    assert str(saigon.out) in refusal(nation, saigon.out)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff", b"[" * 100_000, b'{"signed":{"_type":"root"},"signatures":[]}']
)
def test_metadata_that_is_none_is_refused(nation: Nation, saigon: Territory, content: bytes) -> None:
    Repository(saigon.out).lay("province-vn-sg", 1, content)
    assert "cannot be read" in refusal(nation, saigon.out)


@pytest.mark.parametrize("value", [1.5, "\ud800"], ids=["fraction", "half a character"])
def test_metadata_that_nobody_can_sign_is_refused(nation: Nation, saigon: Territory, value: object) -> None:
    metadata = Metadata(Targets(1, None, AT + timedelta(days=9), unrecognized_fields={"x": value}))
    Repository(saigon.out).lay("province-vn-sg", 1, json.dumps(metadata.to_dict()).encode())
    assert "holds what nobody can sign" in refusal(nation, saigon.out)


def test_a_file_that_changes_while_it_is_taken_is_not_believed(
    nation: Nation, saigon: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    saigon.add_rule()
    saigon.publish()
    read, forged = Repository.bytes_of, [b"forged"]

    def changing(repo: Repository, role: str, version: int) -> bytes:
        of_stick = repo.folder == saigon.out and forged
        return forged.pop() if of_stick else read(repo, role, version)

    monkeypatch.setattr(Repository, "bytes_of", changing)
    assert "cannot be read" in refusal(nation, saigon.out)


def test_a_folder_of_another_province_is_left_as_it_is(saigon: Territory, tmp_path: Path) -> None:
    saigon.add_rule()
    saigon.publish()
    hanoi = Territory(tmp_path, "vn-hn")
    hanoi.out = saigon.out
    with pytest.raises(TrustError, match="holds the publication of province-vn-sg: give a folder of its own"):
        hanoi.publish()
    assert Repository(saigon.out).roles() == {"province-vn-sg"}


def test_a_province_s_key_speaks_for_no_other(nation: Nation, saigon: Territory) -> None:
    keys = Draft(nation.home).provinces()[saigon.code]
    with pytest.raises(TrustError, match="this is vn-sg's key: each province has keys of its own"):
        Draft(nation.home).delegate("vn-hn", RoleKeys("province-vn-hn", 1, keys.keys))


def test_a_folder_without_a_publication_is_refused(nation: Nation, tmp_path: Path) -> None:
    assert "holds no province's publication" in refusal(nation, tmp_path / "nowhere")


def test_a_province_s_machine_takes_no_rule_for_others(saigon: Territory) -> None:
    with pytest.raises(TrustError, match="speaks for itself only"):
        saigon.add_rule(scope={"areas": ["VN-HN"], "lanes": []})


def test_more_bytes_than_a_kiosk_takes_are_refused(nation: Nation, saigon: Territory) -> None:
    many = {
        f"rules/province/vn-sg/R{number}.json": TargetFile(60_000, {"sha256": "0" * 64}, "x") for number in range(300)
    }
    Forger(saigon).publish({}, targets=many)
    assert "files of over 16777216 bytes" in refusal(nation, saigon.out)


def test_a_province_publishes_no_more_than_is_taken(saigon: Territory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "ALL_MAX_BYTES", 100)
    saigon.add_rule()
    with pytest.raises(TrustError, match="files of over 100 bytes"):
        saigon.publish()
